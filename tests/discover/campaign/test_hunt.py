"""Campaigns that are killed, interrupted, starved of disk: nothing found is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from clusters import Processes
from hunted import PLAN

from bilinear.catalog import Catalog
from bilinear.catalog.checking import check
from bilinear.decompositions import strassen
from bilinear.discover.campaign import hunt as hunting
from bilinear.discover.campaign.bandit import Uniform
from bilinear.discover.campaign.hunt import hunt
from bilinear.discover.campaign.journal import Journal, JournalError, is_running, read
from bilinear.discover.campaign.ledger import Ledger
from bilinear.discover.campaign.plan import Plan
from bilinear.discover.campaign.plan import read as read_plan
from bilinear.discover.campaign.task import Task, attempt
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.keep import Made, entry_of
from bilinear.discover.replay import replay

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
PROGRAM = Path(__file__).with_name("hunted.py")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "hunt.toml"
    path.write_text(PLAN)
    return read_plan(path)


def catalog_of(plan: Plan) -> Catalog:
    return Catalog(plan.path.parent / "catalog", shipped=None)


def run(plan: Plan, budget: str, **more: object) -> tuple[str, Ledger]:
    reason, told = hunt(plan, catalog_of(plan), parse_budget(budget), **more)  # type: ignore[arg-type]
    return reason, told.ledger


def started(plan: Plan, *words: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(plan.path), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload,no-any-return]


def require_whole(plan: Plan) -> None:
    """Every scheme that the journal tells of is in the catalog, and right; every task was done once."""
    lines, catalog = read(plan.journal), catalog_of(plan)
    done = Counter(line["task"] for line in lines if line["event"] == "done")
    begun = Counter(line["task"] for line in lines if line["event"] == "begun")
    assert set(done.values()) <= {1}
    assert set(begun.values()) <= {1}
    assert done.keys() <= begun.keys()
    for name in (name for line in lines if line["event"] == "done" for name in line["kept"]):
        catalog.find(name)
    assert not check(catalog).faults


def test_each_entry_names_the_command_that_finds_it_again(plan: Plan) -> None:
    reason, ledger = run(plan, "8steps")
    assert (reason, ledger.done, ledger.begun) == ("budget", 8, {})
    assert ledger.falls
    require_whole(plan)
    mine = catalog_of(plan)
    for listing in mine:
        entry = mine.scheme(listing.id).entry
        assert entry.provenance.command.startswith(
            f"bilinear search {entry.target.resolve().short} --ring f2 --solver "
        )
        again = replay(entry, lambda parent: mine.scheme(parent).value)
        assert again.same, again.detail
    more = run(plan, "2steps")[1]
    assert (more.done, more.session_done) == (10, 2)
    require_whole(plan)


def test_a_task_that_was_killed_is_done_again(plan: Plan) -> None:
    run(plan, "4steps")
    data = plan.journal.read_bytes()
    schemes = {listing.id for listing in catalog_of(plan)}
    starts = [number for number, byte in enumerate(data) if byte == ord("\n")]
    for cut in (0, starts[2] - 5, starts[4] + 7):
        plan.journal.write_bytes(data[:cut])
        ledger = run(plan, f"{4 - Ledger.of(read(plan.journal)).done}steps")[1]
        assert (ledger.done, ledger.begun) == (4, {})
        require_whole(plan)
        assert schemes <= {listing.id for listing in catalog_of(plan)}


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_journal_cut_at_any_byte_is_read(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.write("session", pid=1, host="here", time=1.0, workers=1, budget="1h")
        journal.write("end", reason="budget", at=1.0)
        journal.write("end", reason="budget", at=2.0)
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    whole = data[:cut].count(b"\n")
    assert len(read(path)) == whole
    with Journal(path) as journal:
        assert len(journal.lines) == whole
        journal.write("end", reason="after", at=3.0)
    assert [line.get("reason") for line in read(path)[whole:]] == ["after"]


@pytest.mark.parametrize("line", ["{}", "[]", "text", '{"event": "done", "task": "1"}', '{"event": "dance"}'])
def test_a_damaged_journal_is_refused(plan: Plan, line: str) -> None:
    plan.journal.write_text(f"{line}\n")
    with pytest.raises(JournalError, match="line 1 is damaged, or of another version; delete it, or the file"):
        run(plan, "1steps")


def killed(plan: Plan, kills: int, seed: int) -> None:
    """Kill a campaign of two workers so often: the command with its scheduler, or a worker."""
    rng = random.Random(seed)
    for _ in range(kills):
        process = started(plan, "2", "10m")
        before, deadline = plan.journal.stat().st_size if plan.journal.is_file() else 0, time.monotonic() + 120
        while not plan.journal.is_file() or plan.journal.stat().st_size == before:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 1.5))
        children = psutil.Process(process.pid).children(recursive=True)
        if rng.random() < 0.3 and children:
            rng.choice(children).kill()
            time.sleep(rng.uniform(0, 1.5))
            children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        assert not psutil.wait_procs(children, timeout=60)[1], "a process is left"
        require_whole(plan)


@TWO_CORES
@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_kills_lose_nothing(plan: Plan, kills: int) -> None:
    killed(plan, kills, seed=kills)
    left = Ledger.of(read(plan.journal))
    reason, ledger = run(plan, f"{len(left.begun) + 1}steps")
    assert reason == "budget"
    assert not ledger.begun
    require_whole(plan)


def test_workers_of_a_cluster_may_die_and_come(plan: Plan, tmp_path: Path) -> None:
    with Processes(tmp_path, workers=2) as cluster:
        killed: list[int] = []

        def kill(told: hunting.Told) -> None:
            if told.ledger.done >= 3 and not killed:
                killed.append(cluster.workers[0].pid)
                cluster.workers[0].kill()
                cluster.workers[0].wait()
                cluster.replace()

        reason, ledger = run(plan, "10steps", cluster=str(cluster.file), hear=kill)
    assert killed
    assert (reason, ledger.done, ledger.begun) == ("budget", 10, {})
    require_whole(plan)


def test_the_second_run_is_refused(plan: Plan) -> None:
    with Journal(plan.journal) as journal:
        journal.write("session", pid=4711, host="elsewhere", time=1.0, workers=1, budget="1h")
        assert is_running(plan.journal)
        with pytest.raises(JournalError, match="process 4711 on elsewhere runs this campaign; wait for its end"):
            run(plan, "1steps")
    assert not is_running(plan.journal)
    assert run(plan, "1steps")[1].done == 1


def test_a_full_disk_ends_it_in_one_line(plan: Plan) -> None:
    run(plan, "1steps")
    room = plan.journal.stat().st_size + 300

    def narrow() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    process = started(plan, "1", "50steps", preexec_fn=narrow)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 2, told
    assert len(told.splitlines()) == 1
    assert "cannot be written: File too large" in told
    assert plan.journal.read_bytes().endswith(b"\n")
    require_whole(plan)
    run(plan, "3steps")
    require_whole(plan)


def test_a_clock_that_is_set_back_harms_nothing(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    run(plan, "2steps")
    monkeypatch.setattr(hunting.time, "time", lambda: -1e6)
    ledger = run(plan, "2steps")[1]
    assert ledger.done == 4
    assert ledger.speed is not None
    assert ledger.speed > 0


def test_ctrl_c_leaves_the_task_to_the_next_session(plan: Plan) -> None:
    pressed: list[int] = []

    def press(told: hunting.Told) -> None:
        if told.ledger.done == 2 and told.ledger.begun and not pressed:
            pressed.append(told.ledger.done)
            signal.raise_signal(signal.SIGINT)

    reason, ledger = run(plan, "9steps", hear=press)
    assert (reason, ledger.done) == ("interrupted", 2)
    assert run(plan, f"{len(ledger.begun)}steps")[1].begun == {}
    require_whole(plan)


def test_what_a_worker_calls_found_is_verified(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(task: Task, stopped: object) -> object:
        report = attempt(task)
        if report.found is None:
            return report
        wrong = replace(report.found.scheme, w=np.roll(report.found.scheme.w, 1, axis=0))
        return replace(report, found=replace(report.found, scheme=wrong))

    monkeypatch.setattr(hunting, "attempt", lying)
    assert run(plan, "3steps")[1].falls == []
    assert {line["status"] for line in read(plan.journal) if line["event"] == "done"} == {
        "wrong: its scheme is not kept"
    }
    assert list(catalog_of(plan)) == []


def test_what_has_its_goal_is_lowered_in_other_ways(plan: Plan) -> None:
    text = PLAN.replace('"2x2x2", "2x2x3", "2x3x3", "3x3x3"', '"2x2x2"').replace('"f2"', '"zt"')
    plan.path.write_text(text.replace('goal = "lower"', 'lower = ["rank", "additions", "growth"]'))
    changed = read_plan(plan.path)
    mine = catalog_of(plan)
    mine.add(
        entry_of(strassen(), Made("construction", ["search", "2x2x2", "--solver", "construction"], seed=0, steps=0))
    )
    changed = replace(changed, methods=tuple(replace(method, steps=2) for method in changed.methods))
    ledger = run(changed, "3steps")[1]
    begun = [line for line in read(plan.journal) if line["event"] == "begun"]
    assert {line["solver"] for line in begun} == {"optimize", "accuracy"}
    assert [line["solver"] for line in begun].count("accuracy") == 1
    assert ledger.done == 3
    assert any(line["kept"] for line in read(plan.journal) if line["event"] == "done")
    assert not check(mine).faults


def test_arms_may_be_drawn_uniformly(plan: Plan) -> None:
    assert run(plan, "3steps", chooser=lambda board: Uniform(1))[1].done == 3

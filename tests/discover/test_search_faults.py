"""Searches that are killed, and jobs that die: nothing half-written, nothing lost."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bilinear.decompositions import parse_target
from bilinear.discover.engine import jobs
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.checkpoint import load
from bilinear.discover.engine.jobs import run_jobs
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Progress, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.engine.workers import JobError

HARD = Problem(parse_target("3x3x3"), 22)  # not known to exist
OPTIONS: dict[str, object] = {"restarts": 16}

SEARCH = """
import sys
from bilinear.discover import Hooks, Order, Problem, parse_budget, run
from bilinear.decompositions import parse_target
from pathlib import Path
sys.modules["bilinear.discover.engine.loop"].CHECKPOINT_SECONDS = 0.0
path = Path(sys.argv[1])
hooks = Hooks(on_progress=lambda p: print(p.steps, flush=True))
run(Order(Problem(parse_target("3x3x3"), 22), "ternary-sgd", {"restarts": 16}, budget=parse_budget("60s"),
          checkpoint=path, resume=path.exists()), hooks)
"""


def killed_search(path: Path, after: float) -> int:
    """Run a search that checkpoints after every slice, kill it some time after its first; the last steps it told of."""
    process = subprocess.Popen([sys.executable, "-c", SEARCH, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    steps = [int(process.stdout.readline())]
    while not path.exists():
        time.sleep(0.01)
    time.sleep(after)
    process.kill()
    steps += [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
    assert process.wait() == -signal.SIGKILL
    return steps[-1]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_search_goes_on_from_its_last_checkpoint(tmp_path: Path, kills: int) -> None:
    path, rng, before = tmp_path / "search.npz", random.Random(kills), 0
    for _ in range(kills):
        told = killed_search(path, rng.uniform(0, 0.5))
        held = load(path, "ternary-sgd", make_solver("ternary-sgd", OPTIONS), HARD, 0)
        assert max(before, 1) <= held.state.steps <= told
        assert np.isfinite(held.state.latent).all()
        before = held.state.steps
    outcome = run(Order(HARD, "ternary-sgd", OPTIONS, budget=parse_budget("1steps"), checkpoint=path, resume=True))
    assert outcome.steps == before


def order(path: Path, seconds: str, number: int = 2) -> Order:
    budget = parse_budget(seconds)
    return Order(Problem(HARD.target, 22, HARD.ring), "ternary-sgd", OPTIONS, 0, budget, jobs=number, checkpoint=path)


def two_cores() -> bool:
    return len(os.sched_getaffinity(0)) >= 2


@pytest.mark.skipif(not two_cores(), reason="needs two cores")
def test_a_job_that_is_killed_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    reports: list[Progress] = []
    killed = threading.Event()

    def kill_one(progress: Progress) -> None:
        reports.append(progress)
        if not killed.is_set() and {report.job for report in reports} == {0, 1}:
            killed.set()
            os.kill(team.workers[0].process.pid, signal.SIGKILL)

    hooks = Hooks(kill_one, should_stop=lambda: killed.is_set() and reports[-1].steps > 4 * reports[0].steps)
    team = jobs._Team(order(tmp_path / "search.npz", "60s"), hooks)
    try:
        team.work(lambda: False)
    finally:
        team.dismiss()
    outcome = team.outcome()
    assert outcome.notes == ("job 0 (seed 0) died with signal 9; the others went on",)
    assert outcome.status in (Status.INTERRUPTED, Status.BUDGET)
    assert reports[-1].job == 1
    assert (tmp_path / "search.job1.npz").exists()


@pytest.mark.skipif(not two_cores(), reason="needs two cores")
def test_the_first_job_that_finds_a_scheme_ends_them_all(tmp_path: Path) -> None:
    strassen = Problem(parse_target("2x2x2"), 7)
    asked = order(tmp_path / "s.npz", "120s")
    outcome = run_jobs(replace(asked, problem=strassen, options={"restarts": 64}, seed=5), Hooks())
    assert outcome.status is Status.FOUND
    assert outcome.found is not None
    assert outcome.found.seed in (5, 6)
    alone = run(Order(strassen, "ternary-sgd", {"restarts": 64}, seed=outcome.found.seed, budget=parse_budget("120s")))
    assert alone.found is not None
    assert alone.found.scheme.u.tolist() == outcome.found.scheme.u.tolist()
    assert list(tmp_path.iterdir()) == []


def test_more_jobs_than_cores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="--jobs 1000: this machine has"):
        run_jobs(order(tmp_path / "search.npz", "1s", 1000), Hooks())


def test_an_error_in_a_job_reaches_the_user(tmp_path: Path) -> None:
    impossible = replace(order(tmp_path / "search.npz", "9s", 2), problem=Problem(parse_target("2x2x2"), 6))
    with pytest.raises(JobError, match=r"job [01]: 2x2x2 over zt: rank 6 is impossible"):
        run_jobs(impossible, Hooks())

"""Clusters that cannot be used are refused in one line; processes end with the command that started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import psutil
import pytest
from clusters import WORKER, Processes

from bilinear.discover.engine.parallel import crew
from bilinear.discover.engine.parallel.crew import Crew, JobError

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
LYING = "import bilinear.discover.engine.parallel.crew as c; c.fingerprint = lambda: '0.0.1 (abc)'; " + WORKER
WITHOUT = "import sys; sys.modules['bilinear'] = None; " + WORKER
HARD = ["search", "3x3x3", "--rank", "22", "--ring", "f2", "--solver", "flip-graph", "--budget", "10m", "--jobs", "2"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("cluster"), workers=0) as processes:
        yield processes


def joined(cluster: Processes) -> str:
    """What joining is refused with, once a worker has come."""
    with distributed.Client(cluster.address) as client:
        client.wait_for_workers(1, timeout=60)
    with pytest.raises(JobError) as caught, Crew(2, str(cluster.file)):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("program", "expected"),
    [(WITHOUT, "has no bilinear: "), (LYING, r"has bilinear 0.0.1 (abc); ")],
    ids=["without the package", "of another version"],
)
def test_other_workers_are_refused(cluster: Processes, program: str, expected: str) -> None:
    worker = cluster.hire(program)
    try:
        told = joined(cluster)
    finally:
        worker.kill()
        worker.wait()
    assert expected in told
    assert told.endswith("; install the same")


def test_a_cluster_without_workers_is_refused(cluster: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    with distributed.Client(cluster.address) as client:
        deadline = time.monotonic() + 60
        while client.nthreads() and time.monotonic() < deadline:
            time.sleep(0.1)
    monkeypatch.setattr(crew, "JOINING", 3.0)
    with (
        pytest.raises(JobError, match="it has no workers; start some with `dask worker tcp://"),
        Crew(1, cluster.address),
    ):
        pass


def test_another_dask_is_refused(cluster: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "version", lambda package: "2020.1.0")
    monkeypatch.setattr(crew, "JOINING", 3.0)
    with (
        pytest.raises(JobError, match=r"the scheduler runs distributed .*, this is 2020.1.0"),
        Crew(1, cluster.address),
    ):
        pass


@pytest.mark.parametrize("text", ["127.0.0.1:8786", "", "[]", "{", '{"address": 7}'])
def test_what_is_no_cluster_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scheduler.json"
    path.write_text(text)
    for cluster in (str(path), str(tmp_path / "missing.json")):
        with pytest.raises(JobError, match=f"--cluster {cluster}: ") as caught, Crew(1, cluster):
            pass
        assert "\n" not in str(caught.value)


def test_an_address_that_nobody_answers_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "JOINING", 0.5)
    with pytest.raises(JobError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9; start one with"):
        Crew(2, "tcp://127.0.0.1:9").__enter__()


def test_code_has_a_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version, digest = crew.fingerprint().split(" ")
    assert version
    assert len(digest) == 14
    room = tmp_path / "discover" / "engine" / "parallel"
    room.mkdir(parents=True)
    monkeypatch.setattr(crew, "__file__", str(room / "crew.py"))
    assert crew.fingerprint.__wrapped__() != crew.fingerprint()


def test_one_job_here_needs_no_dask() -> None:
    text = "import sys; from bilinear.discover import search as s; from bilinear.discover.search import search; "
    text += "search('2x2x2', 7, ring='f2'); assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", text], check=True, timeout=300)


def begun(folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A search by two jobs, in a process group of its own, that has checkpoints; and its processes."""
    told, place = folder / "metrics.jsonl", folder / "search.npz"
    words = [*HARD, "--metrics", str(told), "--checkpoint", str(place), "--catalog", str(folder / "catalog")]
    command = [sys.executable, "-m", "bilinear.cli", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 300
    while not (told.is_file() and any(json.loads(line).get("steps") for line in told.read_text().splitlines())):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process, psutil.Process(process.pid).children(recursive=True)


def ended(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]


@TWO_CORES
def test_ctrl_c_at_all_processes_leaves_a_checkpoint_and_none_of_them(tmp_path: Path) -> None:
    process, children = begun(tmp_path)
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "Traceback" not in told, told
    assert "interrupted; run again with --resume to go on" in told
    assert (tmp_path / "search.jobs.npz").is_file()
    assert ended(children)


@TWO_CORES
def test_a_killed_command_leaves_no_processes(tmp_path: Path) -> None:
    process, children = begun(tmp_path)
    process.kill()
    process.communicate()
    assert ended(children)

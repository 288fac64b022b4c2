"""Metrics as JSON lines: what is written, what survives a kill, what is refused."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bilinear.decompositions import parse_target, strassen
from bilinear.discover import metrics
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks
from bilinear.discover.metrics import MetricsError, read, recorded
from bilinear.discover.search import Result, execute

ORDER = Order(Problem(parse_target("2x2x2"), 7), solver="construction", options={"name": "strassen"})
FOUND = Found(strassen(), 0, 3, 0.1)
OUTCOME = Outcome(Status.FOUND, FOUND, None, 0, 3, 0.5, 0.25, metrics={"error": 0.5})


def played(path: Path | None, reports: list[Progress], order: Order = ORDER) -> Result:
    """Record a search that reports these and finds Strassen's algorithm."""

    def execute(hooks: Hooks) -> Result:
        for report in reports:
            hooks.on_progress(report)
        return Result(OUTCOME, FOUND.scheme)

    return recorded(path, order, Hooks(), execute)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_line_a_slice_and_job_one_an_improvement_and_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    ranks = [(0, None), (1, 8), (0, 8), (1, 8), (1, 7)]
    played(path, [Progress(k, k / 10, rank, {"error": 1.5}, job) for k, (job, rank) in enumerate(ranks)])
    start, *rest, end = lines(path)
    assert (start["event"], start["search"], start["solver"], start["published"]) == (
        "start",
        "2x2x2:7 over zt",
        "construction",
        7,
    )
    improvements = [(line["job"], line["best_rank"]) for line in rest if line["event"] == "improvement"]
    assert improvements == [(1, 8), (0, 8), (1, 7)]
    slices = [line for line in rest if line["event"] == "slice"]
    assert [(line["job"], line["best_rank"], line["steps"]) for line in slices] == [
        (job, rank, k) for k, (job, rank) in enumerate(ranks)
    ]
    assert slices[1] == {
        "event": "slice",
        "time": 0.1,
        "job": 1,
        "steps": 1,
        "best_rank": 8,
        "memory": None,
        "metrics": {"error": 1.5},
    }
    assert (end["event"], end["status"], end["best_rank"], end["cpu_seconds"]) == ("end", "found", 7, 0.25)


def test_a_real_search_is_recorded(tmp_path: Path) -> None:
    order = replace(ORDER, checkpoint=tmp_path / "state.npz")
    result = recorded(tmp_path / "run.jsonl", order, Hooks(), lambda hooks: execute(order, None, hooks))
    assert result.scheme is not None
    [run] = read(tmp_path / "run.jsonl")
    assert [line["event"] for line in run.lines] == ["improvement", "slice", "end"]


def test_without_a_file_nothing_is_recorded() -> None:
    assert played(None, [Progress(1, 0.1, 8, {})]).notes == ()


def test_the_hooks_of_the_caller_hear_the_same(tmp_path: Path) -> None:
    heard: list[Progress] = []
    report = Progress(1, 0.1, 8, {})

    def execute(hooks: Hooks) -> Result:
        hooks.on_progress(report)
        hooks.on_found(FOUND)
        assert hooks.should_stop()
        return Result(OUTCOME, None)

    found: list[Found] = []
    recorded(tmp_path / "run.jsonl", ORDER, Hooks(heard.append, found.append, lambda: True), execute)
    assert (heard, found) == ([report], [FOUND])


def test_infinities_become_null(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    played(path, [Progress(1, 0.1, None, {"error": float("inf"), "share": float("nan")})])
    assert "Infinity" not in path.read_text()
    assert lines(path)[1]["metrics"] == {"error": None, "share": None}


def test_a_second_search_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    played(path, [Progress(1, 0.1, 8, {})])
    played(path, [Progress(2, 0.1, 8, {})], replace(ORDER, resume=True))
    assert [run.about["resume"] for run in read(path)] == [False, True]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_broken_last_line_is_passed_over_and_cut_off_by_the_next_search(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    played(path, [Progress(1, 0.1, 8, {})])
    path.write_bytes(path.read_bytes()[:-cut])
    [run] = read(path)
    assert [line["event"] for line in run.lines] == ["improvement", "slice"]
    played(path, [])
    assert [line["event"] for line in lines(path)] == ["start", "improvement", "slice", "start", "end"]


def test_a_file_of_one_broken_line_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"event": "start", "form')
    played(path, [])
    assert [line["event"] for line in lines(path)] == ["start", "end"]


@pytest.mark.parametrize("text", ["notes\n", "notes", '{"event": "end"}\n', "\n"])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(MetricsError, match="holds something else than metrics; choose another file for --metrics"):
        played(path, [])
    assert path.read_text() == text


def test_a_full_disk_ends_the_metrics_and_not_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, descriptor: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(metrics, "os", Full())
    result = played(tmp_path / "run.jsonl", [Progress(1, 0.1, 8, {})])
    assert result.scheme is not None
    [note] = result.notes
    assert note.endswith("run.jsonl: No space left on device; the metrics end before the search does")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").touch()
    with pytest.raises(MetricsError, match=r"run.jsonl: no metrics in it; `bilinear search ... --metrics run.jsonl`"):
        read(tmp_path / "run.jsonl")


DAMAGES = [
    "{",
    "[]",
    '{"event": "slice", "time": -1, "job": 0, "best_rank": 8}',
    '{"event": "slice", "time": 1, "job": "a", "best_rank": 8}',
    '{"event": "slice", "time": 1, "job": 0, "best_rank": true}',
    '{"event": "slice", "time": NaN, "job": 0, "best_rank": 8}',
    '{"event": "party", "time": 1, "job": 0, "best_rank": 8}',
    "[" * 100_000,
    "\x00",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.jsonl"
    played(path, [])
    path.write_text(path.read_text() + damage + "\n")
    with pytest.raises(MetricsError, match="line 3 is damaged, or no line of metrics; delete it, or the file"):
        read(path)


def test_a_file_without_a_beginning_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"event": "slice", "time": 1, "job": 0, "best_rank": 8}\n')
    with pytest.raises(MetricsError, match="line 1 is damaged"):
        read(tmp_path / "run.jsonl")


def test_another_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"event": "start", "format": 2}\n')
    with pytest.raises(MetricsError, match="metrics of format 2; this version reads format 1"):
        read(tmp_path / "run.jsonl")


def test_a_folder_that_is_missing_is_an_error_before_the_search(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        played(tmp_path / "none" / "run.jsonl", [])


SEARCH = """
import sys
from pathlib import Path
from bilinear.discover.metrics import recorded
from bilinear.discover.engine.run import Hooks
from bilinear.discover import Order, Problem
from bilinear.discover.search import execute
from bilinear.discover.engine.budget import parse_budget
from bilinear.decompositions import parse_target
order = Order(Problem(parse_target("3x3x3"), 21), "ternary-sgd", {"restarts": 16}, budget=parse_budget("60s"),
              checkpoint=Path(sys.argv[1]) / "state.npz")
hooks = Hooks(on_progress=lambda p: print(p.steps, flush=True))
recorded(Path(sys.argv[1]) / "run.jsonl", order, hooks, lambda heard: execute(order, None, heard))
"""


def test_a_killed_search_leaves_whole_lines(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SEARCH, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    [run] = read(tmp_path / "run.jsonl")
    assert [line["steps"] for line in run.lines][:2] == told

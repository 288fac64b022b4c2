"""The live table: what it shows on a terminal, silence elsewhere, and the word about a compilation."""

import hashlib
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bilinear.commands import screen as progress
from bilinear.commands.screen import Board, announcement, clock, shown
from bilinear.decompositions import UnknownNameError
from bilinear.discover.engine.outcome import Progress
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.solver import SOLVERS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def board(*reports: Progress) -> Board:
    made = Board()
    for report in reports:
        made.hear(report)
    return made


def text(made: Board) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(made.table())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_one_row_a_job_with_time_steps_speed_rank_and_figures() -> None:
    made = board(
        Progress(1_000_000, 1.0, None, {"pluses": 1234, "error": 0.51234, "partition": "2+2+1"}, 1),
        Progress(49_200_000, 3.0, 62, {"pluses": 1234, "error": 0.51234, "partition": "2+2+1"}, 1),
        Progress(500, 0.5, None, {}, 0),
    )
    head, first, second = text(made).splitlines()
    assert head.split() == ["job", "time", "steps", "steps/s", "best", "rank", "figures"]
    assert first.split() == ["0", "0", "s", "500", "-", "-", "searching"]
    assert " ".join(second.split()) == "1 3 s 49.2 M 24.1 M 62 searching, pluses 1,234, error 0.5123, partition 2+2+1"


def test_ranks_stand_under_the_names_of_what_has_them() -> None:
    figures = {"best": 62, "lifted": 0, "over": "f2", "grown": "3x4x5:48", "round": 2}
    head, row = text(board(Progress(5, 1.0, 64, figures, memory=2_500_000))).splitlines()
    assert head.split()[4:] == ["best", "rank", "walked", "growing", "lifted", "figures"]
    assert " ".join(row.split()) == "0 1 s 5 - 64 62 over f2 3x4x5:48 - searching, 2.5 MB, round 2"


def test_what_a_slice_is_at_is_shown_before_it_is_done() -> None:
    made = board(Progress(500, 1.0, 8, {}), Progress(0, 2.0, None, {}, phase="lifting 4x4x4:47 from f2"))
    assert " ".join(text(made).splitlines()[1].split()) == "0 1 s 500 - 8 lifting 4x4x4:47 from f2"
    assert made.history() == "rank 8 at 1 s"
    made.hear(Progress(900, 3.0, 8, {}))
    assert "lifting" not in text(made)
    first = board(Progress(0, 0.0, None, {}, phase="proving 8 products"))
    assert "proving 8 products" in text(first)


def test_the_last_falls_of_the_rank_are_told_with_their_times() -> None:
    ranks = [None, 70, 70, 69, 70, 66]
    made = board(*(Progress(k, 10.0 * k, rank, {}) for k, rank in enumerate(ranks)))
    assert made.history() == "rank 70 at 10 s, 69 at 30 s, 66 at 50 s"
    assert board(Progress(1, 1.0, None, {})).history() == ""


def test_of_many_falls_the_last_are_told_and_of_several_jobs_which_it_was() -> None:
    made = board(*(Progress(k, float(k), 90 - k, {}, k % 2) for k in range(9)))
    assert made.history() == (
        "... rank 87 at 3 s (job 1), 86 at 4 s (job 0), 85 at 5 s (job 1), 84 at 6 s (job 0), 83 at 7 s (job 1), "
        "82 at 8 s (job 0)"
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (99.4, "99 s"), (185, "3:05 min"), (7200, "2:00 h"), (90061, "25:01 h")]
)
def test_times_are_readable(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = Hooks()
    with shown("searching", hooks) as heard:
        assert heard is hooks
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_the_table_and_the_hooks_hear_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, reports = Terminal(), [Progress(1, 1.0, 8, {"error": 1.5}), Progress(5, 2.0, 7, {"error": 0.5})]
    monkeypatch.setattr(sys, "stderr", screen)
    heard: list[Progress] = []
    with shown("searching", Hooks(heard.append)) as hooks:
        for report in reports:
            hooks.on_progress(report)
    assert heard == reports
    assert "best rank" in screen.getvalue()
    assert "rank 8 at 1 s, 7 at 2 s" in screen.getvalue()
    assert capsys.readouterr().out == ""


def test_a_search_that_fails_before_its_first_report_leaves_the_terminal_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(ValueError, match="broken"), shown("searching", Hooks()):
        raise ValueError("broken")
    assert "best rank" not in screen.getvalue()


def source_and_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A kernel and the place of its index in a cache of its own; what Numba caches for the real one stays in place."""
    SOLVERS.load("flip-graph")
    source = folder / "kernel.py"
    source.write_text("def run(): ...")
    monkeypatch.setattr(progress, "WALK", progress.WALK._replace(source=source))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder / "cache"))
    index = folder / "cache" / "flip_graph_1" / f"kernel.run-1.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    index.parent.mkdir(parents=True)
    return source, index


@pytest.mark.parametrize("stamp", ["text", "time"])
def test_a_compilation_is_announced_until_the_cache_holds_the_walk_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stamp: str
) -> None:
    source, index = source_and_index(tmp_path, monkeypatch)
    assert announcement("flip-graph") == "compiling the walk, once on this machine, about 20 s"
    digest, changed = hashlib.sha256(source.read_bytes()).digest(), struct.pack(">d", source.stat().st_mtime)
    index.write_bytes(b"\x80" + (digest if stamp == "text" else changed) + b".")
    assert announcement("flip-graph") == ""
    index.write_bytes(b"of an older walk")
    assert announcement("flip-graph") != ""


def test_nothing_is_announced_for_a_solver_that_compiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source_and_index(tmp_path, monkeypatch)
    assert announcement("construction") == ""


def test_an_unknown_solver_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown solver 'flip-grph': did you mean 'flip-graph'"):
        announcement("flip-grph")


COMPILED = """
import sys
from pathlib import Path
from bilinear.commands import screen as progress
source = Path(sys.argv[1]) / "kernel.py"
progress.WALK = progress.WALK._replace(source=source)
sys.path.insert(0, sys.argv[1])
before = progress.announcement("flip-graph")
import kernel
assert kernel.run(1) == 2
between = progress.announcement("flip-graph")
source.write_text(source.read_text() + "# changed")
print(bool(before), bool(between), bool(progress.announcement("flip-graph")))
"""


@pytest.mark.parametrize("cache", ["beside the file", "elsewhere"])
def test_what_this_numba_compiled_is_recognised(tmp_path: Path, cache: str) -> None:
    """A small function in place of the walk: the names in the cache and the stamp are Numba's own."""
    (tmp_path / "kernel.py").write_text(
        "from numba import njit\n\n\n@njit(cache=True)\ndef run(x):\n    return x + 1\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    if cache == "elsewhere":
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / "cache")
    command = [sys.executable, "-c", COMPILED, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "True False True\n", done.stderr

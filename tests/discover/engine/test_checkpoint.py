"""Checkpoints that somebody changed: refused in one line, or gone on from; nothing of them is believed."""

import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bilinear.decompositions import parse_target, standard, strassen
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine import archive
from bilinear.discover.engine.archive import CheckpointError, archived, opened
from bilinear.discover.engine.checkpoint import Checkpoint, from_bytes, load_team, save_team, to_bytes
from bilinear.discover.engine.outcome import Found
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import SOLVERS, Checking, make_solver

FUZZ = Path(__file__).parent / "checkpoint_fuzz.py"
PATH = Path("search.npz")
SMALL = Problem(parse_target("2x2x2"))
LEAST_GROWN_KB = 500_000


def wrong() -> Scheme:
    """Strassen's algorithm with one coefficient changed."""
    right = strassen()
    w = right.w.copy()
    w[0, 0] ^= 1
    return Scheme(right.target, right.ring, right.u, right.v, w)


def checkpoint(found: Scheme | None = None, name: str = "flip-graph", problem: Problem = SMALL) -> bytes:
    """The checkpoint of a search that has just begun."""
    solver = make_solver(name)
    state = solver.start(problem, np.random.default_rng(3))
    return to_bytes(name, solver, Checkpoint(state, 3, 1.0, None if found is None else Found(found, 3, 5, 0.5)))


def read(data: bytes, name: str = "flip-graph", problem: Problem = SMALL) -> Checkpoint:
    return from_bytes(data, PATH, name, make_solver(name), problem, 3)


def changed(data: bytes, key: str, value: object) -> bytes:
    """A value of the header, or an array, in the place of another one: `state.prize.ring`."""
    header, arrays = opened(data)
    if key in arrays:
        return archived(header, arrays | {key: np.asarray(value)})
    *outer, last = key.split(".")
    here = header
    for name in outer:
        here = here[name]
    here[last] = value
    return archived(header, arrays)


@pytest.mark.parametrize("cases", [440, pytest.param(20_000, marks=pytest.mark.slow)])
def test_changed_checkpoints_of_every_solver(tmp_path: Path, cases: int) -> None:
    """In a process of its own: no signal, no traceback, no wrong scheme, no memory beyond that of a search."""
    command = [sys.executable, "-W", "ignore", str(FUZZ), str(cases), "7"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert sum(told["met"].values()) == cases
    assert {f"{name} went on" for name in SOLVERS.names()} <= set(told["met"])
    assert told["grown_kb"] < LEAST_GROWN_KB


def test_every_solver_checks_its_states() -> None:
    for name in SOLVERS.names():
        assert isinstance(make_solver(name), Checking), name


def test_a_wrong_scheme_is_not_believed() -> None:
    assert read(checkpoint(strassen())).found is not None
    with pytest.raises(CheckpointError, match=r"its scheme is wrong: .* of 64 tensor entries"):
        read(checkpoint(wrong()))
    with pytest.raises(CheckpointError, match="its scheme is of another target than 2x2x2"):
        read(checkpoint(standard(parse_target("2x2x3"))))
    seven = replace(SMALL, rank=7)
    with pytest.raises(CheckpointError, match="of rank 8 over zt does not answer 2x2x2:7 over zt"):
        read(checkpoint(standard(SMALL.target), problem=seven), problem=seven)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("cpu_seconds", "soon", "its CPU time is no time"),
        ("state", None, "state is no object"),
        ("state.steps", "many", "state.steps is 'many'"),
        ("state.steps", 10**30, "state.steps is too large"),
        ("state.round", -1, "a number of it is below 0"),
        ("state.round", 2**62, "a number of it is too large"),
        ("state.stage", 9, "its stage is not on the way"),
        ("state.exhausted", True, "it says that no move is left"),
        ("state.prize.ring", "f3", "its best scheme is over 'f3', not over f2"),
        ("state.prize.best", np.ones((7, 12), np.int8), "its best scheme is wrong"),
        ("state.prize.best", np.ones((7, 11), np.int8), "its best scheme is cut"),
        ("state.prize.best", np.ones((7, 12)), "state.prize.best is of float64"),
        ("state.walk.ring", "f5", "the walk is of other sizes"),
        ("state.walk.capacity", 10**9, "the walk has more rows than room"),
        ("state.walk.settings.plus_min", 5, "its walk moves as no option of this search says"),
        ("state.walk.settings.plus_min", 0, "makes its pluses at no time"),
        ("state.walk.u", np.zeros((8, 4), np.int8), "a factor of the walk is zero"),
        ("state.walk.u", np.full((8, 4), 5, np.int8), "a coefficient of the walk lies outside its ring"),
        ("state.walk.u", np.ones((8, 4), np.int8), "a factor|draws flips|is wrong"),
        ("state.walk.entered", np.zeros(24, np.int32), "entered twice or never"),
        ("state.walk.active", np.arange(24, dtype=np.int32)[::-1][:23], "draws flips from factors that none equals"),
        ("state.walk.counters", np.full(9, 2**63, np.uint64), "a counter of the walk is out of bounds"),
        ("state.shelf.sizes", np.full((1, 3), 10**9), "its shelf is cut"),
    ],
)
def test_what_no_search_can_have_left_is_refused(key: str, value: object, reason: str) -> None:
    with pytest.raises(CheckpointError, match=f"the checkpoint is damaged: .*({reason})"):
        read(changed(checkpoint(), key, value))


def test_another_problem_in_the_state_is_refused() -> None:
    with pytest.raises(CheckpointError, match="is of 9x9x9 over zt, not of 2x2x2 over zt"):
        read(changed(checkpoint(), "state.problem.target", "matmul:9x9x9"))


def test_nothing_that_a_terminal_obeys_is_repeated() -> None:
    for key in ("format", "solver", "state.problem.ring"):
        with pytest.raises(CheckpointError) as caught:
            read(changed(checkpoint(), key, "\x1b[2J" + 9999 * "x"))
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1000


def zeros(compressed: int) -> bytes:
    """An archive that states a member of a gigabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compressed) as held:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (1 << 27,)})
        held.writestr("state.x.npy", head.getvalue() + (bytes(1 << 27) if compressed else b""))
    return buffer.getvalue()


@pytest.mark.parametrize("compressed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_sizes_are_bounded_before_anything_is_read(compressed: int) -> None:
    data = zeros(compressed)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"the checkpoint is damaged: (its members|member)"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data) + 100_000
    finally:
        tracemalloc.stop()


def test_numbers_beyond_64_bits_are_kept() -> None:
    """Composed of a scheme with such coefficients, which no integer type of an array holds."""
    name, problem = "composition", Problem(parse_target("2x2x2"), None, Ring.Q)
    solver, big = make_solver(name), strassen()
    u = big.u.astype(object) * 2**70
    start = Scheme(big.target, Ring.Q, u, big.v, big.w, np.array([2**70] * 7, object))
    state = solver.start(problem, np.random.default_rng(3), (start,))
    data = to_bytes(name, solver, Checkpoint(state, 3, 0.0, None))
    assert read(data, name, problem).state.u.tolist() == state.u.tolist()


def test_the_checkpoint_of_several_jobs(tmp_path: Path) -> None:
    path = tmp_path / "search.jobs.npz"
    save_team(path, 7, [b"one", b"two"])
    assert load_team(path, 2) == (7, [b"one", b"two"])
    with pytest.raises(CheckpointError, match="is of 2 jobs, not of 3"):
        load_team(path, 3)
    for header in ({"format": 1, "jobs": 2, "barrier": -1}, {"format": 1, "jobs": "2", "barrier": 1}, {"format": 1}):
        archive.write(path, archived(header, {}))
        with pytest.raises(CheckpointError, match="the checkpoint is damaged"):
            load_team(path, 2)

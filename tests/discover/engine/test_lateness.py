"""The budget and Ctrl-C are heard by every solver while it walks, lifts, fits or builds; what is given up never was.

How late a search ends is told in processor seconds, which a busy machine does not stretch.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import Ring, parse_target
from bilinear.decompositions.giving_way import heard
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, Search, run
from bilinear.discover.engine.solver import SOLVERS

LATE = 2.0  # seconds
HARD: dict[str, tuple[str, int | None, str, dict[str, object]]] = {
    "als": ("4x4x4", 46, "q", {"approximate": "true"}),
    "composition": ("12x12x12", None, "zt", {}),
    "construction": ("16x16x16", None, "zt", {}),
    "evaluation": ("polymul:12x12", None, "zt", {}),
    "flip-graph": ("5x6x7", 150, "zt", {}),
    "flip-pool": ("5x6x7", None, "zt", {}),
    "meta": ("5x6x7", 150, "zt", {}),
    "portfolio": ("6x6x6", None, "zt", {}),
    "symmetric": ("6x6x6", None, "zt", {}),
    "ternary-sgd": ("9x9x9", 500, "zt", {}),
}
IN_THE_GATE = ("flip-pool", "ternary-sgd")
CASES = [name if name in IN_THE_GATE else pytest.param(name, marks=pytest.mark.slow) for name in HARD]


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """That of a shell in the foreground; a background may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def hard(solver: str, seconds: float, path: Path) -> Order:
    """A search that nothing ends soon; what it compiles and imports is there before."""
    target, rank, ring, options = HARD[solver]
    small = "polymul:3x3" if target.startswith("poly") else "2x2x2"
    known = {"als": 7, "ternary-sgd": 7}.get(solver)
    run(Order(Problem(parse_target(small), known, Ring(ring)), solver, options, budget=parse_budget("2steps")))
    problem = Problem(parse_target(target), rank, Ring(ring))
    return Order(problem, solver, options, budget=Budget(seconds=seconds), checkpoint=path)


def after(seconds: float, do: Callable[[], object], order: Order) -> tuple[Outcome, float]:
    """The end of a search, and its processor time from a moment on at which something is done."""
    marks: list[float] = []

    def mark() -> None:
        marks.append(time.process_time())
        do()

    timer = threading.Timer(seconds, mark)
    timer.start()
    try:
        outcome = run(order)
    finally:
        timer.cancel()
    return outcome, time.process_time() - marks[0] if marks else 0.0


def test_every_solver_has_a_hard_problem() -> None:
    assert set(SOLVERS.names()) == set(HARD)


@pytest.mark.parametrize("solver", CASES)
def test_the_budget_is_heard(solver: str, tmp_path: Path) -> None:
    outcome, late = after(1.5, lambda: None, hard(solver, 1.5, tmp_path / "state.npz"))
    assert outcome.status in (Status.BUDGET, Status.FOUND)
    assert late < LATE


@pytest.mark.parametrize("solver", CASES)
def test_a_press_of_ctrl_c_is_heard(solver: str, tmp_path: Path) -> None:
    order = hard(solver, 60, tmp_path / "state.npz")
    outcome, late = after(1.0, lambda: os.kill(os.getpid(), signal.SIGINT), order)
    assert outcome.status in (Status.INTERRUPTED, Status.FOUND)
    assert late < LATE


def test_a_slice_that_is_given_up_never_was(tmp_path: Path) -> None:
    order = Order(Problem(parse_target("3x3x3"), 22, Ring.F2), "flip-graph", {"grow": False}, 3)

    def state(search: Search) -> bytes:
        return checkpoints.to_bytes(search.name, search.solver, checkpoints.Checkpoint(search.state, 3, 0.0, None))

    search, other = Search.of(order, Hooks()), Search.of(order, Hooks())
    for one in (search, other):
        one.begin((), False)
        one.advance()
    before = state(search)
    with heard(lambda: True):
        search.advance()
    assert state(search) == before
    search.advance()
    other.advance()
    assert state(search) == state(other)


@pytest.mark.parametrize("solver", ["flip-graph", "flip-pool", "meta"])
def test_a_start_that_does_not_lift_ends_the_search(solver: str) -> None:
    """47 products of 4x4x4 are known over f2 alone: no step of a walk from there leads to zt."""
    start = Catalog().scheme("4x4x4:47", "f2").value
    order = Order(Problem(parse_target("4x4x4"), 47), solver, budget=Budget(steps=10**12), starts=(start,))
    outcome = run(order)
    assert (outcome.status, outcome.found) == (Status.EXHAUSTED, None)
    assert outcome.notes[0].startswith("no start lifts: modulo 4 nothing reduces to it")


def test_a_portfolio_goes_on_with_what_needs_no_start() -> None:
    start = Catalog().scheme("4x4x4:47", "f2").value
    order = Order(Problem(parse_target("4x4x4"), 47), "portfolio", budget=Budget(steps=1 << 20), starts=(start,))
    outcome = run(order)
    assert outcome.status is Status.BUDGET
    assert outcome.metrics["symmetric"] > 47

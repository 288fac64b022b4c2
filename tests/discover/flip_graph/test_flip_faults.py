"""Bad input: each mistake is one clear line; and whatever a search returns is exact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flip_cases import leaves, polynomial

from bilinear.decompositions import Approximation, parse_target, standard, strassen, verify
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.file import from_entries
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.checkpoint import Checkpoint, from_bytes, to_bytes
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, make_solver

SOLVERS = ["flip-graph", "flip-pool"]
FLIP_SOLVERS = [*SOLVERS, "symmetric"]
ALL = [*FLIP_SOLVERS, "meta", "portfolio"]
QUICK: dict[str, dict[str, object]] = {"meta": {"patience": 0.2, "leg": 0.1}}
HARD = Problem(parse_target("3x3x3"), 22, Ring.F2)  # not known to exist
LIFTED = Problem(parse_target("3x3x3"), None, Ring.ZT)  # walked over f2


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
def test_a_start_of_another_target_is_refused(solver: str) -> None:
    other = standard(polynomial(2, 2))
    with pytest.raises(ProblemError, match=f"start of {other.target.short}: 3x3x3 is searched for"):
        run(Order(Problem(parse_target("3x3x3")), solver, starts=(other,)))


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
def test_gaussian_rationals_are_beyond_a_walk(solver: str) -> None:
    with pytest.raises(ProblemError, match=f"{solver} walks over f2, f3 and zt; qi is beyond them"):
        run(Order(Problem(parse_target("2x2x2"), 7, Ring.QI), solver))


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
@pytest.mark.parametrize(("walked", "ring"), [("f2", "f3"), ("f3", "f2"), ("zt", "f2")])
def test_a_walk_over_a_set_that_does_not_lead_to_the_ring_is_refused(solver: str, walked: str, ring: str) -> None:
    with pytest.raises(ProblemError, match=f"a walk over {walked} gives no schemes over {ring}"):
        run(Order(Problem(parse_target("2x2x2"), 7, Ring(ring)), solver, {"walk": walked}))


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
def test_257_coordinates_are_too_many(solver: str) -> None:
    wide = parse_target("17x17x17")
    with pytest.raises(ProblemError, match=f"{solver} holds at most 256 coordinates a side, 17x17x17 has 289"):
        run(Order(Problem(wide), solver))


@pytest.mark.parametrize("solver", SOLVERS)
def test_256_coordinates_are_walked(solver: str) -> None:
    indices = np.array([[i, i // 2, i] for i in range(256)])
    target = from_entries("file:wide", indices, np.ones(256, np.int64), (256, 128, 256))
    outcome = run(Order(Problem(target, None, Ring.F2), solver, budget=Budget(steps=1)))
    assert outcome.scheme is not None
    assert outcome.scheme.rank == 256


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_many_products_are_refused(solver: str) -> None:
    indices = np.indices((21, 20, 20)).reshape(3, -1).T
    target = from_entries("file:many", indices, np.ones(len(indices), np.int64), (21, 20, 20))
    with pytest.raises(ProblemError, match="8400 products to start from; too many"):
        run(Order(Problem(target), solver))


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_approximation_is_no_start(solver: str) -> None:
    scheme = strassen()
    start = Approximation(scheme.target, *(factor.astype(np.float64) for factor in scheme.factors))
    with pytest.raises(ProblemError, match="starts at schemes, not at approximations"):
        run(Order(Problem(scheme.target, 7), solver, starts=(start,)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("walked", "reason"),
    [("f2", "a denominator is divisible by 2; there is no reduction to f2"), ("zt", "2x2x2.* zt")],
)
def test_a_start_that_the_walk_cannot_hold_is_refused(solver: str, walked: str, reason: str) -> None:
    """Halves have no residue modulo 2, and are not ternary."""
    scheme = strassen()
    doubled = Scheme(scheme.target, Ring.Q, 2 * scheme.u, scheme.v, scheme.w, np.full(7, 2))
    with pytest.raises(BilinearError, match=reason):
        run(Order(Problem(scheme.target, 7), solver, {"walk": walked}, starts=(doubled,)))


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"walk": "f5"}, "walk 'f5'; one of f2, f3, zt is needed"),
        ({"plus_min": 9, "plus_max": 8}, "0 < plus_min <= plus_max"),
        ({"plus_diff": 0}, "plus_diff of at least 1"),
        ({"lifts": 0}, "must be above 0"),
        ({"flips": 1}, "has no option 'flips'"),
        ({"plus_min": "many"}, "option plus_min is 'many'; int is needed"),
    ],
)
def test_wrong_options_are_refused(solver: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        make_solver(solver, options)


@pytest.mark.parametrize("problem", [HARD, LIFTED], ids=lambda problem: str(problem.ring))
@pytest.mark.parametrize("solver", [*FLIP_SOLVERS, "meta"])
def test_a_resumed_search_ends_like_one_that_never_stopped(solver: str, problem: Problem, tmp_path: Path) -> None:
    path, budget = tmp_path / "search.npz", Budget(steps=1 << 25)
    whole = run(Order(problem, solver, seed=4, budget=budget))
    run(Order(problem, solver, seed=4, budget=Budget(steps=1), checkpoint=path))
    parts = run(Order(problem, solver, seed=4, budget=budget, checkpoint=path, resume=True))
    assert parts.steps == whole.steps
    assert parts.metrics == whole.metrics


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
def test_a_damaged_checkpoint_is_refused_in_one_line(solver: str, tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    run(Order(HARD, solver, budget=Budget(steps=1), checkpoint=path))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="the checkpoint is damaged") as caught:
        run(Order(HARD, solver, checkpoint=path, resume=True))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_holds_all_of_a_state(name: str) -> None:
    """What was won, what is lifted, schemes of other jobs: states nested in states come back as they were."""
    solver, path = make_solver(name, QUICK.get(name, {})), Path("search.npz")
    state = solver.start(LIFTED, np.random.default_rng(1))
    for _ in range(3):
        state = solver.advance(state)
    given = [strassen().to("f2"), standard(LIFTED.target).to("f2")]
    state = solver.accept(state, given, np.random.default_rng(0))  # type: ignore[attr-defined]
    held = to_bytes(name, solver, Checkpoint(state, 1, 0.0, None))
    again = dict(leaves(from_bytes(held, path, name, solver, LIFTED, 1).state))
    assert len(again) > 10
    for field, value in leaves(state):
        assert type(again[field]) is type(value)
        assert np.array_equal(again[field], value) if isinstance(value, np.ndarray) else again[field] == value


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_of_an_older_version_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    """Before the best schemes were one nested state they stood among the other fields."""
    path = tmp_path / "search.npz"
    run(Order(LIFTED, name, QUICK.get(name, {}), budget=Budget(steps=1), checkpoint=path))
    with np.load(path) as held:
        arrays = {key.replace(".prize.", "."): held[key] for key in held.files}
    header = json.loads(str(arrays.pop("header")))
    for state in (header["state"], *header["state"].values()):
        if isinstance(state, dict) and "prize" in state:
            state |= state.pop("prize")
    np.savez(path, header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(CheckpointError, match=r"prize.*start the search without --resume") as caught:
        run(Order(LIFTED, name, QUICK.get(name, {}), checkpoint=path, resume=True))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("ring", [Ring.F2, Ring.F3, Ring.ZT])
def test_any_target_is_searched_and_every_candidate_is_exact(solver: str, ring: Ring) -> None:
    for seed, target in enumerate((polynomial(2, 3), polynomial(3, 3), parse_target("2x2x2"))):
        outcome = run(Order(Problem(target, None, ring), solver, seed=seed, budget=Budget(steps=1)))
        assert outcome.rejected == 0
        assert outcome.scheme is not None
        assert verify(outcome.scheme).ok
        assert outcome.scheme.rank <= standard(target).rank


@pytest.mark.parametrize("solver", FLIP_SOLVERS)
def test_a_state_holds_nothing_but_arrays_numbers_and_texts(solver: str) -> None:
    state = make_solver(solver).start(HARD, np.random.default_rng(1))
    for _, value in leaves(state):
        assert isinstance(value, np.ndarray | int | float | str | Problem)

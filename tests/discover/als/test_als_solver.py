"""The search from floats to exact schemes: what it finds, from where it starts, what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bilinear.decompositions import parse_target, standard, strassen, verify
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets.file import from_dense
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome, Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, make_solver
from bilinear.discover.solvers.als import AlternatingLeastSquares


def found(name: str, rank: int, ring: str = "zt", budget: str = "6000steps", **given: Any) -> Outcome:
    return run(Order(Problem(parse_target(name), rank, Ring(ring)), "als", budget=parse_budget(budget), **given))


@pytest.mark.parametrize(
    ("name", "rank", "ring"),
    [
        ("2x2x2", 7, "zt"),
        ("1x2x3", 6, "zt"),
        ("2x2x2", 8, "z"),
        ("polymul:2x2", 3, "zt"),
        ("polymul:3x3", 5, "q"),
        ("cyclic:4", 5, "q"),
        ("complex", 3, "zt"),
        ("complex", 2, "qi"),
        pytest.param("quaternion", 8, "q", marks=pytest.mark.slow),
    ],
)
def test_known_ranks_are_reached(name: str, rank: int, ring: str) -> None:
    outcome = found(name, rank, ring, options={"tries": 4, "restarts": 16})
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert outcome.scheme.rank <= rank
    assert verify(outcome.scheme).ok
    assert outcome.rejected == 0


@pytest.mark.slow
def test_laderman_is_reached() -> None:
    assert found("3x3x3", 23, budget="40000steps").status is Status.FOUND


def test_the_same_seed_finds_the_same() -> None:
    one, two = (found("2x2x2", 7, seed=5) for _ in range(2))
    assert one.steps == two.steps
    assert one.scheme is not None
    assert two.scheme is not None
    assert all(np.array_equal(x, y) for x, y in zip(one.scheme.factors, two.scheme.factors, strict=True))


def test_a_search_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    few: dict[str, object] = {"restarts": 4}
    whole = found("3x3x3", 23, budget="450steps", options=few)
    path = tmp_path / "als.npz"
    found("3x3x3", 23, budget="1steps", checkpoint=path, options=few)
    resumed = found("3x3x3", 23, budget="450steps", checkpoint=path, resume=True, options=few)
    assert resumed.steps == whole.steps
    assert resumed.metrics == whole.metrics


def test_an_impossible_rank_leaves_the_nearest_approximation() -> None:
    options: dict[str, object] = {"approximate": True, "restarts": 8, "bound": 3.0}
    problem = Problem(parse_target("2x2x2"), 6, Ring.Q)
    solver = make_solver("als", options)
    state = solver.start(problem, np.random.default_rng(1))
    held: list[Approximation] = []
    for _ in range(30):
        state = solver.advance(state)
        held += [candidate for candidate in solver.candidates(state) if isinstance(candidate, Approximation)]
    residuals = [float(approximation.residual) for approximation in held]
    assert residuals == sorted(residuals, reverse=True)
    assert 0.124 < residuals[-1] < 0.2  # the infimum is 1/8: F. Bini and others, the border rank of 2x2x2 is 7
    norms = np.prod([np.linalg.norm(factor, axis=1) for factor in held[-1].factors], axis=0) ** (1 / 3)
    assert norms.max() <= 3 + 1e-9


def test_no_rank_is_too_low_for_an_approximation() -> None:
    outcome = found("2x2x2", 6, budget="400steps", options={"approximate": True, "restarts": 8})
    assert outcome.scheme is None
    assert outcome.approximation is not None
    assert float(outcome.approximation.residual) == pytest.approx(0.125, abs=1e-3)
    with pytest.raises(ProblemError, match="rank 6 is impossible"):
        found("2x2x2", 6)


@pytest.mark.parametrize("rank", [7, 8])
def test_a_start_of_the_rank_or_another_is_taken(rank: int) -> None:
    start = strassen() if rank == 8 else standard(parse_target("2x2x2"))
    outcome = found("2x2x2", rank, starts=[start])
    assert outcome.status is Status.FOUND


def test_members_begin_near_the_starts() -> None:
    solver = AlternatingLeastSquares(restarts=8, seeded=1.0, jitter=0.0)
    start = strassen()
    state = solver.start(Problem(start.target, 7), np.random.default_rng(0), [start])
    whole = Approximation(start.target, *(part.reshape(7, 4) for part in np.split(state.x[0], 3)))
    assert whole.residual < 1e-25
    longer = solver.start(Problem(start.target, 9), np.random.default_rng(0), [start])
    assert np.count_nonzero(longer.x[0]) == sum(np.count_nonzero(factor) for factor in start.factors)
    shorter = solver.start(Problem(start.target, 6), np.random.default_rng(0), [start])
    assert shorter.x.shape == (8, 72)


def test_an_approximation_is_a_start() -> None:
    scheme = strassen()
    rng = np.random.default_rng(8)
    near = [factor + 0.02 * rng.standard_normal(factor.shape) for factor in scheme.factors]
    outcome = found("2x2x2", 7, starts=[Approximation(scheme.target, *near)])
    assert outcome.status is Status.FOUND


def test_what_it_cannot_take_is_refused() -> None:
    target = parse_target("2x2x2")
    solver, rng = AlternatingLeastSquares(), np.random.default_rng(0)
    with pytest.raises(ProblemError, match="als searches zt, z, q and qi, not f2"):
        solver.start(Problem(target, 7, Ring.F2), rng)
    with pytest.raises(ProblemError, match="als needs a rank: give --rank for 2x2x2"):
        solver.start(Problem(target), rng)
    with pytest.raises(ProblemError, match="start over f2: als works with real numbers; lift it first"):
        solver.start(Problem(target, 7), rng, [strassen().to("f2")])
    with pytest.raises(ProblemError, match="approximations are real"):
        AlternatingLeastSquares(approximate=True).start(Problem(target, 6, Ring.QI), rng)


def test_a_complex_start_is_refused_over_a_real_ring() -> None:
    target = from_dense("file:i.npy", np.ones((1, 1, 1), int))
    one, none = np.ones((1, 1), int), np.zeros((1, 1), int)
    turned = Scheme(target, Ring.QI, none, none, -one, None, (one, one, none))  # type: ignore[arg-type]
    assert verify(turned).ok
    with pytest.raises(ProblemError, match="start with complex factors: they cannot lead to q; choose --ring qi"):
        AlternatingLeastSquares().start(Problem(target, 1, Ring.Q), np.random.default_rng(0), [turned])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": "tpu"}, "device 'tpu'; one of cpu, cuda is needed"),
        ({"restarts": "0"}, "restarts 0; at least 1 is needed"),
        ({"ridge": "0.001", "ridge_end": "0.01"}, "it must fall and stay positive"),
        ({"bound": "3"}, "bound 3.0; a positive number together with approximate=true is needed"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        make_solver("als", options)

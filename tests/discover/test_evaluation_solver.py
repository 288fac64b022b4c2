"""The solver `evaluation`: from a name to a verified scheme, the walks that go on from it, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, lower_bounds, parse_target, strassen, verify
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.facts import known_ranks
from bilinear.decompositions.facts.polynomial import LIFTED
from bilinear.decompositions.identity import content_hash, normal_form
from bilinear.decompositions.rings import holds
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, make_solver
from bilinear.discover.search import search
from bilinear.discover.solvers.evaluation import LEG, Evaluation, reaches

SHORT = {"flips": 2 * LEG / 1e6}
"""Two legs over each ring."""


@pytest.mark.parametrize(
    ("target", "rank", "ring", "expected"),
    [
        ("cyclic:6", None, "q", 8),
        ("polymul:3x3", None, "f2", 6),
        ("correlation:4x3", 6, "q", 6),
        ("toeplitz:3", 5, "q", 5),
        ("complex", 2, "qi", 2),
        ("polymul:2x2", 3, "zt", 3),
    ],
)
def test_a_search_ends_with_a_verified_scheme(target: str, rank: int | None, ring: str, expected: int) -> None:
    result = search(target, rank, ring=ring, solver="evaluation")
    assert result.outcome.status is Status.FOUND
    assert result.outcome.rejected == 0
    assert result.scheme is not None
    assert result.scheme.rank == expected
    assert verify(result.scheme).ok


def test_points_are_an_option() -> None:
    result = search("polymul:2x2", ring="q", solver="evaluation", options={"points": "1,-1,inf"})
    assert result.scheme is not None
    assert {tuple(row) for row in result.scheme.u.tolist()} == {(1, 1), (1, -1), (0, 1)}


@pytest.mark.parametrize(
    ("name", "rank", "ring", "options", "needed"),
    [
        ("shortmul:8", 22, Ring.F2, {"flips": 0}, 23),
        ("shortmul:8", 14, Ring.Q, {}, 15),
        ("polymul:3x3", 5, Ring.F3, {"moduli": "0,0,1;1,1;2,1;inf"}, 6),
        ("polymul:2x2", 2, Ring.F2, {"points": "0,1,inf"}, 3),
    ],
    ids=["no-flips", "over-q", "moduli-given", "points-given"],
)
def test_a_rank_that_is_not_built_is_refused_where_nothing_is_walked(
    name: str, rank: int, ring: Ring, options: dict[str, object], needed: int
) -> None:
    solver, problem = make_solver("evaluation", options), Problem(parse_target(name), rank, ring)
    with pytest.raises(ProblemError, match=f"evaluation needs {needed} products, not {rank}"):
        solver.start(problem, np.random.default_rng(0))


def test_other_targets_and_starts_are_refused() -> None:
    solver, rng = make_solver("evaluation"), np.random.default_rng(0)
    with pytest.raises(ProblemError, match=r"evaluation builds complex, correlation, .*, not 2x2x2; choose another"):
        solver.start(Problem(parse_target("2x2x2"), 7), rng)
    with pytest.raises(ProblemError, match="begins at points, not at starts"):
        solver.start(Problem(parse_target("cyclic:4"), None, Ring.Q), rng, [strassen()])


@pytest.mark.parametrize(
    ("target", "rank", "ring", "expected"),
    [
        ("cyclic:4", None, Ring.Q, True),
        ("shortmul:4", 8, Ring.F2, True),
        ("shortmul:4", 7, Ring.F2, False),
        ("2x2x2", 7, Ring.Q, False),
    ],
)
def test_it_tells_what_it_reaches(target: str, rank: int | None, ring: Ring, expected: bool) -> None:
    assert reaches(Problem(parse_target(target), rank, ring)) is expected


def test_an_unknown_preference_is_refused() -> None:
    with pytest.raises(OptionError, match="prefer 'speed': one of additions, accuracy is needed"):
        make_solver("evaluation", {"prefer": "speed"})


@pytest.mark.parametrize("sizes", LIFTED)
def test_the_ranks_that_the_targets_tell_of_are_built(sizes: tuple[int, int]) -> None:
    target = parse_target("polymul:{}x{}".format(*sizes))
    assert reaches(Problem(target, LIFTED[sizes], Ring.ZT))
    assert not reaches(Problem(target, LIFTED[sizes] - 1, Ring.ZT))


@pytest.mark.parametrize(
    ("name", "ring", "built", "rank"),
    [
        ("cyclic:8", "f2", 23, 22),
        ("negacyclic:8", "f2", 23, 22),
        ("shortmul:8", "f2", 23, 22),
        ("shortmul:10", "f2", 32, 31),
        ("shortmul:8", "f3", 21, 20),
        ("cyclic:3", "zt", 6, 5),
        ("cyclic:6", "zt", 18, 15),
        ("negacyclic:5", "zt", 15, 13),
        ("polymul:7x7", "zt", 24, 23),
        ("toeplitz:7", "zt", 24, 23),
        ("shortmul:6", "z", 15, 14),
        ("shortmul:8", "z", 23, 22),
    ],
)
def test_walks_go_on_to_the_best_known_ranks(name: str, ring: str, built: int, rank: int) -> None:
    """From M. Cenk, F. Ozbudak 2010, 2011 over f2 and modulo x^n; the others are below what was known or at a bound."""
    problem = Problem(parse_target(name), rank, Ring(ring))
    assert evaluated(problem.target, problem.ring).rank == built
    result = search(name, rank, ring=ring, solver="evaluation")
    assert result.outcome.status is Status.FOUND
    assert result.outcome.rejected == 0
    assert result.scheme is not None
    assert result.scheme.rank <= min(rank, known_ranks(problem.target, problem.ring)[0].rank)
    assert verify(result.scheme).ok
    assert verify(result.scheme, "symbolic").ok


NAMES = st.builds(
    lambda family, n: f"{family}:{n}x{n}" if family in ("polymul", "correlation") else f"{family}:{n}",
    st.sampled_from(["polymul", "correlation", "cyclic", "negacyclic", "shortmul", "toeplitz", "hankel"]),
    st.integers(2, 6),
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(NAMES, st.sampled_from([Ring.F2, Ring.F3, Ring.ZT, Ring.Z]), st.integers(0, 100))
def test_whatever_walks_lead_to_is_right_and_no_worse_than_what_was_built(name: str, ring: Ring, seed: int) -> None:
    target = parse_target(name)
    outcome = run(Order(Problem(target, None, ring), "evaluation", SHORT, seed=seed))
    assert outcome.status is Status.FOUND
    assert outcome.rejected == 0
    assert outcome.scheme is not None
    assert outcome.scheme.target == target
    assert holds(ring, outcome.scheme.ring)
    assert verify(outcome.scheme).ok
    assert lower_bounds(target, ring)[0].rank <= outcome.scheme.rank <= evaluated(target, ring).rank


def test_one_step_builds_and_no_more() -> None:
    outcome = run(Order(Problem(parse_target("shortmul:8"), None, Ring.F2), "evaluation", budget=Budget(steps=1)))
    assert outcome.scheme is not None
    assert content_hash(outcome.scheme) == content_hash(normal_form(evaluated(parse_target("shortmul:8"), Ring.F2)))


@pytest.mark.parametrize(("name", "ring"), [("polymul:3x3", Ring.F2), ("cyclic:6", Ring.Q), ("complex", Ring.QI)])
def test_where_the_rank_is_proven_minimal_nothing_is_walked(name: str, ring: Ring) -> None:
    assert run(Order(Problem(parse_target(name), None, ring), "evaluation")).steps == 1


def test_a_rank_that_no_walk_leads_to_ends_without_a_scheme() -> None:
    outcome = run(Order(Problem(parse_target("shortmul:5"), 10, Ring.F2), "evaluation", SHORT))
    assert (outcome.status, outcome.scheme) == (Status.EXHAUSTED, None)


def test_a_resumed_search_ends_like_one_that_never_stopped(tmp_path: Path) -> None:
    problem, path = Problem(parse_target("cyclic:5"), None, Ring.ZT), tmp_path / "state.npz"
    whole = run(Order(problem, "evaluation", SHORT, seed=3))
    for steps in (1, LEG):
        run(Order(problem, "evaluation", SHORT, seed=3, budget=Budget(steps=steps), checkpoint=path, resume=steps > 1))
    parts = run(Order(problem, "evaluation", SHORT, seed=3, checkpoint=path, resume=True))
    assert whole.scheme is not None
    assert parts.scheme is not None
    assert whole.steps == parts.steps
    assert content_hash(whole.scheme) == content_hash(parts.scheme)


def test_a_checkpoint_of_an_older_version_is_refused_in_one_line(tmp_path: Path) -> None:
    """Before the best scheme was a nested state its rows and its ring were two fields."""
    problem, path = Problem(parse_target("cyclic:5"), None, Ring.ZT), tmp_path / "state.npz"
    run(Order(problem, "evaluation", SHORT, seed=3, budget=Budget(steps=1), checkpoint=path))
    with np.load(path) as held:
        arrays = {key.replace("state.lowest.rows", "state.lower"): held[key] for key in held.files}
    header = json.loads(str(arrays.pop("header")))
    header["state"]["lower_ring"] = header["state"].pop("lowest")["ring"]
    np.savez(path, header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(CheckpointError, match=r"lowest.*start the search without --resume") as caught:
        run(Order(problem, "evaluation", SHORT, seed=3, checkpoint=path, resume=True))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flips", [-1.0, float("nan"), float("inf")])
def test_a_number_of_flips_that_is_none_is_refused(flips: float) -> None:
    with pytest.raises(ValueError, match="a number of millions is needed, 0 or above"):
        Evaluation(flips=flips)


def test_what_does_not_fit_into_the_ring_walked_over_is_walked_over_residues_only() -> None:
    outcome = run(Order(Problem(parse_target("polymod:5,0,0,3,1"), None, Ring.Z), "evaluation", SHORT))
    assert outcome.scheme is not None
    assert verify(outcome.scheme).ok

"""The solver `evaluation`: the whole way from a name to a verified scheme, and what it refuses."""

import numpy as np
import pytest

from decompositions import Ring, parse_target, strassen, verify
from decompositions.targets.polynomial_ranks import CONSTRUCTED
from discover.outcome import Status
from discover.problem import Problem, ProblemError
from discover.search import search
from discover.solver import OptionError, make_solver
from discover.solvers.evaluation import reaches


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


def test_a_rank_that_is_not_reached_is_refused() -> None:
    with pytest.raises(ProblemError, match="shortmul:8 over f2: evaluation needs 23 products, not 22"):
        search("shortmul:8", 22, ring="f2", solver="evaluation")


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


@pytest.mark.parametrize(
    ("ring", "sizes", "rank"),
    [(ring, sizes, rank) for ring, table in CONSTRUCTED.items() for sizes, rank in table.items()],
)
def test_the_ranks_that_the_targets_tell_of_are_built(ring: Ring, sizes: tuple[int, int], rank: int) -> None:
    target = parse_target("polymul:{}x{}".format(*sizes))
    assert reaches(Problem(target, rank, ring))
    assert not reaches(Problem(target, rank - 1, ring))

"""Problems that cannot be solved are refused before any work."""

import pytest

from bilinear.decompositions import parse_target
from bilinear.discover.engine.problem import Problem, ProblemError, require_possible


@pytest.mark.parametrize("rank", [0, -3])
def test_a_rank_below_one_is_refused(rank: int) -> None:
    with pytest.raises(ProblemError, match=f"2x2x2: rank {rank}; at least 1 product is needed"):
        Problem(parse_target("2x2x2"), rank)


@pytest.mark.parametrize(
    ("target", "rank", "ring", "reason"),
    [
        ("2x2x2", 6, "zt", "at least 7 products are needed: .*Winograd 1971"),
        ("3x3x3", 18, "q", "at least 19 products are needed: .*Blaser 2003"),
        ("2x2x4", 13, "f2", "at least 14 products are needed: .*Hopcroft, Kerr 1971"),
        ("1x5x5", 24, "zt", "at least 25 products are needed: largest flattening rank"),
    ],
)
def test_a_rank_below_a_proven_bound_is_refused_with_its_source(target: str, rank: int, ring: str, reason: str) -> None:
    with pytest.raises(ProblemError, match=f"rank {rank} is impossible, {reason}"):
        require_possible(Problem(parse_target(target), rank, ring))  # type: ignore[arg-type]


def test_a_rank_at_the_bound_is_allowed() -> None:
    for rank in (7, None):
        problem = Problem(parse_target("2x2x2"), rank)
        require_possible(problem)
        assert problem.rank == rank
    with pytest.raises(ProblemError, match="at least 7 products"):
        require_possible(Problem(parse_target("2x2x2"), 6))

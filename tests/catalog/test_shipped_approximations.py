"""The approximations that come with the program against what is known of tiles, and against their bounds."""

from pathlib import Path

import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import parse_target
from bilinear.discover.approximate.bounding import row_bound
from bilinear.discover.approximate.held import Held, by_rank, held

SHIPPED = Catalog(Path("/nonexistent"))
PRUNED_STRASSEN = {
    16: 0.719, 20: 0.625, 24: 0.5625, 28: 0.469, 32: 0.3225, 36: 0.251, 40: 0.172, 44: 0.0938, 46: 0.0471, 47: 0.0314,
    48: 0.0157,
}  # fmt: skip
"""Residuals of 4x4x4 after a descent from Strassen's algorithm in two levels, products dropped."""
INFIMA = {4: 0.4483, 5: 0.25, 6: 0.125, 7: 0.0}
"""Of 2x2x2; the first two are not attained."""


def nearest(target: str, bounded: bool) -> dict[int, float]:
    entries = held(SHIPPED, parse_target(target))
    return {rank: min(one.residual for one in own) for rank, own in by_rank(entries, bounded).items()}


@pytest.fixture(scope="module")
def tiles() -> list[Held]:
    return held(SHIPPED, parse_target("4x4x4"))


@pytest.mark.parametrize(
    ("target", "ranks"), [("2x2x2", (4, 6)), ("3x3x3", (12, 22)), ("2x4x4", (12, 25)), ("4x4x4", (16, 48))]
)
def test_every_rank_has_a_bounded_approximation_and_more_products_come_nearer(
    target: str, ranks: tuple[int, int]
) -> None:
    for bounded in (True, False):
        found = nearest(target, bounded)
        assert set(range(ranks[0], ranks[1] + 1)) <= set(found)
        residuals = [found[rank] for rank in sorted(found)]
        assert all(more < fewer for fewer, more in zip(residuals, residuals[1:], strict=False))


def test_there_are_two_a_rank_at_most_and_norms_are_as_stated(tiles: list[Held]) -> None:
    bound = row_bound(parse_target("4x4x4"))
    for rank, own in by_rank(tiles, bounded=False).items():
        assert len(own) <= 2, rank
        assert sum(one.bounded for one in own) >= 1
        assert all(one.norm <= bound for one in own if one.bounded)


def test_kronecker_products_of_the_infima_are_met(tiles: list[Held]) -> None:
    found = {rank: min(one.residual for one in own) for rank, own in by_rank(tiles, bounded=False).items()}
    for r, e in INFIMA.items():
        for s, f in INFIMA.items():
            if (r, s) != (7, 7):
                assert found[r * s] <= 1 - (1 - e) * (1 - f) + 1e-3


def test_nothing_is_above_a_descent_from_pruned_strassen(tiles: list[Held]) -> None:
    found = {rank: min(one.residual for one in own) for rank, own in by_rank(tiles, bounded=True).items()}
    assert all(found[rank] <= residual for rank, residual in PRUNED_STRASSEN.items())


@pytest.mark.parametrize("rank", range(40, 44))
def test_long_rows_lose_no_more_than_one_term_a_product_and_short_ones_little_more(
    tiles: list[Held], rank: int
) -> None:
    own = [one for one in tiles if one.rank == rank]
    assert min(one.residual for one in own) <= (49 - rank) / 64 + 0.001
    assert min(one.residual for one in own if one.bounded) <= (49 - rank) / 64 + 0.0015


@pytest.mark.parametrize("rank", range(44, 49))
def test_each_product_less_loses_one_of_the_64_terms(tiles: list[Held], rank: int) -> None:
    assert min(one.residual for one in tiles if one.rank == rank and one.bounded) <= (49 - rank) / 64 + 0.001

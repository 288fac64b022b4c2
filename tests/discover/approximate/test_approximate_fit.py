"""The descent against dense linear algebra, and against what is known of 2x2x2."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bilinear.decompositions import parse_target
from bilinear.decompositions.constructions import standard, winograd
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds import pruned
from bilinear.discover.approximate import moves
from bilinear.discover.approximate.bounding import norms, row_bound, shortened
from bilinear.discover.approximate.fit import Fit, _image
from bilinear.discover.approximate.refine import floats
from bilinear.discover.engine.problem import ProblemError

SMALL = ("1x2x2", "2x2x2", "2x1x3", "polymul:2x3")
STRASSEN_TILE = Fit.of(parse_target("2x2x2"))


def factors_of(fit: Fit, rank: int, seed: int) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((rank, side)) for side in fit.target.shape]


def jacobian(fit: Fit, factors: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """By central differences, exact up to rounding: the map is linear in each entry."""
    columns = []
    for k, factor in enumerate(factors):
        for place in np.ndindex(factor.shape):
            moved = [x.copy() for x in factors]
            moved[k][place] += 0.5
            ahead = fit.missing(moved)
            moved[k][place] -= 1
            columns.append((fit.missing(moved) - ahead).ravel())
    return np.array(columns).T


@given(st.sampled_from(SMALL), st.integers(1, 4), st.integers(0, 99))
def test_the_normal_matrix_is_that_of_the_dense_jacobian(name: str, rank: int, seed: int) -> None:
    fit = Fit.of(parse_target(name))
    factors, x = factors_of(fit, rank, seed), factors_of(fit, rank, seed + 1)
    grams = [factor @ factor.T for factor in factors]
    blocks = [grams[1] * grams[2], grams[0] * grams[2], grams[0] * grams[1]]
    found = _image(factors, grams, blocks, np.full((rank, 1), 0.25), x)
    dense = jacobian(fit, factors)
    flat = np.concatenate([part.ravel() for part in x])
    expected = dense.T @ (dense @ flat) + 0.25 * flat
    assert np.allclose(np.concatenate([part.ravel() for part in found]), expected)


@given(st.sampled_from(SMALL), st.integers(1, 4), st.integers(0, 99))
def test_the_residual_is_the_certified_one(name: str, rank: int, seed: int) -> None:
    fit = Fit.of(parse_target(name))
    factors = factors_of(fit, rank, seed)
    assert np.isclose(fit.residual(factors), float(Approximation(fit.target, *factors).residual))


@given(st.integers(2, 6), st.integers(0, 99))
def test_a_descent_never_ends_higher_and_keeps_to_its_bound(rank: int, seed: int) -> None:
    factors = factors_of(STRASSEN_TILE, rank, seed)
    free = [STRASSEN_TILE.residual(STRASSEN_TILE.descended(factors, steps, 1e-12)) for steps in (0, 3, 10, 30)]
    assert all(after <= before + 1e-9 for before, after in pairwise(free))
    assert norms(STRASSEN_TILE.descended(factors, 20, 1e-5, 1.5)).max() <= 1.5 + 1e-12


@pytest.mark.parametrize(("rank", "infimum"), [(4, 0.4483), (5, 0.25), (6, 0.125), (7, 0.0)])
def test_the_known_infima_of_2x2x2_are_met(rank: int, infimum: float) -> None:
    rng = np.random.default_rng(0)
    drawn = [moves.drawn(STRASSEN_TILE, rank, rng) for _ in range(6)]
    found = min(STRASSEN_TILE.residual(STRASSEN_TILE.descended(factors, 100, 1e-7)) for factors in drawn)
    assert infimum - 1e-4 < found < infimum + 1e-3


def test_what_a_dropped_product_costs_is_what_least_squares_says() -> None:
    factors = floats(winograd())
    costs = moves.costs(STRASSEN_TILE, factors)
    for product in range(7):
        left = [np.delete(factor, product, axis=0) for factor in factors]
        pairs = (left[0][:, :, None] * left[1][:, None, :]).reshape(6, -1)
        missed = np.linalg.lstsq(pairs.T, STRASSEN_TILE.unfolded[2].T, rcond=None)[1].sum()
        assert np.isclose(costs[product], missed)
    assert np.isclose(costs.min(), 1.0)  # one of the eight terms


@given(st.integers(1, 5), st.integers(0, 99))
def test_an_added_product_helps_and_a_dropped_one_is_gone(rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = STRASSEN_TILE.descended(factors_of(STRASSEN_TILE, rank, seed), 5, 1e-5)
    longer = moves.added(STRASSEN_TILE, factors, rng)
    assert len(longer[0]) == rank + 1
    assert STRASSEN_TILE.residual(longer) < STRASSEN_TILE.residual(factors)
    assert len(moves.dropped(STRASSEN_TILE, longer, rng)[0]) == rank


def test_the_bound_is_three_times_strassens_largest_row() -> None:
    assert np.isclose(row_bound(parse_target("2x2x2")), 3 * norms(floats(winograd().to("q"))).min() * np.sqrt(2))
    assert np.isclose(row_bound(parse_target("4x4x4")), 6)
    assert np.isclose(row_bound(parse_target("3x3x3")), row_bound(parse_target("2x4x4")))
    with pytest.raises(ProblemError, match="cyclic:4: tiles of matrix products are approximated"):
        row_bound(parse_target("cyclic:4"))


def test_shortening_leaves_short_products_as_they_are() -> None:
    factors = floats(standard(parse_target("2x2x2")))
    assert all((x == y).all() for x, y in zip(shortened(factors, 1.0), factors, strict=True))
    assert np.allclose(norms(shortened(factors, 0.5)), 0.5)


def test_a_fit_of_a_pruned_scheme_is_no_worse_than_pruning() -> None:
    given = pruned(winograd(), 5, np.random.default_rng(0))
    found = STRASSEN_TILE.descended(given.factors, 50, 1e-7)
    assert STRASSEN_TILE.residual(found) <= float(given.residual) + 1e-9

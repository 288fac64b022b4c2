"""Seeds against residuals known in advance, and every registered one against the same rules."""

import numpy as np
import pytest

from bilinear.decompositions import (
    Approximation,
    Ring,
    TargetError,
    UnknownNameError,
    parse_target,
    standard,
    strassen,
    winograd,
)
from bilinear.decompositions.seeds import SEEDS, decoded, pruned, seed
from bilinear.decompositions.seeds.decoder import estimated_residual
from bilinear.decompositions.seeds.pruning import grown, strassen_levels
from bilinear.decompositions.targets.matmul import matmul

INFIMA = {4: 0.4483, 5: 0.25, 6: 0.125, 7: 0.0}
"""Least residuals of 2x2x2, measured by alternating least squares from many starts; 4 and 5 are not attained."""


def generator(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


@pytest.mark.parametrize("name", SEEDS.names())
def test_every_seed_is_an_approximation_of_the_rank_and_repeats(name: str) -> None:
    target, rank = parse_target("2x2x2"), 7 if name == "strassen" else 5
    first, again = (seed(name, target, rank, generator(3)) for _ in range(2))
    assert isinstance(first, Approximation)
    assert (first.target, first.rank) == (target, rank)
    assert all((a == b).all() for a, b in zip(first.factors, again.factors, strict=True))
    assert estimated_residual(first) == pytest.approx(float(first.residual), abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(SEEDS.names()) - {"random"}))
def test_decoders_are_least_squares(name: str) -> None:
    """No other output factors come nearer: the error is orthogonal to every product."""
    found = seed(name, parse_target("2x2x2"), 7, generator(1))
    u, v, w = found.factors
    error = found.target.dense() - np.einsum("qa,qb,qc->abc", u, v, w)
    assert np.abs(np.einsum("abc,qa,qb->qc", error, u, v)).max() < 1e-6
    assert float(found.residual) <= 1


def test_random_factors_have_the_variance_of_the_target() -> None:
    found = seed("random", parse_target("4x4x4"), 40, generator())
    u, v, w = found.factors
    assert ((u @ u.T) * (v @ v.T) * (w @ w.T)).sum() == pytest.approx(64)


@pytest.mark.parametrize("rank", [1, 5, 8])
def test_pruned_standard_loses_one_eighth_a_product(rank: int) -> None:
    assert float(seed("pruned-standard", parse_target("2x2x2"), rank, generator()).residual) == pytest.approx(
        1 - rank / 8
    )


@pytest.mark.parametrize(("rank", "published"), [(49, 0.0), (48, 0.037), (47, 0.0713), (24, 0.5625), (16, 0.722)])
def test_pruned_strassen_with_a_least_squares_decoder(rank: int, published: float) -> None:
    """Measured by another program as 0, .037, .071, .5625 and .722."""
    found = seed("pruned-strassen", parse_target("4x4x4"), rank, generator())
    assert float(found.residual) == pytest.approx(published, abs=2e-3)


@pytest.mark.parametrize(("rank", "lost"), [(48, 1), (46, 4), (44, 6), (42, 8), (36, 15), (24, 36)])
def test_winograds_variant_loses_whole_products(rank: int, lost: int) -> None:
    """Residuals that Strassen's products reach only once all three factors are fitted."""
    found = seed("pruned-winograd", parse_target("4x4x4"), rank, generator())
    assert estimated_residual(found) == pytest.approx(lost / 64)


@pytest.mark.parametrize("rank", INFIMA)
def test_small_approximations_come_near_the_infima(rank: int) -> None:
    found = seed("kronecker", parse_target("2x2x2"), rank, generator())
    assert INFIMA[rank] - 1e-3 <= float(found.residual) <= INFIMA[rank] + 2e-3


@pytest.mark.parametrize(("rank", "parts"), [(16, (4, 4)), (25, (5, 5)), (30, (5, 6)), (36, (6, 6)), (42, (6, 7))])
def test_errors_of_kronecker_products_compose(rank: int, parts: tuple[int, int]) -> None:
    found = seed("kronecker", parse_target("4x4x4"), rank, generator())
    expected = 1 - (1 - INFIMA[parts[0]]) * (1 - INFIMA[parts[1]])
    assert estimated_residual(found) == pytest.approx(expected, abs=3e-3)


def test_kronecker_seeds_fall_with_the_rank() -> None:
    found = [estimated_residual(seed("kronecker", parse_target("4x4x4"), r, generator())) for r in (25, 26)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("name", "products"), [("2x4x4", 28), ("4x4x4", 49), ("6x2x2", 21), ("1x2x3", 6), ("4x4x8", 98)]
)
def test_strassen_in_as_many_levels_as_the_sizes_are_even(name: str, products: int) -> None:
    scheme = strassen_levels(parse_target(name))
    assert (scheme.target.short, scheme.rank) == (name, products)


def test_any_scheme_can_be_pruned_and_grown() -> None:
    rng = generator()
    six = pruned(winograd(), 6, rng)
    assert float(six.residual) == pytest.approx(1 / 8)
    assert pruned(six, 5, rng).residual > six.residual
    whole = grown(pruned(standard(matmul(2, 2, 2)), 4, rng), standard(matmul(2, 2, 2)), 8)
    assert float(whole.residual) < 1e-20


def test_coinciding_products_do_not_blow_factors_up() -> None:
    scheme = standard(matmul(1, 1, 2))
    twice = decoded(scheme.target, np.repeat(scheme.u, 2, axis=0), np.repeat(scheme.v, 2, axis=0))
    assert float(twice.residual) < 1e-20
    assert max(np.abs(factor).max() for factor in twice.factors) <= 1


@pytest.mark.parametrize(
    ("name", "target", "rank", "reason"),
    [
        ("strassen", "4x4x4", 48, "strassen has 49 products for 4x4x4, not 48"),
        ("pruned-strassen", "2x2x2", 8, "8 of 7 products cannot be kept; give 1 to 7"),
        ("pruned-strassen", "cyclic:4", 3, "cyclic:4: Strassen's algorithm multiplies matrices"),
        ("polynomial", "cyclic:4", 3, "cyclic:4: tiles of matrices are embedded"),
        ("kronecker", "3x3x3", 20, "3x3x3: kronecker takes 2x2x2, 4x4x4 and 8x8x8"),
        ("kronecker", "2x2x2", 8, "kronecker has at most 7 products, not 8"),
        ("random", "2x2x2", 0, "rank 0; at least 1 product is needed"),
    ],
)
def test_seeds_refuse_what_they_cannot_take(name: str, target: str, rank: int, reason: str) -> None:
    with pytest.raises(TargetError, match=reason):
        seed(name, parse_target(target), rank, generator())


def test_an_unknown_seed_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown seed 'pruned-strasen': did you mean 'pruned-strassen'"):
        seed("pruned-strasen", parse_target("2x2x2"), 5, generator())


def test_schemes_that_are_not_real_are_not_pruned() -> None:
    modulo_2 = strassen().to(Ring.F2)
    with pytest.raises(TargetError, match="a scheme over f2 is no real approximation"):
        pruned(modulo_2, 6, generator())

"""Constructions against ranks known from outside, every one verified exactly."""

import pytest

from bilinear.decompositions import Ring, TargetError, lower_bounds, parse_target, verify
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.evaluation import evaluated

MONTGOMERY = {2: 3, 3: 6, 4: 9, 5: 13, 6: 17, 7: 22}
"""Products of n x n coefficients over any ring (P. L. Montgomery 2005)."""
OVER_F2 = {**MONTGOMERY, 8: 26, 9: 30, 10: 35}
"""M. Cenk, F. Ozbudak 2010, and H. Fan, M. A. Hasan 2015."""
MODULO_X_OVER_F2 = {2: 3, 3: 5, 4: 8, 5: 11, 6: 14, 7: 18}
"""M. Cenk, F. Ozbudak 2011."""


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def require(name: str, ring: Ring, rank: int) -> None:
    target = parse_target(name)
    scheme = evaluated(target, ring)
    assert scheme.target == target
    assert scheme.rank == rank
    assert verify(scheme).ok


@pytest.mark.parametrize("ring", [Ring.Q, Ring.QI])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 4), (2, 2), (4, 2), (3, 3)])
def test_over_infinite_fields_products_and_their_transposes_need_m_plus_n_less_1(m: int, n: int, ring: Ring) -> None:
    for family in ("polymul", "correlation"):
        require(f"{family}:{m}x{n}", ring, m + n - 1)


@pytest.mark.parametrize("family", ["toeplitz", "hankel", "middle", "shortmul"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_square_relatives_over_the_rationals(family: str, n: int) -> None:
    require(f"{family}:{n}", Ring.Q, 2 * n - 1)


@pytest.mark.parametrize("n", [2, 3, 4, 6, 8, 9, 12])
def test_cyclic_needs_2n_less_the_divisors(n: int) -> None:
    require(f"cyclic:{n}", Ring.Q, 2 * n - len(divisors(n)))


@pytest.mark.parametrize("n", [2, 4, 6, 7])
def test_negacyclic_needs_2n_less_the_odd_divisors(n: int) -> None:
    require(f"negacyclic:{n}", Ring.Q, 2 * n - sum(d % 2 for d in divisors(n)))


@pytest.mark.parametrize(
    ("name", "ring", "rank"),
    [
        ("complex", Ring.Q, 3),
        ("complex", Ring.QI, 2),
        ("polymod:1,0,1", Ring.QI, 2),
        ("cyclic:4", Ring.QI, 4),
        ("cyclic:3", Ring.F2, 4),
        ("cyclic:2", Ring.F3, 2),
        ("polymod:1,1,1", Ring.F2, 3),
        ("polymod:1,1,0,0,0,0,1", Ring.F2, 15),
        ("correlation:2x3^2", Ring.Q, 16),
        ("polymul:2x2^2", Ring.F2, 9),
    ],
)
def test_single_ranks(name: str, ring: Ring, rank: int) -> None:
    require(name, ring, rank)


@pytest.mark.parametrize("n", OVER_F2)
def test_products_over_f2(n: int) -> None:
    require(f"polymul:{n}x{n}", Ring.F2, OVER_F2[n])


@pytest.mark.parametrize("n", MODULO_X_OVER_F2)
def test_products_modulo_a_power_of_x_over_f2(n: int) -> None:
    require(f"shortmul:{n}", Ring.F2, MODULO_X_OVER_F2[n])


@pytest.mark.parametrize(("n", "rank"), [(2, 3), (3, 6), (4, 9), (5, 12), (6, 15)])
def test_products_over_f3(n: int, rank: int) -> None:
    require(f"polymul:{n}x{n}", Ring.F3, rank)


@pytest.mark.parametrize("n", MONTGOMERY)
def test_products_over_the_integers(n: int) -> None:
    require(f"polymul:{n}x{n}", Ring.Z, MONTGOMERY[n])


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rank"), [(8, 26), (9, 30), (10, 35)])
def test_larger_products_over_the_integers_are_as_short_as_over_f2(n: int, rank: int) -> None:
    require(f"polymul:{n}x{n}", Ring.Z, rank)


@pytest.mark.parametrize(
    ("name", "rank"),
    [("polymul:4x4", 9), ("polymul:3x4", 9), ("complex", 3), ("cyclic:3", 6), ("negacyclic:7", 28), ("cyclic:11", 66)],
)
def test_over_zt_constructions_keep_to_signs(name: str, rank: int) -> None:
    require(name, Ring.ZT, rank)


@pytest.mark.parametrize("name", ["polymul:3x4", "cyclic:4", "shortmul:4", "toeplitz:3"])
@pytest.mark.parametrize("ring", list(Ring))
def test_no_construction_is_below_a_proven_bound(name: str, ring: Ring) -> None:
    target = parse_target(name)
    try:
        scheme = evaluated(target, ring)
    except RingError:
        assert ring is Ring.ZT
        return
    assert verify(scheme).ok
    assert scheme.rank >= lower_bounds(target, ring)[0].rank


def test_other_targets_are_refused() -> None:
    with pytest.raises(TargetError, match="2x2x2 is no product of polynomials; evaluation builds complex, correlation"):
        evaluated(parse_target("2x2x2"), Ring.Q)
    with pytest.raises(TargetError, match="cyclic:65: evaluation builds up to 64 coefficients"):
        evaluated(parse_target("cyclic:65"), Ring.Q)

"""Hopcroft and Kerr: their formula, proofs, the formats whose schemes are ternary, and what must be refused."""

from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import verify
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import hopcroft_kerr as rule

PUBLISHED = {
    (2, 2, 2): 7,
    (2, 2, 5): 18,
    (2, 3, 3): 15,
    (2, 3, 4): 20,
    (2, 4, 4): 26,
    (2, 4, 6): 39,
    (2, 5, 5): 40,
    (2, 7, 8): 88,
    (2, 8, 8): 100,
    (2, 9, 9): 126,
    (2, 12, 18): 333,
    (2, 16, 16): 392,
}
"""Hopcroft, Kerr 1971: ceil((3 p n + max(n, p)) / 2)."""


def test_the_ranks_are_those_published() -> None:
    assert {sizes: rule.rank(*sizes, Ring.Z) for sizes in PUBLISHED} == PUBLISHED


@pytest.mark.parametrize("sizes", list(combinations_with_replacement(range(1, 11), 2)), ids=str)
def test_schemes_up_to_2x10x10_are_proved(sizes: tuple[int, int]) -> None:
    scheme = rule.build(2, *sizes, Ring.Z)
    assert scheme.rank == rule.rank(2, *sizes, Ring.Z)
    assert verify(scheme).ok
    signed = sizes[0] in rule.SIGNED.get(sizes[1], ())
    assert not (signed and is_ternary(sizes))
    assert (rule.rank(2, *sizes, Ring.ZT) is not None) == (signed or is_ternary(sizes))


SIGNED = [(small, large) for large, row in rule.SIGNED.items() for small in row]


@pytest.mark.parametrize(
    "sizes", [pytest.param(one, marks=pytest.mark.slow if one[0] * one[1] > 54 else ()) for one in SIGNED], ids=str
)
def test_signs_are_found_modulo_two(sizes: tuple[int, int]) -> None:
    scheme = rule.build(2, *sizes, Ring.ZT)
    assert scheme.rank == rule.rank(2, *sizes, Ring.ZT) == rule.rank(2, *sizes, Ring.Z)
    assert all(abs(factor).max() <= 1 for factor in scheme.factors)
    assert verify(scheme).ok


def is_ternary(sizes: tuple[int, int]) -> bool:
    scheme = rule.build(2, *sizes, Ring.Z)
    return all(abs(factor).max() <= 1 for factor in scheme.factors)


@pytest.mark.parametrize("sizes", [(12, 18), (14, 21), (16, 24)], ids=str)
def test_formats_in_which_many_columns_are_left_over_are_proved(sizes: tuple[int, int]) -> None:
    scheme = rule.build(2, *sizes, Ring.F2)
    assert scheme.rank == rule.rank(2, *sizes, Ring.F2)
    assert verify(scheme).ok


@pytest.mark.slow
@pytest.mark.parametrize("small", range(1, rule.LARGEST + 1))
def test_every_scheme_up_to_32_is_proved(small: int) -> None:
    for large in range(small, rule.LARGEST + 1):
        scheme = rule.build(2, small, large, Ring.Z)
        assert verify(scheme).ok
        assert scheme.rank == -(-(3 * small + 1) * large // 2)
        assert is_ternary((small, large)) == (large % small == 0)


@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 2), st.sampled_from(list(Ring)))
def test_any_order_of_sizes_over_any_ring(sizes: tuple[int, int], place: int, ring: Ring) -> None:
    wanted = [*sizes]
    wanted.insert(place, 2)
    if rule.rank(*wanted, ring) is None:
        with pytest.raises(RingError, match="over zt: it has coefficients beyond 1; take z"):
            rule.build(*wanted, ring)
        return
    scheme = rule.build(*wanted, ring)
    assert (scheme.target.sizes, scheme.ring) == (tuple(wanted), ring)
    assert verify(scheme).ok


@pytest.mark.parametrize("sizes", [(3, 3, 3), (2, 2, 33)])
def test_other_formats_are_refused(sizes: tuple[int, int, int]) -> None:
    assert rule.rank(*sizes, Ring.Z) is None
    with pytest.raises(TargetError, match="a size of 2, and none above 32, are needed"):
        rule.build(*sizes, Ring.Z)

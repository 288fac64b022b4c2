"""Cubes multiplied two at a time: proved over every ring, what leaves the ring or the format is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, Scheme, standard, strassen, verify, winograd
from bilinear.decompositions.atlas.bases import changed
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.operations import sandwich
from bilinear.decompositions.rules import hopcroft_kerr, pairs, pan
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.targets.matmul import matmul

HALVES = sandwich(strassen(), [[1, 1], [1, -1]], [[1, 0], [0, 1]], [[2, 1], [0, 1]])  # with denominators
OUTERS = [strassen(), winograd(), standard(matmul(1, 2, 3)), hopcroft_kerr.build(2, 3, 3, Ring.Z), HALVES]


def cube(side: int) -> Scheme:
    return standard(matmul(side, side, side))


@settings(max_examples=30)
@given(st.sampled_from(OUTERS), st.integers(1, 3), st.sampled_from([Ring.Q, Ring.Z, Ring.F2, Ring.F3]))
def test_the_rank_told_is_made_and_right(outer: Scheme, side: int, ring: Ring) -> None:
    ring = Ring.Q if outer is HALVES else ring
    n, m, p = outer.target.sizes
    made = pairs.build((n * side, m * side, p * side), ring, [outer.to(ring), cube(side).to(ring)], [n, m, p])
    assert verify(made).ok
    assert (made.target.sizes, made.ring) == ((n * side, m * side, p * side), ring)
    assert made.rank <= pairs.rank(outer.rank, side, side**3)


@pytest.mark.parametrize("base", [strassen(), winograd()], ids=["strassen", "winograd"])
def test_seven_ternary_products_keep_signs_in_pairs(base: Scheme) -> None:
    for outer in [base, *(scheme for _, scheme in changed(base, Ring.ZT))]:
        made = pairs.build((6, 6, 6), Ring.ZT, [outer, cube(3)], [2, 2, 2])
        assert made.ring is Ring.ZT
        assert made.rank == 3 * pan.rank(3, 3, 3) + 27
    assert verify(made).ok


def test_other_ternary_schemes_are_refused() -> None:
    with pytest.raises(RingError, match="1x2x3:6 has no pairs of products whose sums stay ternary; take z"):
        pairs.build((2, 4, 6), Ring.ZT, [standard(matmul(1, 2, 3)), cube(2)], [1, 2, 3])


def test_parts_that_do_not_make_the_format_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"2x2x2 and 2x2x3 do not make 4x4x6 with \[2, 2, 2\] blocks by pairs"):
        pairs.build((4, 4, 6), Ring.Q, [strassen(), standard(matmul(2, 2, 3))], [2, 2, 2])
    with pytest.raises(RecipeError, match="1 parts given; 2 are needed"):
        pairs.build((4, 4, 4), Ring.Q, [strassen()], [2, 2, 2])

"""Cubes by aggregation: the published ranks, proofs, the rings that hold them, and what must be refused."""

import pytest

from bilinear.decompositions import verify
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.rings import Ring, common_multiple
from bilinear.decompositions.rules import cubes
from bilinear.decompositions.verify.randomized import verify_random

PUBLISHED = {8: 416, 10: 699, 12: 1086, 14: 1593, 16: 2236, 18: 3031, 20: 3994, 24: 6488, 28: 9846, 32: 14196}
"""Khoruzhii, Serafin, Gelss, Pokutta 2026: even N."""
PUBLISHED_ODD = {13: 1379, 15: 1977, 17: 2723, 19: 3633}
"""Theirs have one product less than ours."""


def test_the_ranks_are_those_published() -> None:
    assert {n: cubes.rank(n, n, n, Ring.Q) for n in PUBLISHED} == PUBLISHED
    assert {n: cubes.rank(n, n, n, Ring.Q) for n in PUBLISHED_ODD} == {n: r + 1 for n, r in PUBLISHED_ODD.items()}


@pytest.mark.parametrize("n", [8, 9, 10, 11, 13, 14])
def test_cubes_are_proved(n: int) -> None:
    scheme = cubes.build(n, n, n, Ring.Q)
    assert scheme.rank == cubes.rank(n, n, n, Ring.Q)
    assert verify(scheme).ok


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 16, 17, 18, 19, 20])
def test_larger_cubes_are_proved(n: int) -> None:
    assert verify(cubes.build(n, n, n, Ring.Q)).ok


@pytest.mark.slow
@pytest.mark.parametrize("n", range(21, cubes.LARGEST + 1))
def test_the_largest_cubes_agree_at_random_points(n: int) -> None:
    assert verify_random(cubes.build(n, n, n, Ring.Q)).ok


@pytest.mark.parametrize("n", range(cubes.SMALLEST, 16))
def test_three_is_told_apart_by_the_denominators(n: int) -> None:
    prime_to_3 = common_multiple(cubes.build(n, n, n, Ring.Q).denominators) % 3 != 0
    assert (cubes.rank(n, n, n, Ring.F3) is not None) == prime_to_3 == (n in cubes.MODULO_3)


def test_a_cube_modulo_3_is_proved() -> None:
    assert verify(cubes.build(8, 8, 8, Ring.F3)).ok


@pytest.mark.parametrize("ring", [Ring.ZT, Ring.Z, Ring.F2])
def test_a_ring_without_denominators_is_refused(ring: Ring) -> None:
    assert cubes.rank(16, 16, 16, ring) is None
    with pytest.raises(RingError, match=f"16x16x16 by aggregation over {ring}: its products have denominators; take q"):
        cubes.build(16, 16, 16, ring)


def test_denominators_divisible_by_three_are_refused_modulo_three() -> None:
    assert cubes.rank(16, 16, 16, Ring.F3) is None
    with pytest.raises(RingError, match="16x16x16 by aggregation over f3"):
        cubes.build(16, 16, 16, Ring.F3)


@pytest.mark.parametrize("sizes", [(7, 7, 7), (33, 33, 33), (8, 8, 9), (0, 0, 0)])
def test_other_formats_are_refused(sizes: tuple[int, int, int]) -> None:
    assert cubes.rank(*sizes, Ring.Q) is None
    with pytest.raises(TargetError):
        cubes.build(*sizes, Ring.Q)

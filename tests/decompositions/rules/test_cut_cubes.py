"""Cut cubes: their ranks are known without building, and a build ends with them."""

import pytest

from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import cut_cubes
from bilinear.decompositions.verify import verify

RANKS = {(13, 14, 14): 1551, (13, 14, 15): 1670, (14, 14, 15): 1716, (14, 15, 15): 1843, (15, 16, 16): 2188}


def test_the_ranks_are_known_without_building() -> None:
    for sizes, rank in RANKS.items():
        assert cut_cubes.rank(*sizes, Ring.Q) == rank == cut_cubes.rank(*sizes[::-1], Ring.Q)
    assert cut_cubes.rank(13, 14, 14, Ring.ZT) is None
    assert cut_cubes.rank(13, 13, 13, Ring.Q) is None


@pytest.mark.slow
@pytest.mark.parametrize("sizes", RANKS, ids=str)
def test_a_build_is_right(sizes: tuple[int, int, int]) -> None:
    scheme = cut_cubes.build(*sizes, Ring.Q)
    assert (scheme.rank, scheme.target.sizes) == (RANKS[sizes], sizes)
    assert verify(scheme).ok


def test_other_formats_and_rings_are_refused() -> None:
    with pytest.raises(TargetError, match="12x13x13: no cube was cut to it"):
        cut_cubes.build(12, 13, 13, Ring.Q)
    with pytest.raises(RingError, match="13x14x14 cut of a cube over f2: it has denominators; take q"):
        cut_cubes.build(13, 14, 14, Ring.F2)

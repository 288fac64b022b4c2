"""From one format to another: what comes out is right, and costs what it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import TargetError, parse_target, standard, strassen, verify
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.targets.matmul import matmul

SIZES = st.tuples(*[st.integers(1, 4)] * 3)


@given(SIZES)
def test_a_fitted_scheme_is_one_of_the_new_format(sizes: tuple[int, int, int]) -> None:
    target = matmul(*sizes)
    scheme = fitted(strassen(), target)
    assert scheme.target == target
    assert verify(scheme).ok


def test_ranks_of_extension_and_projection() -> None:
    assert fitted(strassen(), parse_target("2x2x3")).rank == 11
    assert fitted(strassen(parse_target("4x4x4")), parse_target("3x4x4")).rank <= 49
    assert fitted(strassen(), parse_target("2x2x2")).rank == 7


def test_strassens_recursion_is_the_construction_of_powers_of_two() -> None:
    for size, rank in ((2, 7), (4, 49), (8, 343)):
        scheme = strassen(matmul(size, size, size))
        assert scheme.rank == rank
        assert verify(scheme).ok


def test_other_maps_are_refused() -> None:
    from bilinear.decompositions.targets.file import from_dense

    other = standard(from_dense("file:map.npy", standard(parse_target("1x1x2")).target.dense()))
    with pytest.raises(TargetError, match=r"a scheme of file:map\.npy cannot be made one of 2x2x2"):
        fitted(other, parse_target("2x2x2"))

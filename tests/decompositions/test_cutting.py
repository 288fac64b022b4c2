"""Cutting along a line: right, never dearer than leaving out a row, cheaper where a change of basis hides it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import generators

from bilinear.decompositions import (
    Ring,
    SchemeError,
    TargetError,
    parse_target,
    project,
    sandwich,
    standard,
    strassen,
    verify,
)
from bilinear.decompositions.cutting import cut, cut_along, drawn
from bilinear.decompositions.operations import AXES
from bilinear.decompositions.targets.matmul import matmul

FIELDS = st.sampled_from([Ring.F2, Ring.F3, Ring.Q])
SIZES = st.tuples(*[st.integers(2, 4)] * 3)
HIDING = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]])  # no unit row, nor in its inverse

HIDING_OTHERS = [HIDING, np.eye(4, dtype=int), np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]])]


@settings(deadline=None)
@given(SIZES, FIELDS, st.integers(0, 2), st.floats(0, 4), generators())
def test_a_cut_is_one_of_the_smaller_format(
    sizes: tuple[int, int, int], ring: Ring, axis: int, slack: float, rng: np.random.Generator
) -> None:
    smaller = cut(standard(matmul(*sizes)).to(ring), axis, rng, slack)
    assert smaller.target.sizes == tuple(size - (place == axis) for place, size in enumerate(sizes))
    assert verify(smaller).ok


@settings(deadline=None)
@given(FIELDS, st.integers(0, 2), generators())
def test_no_row_that_is_left_out_costs_less(ring: Ring, axis: int, rng: np.random.Generator) -> None:
    scheme = strassen(parse_target("4x4x4")).to(ring)
    plain = min(project(scheme, AXES[axis], index).rank for index in range(4))
    assert cut(scheme, axis, rng).rank <= plain


@pytest.mark.parametrize("ring", [Ring.F2, Ring.F3, Ring.Q])
@pytest.mark.parametrize("axis", range(3))
def test_a_change_of_basis_hides_nothing(ring: Ring, axis: int) -> None:
    open_one = standard(parse_target("4x4x4")).to(ring)
    hidden = sandwich(open_one, HIDING, HIDING, HIDING)
    assert min(project(hidden, AXES[axis], index).rank for index in range(4)) > 48
    smaller = cut(hidden, axis, np.random.default_rng(0))
    assert smaller.rank == 48
    assert verify(smaller).ok


@settings(deadline=None, max_examples=20)
@given(FIELDS, st.integers(0, 2), generators())
def test_no_form_and_line_that_occur_take_more(ring: Ring, axis: int, rng: np.random.Generator) -> None:
    """A product that the form and the line both take counts once."""
    scheme = sandwich(strassen(parse_target("4x4x4")).to(ring), *HIDING_OTHERS).to(ring)
    drawings = (drawn(scheme, axis, np.random.default_rng(seed), 99.0) for seed in range(12))
    others = min(cut_along(scheme, axis, form, line).rank for form, line in drawings)
    assert cut(scheme, axis, rng).rank <= others


def test_a_form_and_a_line_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SchemeError, match="a cut along m: the form vanishes on the line; take another line"):
        cut_along(strassen(), 1, (1, 0), (0, 1))
    with pytest.raises(SchemeError, match="a cut along m: a form and a line of 2 numbers are needed"):
        cut_along(strassen(), 1, (1, 0, 0), (0, 1))


def test_a_cut_in_characteristic_zero_is_declared_over_the_smallest_set() -> None:
    assert cut(strassen(parse_target("4x4x4")), 0, np.random.default_rng(0)).ring is Ring.ZT
    assert cut(standard(parse_target("3x3x3")).to(Ring.Q), 0, np.random.default_rng(0)).ring is Ring.ZT


def test_a_cut_repeats_with_its_seed() -> None:
    scheme = strassen(parse_target("4x4x4")).to(Ring.F2)
    first, second = (cut(scheme, 1, np.random.default_rng(3), 2.0) for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(first.factors, second.factors, strict=True))


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(SchemeError, match="a cut along any line over qi is not offered; take q, f2 or f3"):
        cut(strassen().to(Ring.QI), 0, np.random.default_rng(0))
    with pytest.raises(TargetError, match="cannot leave out n = 0"):
        cut(standard(parse_target("1x2x2")).to(Ring.F2), 0, np.random.default_rng(0))

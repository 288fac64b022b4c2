"""Programs that begin with additions of inputs to inputs: the same forms, and fewer additions where terms cancel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bilinear.decompositions import kronecker, winograd
from bilinear.decompositions.programs import shorten
from bilinear.decompositions.programs.columns import prepared

TERNARY = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(-1, 1))


@settings(max_examples=60, deadline=None)
@given(TERNARY, st.sampled_from([0, 2, 3]), st.integers(0, 1000))
def test_the_forms_stay(matrix: np.ndarray, characteristic: int, seed: int) -> None:
    forms = (np.abs(matrix) if characteristic == 2 else matrix).astype(object)
    program = prepared(forms, characteristic, seed=seed, moves=40)
    if min(forms.shape) < 2:
        assert program is None or (program.matrix() == forms).all()
        return
    assert program is not None
    difference = program.matrix() - forms
    assert not (difference % characteristic if characteristic else difference).any()


def test_41_additions_for_winograds_factor_with_itself() -> None:
    """jgdumas/plinopt, data/4x4x4_49_156: 41 + 41 + 74 additions."""
    twice = kronecker(winograd(), winograd())
    forms = twice.u.astype(object)
    found = [prepared(forms, seed=seed, moves=3000) for seed in range(6)]
    assert min(program.operations.additions for program in found if program is not None) == 41
    assert shorten(forms).operations.additions > 41
    assert all(program is not None and (program.matrix() == forms).all() for program in found)


def test_same_seed_same_program() -> None:
    forms = kronecker(winograd(), winograd()).w.T.astype(object)
    assert prepared(forms, seed=3, moves=200) == prepared(forms, seed=3, moves=200)


@pytest.mark.parametrize("forms", [[[1, 2], [1, 1]], [[1], [1]]])
def test_other_coefficients_and_single_inputs_are_left_alone(forms: list[list[int]]) -> None:
    assert prepared(np.array(forms, dtype=object)) is None

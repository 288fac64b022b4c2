"""Alternative bases: sparser factors, changes of basis that are invertible and counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import verified_schemes

from bilinear.decompositions import Scheme, SchemeError, strassen, winograd
from bilinear.decompositions.programs import require_program
from bilinear.decompositions.programs.basis import rebased_program, sparser


@given(
    rows=st.lists(st.lists(st.integers(-1, 1), min_size=4, max_size=4), min_size=1, max_size=8),
    p=st.sampled_from([0, 2]),
    seed=st.integers(0, 2**32),
)
def test_the_factors_multiply_to_the_matrix_and_the_change_is_unimodular(
    rows: list[list[int]], p: int, seed: int
) -> None:
    matrix = np.array(rows, dtype=object)
    matrix = matrix % p if p else matrix
    sparse, change = sparser(matrix, np.random.default_rng(seed), p, restarts=3)
    product = sparse.dot(change)
    assert ((product % p if p else product) == matrix).all()
    assert np.count_nonzero(sparse) <= np.count_nonzero(matrix)
    determinant = round(np.linalg.det(change.astype(float)))
    assert determinant % 2 == 1 if p else abs(determinant) == 1


@given(scheme=verified_schemes(rings=("zt", "z", "f2"), moves=1))  # type: ignore[arg-type]
def test_a_rebased_program_computes_the_scheme(scheme: Scheme) -> None:
    require_program(rebased_program(scheme, restarts=1), scheme)


def test_twelve_additions_for_2x2x2() -> None:
    """Karstadt and Schwartz 2017: 12 additions a level, 3 + 3 + 6."""
    program = rebased_program(winograd())
    assert [part.operations.additions for part in program.programs] == [3, 3, 6]
    assert program.operations.additions == 12
    assert program.basis_operations.additions > 0
    require_program(program, winograd())


def test_fractions_are_refused() -> None:
    scheme = strassen()
    halves = Scheme(scheme.target, "q", 2 * scheme.u, scheme.v, scheme.w, np.full(7, 2))  # type: ignore[arg-type]
    with pytest.raises(SchemeError, match="a change of basis needs integer coefficients"):
        rebased_program(halves)

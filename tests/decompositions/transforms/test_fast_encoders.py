"""Sparse exact factors of encoders: known counts, products that agree, and matrices that have no structure."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, kronecker, parse_target, strassen
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.programs import GREEDY, plain, shorten
from bilinear.decompositions.transforms.encoders import dense, exact_rows, factored, factored_scheme
from bilinear.decompositions.transforms.errors import TransformError

SCHEMES = [
    ("cyclic:8", Ring.Q),
    ("cyclic:12", Ring.Q),
    ("cyclic:8", Ring.QI),
    ("polymul:5x4", Ring.Q),
    ("cyclic:2^3", Ring.Q),
]


@pytest.mark.parametrize(("name", "ring"), SCHEMES)
def test_factors_multiply_to_the_encoders_and_cost_less(name, ring):
    scheme = evaluated(parse_target(name), ring)
    imag = scheme.imag or (None,) * 3
    found = factored_scheme(scheme)
    wanted = [(scheme.u, imag[0]), (scheme.v, imag[1]), (scheme.w.T, None if imag[2] is None else imag[2].T)]
    for encoder, (matrix, other) in zip(found, wanted, strict=True):
        exact = matrix if other is None else matrix + 1j * other
        product = encoder.parts[0].array()
        for part in encoder.parts[1:]:
            product = part.array() @ product
        np.testing.assert_allclose(product, exact.astype(product.dtype), rtol=1e-12, atol=1e-12 * np.abs(exact).max())
        before = dense(matrix, other).operations
        assert sum(encoder.operations[:2]) < sum(before[:2])


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_the_walsh_hadamard_transform_takes_n_log_n_additions(levels):
    """cyclic:2^k is the group algebra of k involutions; its encoder is the Hadamard matrix, of N log2 N additions."""
    scheme = evaluated(parse_target(f"cyclic:2^{levels}"), Ring.Q)
    size = 2**levels
    assert {encoder.operations[:2] for encoder in factored_scheme(scheme)} == {(0, size * levels)}


@pytest.mark.parametrize("size", [2, 3, 6])
def test_the_transform_of_a_kronecker_product(size):
    """Strassen's encoder takes 5 additions; twice, and sharing single entries, at most 4 + 7 times these."""
    scheme = kronecker(strassen(), strassen())
    assert factored(strassen().u).operations.additions == 5
    assert factored(scheme.u).operations.additions <= 55
    rows = np.vander(np.arange(1, size + 1), size, increasing=True)
    assert factored(rows).rows() == exact_rows(rows)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_every_matrix_is_its_product(data):
    rows, columns = (data.draw(st.integers(1, 7)) for _ in range(2))
    entry = st.integers(-2, 2)
    matrix = np.array(
        data.draw(st.lists(st.lists(entry, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    )
    if not matrix.any():
        return
    found = factored(matrix)
    assert found.rows() == exact_rows(matrix)
    assert found.transposed().rows() == exact_rows(matrix.T)
    assert sum(found.operations[:2]) <= sum(dense(matrix).operations[:2])


def test_no_structure_is_left_as_it_is():
    matrix = np.random.default_rng(0).integers(100, 10**6, (9, 8))
    found = factored(matrix)
    assert len(found.parts) == 1
    assert found.operations == dense(matrix).operations


def test_large_entries_and_fractions_stay_exact():
    size = 12
    rows = np.array([[Fraction(10**k, 3) ** j for j in range(size)] for k in range(size)], dtype=object)
    assert factored(rows).rows() == exact_rows(rows)


def test_one_changed_entry_is_noticed():
    scheme = evaluated(parse_target("cyclic:8"), Ring.Q)
    changed = scheme.u.copy()
    changed[3, 2] += 1
    assert factored(changed).rows() == exact_rows(changed) != factored(scheme.u).rows()


def test_a_decoder_of_many_coefficients_still_has_a_program():
    """Only quotients within a row are numbered: 216 coefficients have 21678 quotients in all."""
    matrix = evaluated(parse_target("cyclic:16"), Ring.Q).w.T
    program = shorten(matrix.astype(object), 0, GREEDY)
    assert np.array_equal(program.matrix(), matrix)
    assert program.operations.additions < plain(matrix.astype(object)).operations.additions / 2


def test_refusals():
    with pytest.raises(TransformError, match="at most 65536 entries"):
        factored(np.ones((300, 300), np.int64))
    with pytest.raises(TransformError, match="every entry is 0"):
        factored(np.zeros((3, 2), np.int64))
    with pytest.raises(TransformError, match="cyclic:4 over f2: encoders are factored over q or qi only"):
        factored_scheme(evaluated(parse_target("cyclic:4"), Ring.F2))

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import file_schemes, generators, verified_schemes

from bilinear.decompositions import (
    Approximation,
    Ring,
    Scheme,
    SchemeError,
    TargetError,
    parse_target,
    standard,
    strassen,
)
from bilinear.decompositions.apply import evaluate, multiply
from bilinear.decompositions.targets.file import from_dense

INTEGER = [ring for ring in Ring if ring is not Ring.QI]


def reference(scheme, x, y):
    """f(x, y) from the tensor, in Python integers."""
    out = np.zeros((*x.shape[:-1], scheme.target.shape[2]), dtype=object)
    for (i, j, k), value in zip(scheme.target.indices.tolist(), scheme.target.values.tolist(), strict=True):
        out[..., k] += value * x[..., i].astype(object) * y[..., j].astype(object)
    return out % scheme.ring.characteristic if scheme.ring.characteristic else out


@given(st.one_of(verified_schemes(rings=INTEGER), file_schemes()), generators(), st.sampled_from([0, 30, 62]))
def test_evaluation_of_integers_is_exact(scheme, rng, bits):
    assume(scheme.ring is not Ring.QI)
    x, y = (rng.integers(-(1 << bits), (1 << bits) + 1, (3, side)) for side in scheme.target.shape[:2])
    assert evaluate(scheme, x, y).tolist() == reference(scheme, x, y).tolist()


@given(verified_schemes(rings=[Ring.Q, Ring.QI]), generators())
def test_evaluation_of_floats(scheme, rng):
    x, y = (rng.standard_normal((2, side)) for side in scheme.target.shape[:2])
    found = evaluate(scheme, x, y)
    assert np.allclose(found, np.einsum("ijk,bi,bj->bk", scheme.target.dense(), x, y), atol=1e-8)
    assert found.dtype == (complex if scheme.imag is not None else float)


@given(verified_schemes(rings=INTEGER), st.integers(0, 2), st.tuples(*[st.integers(0, 9)] * 3), generators())
def test_recursive_multiplication_of_any_sizes(scheme, levels, sizes, rng):
    rows, inner, columns = sizes
    assume(scheme.rank**levels <= 200)
    a, b = rng.integers(-50, 50, (rows, inner)), rng.integers(-50, 50, (inner, columns))
    modulus = scheme.ring.characteristic
    assert multiply(scheme, a, b, levels).tolist() == (a @ b % modulus if modulus else a @ b).tolist()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, object])
def test_large_integers_do_not_wrap(dtype):
    top = np.iinfo(dtype).max if dtype is not object else 10**40
    a = np.full((4, 4), top, dtype=dtype)
    expected = [[4 * int(top) ** 2] * 4] * 4
    for levels in range(3):
        assert multiply(strassen(), a, a, levels).tolist() == expected


def test_small_integers_stay_machine_integers():
    assert multiply(strassen(), np.ones((4, 4), np.int8), np.ones((4, 4), np.int8), 2).dtype == np.int64
    assert multiply(strassen(), np.eye(2, dtype=bool), np.ones((2, 2), bool)).tolist() == [[1, 1], [1, 1]]


def rational(denominator):
    """Strassen with factors scaled up and a denominator."""
    s = strassen()
    return Scheme(s.target, "q", s.u.astype(object) * denominator, s.v, s.w, [denominator] * 7)


@pytest.mark.parametrize("denominator", [3, 2**20, 2**40, 10**30])
def test_denominators_of_any_size_cancel(denominator):
    a, b = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])
    assert multiply(rational(denominator), a, b).tolist() == (a @ b).tolist()
    big_a, big_b = np.kron(a, b), np.kron(b, a)
    assert multiply(rational(denominator), big_a, big_b, 2).tolist() == (big_a @ big_b).tolist()
    assert np.allclose(multiply(rational(denominator), a * 1.0, b * 1.0), a @ b)


def test_a_wrong_scheme_is_not_rounded_into_a_right_one():
    s = strassen()
    off = Scheme(s.target, "q", s.u, s.v, 2 * s.w + np.eye(7, 4, dtype=int), [2] * 7)
    found = multiply(off, np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 0]]))
    assert found[0, 0] == Fraction(3, 2)


def test_floats_meet_coefficients_that_no_float_holds():
    huge = Scheme(parse_target("1x1x1"), "q", [[2**2000]], [[1]], [[1]], [2**2000])
    assert multiply(huge, [[3]], [[5]]).tolist() == [[15]]
    assert multiply(huge, [[3.0]], [[5.0]]).tolist() == [[15.0]]
    wrong = Scheme(parse_target("1x1x1"), "z", [[2**2000]], [[1]], [[1]])
    with pytest.raises(SchemeError, match="1x1x1: a coefficient is too large for floats; use integers"):
        multiply(wrong, [[3.0]], [[5.0]])
    ratio = Scheme(parse_target("1x1x1"), "q", [[1]], [[1]], [[2**2000]], [2**2000])
    assert multiply(ratio, [[3.0]], [[5.0]]).tolist() == [[15.0]]


def test_no_products_give_zero():
    empty = Scheme(parse_target("2x2x2"), "z", *[strassen().u[:0]] * 3)
    assert multiply(empty, np.ones((4, 4), int), np.ones((4, 4), int), 2).tolist() == [[0] * 4] * 4
    assert evaluate(empty, np.ones(4), np.ones(4)).tolist() == [0] * 4


def test_an_approximation_multiplies_floats():
    s = strassen()
    a, b = np.arange(6.0).reshape(2, 3), np.arange(9.0).reshape(3, 3)
    assert np.allclose(multiply(Approximation(s.target, *s.factors), a, b, 2), a @ b)
    assert np.allclose(evaluate(Approximation(s.target, *s.factors), [1, 2, 3, 4], [5, 6, 7, 8]), [19, 22, 43, 50])


def test_float32_and_complex():
    a = np.ones((2, 2), np.float32)
    assert multiply(strassen(), a, a).tolist() == [[2, 2], [2, 2]]
    assert multiply(strassen(), a * 1j, a).tolist() == [[2j, 2j], [2j, 2j]]


@pytest.mark.parametrize(
    ("a", "b", "levels", "text"),
    [
        (np.ones((2, 3)), np.ones((2, 2)), 1, r"matrices of shape \(2, 3\) and \(2, 2\) cannot be multiplied"),
        (np.ones(4), np.ones((4, 1)), 1, "cannot be multiplied; inner sizes must agree"),
        (np.ones((2, 2)), np.ones((2, 2)), -1, "-1 levels of recursion; 0 or more are needed"),
        (np.full((2, 2), "a"), np.ones((2, 2)), 1, "inputs of type <U1 and float64; numbers are needed"),
    ],
)
def test_bad_matrices(a, b, levels, text):
    with pytest.raises(SchemeError, match=text):
        multiply(strassen(), a, b, levels)


def test_other_bad_input():
    with pytest.raises(SchemeError, match=r"2x2x2: inputs of shape \(3,\) and \(4,\); the last axes must be 4 and 4"):
        evaluate(strassen(), [1, 2, 3], [1, 2, 3, 4])
    gaussian = strassen().to("qi")
    complex_one = Scheme(gaussian.target, "qi", *gaussian.factors, None, tuple(0 * f for f in gaussian.factors))
    with pytest.raises(SchemeError, match="2x2x2 over qi: inputs of integers; floats or complex are needed"):
        multiply(complex_one, np.ones((2, 2), int), np.ones((2, 2), int))
    target = from_dense("file:map.npy", np.ones((2, 2, 2), int))
    with pytest.raises(TargetError, match="recursive multiplication needs a matmul scheme"):
        multiply(standard(target), np.ones((2, 2)), np.ones((2, 2)))

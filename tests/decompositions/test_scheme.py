from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import assert_valid, file_schemes, generators, verified_schemes

from bilinear.decompositions import (
    Approximation,
    Ring,
    Scheme,
    SchemeError,
    TooLargeError,
    parse_target,
    standard,
    strassen,
)
from bilinear.decompositions.scheme import empty


def naive_residual(approximation):
    """The definition, entry by entry, in fractions."""
    tensor = approximation.target.dense()
    u, v, w = ([[Fraction(x) for x in row] for row in factor.tolist()] for factor in approximation.factors)
    gap = Fraction(0)
    for i, j, k in product(*map(range, tensor.shape)):
        found = sum((u[q][i] * v[q][j] * w[q][k] for q in range(approximation.rank)), Fraction(0))
        gap += (int(tensor[i, j, k]) - found) ** 2
    return gap / int((tensor**2).sum())


def as_floats(scheme, scale=(1.0, 1.0, 1.0)):
    return Approximation(scheme.target, *(f * s for f, s in zip(scheme.factors, scale, strict=True)))


@given(verified_schemes())
def test_reading_over_another_set_keeps_a_scheme_valid(scheme):
    for ring in Ring:
        try:
            read = scheme.to(ring)
        except SchemeError:
            continue
        assert read.ring is ring
        assert_valid(read)


@given(verified_schemes(rings=[Ring.ZT, Ring.Z]))
def test_integer_schemes_reduce_modulo_two_and_three(scheme):
    assert_valid(scheme.to("f2"))
    assert_valid(scheme.to(Ring.F3))


@given(file_schemes())
def test_schemes_of_any_tensor_are_valid(scheme):
    assert_valid(scheme)


def test_shapes_must_agree():
    s = strassen()
    with pytest.raises(SchemeError, match=r"2x2x2: v has shape \(7, 3\), must be \(7, 4\)"):
        Scheme(s.target, "zt", s.u, s.v[:, :3], s.w)
    with pytest.raises(SchemeError, match=r"2x2x2: w has shape \(6, 4\), must be \(7, 4\)"):
        Scheme(s.target, "zt", s.u, s.v, s.w[:6])
    with pytest.raises(SchemeError, match="2x2x2: 6 denominators for 7 products"):
        Scheme(s.target, "q", s.u, s.v, s.w, np.ones(6, int))
    with pytest.raises(SchemeError, match=r"u has shape \(7, 3\)"):
        Scheme(s.target, "qi", s.u, s.v, s.w, None, (s.u[:, :3], s.v, s.w))
    with pytest.raises(SchemeError, match="2 imaginary parts: one for each"):
        Scheme(s.target, "qi", s.u, s.v, s.w, None, (s.u, s.v))


@pytest.mark.parametrize("ring", ["zt", "z", "f2", "f3"])
def test_denominators_need_a_field_of_characteristic_zero(ring):
    s = strassen().to(ring) if ring != "zt" else strassen()
    with pytest.raises(SchemeError, match=f"over {ring}: a denominator above 1; declare the ring q"):
        Scheme(s.target, ring, s.u, s.v, s.w, np.full(7, 2))


@pytest.mark.parametrize("denominator", [0, -1, -(2**70)])
def test_denominators_are_positive(denominator):
    s = strassen()
    with pytest.raises(SchemeError, match="a denominator is below 1; positive integers are needed"):
        Scheme(s.target, "q", s.u, s.v, s.w, [denominator] * 7)


def test_floats_are_refused_whatever_their_value():
    s = strassen()
    with pytest.raises(SchemeError, match="coefficients of type float64: exact integers are needed"):
        Scheme(s.target, "q", s.u.astype(float), s.v, s.w)
    with pytest.raises(SchemeError, match="coefficients of type float64: exact integers are needed"):
        Scheme(s.target, "q", s.u, s.v, s.w, np.ones(7))


def test_imaginary_parts_belong_to_qi():
    s, zero = strassen(), np.zeros((7, 4), int)
    assert Scheme(s.target, "z", s.u, s.v, s.w, None, (zero, zero, zero)).imag is None
    with pytest.raises(SchemeError, match="over z: imaginary coefficients; declare the ring qi"):
        Scheme(s.target, "z", s.u, s.v, s.w, None, (s.u, zero, zero))


def test_a_scheme_cannot_be_changed():
    s = strassen()
    with pytest.raises(ValueError, match="read-only"):
        s.u[0, 0] = 5
    with pytest.raises(AttributeError):
        s.ring = Ring.Z


def test_huge_factors_are_refused_before_they_are_made():
    with pytest.raises(TooLargeError, match=r"a scheme of matmul:2x2x2 with 1000000000000000 products needs about"):
        empty(parse_target("2x2x2"), 10**15)


# Approximations.


@given(verified_schemes(rings=[Ring.ZT, Ring.Z]))
def test_an_exact_scheme_as_floats_has_no_residual(scheme):
    assert as_floats(scheme).residual == 0


@settings(max_examples=20)
@given(st.sampled_from([(1, 1, 1), (2, 1, 2), (2, 2, 2)]), st.integers(0, 4), st.integers(-300, 300), generators())
def test_the_residual_is_the_one_of_the_definition(sizes, rank, exponent, rng):
    target = parse_target("x".join(map(str, sizes)))
    factors = [rng.standard_normal((rank, side)) for side in target.shape]
    factors[int(rng.integers(3))] *= 10.0**exponent
    approximation = Approximation(target, *factors)
    assert approximation.residual == naive_residual(approximation)


@pytest.mark.parametrize("scale", [(1e-300, 1e300, 1.0), (5e-324, 1.0, 1.0), (1e300, 1e300, 1e300), (1e-300,) * 3])
def test_tiny_and_huge_floats(scale):
    approximation = as_floats(strassen(), scale)
    assert approximation.residual == naive_residual(approximation)
    assert "rank 7, residual" in repr(approximation)


def test_an_error_below_float_precision_is_seen():
    u, v, w = (f.astype(float) for f in standard(parse_target("1x1x1")).factors)
    off = Approximation(parse_target("1x1x1"), u * (1 + 2**-52), v, w)
    assert off.residual == Fraction(1, 2**104)
    assert repr(off) == "Approximation(matmul:1x1x1, rank 1, residual 4.930e-32)"


def test_no_products_leave_everything():
    target = parse_target("2x2x2")
    assert Approximation(target, *(np.zeros((0, 4)) for _ in range(3))).residual == 1


def test_bad_approximations():
    target, ones = parse_target("2x2x2"), np.ones((7, 4))
    for bad in (np.nan, np.inf):
        with pytest.raises(SchemeError, match="2x2x2: v holds a number that is not finite"):
            Approximation(target, ones, ones * bad, ones)
    with pytest.raises(SchemeError, match=r"2x2x2: w has shape \(6, 4\), must be \(7, 4\)"):
        Approximation(target, ones, ones, ones[:6])
    with pytest.raises(SchemeError, match="u is of type complex128; real numbers are needed"):
        Approximation(target, ones * 1j, ones, ones)
    with pytest.raises(SchemeError, match="u is of type <U1; real numbers are needed"):
        Approximation(target, np.full((7, 4), "1"), ones, ones)
    with pytest.raises(SchemeError, match="rows differ in length"):
        Approximation(target, [[1.0], [1.0, 2.0]], ones, ones)

"""Exact factors as floats: each coefficient is rounded once, and only where it must be."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from strategies import verified_schemes

from bilinear.decompositions import Approximation, Ring, Scheme, parse_target, strassen
from bilinear.decompositions.floats import float_factors


def single(u: int, w: int, denominator: int, imag: int | None = None) -> Scheme:
    """One product of numbers, wrong for its target: nobody asks that here."""
    parts = None if imag is None else tuple(np.array([[x]], dtype=object) for x in (0, 0, imag))
    numbers = (np.array([[x]], dtype=object) for x in (u, 1, w))
    return Scheme(parse_target("1x1x1"), Ring.QI if parts else Ring.Q, *numbers, np.array([denominator], object), parts)


@given(verified_schemes((Ring.ZT, Ring.Z, Ring.Q, Ring.QI)))
def test_each_coefficient_is_the_float_next_to_it(scheme: Scheme) -> None:
    found = float_factors(scheme)
    for axis, (factor, (real, imag)) in enumerate(zip(found, scheme.parts, strict=True)):
        assert factor.dtype == (np.float64 if imag is None else np.complex128)
        for part, floats in ((real, factor.real), (imag, factor.imag)):
            divisors = scheme.denominators.tolist() if axis == 2 else [1] * scheme.rank
            rows = [] if part is None else zip(part.tolist(), floats.tolist(), divisors, strict=True)
            assert all(float(Fraction(x, d)) == y for row, line, d in rows for x, y in zip(row, line, strict=True))


def test_numbers_beyond_the_floats_are_rounded_once() -> None:
    big = (1 << 61) + 3
    assert float_factors(single(1, big, 3 * big))[2][0, 0] == 1 / 3
    assert float_factors(single(1, (1 << 53) + 1, 3))[2][0, 0] == float(Fraction((1 << 53) + 1, 3))
    assert float_factors(single(big, 1, 1))[0][0, 0] == float(big)
    assert float_factors(single(1, 1, 3, imag=big))[2][0, 0] == complex(1 / 3, float(Fraction(big, 3)))


def test_a_coefficient_too_large_for_a_float_is_refused() -> None:
    for scheme in (single(10**400, 1, 1), single(1, 10**400, 1)):
        with pytest.raises(OverflowError):
            float_factors(scheme)


def test_large_factors_that_cancel_are_cancelled_first() -> None:
    for bits in (120, 1030, 2000):
        by = 1 << bits
        assert np.prod([factor.item() for factor in float_factors(single(3 * by, 1, by))]) == 3


def test_an_approximation_is_floats_already() -> None:
    scheme = strassen()
    approximation = Approximation(scheme.target, *(factor.astype(np.float64) for factor in scheme.factors))
    assert all(x is y for x, y in zip(float_factors(approximation), approximation.factors, strict=True))


def test_residues_are_the_integers_they_are_written_as() -> None:
    assert set(np.unique(float_factors(strassen().to("f3"))[0]).tolist()) <= {0.0, 1.0, 2.0}

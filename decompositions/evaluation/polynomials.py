"""Polynomials over an exact field: coefficients ascending, the last one not zero."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from bilinear.decompositions.evaluation.fields import Elements, Field, Gaussian
from bilinear.decompositions.evaluation.finite import GaloisField
from bilinear.decompositions.rings import Ring

Polynomial = tuple[Any, ...]


def polynomial(field: Field, coefficients: Sequence[int | Fraction]) -> Polynomial:
    """The polynomial of these numbers, ascending."""
    return trimmed([field.element(value) for value in coefficients])


def trimmed(coefficients: Sequence[Any]) -> Polynomial:
    """Without zeros at the top."""
    found = list(coefficients)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def degree(f: Polynomial) -> int:
    """The degree; -1 for zero."""
    return len(f) - 1


def multiplied(f: Polynomial, g: Polynomial, field: Field) -> Polynomial:
    """The product."""
    result = [field.zero] * (len(f) + len(g) - 1 if f and g else 0)
    for (i, a), (j, b) in itertools.product(enumerate(f), enumerate(g)):
        result[i + j] = result[i + j] + a * b
    return trimmed(result)


def power(f: Polynomial, exponent: int, field: Field) -> Polynomial:
    """f^exponent."""
    result: Polynomial = (field.one,)
    for _ in range(exponent):
        result = multiplied(result, f, field)
    return result


def remainder(f: Polynomial, modulus: Polynomial) -> Polynomial:
    """f modulo another polynomial that is not zero."""
    rest = list(f)
    while len(rest) >= len(modulus):
        factor, shift = rest[-1] / modulus[-1], len(rest) - len(modulus)
        for k, value in enumerate(modulus):
            rest[shift + k] = rest[shift + k] - factor * value
        rest = list(trimmed(rest[:-1]))
    return trimmed(rest)


def common_divisor(f: Polynomial, g: Polynomial) -> Polynomial:
    """A greatest common divisor, not scaled."""
    while g:
        f, g = g, remainder(f, g)
    return f


def reduction(modulus: Polynomial, length: int, field: Field) -> Elements:
    """The matrix that takes the coefficients of a polynomial to those of its remainder, shape (degree, length).

    Column after column is the one before times x, its top coefficient folded back.
    """
    size = degree(modulus)
    low = field.gathered([-c for c in modulus[:size]])
    columns = list(field.identity(size))
    for _ in range(size, length):
        last = columns[-1]
        columns.append(field.plus(np.concatenate([field.zeros(1), last[:-1]]), field.times(low, last[-1:])))
    return np.stack(columns[:length], axis=1)


def irreducibles(field: GaloisField, wanted: int) -> Iterator[Polynomial]:
    """Monic irreducible polynomials of a degree over a finite field, in the order of their coefficients."""
    for number in range(field.order**wanted):
        lower = (field.member(number // field.order**k % field.order) for k in range(wanted))
        candidate = (*lower, field.one)
        if not any(not remainder(candidate, f) for f in _divisors(field, wanted // 2)):
            yield candidate


@cache
def _divisors(field: GaloisField, largest: int) -> tuple[Polynomial, ...]:
    return tuple(f for d in range(1, largest + 1) for f in irreducibles(field, d))


def count_irreducibles(order: int, wanted: int) -> int:
    """Number of monic irreducible polynomials of a degree over the field of `order` elements (Gauss)."""
    divisors = (d for d in range(1, wanted + 1) if wanted % d == 0)
    count: int = sum(_moebius(wanted // d) * order**d for d in divisors) // wanted
    return count


def _moebius(number: int) -> int:
    sign, factor = 1, 2
    while number > 1:
        if number % factor == 0:
            number //= factor
            if number % factor == 0:
                return 0
            sign = -sign
        factor += 1
    return sign


def factored(f: Polynomial, field: Field) -> list[tuple[Polynomial, int]]:
    """Monic irreducible factors with their multiplicities, of low degree first; the leading coefficient is dropped.

    Args:
        f: Over the rationals, the Gaussian rationals or a prime field.
        field: That field.
    """
    import sympy

    if isinstance(field, GaloisField):
        options: dict[str, Any] = {"modulus": field.prime}
    else:
        options = {"domain": sympy.QQ_I if field.ring is Ring.QI else sympy.QQ}
    _, factors = sympy.Poly([_to_sympy(c) for c in reversed(f)], sympy.Symbol("x"), **options).factor_list()
    found = [(_monic([_from_sympy(c, field) for c in reversed(g.all_coeffs())]), int(e)) for g, e in factors]
    return sorted(found, key=lambda pair: (degree(pair[0]), pair[1], [str(c) for c in pair[0]]))


def _monic(f: Sequence[Any]) -> Polynomial:
    return tuple(c / f[-1] for c in f)


def _to_sympy(value: Any) -> Any:
    import sympy

    if isinstance(value, Gaussian):
        return _to_sympy(value.real) + sympy.I * _to_sympy(value.imag)
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    return value.number


def _from_sympy(value: Any, field: Field) -> Any:
    if isinstance(field, GaloisField):
        return field.element(int(value))
    real, imag = (Fraction(int(part.p), int(part.q)) for part in value.as_real_imag())
    return Gaussian(real, imag) if field.ring is Ring.QI else real

"""Between a prime field and its extensions: the factor of a polynomial that appears over a larger field."""

from __future__ import annotations

import numpy as np

from bilinear.decompositions.evaluation.fields import Elements
from bilinear.decompositions.evaluation.finite import GaloisField, prime_field, solved
from bilinear.decompositions.evaluation.polynomials import (
    Polynomial,
    degree,
    multiplied,
    polynomial,
    remainder,
    trimmed,
)


def factor_over(f: Polynomial, extension: GaloisField) -> Polynomial:
    """A monic irreducible factor, over an extension field, of an irreducible polynomial over the prime field.

    The residues modulo f form a field that contains a copy of the extension; the factor is the minimal polynomial of x
    over that copy.

    Args:
        f: Monic and irreducible over the prime field, of a degree that `extension.degree` divides.
        extension: The field of the factor.
    """
    field, d = prime_field(extension.prime), degree(f)
    size = d // extension.degree
    root = _root(f, extension)
    powers = [_power(root, k, f, field) for k in range(extension.degree)]
    x = polynomial(field, (0, 1))
    basis = [_times(y, _power(x, k, f, field), f, field) for k in range(size) for y in powers]
    matrix = np.stack([_column(y, d, field) for y in basis], axis=1)
    found = solved(matrix, _column(_power(x, size, f, field), d, field)[:, None], field)
    weights = extension.prime ** np.arange(extension.degree)
    numbers = found.reshape(size, extension.degree) @ weights
    return (*(-extension.member(int(number)) for number in numbers), extension.one)


def _root(f: Polynomial, extension: GaloisField) -> Polynomial:
    """A residue modulo f that is a root of the extension's modulus."""
    field = prime_field(extension.prime)
    modulus = polynomial(field, extension.modulus)
    for candidate in _subfield(f, extension, field):
        value: Polynomial = ()
        for coefficient in reversed(modulus):
            value = _sum(_times(value, candidate, f, field), trimmed([coefficient]), field)
        if not value:
            return candidate
    raise AssertionError("a field of p^d elements holds every field of p^k elements with k dividing d")


def _subfield(f: Polynomial, extension: GaloisField, field: GaloisField) -> list[Polynomial]:
    """The elements of the copy of the extension: sums of the traces of powers of x."""
    x = polynomial(field, (0, 1))
    members: list[Polynomial] = [()]
    for k in range(degree(f)):
        trace = conjugate = _power(x, k, f, field)
        for _ in range(degree(f) // extension.degree - 1):
            conjugate = _power(conjugate, extension.order, f, field)
            trace = _sum(trace, conjugate, field)
        if trace not in members:
            scaled = [tuple(scalar * c for c in trace) for scalar in field.members[1:]]
            members += [_sum(member, multiple, field) for multiple in scaled for member in members]
    return members


def _times(f: Polynomial, g: Polynomial, modulus: Polynomial, field: GaloisField) -> Polynomial:
    return remainder(multiplied(f, g, field), modulus)


def _sum(f: Polynomial, g: Polynomial, field: GaloisField) -> Polynomial:
    short, long = sorted((f, g), key=len)
    return trimmed([a + b for a, b in zip((*short, *[field.zero] * (len(long) - len(short))), long, strict=True)])


def _power(f: Polynomial, exponent: int, modulus: Polynomial, field: GaloisField) -> Polynomial:
    result, square = remainder((field.one,), modulus), remainder(f, modulus)
    while exponent:
        if exponent & 1:
            result = _times(result, square, modulus, field)
        square, exponent = _times(square, square, modulus, field), exponent >> 1
    return result


def _column(f: Polynomial, length: int, field: GaloisField) -> Elements:
    column = field.zeros(length)
    column[: len(f)] = field.gathered(list(f))
    return column

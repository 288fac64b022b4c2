"""Fields with exact elements: rationals, Gaussian rationals, and finite fields of up to 256 elements."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import RingError
from bilinear.decompositions.rings import Ring

Elements = NDArray[Any]
"""Elements of one field in an object array; `@`, `+` and `*` of NumPy call the elements' own operators."""

MAX_ORDER = 256


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The Gaussian rational real + imag i."""

    real: Fraction
    imag: Fraction = Fraction(0)

    def __add__(self, other: Gaussian) -> Gaussian:
        return Gaussian(self.real + other.real, self.imag + other.imag)

    def __neg__(self) -> Gaussian:
        return Gaussian(-self.real, -self.imag)

    def __sub__(self, other: Gaussian) -> Gaussian:
        return Gaussian(self.real - other.real, self.imag - other.imag)

    def __mul__(self, other: Gaussian) -> Gaussian:
        real = self.real * other.real - self.imag * other.imag
        return Gaussian(real, self.real * other.imag + self.imag * other.real)

    def __truediv__(self, other: Gaussian) -> Gaussian:
        norm = other.real * other.real + other.imag * other.imag
        return self * Gaussian(other.real / norm, -other.imag / norm)

    def __bool__(self) -> bool:
        return bool(self.real or self.imag)

    def __str__(self) -> str:
        if not self.imag:
            return str(self.real)
        size = "" if abs(self.imag) == 1 else str(abs(self.imag))
        sign = "-" if self.imag < 0 else "+" if self.real else ""
        return f"{self.real or ''}{sign}{size}i"


@dataclass(frozen=True, slots=True)
class Residue:
    """An element of a finite field: a polynomial over the prime field, its coefficients the digits of `number`."""

    field: GaloisField
    number: int

    def __add__(self, other: Residue) -> Residue:
        return self.field.members[self.field.sums[self.number][other.number]]

    def __neg__(self) -> Residue:
        return self.field.members[self.field.sums[self.number].index(0)]

    def __sub__(self, other: Residue) -> Residue:
        return self.field.members[self.field.differences[self.number][other.number]]

    def __mul__(self, other: Residue) -> Residue:
        return self.field.members[self.field.products[self.number][other.number]]

    def __truediv__(self, other: Residue) -> Residue:
        return self.field.members[self.field.products[self.number][self.field.inverses[other.number]]]

    def __bool__(self) -> bool:
        return self.number != 0

    def __str__(self) -> str:
        return str(self.number)


class Field:
    """Numbers of characteristic 0: rationals, or Gaussian rationals over `qi`.

    Attributes:
        ring: The coefficient set of schemes over this field.
        order: Number of elements; None for infinitely many.
    """

    order: int | None = None

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    def element(self, value: int | Fraction) -> Any:
        """The image of a number."""
        return Gaussian(Fraction(value)) if self.ring is Ring.QI else Fraction(value)

    @cached_property
    def zero(self) -> Any:
        """0."""
        return self.element(0)

    @cached_property
    def one(self) -> Any:
        """1."""
        return self.element(1)

    def array(self, values: Any) -> Elements:
        """Numbers as an array of elements, of the same shape."""
        numbers = np.asarray(values, dtype=object)
        found = np.empty(numbers.size, dtype=object)
        found[:] = [self.element(value) for value in numbers.ravel().tolist()]
        return found.reshape(numbers.shape)

    def zeros(self, *shape: int) -> Elements:
        """An array of zeros."""
        return np.full(shape, self.zero, dtype=object)

    def identity(self, size: int) -> Elements:
        """The identity matrix."""
        return self.array(np.eye(size, dtype=np.int64))


class GaloisField(Field):
    """The field of p^degree elements, as polynomials modulo the first irreducible one of that degree.

    Attributes:
        prime: The characteristic p.
        degree: Over the prime field.
    """

    order: int

    def __init__(self, prime: int, degree: int = 1) -> None:
        super().__init__(Ring.F2 if prime == 2 else Ring.F3)
        self.prime, self.degree, self.order = prime, degree, prime**degree
        self.modulus = _first_irreducible(prime, degree)
        assert self.order <= MAX_ORDER, "larger tables are not held"

    def element(self, value: int | Fraction) -> Residue:
        """The image of an integer in the prime field."""
        return self.members[int(value) % self.prime]

    @cached_property
    def members(self) -> list[Residue]:
        """All elements; the first `prime` of them are the prime field."""
        return [Residue(self, number) for number in range(self.order)]

    @cached_property
    def digits(self) -> list[tuple[int, ...]]:
        """Coordinates of every element over the prime field, lowest first."""
        return [_digits(number, self.prime, self.degree) for number in range(self.order)]

    @cached_property
    def sums(self) -> list[list[int]]:
        """Numbers of x + y."""
        return self._table(lambda x, y: [a + b for a, b in zip(x, y, strict=True)])

    @cached_property
    def differences(self) -> list[list[int]]:
        """Numbers of x - y."""
        return self._table(lambda x, y: [a - b for a, b in zip(x, y, strict=True)])

    @cached_property
    def products(self) -> list[list[int]]:
        """Numbers of x y."""
        return self._table(lambda x, y: _product_modulo(x, y, self.modulus, self.prime))

    @cached_property
    def inverses(self) -> list[int]:
        """Numbers of 1 / x; 0 stands at 0, which has none."""
        return [0] + [self.products[number].index(1) for number in range(1, self.order)]

    def _table(self, operation: Any) -> list[list[int]]:
        return [[_number(operation(x, y), self.prime) for y in self.digits] for x in self.digits]

    def multiplication(self, element: Residue) -> Elements:
        """The matrix over the prime field that multiplies coordinates by an element, shape (degree, degree)."""
        powers = [self.members[self.prime**k] for k in range(self.degree)]
        columns = [self.digits[(element * power).number] for power in powers]
        return prime_field(self.prime).array(np.array(columns).T)


@cache
def galois(prime: int, degree: int) -> GaloisField:
    """The field of prime^degree elements, made once."""
    return GaloisField(prime, degree)


def prime_field(prime: int) -> GaloisField:
    """The field of `prime` elements."""
    return galois(prime, 1)


INTEGERS, TERNARY = Field(Ring.Z), Field(Ring.Z)
"""The integers, which are no field: rationals that no construction divides. `TERNARY` are those of which constructions
keep to sums and differences, so that most schemes stay over `zt`."""
RATIONALS, GAUSSIANS = Field(Ring.Q), Field(Ring.QI)


def field_of(ring: Ring) -> Field:
    """The field in which schemes over that set are built: `q` for `zt` and `z` too."""
    if ring.characteristic:
        return galois(ring.characteristic, 1)
    return GAUSSIANS if ring is Ring.QI else RATIONALS


def solved(matrix: Elements, right: Elements, field: Field) -> Elements:
    """The X with matrix X = right.

    Args:
        matrix: Of full column rank, shape (n, r).
        right: In the span of its columns, shape (n, columns).

    Returns:
        Shape (r, columns).

    Raises:
        RingError: If the columns are dependent, or do not span what stands on the right.
    """
    rows, columns = len(matrix), matrix.shape[1]
    work = np.concatenate([matrix, right], axis=1)
    for column in range(columns):
        pivot = next((row for row in range(column, rows) if work[row, column]), None)
        if pivot is None:
            raise RingError(f"a system over {field.ring} that has no unique solution")
        work[[column, pivot]] = work[[pivot, column]]
        work[column] = work[column] * (field.one / work[column, column])
        for row in range(rows):
            if row != column and work[row, column]:
                work[row] = work[row] - work[column] * work[row, column]
    if any(map(bool, work[columns:].ravel().tolist())):
        raise RingError(f"a system over {field.ring} that has no solution")
    return work[:columns, columns:]


def _digits(number: int, base: int, count: int) -> tuple[int, ...]:
    return tuple(number // base**k % base for k in range(count))


def _number(digits: list[int], base: int) -> int:
    return sum(digit % base * base**k for k, digit in enumerate(digits))


def _product_modulo(x: tuple[int, ...], y: tuple[int, ...], modulus: tuple[int, ...], prime: int) -> list[int]:
    """The product of two polynomials modulo a monic one."""
    degree = len(modulus) - 1
    product = [0] * (2 * degree - 1)
    for (i, a), (j, b) in itertools.product(enumerate(x), enumerate(y)):
        product[i + j] += a * b
    for top in range(len(product) - 1, degree - 1, -1):
        for k in range(degree):
            product[top - degree + k] -= product[top] * modulus[k]
    return [value % prime for value in product[:degree]]


@cache
def _first_irreducible(prime: int, degree: int) -> tuple[int, ...]:
    """The first monic irreducible polynomial of the degree, ascending coefficients."""
    products = set()
    for low in range(1, degree // 2 + 1):
        for x, y in itertools.product(_monic(prime, low), _monic(prime, degree - low)):
            products.add(tuple(value % prime for value in np.convolve(x, y).tolist()))
    return next(candidate for candidate in _monic(prime, degree) if candidate not in products)


def _monic(prime: int, degree: int) -> list[tuple[int, ...]]:
    """All monic polynomials of the degree, ascending coefficients."""
    return [(*_digits(number, prime, degree), 1) for number in range(prime**degree)]

"""Finite fields: residues modulo primes, their small extensions, and linear equations over any field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import modular, rings
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.evaluation.fields import GAUSSIANS, RATIONALS, Elements, Field, exact_product
from bilinear.decompositions.rings import Ring

MAX_ORDER = 256
"""Elements of an extension field, of which tables are held."""


@dataclass(frozen=True, slots=True)
class Residue:
    """An element of a finite field: a polynomial over the prime field, its coefficients the digits of `number`."""

    field: GaloisField
    number: int

    def __add__(self, other: Residue) -> Residue:
        field = self.field
        if field.degree == 1:
            return Residue(field, (self.number + other.number) % field.prime)
        return Residue(field, int(field.sums[self.number, other.number]))

    def __neg__(self) -> Residue:
        return self * Residue(self.field, self.field.prime - 1)

    def __sub__(self, other: Residue) -> Residue:
        field = self.field
        if field.degree == 1:
            return Residue(field, (self.number - other.number) % field.prime)
        return Residue(field, int(field.differences[self.number, other.number]))

    def __mul__(self, other: Residue) -> Residue:
        field = self.field
        if field.degree == 1:
            return Residue(field, self.number * other.number % field.prime)
        return Residue(field, int(field.products[self.number, other.number]))

    def __truediv__(self, other: Residue) -> Residue:
        field = self.field
        if field.degree == 1:
            return Residue(field, self.number * pow(other.number, -1, field.prime) % field.prime)
        return self * Residue(field, int(field.inverses[other.number]))

    def __bool__(self) -> bool:
        return self.number != 0

    def __str__(self) -> str:
        return str(self.number)


class GaloisField(Field):
    """The field of p^degree elements, as polynomials modulo the first irreducible one of that degree.

    Arrays hold the numbers of elements: their coefficients are its digits to the base p.

    Attributes:
        prime: The characteristic p, below 2^31.
        degree: Over the prime field.
    """

    order: int

    def __init__(self, prime: int, degree: int = 1) -> None:
        super().__init__(rings.modulo(prime))
        self.prime, self.degree, self.order = prime, degree, prime**degree
        assert degree == 1 or self.order <= MAX_ORDER, "larger tables are not held"

    @cached_property
    def modulus(self) -> tuple[int, ...]:
        """The polynomial, ascending coefficients."""
        return _first_irreducible(self.prime, self.degree)

    def element(self, value: int | Fraction) -> Residue:
        """The image of an integer in the prime field."""
        return Residue(self, int(value) % self.prime)

    def member(self, number: int) -> Residue:
        """The element of a number; the first `prime` of them are the prime field."""
        return Residue(self, number)

    @property
    def members(self) -> list[Residue]:
        """All elements of a small field."""
        return [Residue(self, number) for number in range(self.order)]

    def array(self, values: Any) -> Elements:
        """See `Field.array`."""
        return np.asarray(np.asarray(values) % self.prime).astype(np.int64)

    def gathered(self, elements: list[Residue]) -> Elements:
        """See `Field.gathered`."""
        return np.array([element.number for element in elements], dtype=np.int64)

    def single(self, array: Elements) -> Elements:
        """See `Field.single`."""
        found = np.empty(array.size, dtype=object)
        found[:] = [Residue(self, number) for number in array.ravel().tolist()]
        return found.reshape(array.shape)

    def zeros(self, *shape: int) -> Elements:
        """See `Field.zeros`."""
        return np.zeros(shape, np.int64)

    def plus(self, x: Elements, y: Elements) -> Elements:
        """See `Field.plus`."""
        return np.asarray((x + y) % self.prime if self.degree == 1 else self.sums[x, y])

    def minus(self, x: Elements, y: Elements) -> Elements:
        """See `Field.minus`."""
        return np.asarray((x - y) % self.prime if self.degree == 1 else self.differences[x, y])

    def times(self, x: Elements, y: Elements) -> Elements:
        """See `Field.times`."""
        return np.asarray(x * y % self.prime if self.degree == 1 else self.products[x, y])

    def matmul(self, x: Elements, y: Elements) -> Elements:
        """See `Field.matmul`."""
        if self.degree == 1:
            bound = (self.prime - 1) ** 2 * x.shape[1]
            whole = bound < rings.INT64_SAFE
            return exact_product(x, y, bound) % self.prime if whole else modular.product(x, y, self.prime)
        found = self.zeros(len(x), y.shape[1])
        for k in range(x.shape[1]):
            found = self.plus(found, self.times(x[:, k, None], y[None, k]))
        return found

    @cached_property
    def digits(self) -> NDArray[np.int64]:
        """Coordinates of every element over the prime field, lowest first, shape (order, degree)."""
        return np.asarray(np.arange(self.order)[:, None] // self._weights % self.prime)

    @cached_property
    def _weights(self) -> NDArray[np.int64]:
        return np.asarray(self.prime ** np.arange(self.degree, dtype=np.int64))

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """Numbers of x + y."""
        return np.asarray((self.digits[:, None] + self.digits) % self.prime @ self._weights)

    @cached_property
    def differences(self) -> NDArray[np.int64]:
        """Numbers of x - y."""
        return np.asarray((self.digits[:, None] - self.digits) % self.prime @ self._weights)

    @cached_property
    def products(self) -> NDArray[np.int64]:
        """Numbers of x y."""
        found = np.einsum("xij,yj->xyi", self.multiplications, self.digits)
        return np.asarray(found % self.prime @ self._weights)

    @cached_property
    def inverses(self) -> NDArray[np.int64]:
        """Numbers of 1 / x; 0 stands at 0, which has none."""
        return np.asarray((self.products == 1).argmax(axis=1))

    @cached_property
    def multiplications(self) -> NDArray[np.int64]:
        """For every element the matrix that multiplies coordinates by it, shape (order, degree, degree)."""
        low = np.array(self.modulus[:-1], dtype=np.int64)
        columns = [self.digits]
        for _ in range(self.degree - 1):
            last = columns[-1]
            moved = np.concatenate([np.zeros((self.order, 1), np.int64), last[:, :-1]], axis=1)
            columns.append((moved - last[:, -1:] * low) % self.prime)
        return np.stack(columns, axis=2)


@cache
def galois(prime: int, degree: int) -> GaloisField:
    """The field of prime^degree elements, made once."""
    return GaloisField(prime, degree)


def prime_field(prime: int) -> GaloisField:
    """The field of `prime` elements."""
    return galois(prime, 1)


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
        field: Of both.

    Returns:
        Shape (r, columns).

    Raises:
        RingError: If the columns are dependent, or do not span what stands on the right.
    """
    columns = matrix.shape[1]
    if isinstance(field, GaloisField) and field.degree == 1:
        work, pivots = modular.echelon(np.concatenate([matrix, right], axis=1), field.prime, columns)
        if len(pivots) < columns:
            raise RingError(f"a system over {field.ring} that has no unique solution")
    else:
        work = _eliminated(np.concatenate([field.single(matrix), field.single(right)], axis=1), columns, field)
        work = field.gathered(work.ravel().tolist()).reshape(work.shape)
    if work[columns:].astype(bool).any():
        raise RingError(f"a system over {field.ring} that has no solution")
    return work[:columns, columns:]


def _eliminated(work: Elements, columns: int, field: Field) -> Elements:
    """Single elements, the first columns brought to the identity."""
    rows = len(work)
    for column in range(columns):
        pivot = next((row for row in range(column, rows) if work[row, column]), None)
        if pivot is None:
            raise RingError(f"a system over {field.ring} that has no unique solution")
        work[[column, pivot]] = work[[pivot, column]]
        work[column] = work[column] * (field.one / work[column, column])
        for row in range(rows):
            if row != column and work[row, column]:
                work[row] = work[row] - work[column] * work[row, column]
    return work


def _first_irreducible(prime: int, degree: int) -> tuple[int, ...]:
    """The first monic irreducible polynomial of the degree, ascending coefficients."""
    products = set()
    for low in range(1, degree // 2 + 1):
        for x, y in itertools.product(_monic(prime, low), _monic(prime, degree - low)):
            products.add(tuple(value % prime for value in np.convolve(x, y).tolist()))
    return next(candidate for candidate in _monic(prime, degree) if candidate not in products)


def _monic(prime: int, degree: int) -> Iterator[tuple[int, ...]]:
    """All monic polynomials of the degree, ascending coefficients."""
    return ((*(number // prime**k % prime for k in range(degree)), 1) for number in range(prime**degree))

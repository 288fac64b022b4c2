"""What a field with exact elements is, and those of characteristic 0: rationals, Gaussian rationals, and integers.

A single element is an object with operators, which polynomials are made of. Arrays are computed with by the methods of
their field: of a finite field they hold numbers, of the integers int64 while that holds the result, else objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import rings
from bilinear.decompositions.rings import Ring

Elements = NDArray[Any]
"""Elements of one field: numbers of a finite one, else integers or objects."""

EXACT_FLOATS = 1 << 53


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
        return self.gathered([self.element(value) for value in numbers.ravel().tolist()]).reshape(numbers.shape)

    def gathered(self, elements: list[Any]) -> Elements:
        """Single elements as an array, shape (elements,)."""
        found = np.empty(len(elements), dtype=object)
        found[:] = elements
        return found

    def single(self, array: Elements) -> Elements:
        """An object array of the single elements, of the same shape."""
        return array

    def zeros(self, *shape: int) -> Elements:
        """An array of zeros."""
        return np.full(shape, self.zero, dtype=object)

    def identity(self, size: int) -> Elements:
        """The identity matrix."""
        return self.array(np.eye(size, dtype=np.int64))

    def plus(self, x: Elements, y: Elements) -> Elements:
        """x + y, entry by entry."""
        return np.asarray(x + y)

    def minus(self, x: Elements, y: Elements) -> Elements:
        """x - y, entry by entry."""
        return np.asarray(x - y)

    def times(self, x: Elements, y: Elements) -> Elements:
        """x y, entry by entry."""
        return np.asarray(x * y)

    def matmul(self, x: Elements, y: Elements) -> Elements:
        """The matrix product."""
        return np.asarray(x @ y)


class Integers(Field):
    """The integers, which are no field: single elements are rationals, which no construction divides."""

    def gathered(self, elements: list[Any]) -> Elements:
        """Integers, as int64 where that holds them; a fraction stays one, and no set without division takes it."""
        if any(value.denominator != 1 for value in elements):
            return super().gathered(elements)
        numbers = [int(value) for value in elements]
        narrow = all(abs(number) < rings.INT64_SAFE for number in numbers)
        return np.array(numbers, dtype=np.int64 if narrow else object)

    def single(self, array: Elements) -> Elements:
        """See `Field.single`."""
        found = np.empty(array.size, dtype=object)
        found[:] = [Fraction(value) for value in array.ravel().tolist()]
        return found.reshape(array.shape)

    def zeros(self, *shape: int) -> Elements:
        """See `Field.zeros`."""
        return np.zeros(shape, np.int64)

    def plus(self, x: Elements, y: Elements) -> Elements:
        """See `Field.plus`."""
        x, y = _wide(x, y, _most(x) + _most(y))
        return np.asarray(x + y)

    def minus(self, x: Elements, y: Elements) -> Elements:
        """See `Field.minus`."""
        x, y = _wide(x, y, _most(x) + _most(y))
        return np.asarray(x - y)

    def times(self, x: Elements, y: Elements) -> Elements:
        """See `Field.times`."""
        x, y = _wide(x, y, _most(x) * _most(y))
        return np.asarray(x * y)

    def matmul(self, x: Elements, y: Elements) -> Elements:
        """See `Field.matmul`."""
        bound = _most(x) * _most(y) * x.shape[1]
        x, y = _wide(x, y, bound)
        return exact_product(x, y, bound)


def _most(x: Elements) -> int:
    """The largest magnitude; beyond int64 for objects, which hold anything."""
    return rings.INT64_SAFE if x.dtype == object else rings.magnitude(x)


def _wide(x: Elements, y: Elements, bound: int) -> tuple[Elements, Elements]:
    """Both as Python integers where a result may reach 2^62."""
    return (x, y) if bound < rings.INT64_SAFE else (x.astype(object), y.astype(object))


def exact_product(x: Elements, y: Elements, bound: int) -> Elements:
    """The matrix product of integers, no partial sum of which exceeds the bound; by BLAS where floats hold it."""
    if bound < EXACT_FLOATS:
        return np.asarray((x.astype(np.float64) @ y.astype(np.float64)).astype(np.int64))
    return np.asarray(x @ y)


INTEGERS, TERNARY = Integers(Ring.Z), Integers(Ring.Z)
"""The integers. `TERNARY` are those of which constructions keep to sums and differences, so that most schemes stay over
`zt`."""
RATIONALS, GAUSSIANS = Field(Ring.Q), Field(Ring.QI)

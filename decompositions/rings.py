"""Coefficient sets: `zt` < `z` < `q` < `qi` in characteristic 0, and `f2`, `f3`.

A coefficient is (real + i imag) / d, with integers `real`, `imag` and a positive denominator `d` shared by its product.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions.errors import RingError, SchemeError

IntArray = NDArray[Any]
"""Exact integers: int64 where every magnitude is below 2^62, else Python integers in an object array."""

INT64_SAFE = 1 << 62
MAX_BITS = 4096


class Ring(StrEnum):
    """The coefficient set a scheme is held to, as its entry declares it."""

    ZT = "zt"
    Z = "z"
    Q = "q"
    QI = "qi"
    F2 = "f2"
    F3 = "f3"

    @property
    def characteristic(self) -> int:
        """0, 2 or 3."""
        return {Ring.F2: 2, Ring.F3: 3}.get(self, 0)

    @property
    def field(self) -> Ring:
        """The field in which equations over this set are decided: `q` for `zt` and `z`."""
        return Ring.Q if self in (Ring.ZT, Ring.Z) else self

    @property
    def description(self) -> str:
        """The set in words."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Ring.ZT: "{-1, 0, 1}",
    Ring.Z: "integers",
    Ring.Q: "rationals",
    Ring.QI: "Gaussian rationals",
    Ring.F2: "integers modulo 2",
    Ring.F3: "integers modulo 3",
}
_CHAIN = (Ring.ZT, Ring.Z, Ring.Q, Ring.QI)


def parse_ring(name: str) -> Ring:
    """The coefficient set of that name.

    Raises:
        RingError: If there is none.
    """
    try:
        return Ring(name.strip().lower())
    except ValueError:
        raise RingError(f"unknown ring {name[:40]!r}: known rings: {', '.join(Ring)}") from None


def exact(values: ArrayLike, ndim: int) -> IntArray:
    """A read-only exact integer array; floats are refused, whatever their value.

    Args:
        values: Integers of any width, shape with `ndim` axes.
        ndim: Number of axes expected.

    Raises:
        SchemeError: If a value is no integer, an axis is missing, or a magnitude exceeds 4,096 bits.
    """
    array = rectangular(values)
    if array.dtype.kind == "f" and not isinstance(values, np.ndarray):
        array = np.array(values, dtype=object)  # NumPy reads [2^63, -1] as floats; the numbers themselves decide
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)
    if array.ndim != ndim:
        raise SchemeError(f"factors of shape {array.shape}: {ndim} axes are needed")
    if array.dtype.kind in "iu" and array.dtype != np.uint64:
        array = array.astype(np.int64)
    elif array.dtype.kind not in "uO":
        raise SchemeError(f"coefficients of type {array.dtype}: exact integers are needed")
    array = _narrowed(array)
    array.setflags(write=False)
    return array


def rectangular(values: ArrayLike) -> NDArray[Any]:
    """The values as an array.

    Raises:
        SchemeError: If rows differ in length.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise SchemeError("factors whose rows differ in length; a rectangular array is needed") from None


def _narrowed(array: IntArray) -> IntArray:
    """A fresh array: int64 where every magnitude is below 2^62, else Python integers."""
    if array.dtype == np.int64 and (array.size == 0 or (array.min() > -INT64_SAFE and array.max() < INT64_SAFE)):
        return np.array(array, order="C")
    numbers = [_integer(x) for x in array.ravel().tolist()]
    wide = any(abs(x) >= INT64_SAFE for x in numbers)
    result = np.empty(len(numbers), dtype=object if wide else np.int64)
    result[:] = numbers
    return result.reshape(array.shape)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise SchemeError(f"coefficient {str(value)[:40]!r} is no exact integer")
    number = int(value)
    if number.bit_length() > MAX_BITS:
        raise SchemeError(f"a coefficient of {number.bit_length()} bits: at most {MAX_BITS} are held")
    return number


def widen(array: IntArray) -> IntArray:
    """The same numbers as Python integers, so that no operation can overflow."""
    return array.astype(object)


def magnitude(array: IntArray) -> int:
    """The largest absolute value, 0 for an empty array."""
    return 0 if array.size == 0 else max(int(array.max()), -int(array.min()))


def outside(ring: Ring, factor: IntArray) -> tuple[int, int] | None:
    """Position of the first integer that `ring` does not hold as a numerator, or None."""
    if ring in (Ring.Z, Ring.Q, Ring.QI):
        return None
    low, high = {Ring.ZT: (-1, 1), Ring.F2: (0, 1), Ring.F3: (0, 2)}[ring]
    rows, columns = np.nonzero((factor < low) | (factor > high))
    return (int(rows[0]), int(columns[0])) if rows.size else None


def smallest(factors: tuple[IntArray, ...], denominators: IntArray, imag: tuple[IntArray, ...] | None) -> Ring:
    """The smallest set of characteristic 0 that holds the coefficients as they are written.

    Args:
        factors: Real parts, each of shape (rank, width).
        denominators: Shape (rank,).
        imag: Imaginary parts like `factors`, or None.
    """
    if imag is not None and any(magnitude(f) for f in imag):
        return Ring.QI
    if any(d != 1 for d in denominators.tolist()):
        return Ring.Q
    return Ring.ZT if all(magnitude(f) <= 1 for f in factors) else Ring.Z


def holds(larger: Ring, smaller: Ring) -> bool:
    """Whether every coefficient of `smaller` is one of `larger`, by inclusion and not by reduction."""
    if larger == smaller:
        return True
    return larger in _CHAIN and smaller in _CHAIN and _CHAIN.index(smaller) < _CHAIN.index(larger)


def common_multiple(denominators: IntArray) -> int:
    """The least common multiple L of the denominators, 1 for rank 0."""
    return math.lcm(*denominators.tolist())

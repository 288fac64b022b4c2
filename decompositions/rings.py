"""Coefficient sets: `zt` < `z` < `q` < `qi` in characteristic 0, and `f2`, `f3`, `f5`, ...: residues modulo a prime.

A coefficient is (real + i imag) / d, with integers `real`, `imag` and a positive denominator `d` shared by its product.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions.errors import RingError, SchemeError

IntArray = NDArray[Any]
"""Exact integers: int64 where every magnitude is below 2^62, else Python integers in an object array."""

INT64_SAFE = 1 << 62
MAX_BITS = 4096
LARGEST_PRIME = (1 << 31) - 1
"""Residues below it multiply within int64."""
_PRIME_FIELD = re.compile(r"f(?P<prime>[1-9][0-9]{0,9})")


class Ring(StrEnum):
    """The coefficient set a scheme is held to, as its entry declares it.

    Those of small tables are members. The residues modulo a larger prime below 2^31 are `Ring("f7")`: made once each,
    equal to itself alone like a member, and left out where the members are listed.
    """

    ZT = "zt"
    Z = "z"
    Q = "q"
    QI = "qi"
    F2 = "f2"
    F3 = "f3"

    @classmethod
    def _missing_(cls, value: object) -> Ring | None:
        """`f5`, `f7`, ...: the residues modulo a prime below 2^31."""
        written = _PRIME_FIELD.fullmatch(value) if isinstance(value, str) else None
        if written is None or not is_prime(int(written["prime"])):
            return None
        made = str.__new__(cls, value)
        made._name_, made._value_ = written[0].upper(), written[0]
        return cast("Ring", cls._value2member_map_.setdefault(value, made))

    @property
    def characteristic(self) -> int:
        """0, or the prime that residues are taken modulo."""
        written = _PRIME_FIELD.fullmatch(self.value)
        return int(written["prime"]) if written else 0

    @property
    def place(self) -> int:
        """Where it stands when sets are listed: the members in their order, then the larger primes."""
        return _PLACES.get(self, len(_PLACES) + self.characteristic)

    @property
    def field(self) -> Ring:
        """The field in which equations over this set are decided: `q` for `zt` and `z`."""
        return Ring.Q if self in (Ring.ZT, Ring.Z) else self

    @property
    def description(self) -> str:
        """The set in words."""
        return f"integers modulo {self.characteristic}" if self.characteristic else _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Ring.ZT: "{-1, 0, 1}",
    Ring.Z: "integers",
    Ring.Q: "rationals",
    Ring.QI: "Gaussian rationals",
}
_PLACES = {ring: place for place, ring in enumerate(Ring)}
_CHAIN = (Ring.ZT, Ring.Z, Ring.Q, Ring.QI)


def parse_ring(name: str) -> Ring:
    """The coefficient set of that name.

    Raises:
        RingError: If there is none.
    """
    found = named_ring(name.strip().lower())
    if found is None:
        raise RingError(
            f"unknown ring {name[:40]!r}: known rings: {', '.join(Ring)}, and f with a prime below 2^31, such as f7"
        )
    return found


def named_ring(name: str) -> Ring | None:
    """The coefficient set of that very name; None if there is none."""
    try:
        return Ring(name)
    except ValueError:
        return None


def is_prime(number: int) -> bool:
    """Whether a number is a prime below 2^31, by division."""
    if not 2 <= number <= LARGEST_PRIME:
        return False
    return number == 2 or (number % 2 == 1 and all(number % d for d in range(3, math.isqrt(number) + 1, 2)))


def modulo(prime: int) -> Ring:
    """The residues modulo a prime below 2^31."""
    return Ring(f"f{prime}")


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
    low, high = (-1, 1) if ring is Ring.ZT else (0, ring.characteristic - 1)
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


def serves(wanted: Ring, held: Ring) -> bool:
    """Whether every scheme over `held` is one over `wanted`, by inclusion or by reduction.

    Over `q` it may have a denominator that vanishes modulo the prime, so that this is said of `z` and less.
    """
    return holds(wanted, held) or (bool(wanted.characteristic) and holds(Ring.Z, held))


def common_multiple(denominators: IntArray) -> int:
    """The least common multiple L of the denominators, 1 for rank 0."""
    return math.lcm(*denominators.tolist())

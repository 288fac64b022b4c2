"""Exact numbers as files write them: integers, fractions, decimals, complex ones; bounded before they are built."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.rings import INT64_SAFE, MAX_BITS, IntArray

MAX_TEXT = 2 * len(str(1 << MAX_BITS)) + 8
"""Characters of the longest number: two integers of 4,096 bits, and what stands between them."""

MAX_EXPONENT = len(str(1 << MAX_BITS))
MAX_CELLS = 1 << 24
"""Coefficients of one factor, zeros included; one of 32x32x32 with 15,096 products has 15.5 million."""

MAX_UNEVEN = 1 << 22
"""Numbers of an array that are read one by one, since their denominators are no small powers of two."""

_FRACTION = re.compile(r"([+-]?[0-9]+)(?:/([+-]?[0-9]+))?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


class FormatError(BilinearError):
    """A foreign file that cannot be read, or a scheme that a foreign format cannot hold; the text is one line."""


class Gaussian(NamedTuple):
    """A complex number with rational parts."""

    real: Fraction
    imag: Fraction


Number = int | Fraction | Gaussian


@dataclass(frozen=True)
class Factor:
    """A factor with its own denominators: row q is (real[q] + i imag[q]) / denominators[q].

    Attributes:
        real: Integers, shape (rank, width).
        imag: Imaginary parts, likewise; None if all are 0.
        denominators: Positive integers, shape (rank,).
    """

    real: IntArray
    imag: IntArray | None
    denominators: IntArray

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.real)

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return int(self.real.shape[1])


def number(text: str) -> Number:
    """The number that `-3`, `1/2`, `0.5`, `-0.`, `1e-3` or `0.5-0.5j` is, exactly.

    Raises:
        FormatError: If it is none, is divided by zero, or has more than 4,096 bits.
    """
    if len(text) > MAX_TEXT:
        raise FormatError(f"a number of {len(text)} characters; at most {MAX_BITS} bits are held")
    fraction = _FRACTION.fullmatch(text)
    if fraction is not None:
        top, bottom = int(fraction[1]), int(fraction[2] or 1)
        if bottom == 0:
            raise FormatError(f"{text[:40]}: division by zero; a finite number is needed")
        return bounded(Fraction(top, bottom)) if bottom != 1 else int(bounded(top))
    if text.endswith(("i", "j")):
        return _complex(text)
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        raise FormatError(f"{text[:40]!r} is no number; an integer, a fraction or a decimal is needed")
    if decimal[1] is not None and abs(int(decimal[1])) > MAX_EXPONENT:
        raise FormatError(f"{text[:40]}: its exponent is beyond {MAX_EXPONENT}; at most {MAX_BITS} bits are held")
    return narrowed(bounded(Fraction(text)))


def _complex(text: str) -> Number:
    body = text[:-1]
    cut = max((i for i in range(1, len(body)) if body[i] in "+-" and body[i - 1] not in "eE"), default=0)
    real, imag = number(body[:cut] or "0"), number(body[cut:] + "1" * (body[cut:] in ("", "+", "-")))
    if isinstance(real, Gaussian) or isinstance(imag, Gaussian):
        raise FormatError(f"{text[:40]!r} is no number; a complex number like 0.5-0.5j is needed")
    return Gaussian(Fraction(real), Fraction(imag)) if imag else real


def bounded(value: Any) -> Any:
    """The rational number itself.

    Raises:
        FormatError: If numerator or denominator has more than 4,096 bits.
    """
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits > MAX_BITS:
        raise FormatError(f"a coefficient of {bits} bits; at most {MAX_BITS} are held")
    return value


def narrowed(value: int | Fraction) -> int | Fraction:
    """An integer where it is one."""
    return value.numerator if value.denominator == 1 else value


def from_tokens(tokens: Sequence[str], rank: int) -> Factor:
    """A factor of written numbers, row after row; each different text is parsed once.

    Raises:
        FormatError: If one is no number, or they do not fill `rank` rows.
    """
    known = {text: number(text) for text in set(tokens)}
    return from_numbers([known[text] for text in tokens], rank)


def require_rectangular(rows: Sequence[Sequence[Any]]) -> None:
    """Refuse rows of different lengths.

    Raises:
        FormatError: If there are such, or no rows at all.
    """
    if not rows:
        raise FormatError("no rows; at least one is needed")
    for q, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise FormatError(
                f"row {q + 1} has {len(row)} numbers, the first has {len(rows[0])}; equal rows are needed"
            )


def from_numbers(values: Sequence[Number], rank: int) -> Factor:
    """A factor of exact numbers, row after row.

    Raises:
        FormatError: If they do not fill `rank` rows.
    """
    if rank < 1 or len(values) % rank or not values:
        raise FormatError(f"{len(values)} numbers do not fill {rank} equal rows")
    if {int} >= set(map(type, values)):
        return from_integers(_array(values).reshape(rank, -1))
    return _with_denominators([values[q : q + len(values) // rank] for q in range(0, len(values), len(values) // rank)])


def from_sparse(rows: Sequence[Mapping[int, Number]], width: int) -> Factor:
    """A factor of rows that are given by their nonzero coefficients.

    Raises:
        FormatError: If there are no rows, an index is not below `width`, or the factor is too large.
    """
    require_cells(len(rows), width)
    over = [_over_common(list(row.values())) for row in rows]
    places = [(q, i) for q, row in enumerate(rows) for i in row]
    bad = next((i for _, i in places if not 0 <= i < width), None)
    if bad is not None:
        raise FormatError(f"input {bad} is out of range; {width} are there")
    shape = len(rows), width
    real = _scattered([x for reals, _, _ in over for x in reals], places, shape)
    imag = [y for _, imags, _ in over for y in imags]
    parts = _scattered(imag, places, shape) if any(imag) else None
    return Factor(real, parts, _array(d for _, _, d in over))


def _scattered(values: list[int], places: list[tuple[int, int]], shape: tuple[int, int]) -> IntArray:
    """Zeros but for these values."""
    listed = _array(values)
    found = np.zeros(shape, listed.dtype)
    if places:
        found[tuple(np.array(places).T)] = listed
    return found


def require_cells(rank: int, width: int) -> None:
    """Refuse a factor before it is built.

    Raises:
        FormatError: If it has no products, or more than 16 million coefficients.
    """
    if rank < 1 or width < 1:
        raise FormatError("no products; at least one is needed")
    if rank * width > MAX_CELLS:
        raise FormatError(f"{rank} x {width} coefficients; at most {MAX_CELLS} are held")


def from_array(array: Any) -> Factor:
    """A factor of the numbers of an array of any plain type, shape (rank, width), exactly.

    Raises:
        FormatError: If it is no matrix of numbers, or too large.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.size:
        raise FormatError("a factor that is no matrix; arrays of two axes are needed")
    require_cells(*array.shape)
    if array.dtype.kind in "iub":
        kinds = {"b": np.int8, "u": object if array.dtype == np.uint64 else array.dtype}
        return from_integers(array.astype(kinds.get(array.dtype.kind, array.dtype), copy=False))
    if array.dtype.kind not in "fc":
        raise FormatError(f"a factor of type {array.dtype}; numbers are needed")
    return from_floats(array)


def from_integers(array: NDArray[Any]) -> Factor:
    """A factor of integers of any width, shape (rank, width)."""
    return Factor(array, None, np.ones(len(array), np.int64))


def from_floats(array: NDArray[Any]) -> Factor:
    """A factor of the floats themselves, which are integers over powers of two; complex ones too.

    Raises:
        FormatError: If one is not finite, or has more than 4,096 bits.
    """
    if not np.isfinite(array).all():
        raise FormatError("a number that is not finite; finite numbers are needed")
    if array.dtype == np.float16:
        array = array.astype(np.float64)
    whole = array.real.astype(np.int64, casting="unsafe") if np.abs(array).max(initial=0) < INT64_SAFE else None
    if whole is not None and (whole == array).all():
        return from_integers(_narrow(whole))
    scales = _powers_of_two(array)
    if scales is not None:
        scaled = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64) * scales[:, None]
        imag = _narrow(scaled.imag) if array.dtype.kind == "c" else None
        return Factor(_narrow(scaled.real), imag if imag is not None and imag.any() else None, scales)
    if array.size > MAX_UNEVEN:
        raise FormatError(f"{array.size} numbers, not all of them with small denominators; at most {MAX_UNEVEN} such")
    if array.dtype.kind != "c":
        return from_numbers([bounded(Fraction(x)) for x in array.ravel().tolist()], len(array))
    parts = [Gaussian(bounded(Fraction(z.real)), bounded(Fraction(z.imag))) for z in array.ravel().tolist()]
    return from_numbers(parts, len(array))


def _narrow(array: NDArray[Any]) -> IntArray:
    """Whole numbers below 2^62 in the narrowest of three types: most are 0 and 1."""
    largest = np.abs(array).max(initial=0)
    return array.astype(np.int8 if largest < 1 << 7 else np.int32 if largest < 1 << 31 else np.int64)


def _powers_of_two(array: NDArray[Any]) -> IntArray | None:
    """The least powers of two that make the rows whole, up to 2^16; None if a row needs more, or is too large."""
    if np.abs(array).max(initial=0) >= 1 << 36:
        return None
    scales = np.ones(len(array), np.int64)
    left = np.arange(len(array))
    for _ in range(17):
        scaled = array[left].astype(np.complex128 if array.dtype.kind == "c" else np.float64) * scales[left, None]
        left = left[((scaled.real % 1 != 0) | (scaled.imag % 1 != 0)).any(axis=1)]
        if not left.size:
            return scales
        scales[left] *= 2
    return None


def _with_denominators(rows: Sequence[Sequence[Number]]) -> Factor:
    """Rows over their common denominators."""
    reals, imags, denominators = zip(*map(_over_common, rows), strict=True)
    imag = _array(y for row in imags for y in row).reshape(len(rows), -1)
    real = _array(x for row in reals for x in row).reshape(len(rows), -1)
    return Factor(real, imag if imag.any() else None, _array(denominators))


def _over_common(row: Sequence[Number]) -> tuple[list[int], list[int], int]:
    """Numerators, imaginary ones, and their least common denominator."""
    if {int} >= set(map(type, row)):
        return list(row), [0] * len(row), 1  # type: ignore[arg-type]  # all of them are integers
    pairs = [(x.real, x.imag) if isinstance(x, Gaussian) else (x, 0) for x in row]
    d = 1
    for bottom in {part.denominator for pair in pairs for part in pair if not isinstance(part, int)}:
        d = bounded(math.lcm(d, bottom))
    return [_times(x, d) for x, _ in pairs], [_times(y, d) for _, y in pairs], d


def _times(x: int | Fraction, d: int) -> int:
    """x d, known to be whole."""
    return x * d if isinstance(x, int) else x.numerator * (d // x.denominator)


def _array(numbers: Iterable[Any]) -> IntArray:
    """Integers as int64, or as Python integers where one is too wide."""
    listed = list(numbers)
    wide = bool(listed) and max(max(listed), -min(listed)) >= INT64_SAFE
    return np.array(listed, dtype=object if wide else np.int64)

"""AlphaTensor's .npz: an array `n,m,p` an entry, of three factors with products in columns and C transposed.

Source: github.com/google-deepmind/alphatensor, `algorithms/factorizations_{r,f2}.npz`; and its collections of one
format, an array of shape (count, 3, n*n, rank).
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.formats import arrays
from bilinear.decompositions.formats.draft import Draft, Fault, sized, transposed
from bilinear.decompositions.formats.numbers import FormatError, from_array
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

_KEY = re.compile(r"([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})")
_LARGEST = 2**53


def matches(source: Source) -> bool:
    """An archive with an array named by three sizes, or with a single array of four axes."""
    if not source.data.startswith(arrays.ZIP_MAGIC):
        return False
    names = list(arrays.members(source.data))
    return any(_KEY.fullmatch(name) for name in names) or len(names) == 1


def read(source: Source) -> Iterator[Draft | Fault]:
    """One draft an array; of a collection one for each of its elements."""
    for name, member in arrays.members(source.data).items():
        try:
            found = arrays.array(arrays.unpacked(source.data, member))
            key = _KEY.fullmatch(name)
            if key is None and isinstance(found, np.ndarray) and found.dtype.kind in "SU":
                continue  # metadata
            if key is not None:
                yield _draft(found, (int(key[1]), int(key[2]), int(key[3])), name)
            elif isinstance(found, np.ndarray) and found.ndim == 4 and found.shape[1] == 3:
                yield from _collection(found, name)
            else:
                raise FormatError("neither named by its sizes, n,m,p, nor a collection of shape (count, 3, n*n, rank)")
        except FormatError as error:
            yield Fault(name[:40], str(error))


def _collection(stacked: NDArray[Any], name: str) -> Iterator[Draft]:
    n = math.isqrt(stacked.shape[2])
    if n * n != stacked.shape[2]:
        raise FormatError(f"{stacked.shape[2]} coordinates in every factor; a square number is needed")
    for i, element in enumerate(stacked):
        yield _draft(element, (n, n, n), f"{name}[{i}]")


def _draft(found: NDArray[Any] | Sequence[Any], shape: tuple[int, int, int], record: str) -> Draft:
    n, m, p = shape
    if len(found) != 3:
        raise FormatError(f"{len(found)} factors; three are needed")
    target = sized(n, m, p)
    u, v, w = (from_array(factor.T if isinstance(factor, np.ndarray) else factor) for factor in found)
    if w.width != n * p:
        raise FormatError(f"the third factor has {w.width} rows; {n},{m},{p} needs {n * p}")
    return Draft(target, u, v, transposed(w, p, n), {".npy": _saved(found)}, record=record)


def _saved(found: NDArray[Any] | Sequence[Any]) -> bytes:
    """One entry as a .npy file of its own, as AlphaTensor's would hold it."""
    buffer = io.BytesIO()
    np.save(buffer, found if isinstance(found, np.ndarray) else _boxed(found), allow_pickle=True)
    return buffer.getvalue()


def _boxed(factors: Sequence[Any]) -> NDArray[Any]:
    """Three matrices of different shapes in one object array."""
    boxed = np.empty(3, dtype=object)
    for axis, factor in enumerate(factors):
        boxed[axis] = np.ascontiguousarray(factor)
    return boxed


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """An archive of one entry; integers as int64, binary fractions as float64.

    Raises:
        FormatError: If it is no real matrix multiplication.
        SchemeError: If a coefficient is no float64.
    """
    n, m, p = sizes(scheme, "alphatensor")
    u, v, w = fractions(scheme)
    buffer = io.BytesIO()
    entry = _boxed([matrix(scheme, rows) for rows in (u, v, flip(w, n, p))])
    np.savez_compressed(buffer, allow_pickle=True, **{f"{n},{m},{p}": entry})
    return {"": buffer.getvalue()}


def matrix(scheme: Scheme, rows: list[Any]) -> NDArray[Any]:
    """A factor with products in columns.

    Raises:
        SchemeError: If a coefficient is no float64.
    """
    values = [Fraction(x) for row in rows for x in row]
    for value in values:
        if (
            abs(value.numerator) > _LARGEST
            or value.denominator & (value.denominator - 1)
            or value.denominator > _LARGEST
        ):
            raise SchemeError(f"{scheme.target.short}: {str(value)[:40]} is no float64; choose a format with fractions")
    whole = all(value.denominator == 1 for value in values)
    matrix = np.array([int(x) if whole else float(x) for x in values], dtype=np.int64 if whole else np.float64)
    return np.ascontiguousarray(matrix.reshape(len(rows), -1).T)


FORMAT = Format("AlphaTensor .npz: factors by sizes, products in columns, C transposed", matches, read, write)

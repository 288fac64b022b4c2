"""The Brent equations: sum_q u[q,i] v[q,j] w[q,k] / d[q] = T[i,j,k], for every i, j, k, in exact arithmetic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory, rings
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.record import Verification, field_name

Parts = tuple[NDArray[Any], NDArray[Any] | None]


def verify_exact(scheme: Scheme) -> Verification:
    """Decide every Brent equation over the scheme's own field; the tensor is compared slab by slab.

    Raises:
        TooLargeError: If one slab would not fit into memory.
    """
    start = time.perf_counter()
    wrong, first = 0, ""
    for slab in _slabs(scheme):
        columns, outputs = slab.differences(scheme.ring.characteristic)
        wrong += len(columns)
        if len(columns) and not first:
            first = slab.describe(scheme, int(columns[0]), int(outputs[0]))
    detail = f"all {scheme.target.entries} tensor entries agree"
    if wrong:
        detail = f"{wrong} of {scheme.target.entries} tensor entries are wrong, first {first}"
    return Verification(not wrong, "exact", field_name(scheme.ring), time.perf_counter() - start, detail)


@dataclass(frozen=True)
class _Slab:
    """The scheme's tensor and the target's for left coordinate `i`, both times `scale`, shape (right, out)."""

    i: int
    scale: int
    real: NDArray[Any]
    imag: NDArray[Any] | None
    expected: NDArray[Any]

    def differences(self, characteristic: int) -> tuple[NDArray[np.intp], ...]:
        gap = self.real - self.expected
        if characteristic:
            gap = gap % characteristic
        return np.nonzero(gap != 0 if self.imag is None else (gap != 0) | (self.imag != 0))

    def describe(self, scheme: Scheme, j: int, k: int) -> str:
        characteristic = scheme.ring.characteristic
        found, needed = int(self.real[j, k]), int(self.expected[j, k])
        if characteristic:
            found, needed = found % characteristic, needed % characteristic
        text = _short(Fraction(found, self.scale))
        if self.imag is not None and self.imag[j, k] != 0:
            text += f" + {_short(Fraction(int(self.imag[j, k]), self.scale))}i"
        return f"T[{self.i},{j},{k}] is {text}, must be {_short(Fraction(needed, self.scale))}"


def _short(value: Fraction) -> str:
    text = str(value) if value.numerator.bit_length() + value.denominator.bit_length() < 200 else ""
    return text or f"a fraction of {value.numerator.bit_length()} by {value.denominator.bit_length()} bits"


def _slabs(scheme: Scheme) -> Iterator[_Slab]:
    """The sum for one left coordinate after another, in the fastest arithmetic that is exact for it.

    Only products that read the coordinate take part, so a sparse scheme is decided fast.
    """
    scale = rings.common_multiple(scheme.denominators)
    dtype = arithmetic(scheme, scale)
    left, right, out = scheme.target.shape
    numbers = scheme.rank * (left + 3 * right + 2 * out) + 4 * right * out
    parts, number_bytes = (1 if scheme.imag is None else 2), (64 if dtype is object else 8)
    memory.require(parts * number_bytes * numbers, f"the Brent equations of {scheme.target.name}")
    u, v, w = _scaled_parts(scheme, scale, dtype)
    starts = np.searchsorted(scheme.target.indices[:, 0], np.arange(left + 1))
    for i in range(left):
        real, imag = _sum(u, v, w, i)
        yield _Slab(i, scale, real, imag, _expected(scheme, slice(starts[i], starts[i + 1]), scale, dtype))


def arithmetic(scheme: Scheme, scale: int) -> type[np.float64] | type[np.int64] | type[object]:
    """The fastest number type in which the Brent sums cannot overflow or round.

    No partial sum exceeds rank * max(L/d) * max|u| * max|v| * max|w|, times 4 over `qi` (four products of real and
    imaginary parts are joined), nor does the target's side exceed L * max|T|. Below 2^53 float64 is exact and BLAS
    computes it, below 2^62 int64, else Python integers.
    """
    bound = scheme.rank * max((scale // d for d in scheme.denominators.tolist()), default=1)
    for real, imag in scheme.parts:
        bound *= max(rings.magnitude(real), 0 if imag is None else rings.magnitude(imag), 1)
    bound *= 4 if scheme.imag is not None else 1
    bound = max(bound, scale * rings.magnitude(scheme.target.values))
    if 2 * bound < 1 << 53:
        return np.float64
    return np.int64 if 2 * bound < 1 << 62 else object


def _scaled_parts(scheme: Scheme, scale: int, dtype: type) -> list[Parts]:
    """u, v and w times L/d, as arrays of `dtype`."""
    weight = np.array([scale // d for d in scheme.denominators.tolist()], dtype=object)[:, None]
    scaled: list[Parts] = []
    for name, (real, imag) in zip("uvw", scheme.parts, strict=True):
        if name == "w" and scale > 1:
            real, imag = weight * real, None if imag is None else weight * imag
        scaled.append((real.astype(dtype), None if imag is None else imag.astype(dtype)))
    return scaled


def _sum(u: Parts, v: Parts, w: Parts, i: int) -> Parts:
    """sum_q u[q,i] v[q,j] w[q,k] as real and imaginary part, shape (right, out)."""
    column = _taken(u, (slice(None), slice(i, i + 1)))
    alive = np.flatnonzero(column[0] if column[1] is None else (column[0] != 0) | (column[1] != 0))
    pairs = _complex(_taken(column, alive), _taken(v, alive), np.multiply)
    return _complex(pairs, _taken(w, alive), lambda uv, z: uv.T @ z)


def _taken(parts: Parts, key: Any) -> Parts:
    real, imag = parts
    return real[key], None if imag is None else imag[key]


def _complex(x: Parts, y: Parts, multiply: Any) -> Parts:
    """A bilinear operation on complex arrays given as two real parts; plain where there is no imaginary part."""
    if x[1] is None or y[1] is None:
        return multiply(x[0], y[0]), None
    real = multiply(x[0], y[0]) - multiply(x[1], y[1])
    return real, multiply(x[0], y[1]) + multiply(x[1], y[0])


def _expected(scheme: Scheme, entries: slice, scale: int, dtype: type) -> NDArray[Any]:
    """The target's slab with these entries, times `scale`, shape (right, out)."""
    slab: NDArray[Any] = np.zeros(scheme.target.shape[1:], dtype=dtype)
    _, j, k = scheme.target.indices[entries].T
    slab[j, k] = (scheme.target.values[entries].astype(object) * scale).astype(dtype)
    return slab

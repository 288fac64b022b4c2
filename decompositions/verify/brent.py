"""The Brent equations: sum_q u[q,i] v[q,j] w[q,k] / d[q] = T[i,j,k], for every i, j, k, in exact arithmetic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decompositions import memory, rings
from decompositions.rings import IntArray
from decompositions.scheme import Scheme
from decompositions.verify.record import Verification, field_name

CHUNK_BYTES = 1 << 28

Parts = tuple[NDArray[Any], NDArray[Any] | None]


def verify_exact(scheme: Scheme) -> Verification:
    """Decide every Brent equation over the scheme's own field; the tensor is compared slab by slab.

    Raises:
        TooLargeError: If one slab would not fit into memory.
    """
    start = time.perf_counter()
    wrong, first = 0, ""
    for slab in _slabs(scheme):
        rows, columns, outputs = slab.differences(scheme.ring.characteristic)
        wrong += len(rows)
        if len(rows) and not first:
            first = slab.describe(scheme, int(rows[0]), int(columns[0]), int(outputs[0]))
    detail = f"all {scheme.target.entries} tensor entries agree"
    if wrong:
        detail = f"{wrong} of {scheme.target.entries} tensor entries are wrong, first {first}"
    return Verification(not wrong, "exact", field_name(scheme.ring), time.perf_counter() - start, detail)


@dataclass(frozen=True)
class _Slab:
    """The scheme's tensor and the target's for left coordinates from `offset` on, both times `scale`."""

    offset: int
    scale: int
    real: NDArray[Any]
    imag: NDArray[Any] | None
    expected: NDArray[Any]

    def differences(self, characteristic: int) -> tuple[NDArray[np.intp], ...]:
        gap = self.real - self.expected
        if characteristic:
            gap = gap % characteristic
        return np.nonzero(gap != 0 if self.imag is None else (gap != 0) | (self.imag != 0))

    def describe(self, scheme: Scheme, i: int, j: int, k: int) -> str:
        characteristic = scheme.ring.characteristic
        found, needed = int(self.real[i, j, k]), int(self.expected[i, j, k])
        if characteristic:
            found, needed = found % characteristic, needed % characteristic
        text = _short(Fraction(found, self.scale))
        if self.imag is not None and self.imag[i, j, k] != 0:
            text += f" + {_short(Fraction(int(self.imag[i, j, k]), self.scale))}i"
        return f"T[{i + self.offset},{j},{k}] is {text}, must be {_short(Fraction(needed, self.scale))}"


def _short(value: Fraction) -> str:
    text = str(value) if value.numerator.bit_length() + value.denominator.bit_length() < 200 else ""
    return text or f"a fraction of {value.numerator.bit_length()} by {value.denominator.bit_length()} bits"


def _slabs(scheme: Scheme) -> Iterator[_Slab]:
    """Slabs of the sum, in the fastest arithmetic that is exact for it."""
    scale = rings.common_multiple(scheme.denominators)
    dtype = arithmetic(scheme, scale)
    u, v, w = _scaled_parts(scheme, scale, dtype)
    left, right, out = scheme.target.shape
    row_bytes = 8 * right * (2 * scheme.rank + 4 * out) * (4 if scheme.imag is not None else 1)
    memory.require(row_bytes, f"one slab of the Brent equations of {scheme.target.name}")
    step = max(1, min(left, CHUNK_BYTES // max(row_bytes, 1)))
    for offset in range(0, left, step):
        real, imag = _contract(_columns(u, offset, offset + step), v, w)
        yield _Slab(offset, scale, real, imag, _expected(scheme, offset, len(real), scale, dtype))


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


def _columns(parts: Parts, start: int, stop: int) -> Parts:
    real, imag = parts
    return real[:, start:stop], None if imag is None else imag[:, start:stop]


def _contract(u: Parts, v: Parts, w: Parts) -> Parts:
    """sum_q u[q,i] v[q,j] w[q,k] as real and imaginary part, shape (left, right, out)."""
    pairs = _complex(u, v, _pairs)
    real, imag = _complex(pairs, w, lambda uv, z: uv.T @ z)
    shape = (u[0].shape[1], v[0].shape[1], w[0].shape[1])
    return real.reshape(shape), None if imag is None else imag.reshape(shape)


def _pairs(x: IntArray, y: IntArray) -> IntArray:
    """All products x[q,i] y[q,j], shape (rank, left * right)."""
    return (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)


def _complex(x: Parts, y: Parts, multiply: Any) -> Parts:
    """A bilinear operation on complex arrays given as two real parts; plain where there is no imaginary part."""
    if x[1] is None or y[1] is None:
        return multiply(x[0], y[0]), None
    real = multiply(x[0], y[0]) - multiply(x[1], y[1])
    return real, multiply(x[0], y[1]) + multiply(x[1], y[0])


def _expected(scheme: Scheme, offset: int, count: int, scale: int, dtype: type) -> NDArray[Any]:
    """The target's slab times `scale`, shape (count, right, out)."""
    tensor: NDArray[Any] = np.zeros((count, *scheme.target.shape[1:]), dtype=dtype)
    i = scheme.target.indices[:, 0]
    here = (i >= offset) & (i < offset + count)
    values = scheme.target.values[here].astype(object) * scale
    indices = scheme.target.indices[here]
    tensor[indices[:, 0] - offset, indices[:, 1], indices[:, 2]] = values.astype(dtype)
    return tensor

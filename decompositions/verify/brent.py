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

BLOCK = 1 << 18
"""Multiplications of floats that are done at once: so few cost less than a call, and BLAS does them in one thread."""


def verify_exact(scheme: Scheme) -> Verification:
    """Decide every Brent equation over the scheme's own field; the tensor is compared block by block.

    Raises:
        TooLargeError: If one block would not fit into memory.
    """
    start = time.perf_counter()
    wrong, first = 0, ""
    for block in _blocks(scheme):
        places = block.differences(scheme.ring.characteristic)
        wrong += len(places)
        if len(places) and not first:
            first = block.describe(scheme, *places[0].tolist())
    detail = f"all {scheme.target.entries} tensor entries agree"
    if wrong:
        detail = f"{wrong} of {scheme.target.entries} tensor entries are wrong, first {first}"
    return Verification(not wrong, "exact", field_name(scheme.ring), time.perf_counter() - start, detail)


@dataclass(frozen=True)
class _Block:
    """The scheme's tensor less the target's, both times `scale`, from left coordinate `i` on.

    Attributes:
        gap: Real part, shape (count, right, out).
        imag: Imaginary part, likewise; None over real fields.
    """

    i: int
    scale: int
    gap: NDArray[Any]
    imag: NDArray[Any] | None

    def differences(self, characteristic: int) -> NDArray[np.intp]:
        """Where they differ, shape (places, 3)."""
        differ = (self.gap % characteristic if characteristic else self.gap) != 0
        if self.imag is not None:
            differ |= self.imag != 0
        return np.argwhere(differ) if differ.any() else np.empty((0, 3), np.intp)

    def describe(self, scheme: Scheme, row: int, j: int, k: int) -> str:
        target, i = scheme.target, self.i + row
        entry = (target.indices == (i, j, k)).all(axis=1)
        needed = self.scale * sum(target.values[entry].tolist())
        found = int(self.gap[row, j, k]) + needed
        if scheme.ring.characteristic:
            found, needed = found % scheme.ring.characteristic, needed % scheme.ring.characteristic
        text = _short(Fraction(found, self.scale))
        if self.imag is not None and self.imag[row, j, k] != 0:
            text += f" + {_short(Fraction(int(self.imag[row, j, k]), self.scale))}i"
        return f"T[{i},{j},{k}] is {text}, must be {_short(Fraction(needed, self.scale))}"


def _short(value: Fraction) -> str:
    text = str(value) if value.numerator.bit_length() + value.denominator.bit_length() < 200 else ""
    return text or f"a fraction of {value.numerator.bit_length()} by {value.denominator.bit_length()} bits"


def _blocks(scheme: Scheme) -> Iterator[_Block]:
    """The sum for some left coordinates after others, in the fastest arithmetic that is exact for it.

    Only products that read one of the coordinates take part, so a sparse scheme is decided fast; where a matrix product
    over one coordinate costs less than the call, several go together.
    """
    scale = rings.common_multiple(scheme.denominators)
    dtype = arithmetic(scheme, scale)
    left, right, out = scheme.target.shape
    work = max(scheme.rank, 1) * right * out
    count = min(left, max(1, BLOCK // work)) if dtype is np.float64 else 1
    numbers = scheme.rank * (left + 3 * count * right + 2 * out) + 4 * count * right * out
    parts, number_bytes = (1 if scheme.imag is None else 2), (64 if dtype is object else 8)
    memory.require(parts * number_bytes * numbers, f"the Brent equations of {scheme.target.name}")
    u, v, w = _scaled_parts(scheme, scale, dtype)
    entries = np.searchsorted(scheme.target.indices[:, 0], np.arange(left + 1))
    for i in range(0, left, count):
        end = min(i + count, left)
        gap, imag = _sum(u, v, w, slice(i, end))
        _subtract(gap, scheme, slice(entries[i], entries[end]), i, scale)
        yield _Block(i, scale, gap, imag)


def arithmetic(scheme: Scheme, scale: int) -> type[np.float64] | type[np.int64] | type[object]:
    """The fastest number type in which the Brent sums cannot overflow or round.

    No partial sum exceeds rank * max(L/d) * max|u| * max|v| * max|w|, times 4 over `qi` (four products of real and
    imaginary parts are joined), nor does the target's side exceed L * max|T|. Below 2^53 float64 is exact and BLAS
    computes it, below 2^62 int64, else Python integers.
    """
    bound = scheme.rank * (1 if scale == 1 else max(scale // d for d in scheme.denominators.tolist()))
    for real, imag in scheme.parts:
        bound *= max(rings.magnitude(real), 0 if imag is None else rings.magnitude(imag), 1)
    bound *= 4 if scheme.imag is not None else 1
    bound = max(bound, scale * rings.magnitude(scheme.target.values))
    if 2 * bound < 1 << 53:
        return np.float64
    return np.int64 if 2 * bound < 1 << 62 else object


def _scaled_parts(scheme: Scheme, scale: int, dtype: type) -> list[Parts]:
    """u, v and w times L/d, as arrays of `dtype`."""
    scaled: list[Parts] = []
    for name, (real, imag) in zip("uvw", scheme.parts, strict=True):
        if name == "w" and scale > 1:
            weight = np.array([scale // d for d in scheme.denominators.tolist()], dtype=object)[:, None]
            real, imag = weight * real, None if imag is None else weight * imag
        scaled.append((real.astype(dtype), None if imag is None else imag.astype(dtype)))
    return scaled


def _sum(u: Parts, v: Parts, w: Parts, block: slice) -> Parts:
    """sum_q u[q,i] v[q,j] w[q,k] as real and imaginary part, i within the block, shape (count, right, out)."""
    columns = _taken(u, (slice(None), block))
    read = columns[0] != 0 if columns[1] is None else (columns[0] != 0) | (columns[1] != 0)
    alive = read.any(axis=1)
    if not alive.all():
        columns, v, w = (_taken(part, alive) for part in (columns, v, w))
    return _complex(_complex(columns, v, _outer), w, _joined)


def _outer(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    products: NDArray[Any] = x[:, :, None] * y[:, None, :]
    return products


def _joined(pairs: NDArray[Any], z: NDArray[Any]) -> NDArray[Any]:
    """sum_q pairs[q,i,j] z[q,k], as one matrix product."""
    rank, count, right = pairs.shape
    sums: NDArray[Any] = pairs.reshape(rank, count * right).T @ z
    return sums.reshape(count, right, -1)


def _taken(parts: Parts, key: Any) -> Parts:
    real, imag = parts
    return real[key], None if imag is None else imag[key]


def _complex(x: Parts, y: Parts, multiply: Any) -> Parts:
    """A bilinear operation on complex arrays given as two real parts; plain where there is no imaginary part."""
    if x[1] is None or y[1] is None:
        return multiply(x[0], y[0]), None
    real = multiply(x[0], y[0]) - multiply(x[1], y[1])
    return real, multiply(x[0], y[1]) + multiply(x[1], y[0])


def _subtract(gap: NDArray[Any], scheme: Scheme, entries: slice, first: int, scale: int) -> None:
    """Take these entries of the target, times `scale`, off a block that begins with left coordinate `first`."""
    i, j, k = scheme.target.indices[entries].T
    values = scheme.target.values[entries]
    gap[i - first, j, k] -= (values if scale == 1 else values.astype(object) * scale).astype(gap.dtype)

"""Linear combinations of blocks in one pass, compiled; parallel over the rows of a block."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
import numpy as np
from numba import njit, prange

CHUNK = 1024
"""Numbers of a row handled at a time, so that what is read more than once is read from the cache."""


@njit(cache=True, nogil=True, parallel=True)
def combine(
    source,
    reads,
    sources,
    read_stride,
    target,
    writes,
    aside,
    write_stride,
    height,
    width,
    gains,
    starts,
    coefficients,
    temporaries,
):
    """Write (or add to) each target block its sum of blocks.

    Args:
        source: Flat memory that holds the source blocks.
        reads: Where the block of each term begins in the memory that it lies in, shape (terms,).
        sources: Which memory that is: 0 the source's, 1 that of blocks held aside, 2 the target's, shape (terms,).
        read_stride: From one row of a source block to the next.
        target: Flat memory that holds the target blocks, apart from `source`.
        writes: Where each block written begins in its memory, shape (count,).
        aside: Whether it is held aside, shape (count,).
        write_stride: Likewise.
        height: Rows of a block.
        width: Columns of a block.
        gains: Whether a target keeps what it holds, shape (count,).
        starts: First term of each target, shape (count + 1,).
        coefficients: Of the terms, in the type of the memory, shape (terms,).
        temporaries: Numbers held aside: `CHUNK` of each such block.
    """
    for i in prange(height):
        scratch = np.empty(temporaries, source.dtype)
        for begin in range(0, width, CHUNK):
            n = min(CHUNK, width - begin)
            offsets = (i * read_stride + begin, 0, i * write_stride + begin)
            for t in range(len(writes)):
                d = _strip(target, scratch, target, 1 if aside[t] else 2, writes[t], offsets, n)
                gain, k, end = gains[t], starts[t], starts[t + 1]
                if k == end and not gain:
                    d[:] = 0
                while k < end:
                    x = _strip(source, scratch, target, sources[k], reads[k], offsets, n)
                    if end - k == 1:
                        _one(d, gain, coefficients[k], x)
                        k += 1
                    elif end - k < 4:
                        y = _strip(source, scratch, target, sources[k + 1], reads[k + 1], offsets, n)
                        _two(d, gain, coefficients[k], x, coefficients[k + 1], y)
                        k += 2
                    else:
                        y = _strip(source, scratch, target, sources[k + 1], reads[k + 1], offsets, n)
                        z = _strip(source, scratch, target, sources[k + 2], reads[k + 2], offsets, n)
                        w = _strip(source, scratch, target, sources[k + 3], reads[k + 3], offsets, n)
                        c = coefficients[k : k + 4]
                        _four(d, gain, c, x, y, z, w)
                        k += 4
                    gain = True


@njit(cache=True, nogil=True, inline="always")
def _strip(source, scratch, target, where, place, offsets, n):
    """The part of a block that is handled now."""
    start = place + offsets[where]
    if where == 0:
        return source[start : start + n]
    if where == 1:
        return scratch[start : start + n]
    return target[start : start + n]


@njit(cache=True, nogil=True, inline="always")
def _one(d, gain, a, x):
    if gain:
        for j in range(len(d)):
            d[j] += a * x[j]
    else:
        for j in range(len(d)):
            d[j] = a * x[j]


@njit(cache=True, nogil=True, inline="always")
def _two(d, gain, a, x, b, y):
    if gain:
        for j in range(len(d)):
            d[j] += a * x[j] + b * y[j]
    else:
        for j in range(len(d)):
            d[j] = a * x[j] + b * y[j]


@njit(cache=True, nogil=True, inline="always")
def _four(d, gain, c, x, y, z, w):
    e, f, g, h = c[0], c[1], c[2], c[3]
    if gain:
        for j in range(len(d)):
            d[j] += e * x[j] + f * y[j] + g * z[j] + h * w[j]
    else:
        for j in range(len(d)):
            d[j] = e * x[j] + f * y[j] + g * z[j] + h * w[j]

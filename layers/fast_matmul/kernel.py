"""Linear combinations of blocks in one pass, compiled; parallel over the rows of a block."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from numba import njit, prange

CHUNK = 1024
"""Numbers of a row handled at a time, so that what is read more than once is read from the cache."""


@njit(cache=True, nogil=True, parallel=True)
def combine(source, reads, read_stride, target, writes, write_stride, height, width, gains, starts, coefficients):
    """Write (or add to) each target block its sum of source blocks.

    Args:
        source: Flat memory that holds the source blocks.
        reads: Where the block of each term begins in it, shape (terms,).
        read_stride: From one row of a source block to the next.
        target: Flat memory that holds the target blocks, apart from `source`.
        writes: Where each target block begins in it, shape (count,).
        write_stride: Likewise.
        height: Rows of a block.
        width: Columns of a block.
        gains: Whether a target keeps what it holds, shape (count,).
        starts: First term of each target, shape (count + 1,).
        coefficients: Of the terms, in the type of the memory, shape (terms,).
    """
    for i in prange(height):
        for begin in range(0, width, CHUNK):
            n = min(CHUNK, width - begin)
            x_row, d_row = i * read_stride + begin, i * write_stride + begin
            for t in range(len(writes)):
                d = target[writes[t] + d_row : writes[t] + d_row + n]
                gain, k, end = gains[t], starts[t], starts[t + 1]
                if k == end and not gain:
                    d[:] = 0
                while k < end:
                    x = source[reads[k] + x_row : reads[k] + x_row + n]
                    if end - k == 1:
                        _one(d, gain, coefficients[k], x)
                        k += 1
                    elif end - k < 4:
                        y = source[reads[k + 1] + x_row : reads[k + 1] + x_row + n]
                        _two(d, gain, coefficients[k], x, coefficients[k + 1], y)
                        k += 2
                    else:
                        y = source[reads[k + 1] + x_row : reads[k + 1] + x_row + n]
                        z = source[reads[k + 2] + x_row : reads[k + 2] + x_row + n]
                        w = source[reads[k + 3] + x_row : reads[k + 3] + x_row + n]
                        c = coefficients[k : k + 4]
                        _four(d, gain, c, x, y, z, w)
                        k += 4
                    gain = True


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

"""Encode and decode in one pass over memory, compiled; parallel over the rows of tiles."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
import numpy as np
from numba import njit, prange

CHUNK = 256
"""Tiles of a row handled at a time: 16 numbers of each, in float32, fill a third of a first-level cache."""


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def encode(matrix, encoder, a, b, out):
    """Write the tiles of a matrix in the encoder's basis.

    Args:
        matrix: Shape (I a, J b).
        encoder: Shape (rank, a b).
        a: Rows of a tile.
        b: Columns of a tile.
        out: Written, shape (rank, I, J).
    """
    rank, rows, columns = out.shape
    whole = a * b - a * b % 4
    for i in prange(rows):
        parts = np.empty((a * b, CHUNK), matrix.dtype)
        for start in range(0, columns, CHUNK):
            n = min(CHUNK, columns - start)
            for p in range(a):
                line = matrix[i * a + p, start * b : (start + n) * b]
                if b == 4:
                    _split_by_four(line, parts[4 * p], parts[4 * p + 1], parts[4 * p + 2], parts[4 * p + 3])
                else:
                    for s in range(b):
                        part = parts[p * b + s]
                        for j in range(n):
                            part[j] = line[j * b + s]
            for q in range(rank):
                target = out[q, i, start : start + n]
                target[:] = 0
                for k in range(0, whole, 4):
                    _four(target, encoder[q], k, parts[k], parts[k + 1], parts[k + 2], parts[k + 3])
                for k in range(whole, a * b):
                    _one(target, encoder[q, k], parts[k])


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def decode(products, decoder, a, b, bias, out):
    """Write the matrix whose tiles are the decoded products plus the bias.

    Args:
        products: Shape (rank, I, J).
        decoder: Shape (a b, rank).
        a: Rows of a tile.
        b: Columns of a tile.
        bias: Shape (J b,).
        out: Written, shape (I a, J b).
    """
    rank, rows, columns = products.shape
    whole = rank - rank % 4
    for i in prange(rows):
        parts = np.empty((a * b, CHUNK), products.dtype)
        for start in range(0, columns, CHUNK):
            n = min(CHUNK, columns - start)
            for c in range(a * b):
                part = parts[c, :n]
                part[:] = 0
                for q in range(0, whole, 4):
                    x, y = products[q, i, start : start + n], products[q + 1, i, start : start + n]
                    z, w = products[q + 2, i, start : start + n], products[q + 3, i, start : start + n]
                    _four(part, decoder[c], q, x, y, z, w)
                for q in range(whole, rank):
                    _one(part, decoder[c, q], products[q, i, start : start + n])
            for p in range(a):
                line = out[i * a + p, start * b : (start + n) * b]
                if b == 4:
                    _join_four(line, parts[4 * p], parts[4 * p + 1], parts[4 * p + 2], parts[4 * p + 3])
                else:
                    for s in range(b):
                        part = parts[p * b + s]
                        for j in range(n):
                            line[j * b + s] = part[j]
                _one(line, 1, bias[start * b : (start + n) * b])


@njit(cache=True, nogil=True, inline="always")
def _four(target, c, k, x, y, z, w):
    """Add four terms at a time, so that the target is read less often."""
    c, d, e, f = c[k], c[k + 1], c[k + 2], c[k + 3]
    for j in range(len(target)):
        target[j] += c * x[j] + d * y[j] + e * z[j] + f * w[j]


@njit(cache=True, nogil=True, inline="always")
def _one(target, c, x):
    for j in range(len(target)):
        target[j] += c * x[j]


@njit(cache=True, nogil=True, inline="always")
def _split_by_four(line, x, y, z, w):
    """Every fourth number, a constant step apart, which the compiler turns into vector shuffles."""
    for j in range(len(line) // 4):
        x[j], y[j], z[j], w[j] = line[4 * j], line[4 * j + 1], line[4 * j + 2], line[4 * j + 3]


@njit(cache=True, nogil=True, inline="always")
def _join_four(line, x, y, z, w):
    for j in range(len(line) // 4):
        line[4 * j], line[4 * j + 1], line[4 * j + 2], line[4 * j + 3] = x[j], y[j], z[j], w[j]

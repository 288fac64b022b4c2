"""The Brent sums by matrix products of floats, some left coordinates after others: for schemes that are not sparse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory, modular
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.verify.terms import Terms

Floats = NDArray[np.float64]

BLOCK = 1 << 18
"""Multiplications that are done at once: so few cost less than a call, and BLAS does them in one thread."""
CHUNK = 1 << 10
"""Most products that are summed before they are reduced."""
LONGEST = 1 << 35
"""Most multiplications of one call, which cannot be interrupted."""
EXACT = 1 << 53
"""Floats hold every integer up to it."""
LIMIT = (1 << 22) - (1 << 10)
"""Primes stay below it: CHUNK products of two numbers of at most LIMIT / 2 + 1 stay below EXACT / 2."""
SPEED = 2e10
"""Multiplications a second."""


def moduli(terms: Terms) -> list[int]:
    """0, for the integers themselves, where floats hold every partial sum; else primes that decide together."""
    if terms.characteristic and terms.bound >= EXACT:
        return [terms.characteristic]
    return [0] if terms.bound < EXACT else terms.moduli(LIMIT)


def seconds(terms: Terms) -> float:
    """About how long it takes."""
    _, right, out = terms.shape
    return int(np.count_nonzero(terms.factors[0])) * right * out * len(moduli(terms)) / SPEED


def differences(terms: Terms) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Where X differs from 0, from a left coordinate on, shape (count, right, out); again for each modulus.

    Only products that read one of the coordinates take part; where a matrix product over one coordinate costs less than
    the call, several go together.

    Raises:
        TooLargeError: If one block would not fit into memory.
    """
    left, right, out = terms.shape
    rank = len(terms.weights)
    count = min(left, max(1, BLOCK // (max(rank, 1) * right * out)))
    chunk = max(1, min(CHUNK, rank, LONGEST // (count * right * out)))
    numbers = 2 * rank * (left + right + out) + 4 * count * right * (chunk + out)
    memory.require(8 * numbers, f"the Brent equations of {terms.target.name}")
    entries = np.searchsorted(terms.target.indices[:, 0], np.arange(left + 1))
    for p in moduli(terms):
        u, v, w = _floats(terms, p)
        values = np.array([value % p if p else value for value in terms.values], dtype=np.float64)
        for i in range(0, left, count):
            end = min(i + count, left)
            sums = (_sums if p < LIMIT else _wide_sums)(u[:, i:end], v, w, p, chunk)
            here = slice(entries[i], entries[end])
            a, b, c = terms.target.indices[here].T
            sums[a - i, b, c] -= values[here]
            yield i, (_reduced(sums, terms.characteristic or p) if p < LIMIT else sums % p) != 0


def _floats(terms: Terms, p: int) -> tuple[Floats, Floats, Floats]:
    """u, v and w times their weights; modulo p as the residues of least magnitude."""
    u, v, w = (_residues(factor, p) for factor in terms.factors)
    weights = np.array([weight % p if p else weight for weight in terms.weights], dtype=np.int64)
    if (weights != 1).any():
        w = w * weights[:, None]
    return u.astype(np.float64), v.astype(np.float64), _residues(w, p).astype(np.float64)


def _residues(factor: IntArray, p: int) -> IntArray:
    return modular.symmetric(factor, p).astype(np.int64) if p else factor


def _sums(u: Floats, v: Floats, w: Floats, p: int, chunk: int) -> Floats:
    """sum_q u[q,i] v[q,j] w[q,k], or a number of at most p in magnitude that is congruent to it."""
    alive = np.flatnonzero((u != 0).any(axis=1))
    count, right, out = u.shape[1], v.shape[1], w.shape[1]
    sums = np.zeros((count * right, out))
    for start in range(0, len(alive), chunk):
        rows = alive[start : start + chunk]
        pairs = _reduced(u[rows, :, None] * v[rows, None, :], p).reshape(len(rows), -1)
        sums += _reduced(pairs.T @ w[rows], p)
        sums = _reduced(sums, p)
    return sums.reshape(count, right, out)


def _wide_sums(u: Floats, v: Floats, w: Floats, p: int, chunk: int) -> Floats:
    """The same for a prime that floats hold no products of: in integers, below p."""
    left, right, out = ((factor.astype(np.int64) % p) for factor in (u, v, w))
    sums = np.zeros((u.shape[1] * v.shape[1], w.shape[1]), np.int64)
    for start in range(0, len(left), chunk):
        rows = slice(start, start + chunk)
        pairs = left[rows, :, None] * right[rows, None, :] % p
        sums = (sums + modular.product(pairs.reshape(len(pairs), -1).T, out[rows], p)) % p
    return sums.reshape(u.shape[1], v.shape[1], w.shape[1]).astype(np.float64)


def _reduced(numbers: Floats, p: int) -> Floats:
    """Congruent numbers of at most p / 2 + 1, 0 for the multiples of p; the numbers themselves for p = 0.

    For integers below 2^52 the quotient is rounded by at most 2^-1 / p, so the multiple that is taken away is at most
    1 / 2 + 2^-1 / p from it; that multiple and the difference are integers below 2^53, hence exact. A multiple of p is
    divided without rounding.
    """
    return numbers - p * np.rint(numbers / p) if p else numbers

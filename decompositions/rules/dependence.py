"""Which columns of a large matrix depend on those before them, modulo a prime: elimination by blocks, in BLAS.

Residues are floats between -p/2 and p/2; below 2^22 a product of two stays under 2^42 in size and the sum of 2^11 of
them under 2^53, so nothing is rounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LIMIT = 1 << 22
"""Primes stay below it."""
TERMS = 1 << 11
"""Products of two residues that a sum may have."""
BLOCK = 64


class Dependence(NamedTuple):
    """The columns that depend on others.

    Attributes:
        basis: Columns that depend on none before them, shape (rank,).
        dependent: The other columns, shape (columns - rank,).
        coefficients: column[dependent[i]] = sum_k coefficients[k, i] column[basis[k]], shape (rank, columns - rank).
    """

    basis: NDArray[np.int64]
    dependent: NDArray[np.int64]
    coefficients: Floats


def balanced(values: Floats, p: int) -> Floats:
    """The residues between -p/2 and p/2, in place."""
    values -= p * np.rint(values * (1 / p))
    return values


def product(left: Floats, right: Floats, p: int) -> Floats:
    """A matrix product of residues, shape (rows, columns)."""
    found = balanced(left[:, :TERMS] @ right[:TERMS], p)
    for start in range(TERMS, left.shape[1], TERMS):
        found = balanced(found + left[:, start : start + TERMS] @ right[start : start + TERMS], p)
    return found


def dependence(matrix: Floats, p: int) -> Dependence:
    """The columns that do not depend on those before them, and the others in terms of these.

    Args:
        matrix: Residues between -p/2 and p/2, shape (rows, columns); used up.
        p: A prime below 2^22.
    """
    columns = matrix.shape[1]
    pivots: list[int] = []
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        here = len(pivots)
        lower, inverses = _panel(matrix, pivots, start, stop, p)
        found = len(pivots) - here
        top, rest = matrix[here : here + found, stop:], matrix[here + found :, stop:]
        for row in range(found):
            above = product(lower[row : row + 1, :row], top[:row], p)[0]
            top[row] = balanced(balanced(top[row] - above, p) * inverses[row], p)
        if found and rest.size:
            rest[:] = balanced(rest - product(lower[found:, :found], top, p), p)
    others = np.setdiff1d(np.arange(columns), pivots)
    solved = matrix[: len(pivots), others]
    upper = matrix[: len(pivots), pivots]
    for row in range(len(pivots) - 1, 0, -1):
        solved[:row] = balanced(solved[:row] - np.outer(upper[:row, row], solved[row]), p)
    return Dependence(np.array(pivots, np.int64), others, solved)


def _panel(matrix: Floats, pivots: list[int], start: int, stop: int, p: int) -> tuple[Floats, list[int]]:
    """Eliminate in a few columns; the rows are exchanged everywhere, the other columns are left to the caller.

    Returns:
        What was taken of each pivot row, shape (rows that were left, pivots found at most), and their inverses.
    """
    here = len(pivots)
    lower = np.zeros((matrix.shape[0] - here, stop - start))
    inverses: list[int] = []
    for column in range(start, stop):
        row = len(pivots)
        below = np.flatnonzero(matrix[row:, column])
        if not below.size:
            continue
        other = row + int(below[0])
        if other != row:
            matrix[[row, other]] = matrix[[other, row]]
            lower[[row - here, other - here]] = lower[[other - here, row - here]]
        inverses.append(pow(int(matrix[row, column]) % p, -1, p))
        inverse = inverses[-1] if 2 * inverses[-1] <= p else inverses[-1] - p
        inverses[-1] = inverse
        matrix[row, column:stop] = balanced(matrix[row, column:stop] * inverse, p)
        factors = matrix[row + 1 :, column].copy()
        lower[row + 1 - here :, row - here] = factors
        inner = matrix[row + 1 :, column:stop]
        inner[:] = balanced(inner - np.outer(factors, matrix[row, column:stop]), p)
        pivots.append(column)
    return lower, inverses

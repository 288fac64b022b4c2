"""Linear algebra over the integers modulo a prime, for many small matrices at once and for solution spaces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Residues = NDArray[np.int64]


def ranks(stack: Residues, p: int) -> NDArray[np.int64]:
    """The ranks of many matrices.

    Args:
        stack: Residues, shape (matrices, rows, columns); not changed.
        p: A prime, at most 2^31, so that products stay inside int64.

    Returns:
        Shape (matrices,).
    """
    rest = stack % p
    number, rows, columns = rest.shape
    done = np.zeros(number, np.int64)
    every = np.arange(number)
    for column in range(columns):
        pending = (rest[:, :, column] != 0) & (np.arange(rows) >= done[:, None])
        found = np.flatnonzero(pending.any(axis=1))
        if not len(found):
            continue
        pivot, place = pending[found].argmax(axis=1), done[found]
        rest[found, pivot], rest[found, place] = rest[found, place], rest[found, pivot]
        lead = rest[found, place] * inverses(rest[found, place, column], p)[:, None] % p
        below = np.arange(rows) > place[:, None]
        factors = np.where(below, rest[found, :, column], 0)
        rest[found] = (rest[found] - factors[:, :, None] * lead[:, None, :]) % p
        done[every[found]] += 1
    return done


def inverses(values: Residues, p: int) -> Residues:
    """The inverses of nonzero residues, by Fermat's little theorem."""
    result, power, exponent = np.ones_like(values), values % p, p - 2
    while exponent:
        if exponent & 1:
            result = result * power % p
        power = power * power % p
        exponent >>= 1
    return result


def narrowed(space: Residues, equations: Residues, p: int) -> Residues:
    """The part of a space on which some equations vanish.

    Args:
        space: A basis, as rows, shape (dimension, unknowns).
        equations: Shape (equations, unknowns).
        p: A prime.

    Returns:
        A basis, as rows.
    """
    return matmul(kernel(matmul(equations % p, space.T, p), p), space, p) if len(space) else space


def matmul(x: Residues, y: Residues, p: int) -> Residues:
    """A product of residues, reduced after every column so that nothing overflows."""
    total = np.zeros((len(x), y.shape[1]), np.int64)
    for column in range(x.shape[1]):
        total = (total + x[:, column, None] * y[column] % p) % p
    return total


def kernel(matrix: Residues, p: int) -> Residues:
    """A basis, as rows, of the vectors that a matrix takes to zero, shape (dimension, columns)."""
    rest = matrix % p
    pivots: list[int] = []
    for column in range(rest.shape[1]):
        place = len(pivots)
        rows = np.flatnonzero(rest[place:, column])
        if not len(rows):
            continue
        rest[[place, place + rows[0]]] = rest[[place + rows[0], place]]
        rest[place] = rest[place] * pow(int(rest[place, column]), -1, p) % p
        others = np.arange(len(rest)) != place
        rest[others] = (rest[others] - rest[others, column, None] * rest[place]) % p
        pivots.append(column)
    free = [column for column in range(rest.shape[1]) if column not in pivots]
    basis = np.zeros((len(free), rest.shape[1]), np.int64)
    for row, column in enumerate(free):
        basis[row, column] = 1
        basis[row, pivots] = -rest[: len(pivots), column] % p
    return basis

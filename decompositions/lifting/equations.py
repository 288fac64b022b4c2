"""The Brent equations modulo a power of p, and their Jacobian modulo p.

The unknowns are the coefficients of u, v and w, factor after factor and row by row; the equations the tensor entries,
flattened likewise.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.targets import Target

Factors = tuple[IntArray, IntArray, IntArray]
Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def joined(factors: Factors) -> IntArray:
    """The unknowns of factors (rank, a), (rank, b), (rank, c) in one row."""
    return np.concatenate([factor.ravel() for factor in factors])


def split(unknowns: IntArray, target: Target) -> Factors:
    """Undo `joined`."""
    rank = len(unknowns) // sum(target.shape)
    ends = np.cumsum([rank * side for side in target.shape])
    parts = np.split(unknowns, ends[:2])
    u, v, w = (part.reshape(rank, side) for part, side in zip(parts, target.shape, strict=True))
    return u, v, w


def gap(target: Target, unknowns: IntArray, modulus: int) -> IntArray:
    """T - sum_q u[q] (x) v[q] (x) w[q] modulo `modulus`, in 0 .. modulus - 1, shape (entries,).

    With residues below M no partial sum exceeds rank * M^2: below 2^53 float64 is exact and BLAS computes it, below
    2^62 int64, else Python integers.

    Raises:
        TooLargeError: If the terms would not fit into memory.
    """
    left, right, _ = target.shape
    rank = len(unknowns) // sum(target.shape)
    memory.require(32 * (rank * left * right + target.entries), f"the equations of {target.name}")
    u, v, w = (factor % modulus for factor in split(unknowns, target))
    bound = (rank + 1) * modulus * modulus
    dtype = np.float64 if bound < 1 << 53 else np.int64 if bound < 1 << 62 else object
    pairs = (u[:, :, None] * v[:, None, :] % modulus).reshape(rank, left * right)
    found = (pairs.T.astype(dtype) @ w.astype(dtype)) % modulus
    found = -found.astype(object if dtype is object else np.int64).reshape(target.shape)
    found[tuple(target.indices.T)] += target.values % modulus
    return np.asarray(found.ravel() % modulus)


def derivatives(target: Target, factors: Factors) -> int:
    """How many derivatives of the sum are nonzero."""
    counts = [np.count_nonzero(factor, axis=1) for factor in factors]
    return sum(target.shape[k] * int(counts[(k + 1) % 3] @ counts[(k + 2) % 3]) for k in range(3))


def jacobian(target: Target, unknowns: IntArray, p: int) -> Entries:
    """The nonzero derivatives of the sum modulo p: equations, unknowns and residues 1 .. p - 1, each of one length.

    Raises:
        TooLargeError: If they would not fit into memory.
    """
    factors = split(unknowns % p, target)
    number = derivatives(target, factors)
    memory.require(100 * number, f"the Jacobian of {target.name}")
    none = np.empty(0, np.int64)
    parts = [block for axis in range(3) for block in _derivatives(target, factors, axis, p)]
    equations, variables, values = (np.concatenate(part) for part in zip((none, none, none), *parts, strict=True))
    return equations, variables, values


def _derivatives(target: Target, factors: Factors, axis: int, p: int) -> Iterator[Entries]:
    """The derivatives with respect to one factor, one product after the other."""
    strides = (target.shape[1] * target.shape[2], target.shape[2], 1)
    first, second = (k for k in range(3) if k != axis)
    rank, side = factors[axis].shape
    before = rank * sum(target.shape[:axis])
    own = np.arange(side)
    for q in range(rank):
        x, y = (np.flatnonzero(factors[k][q]) for k in (first, second))
        places = (strides[first] * x[:, None] + strides[second] * y).ravel()
        values = np.outer(factors[first][q, x], factors[second][q, y]).ravel() % p
        equations = strides[axis] * own[:, None] + places
        variables = np.broadcast_to((before + q * side + own)[:, None], equations.shape)
        yield equations.ravel(), variables.ravel(), np.broadcast_to(values, equations.shape).ravel()

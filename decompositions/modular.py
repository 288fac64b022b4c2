"""Arithmetic modulo a prime: ranks, kernels, solutions of linear equations; and rational numbers from residues.

Every array of residues is int64, for primes below 2^31, so that a product of two stays inside; `echelon`, `kernel`,
`solution` and all that makes rational numbers take Python integers too, modulo anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.rings import IntArray

Residues = NDArray[np.int64]

LIMIT = 1 << 31
"""Primes stay below it."""
LARGE_PRIME = LIMIT - 1

WINDOW = 1 << 18
"""Numbers that are sieved at once."""


def primes(limit: int) -> Iterator[int]:
    """The primes below a limit, falling.

    Args:
        limit: At most 2^31.
    """
    small = np.ones(math.isqrt(limit) + 1, np.bool_)
    small[:2] = False
    for divisor in range(2, math.isqrt(len(small)) + 1):
        small[divisor * divisor :: divisor] = False
    divisors = np.flatnonzero(small).tolist()
    for high in range(limit, 2, -WINDOW):
        low = max(2, high - WINDOW)
        prime = np.ones(high - low, np.bool_)
        for divisor in divisors:
            prime[max(divisor * divisor, -(-low // divisor) * divisor) - low :: divisor] = False
        yield from reversed((np.flatnonzero(prime) + low).tolist())


def rank(matrix: Residues, p: int) -> int:
    """The rank of one matrix, fast where it is large: a step leaves a smaller one.

    Args:
        matrix: Residues, shape (rows, columns); not changed.
        p: A prime below 2^31.
    """
    rest = np.unique(matrix % p, axis=1)
    found = 0
    while rest.shape[0] and rest.shape[1]:
        pivots = np.flatnonzero(rest[0])
        if not pivots.size:
            rest = rest[1:]
            continue
        column = pivots[0]
        pivot_row = rest[0] * pow(int(rest[0, column]), -1, p) % p
        rest = (rest[1:] - rest[1:, column, None] * pivot_row) % p
        found += 1
    return found


def ranks(stack: Residues, p: int) -> NDArray[np.int64]:
    """The ranks of many small matrices at once.

    Args:
        stack: Residues, shape (matrices, rows, columns); not changed.
        p: A prime below 2^31.

    Returns:
        Shape (matrices,).
    """
    rest = stack % p
    number, rows, columns = rest.shape
    done = np.zeros(number, np.int64)
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
        done[found] += 1
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


def product(left: Residues, right: Residues, p: int) -> Residues:
    """A matrix product of residues; `left` is split into 16-bit halves, so 2^47 2^(log2 columns) stays below 2^63."""
    assert left.shape[1] < 1 << 15
    high, low = left >> 16, left & 0xFFFF
    found: Residues = ((high @ right) % p * (1 << 16) + low @ right) % p
    return found


def echelon(matrix: IntArray, p: int, columns: int | None = None) -> tuple[IntArray, list[int]]:
    """The reduced row echelon form, and its pivot columns; of the rows below it nothing is left in those columns.

    Args:
        matrix: Residues, shape (rows, any); not changed.
        p: A prime.
        columns: Pivots are taken from the first so many columns, from all if None.

    Returns:
        The form, one row a pivot and then the rest, of the matrix's shape; and the pivots.
    """
    rest = np.asarray(matrix % p)
    pivots: list[int] = []
    for column in range(rest.shape[1] if columns is None else columns):
        here = len(pivots)
        below = np.flatnonzero(rest[here:, column])
        if not below.size:
            continue
        rest[[here, here + below[0]]] = rest[[here + below[0], here]]
        rest[here] = rest[here] * pow(int(rest[here, column]), -1, p) % p
        others = np.flatnonzero(rest[:, column])
        others = others[others != here]
        rest[others] = (rest[others] - rest[others, column, None] * rest[here]) % p
        pivots.append(column)
    return rest, pivots


def kernel(matrix: IntArray, p: int) -> IntArray:
    """A basis, as rows, of the vectors that a matrix takes to zero, shape (dimension, columns)."""
    rest, pivots = echelon(matrix, p)
    unbound = np.ones(rest.shape[1], np.bool_)
    unbound[pivots] = False
    free = np.flatnonzero(unbound)
    basis = np.zeros((len(free), rest.shape[1]), rest.dtype)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = -rest[: len(pivots), free].T % p
    return basis


def narrowed(space: Residues, equations: Residues, p: int) -> Residues:
    """The part of a space on which some equations vanish.

    Args:
        space: A basis, as rows, shape (dimension, unknowns).
        equations: Shape (equations, unknowns).
        p: A prime below 2^31.

    Returns:
        A basis, as rows.
    """
    return product(kernel(product(equations % p, space.T, p), p), space, p) if len(space) else space


def solution(matrix: IntArray, right: IntArray, p: int) -> IntArray | None:
    """An x with `matrix x = right`, zero at unknowns that nothing determines; None if there is none.

    Args:
        matrix: Residues, shape (rows, unknowns).
        right: Likewise, shape (rows, sides).
        p: A prime.

    Returns:
        Shape (unknowns, sides).
    """
    unknowns = matrix.shape[1]
    rest, pivots = echelon(np.concatenate([matrix, right], axis=1), p, unknowns)
    if rest[len(pivots) :, unknowns:].any():
        return None
    found = np.zeros((unknowns, right.shape[1]), rest.dtype)
    found[pivots] = rest[: len(pivots), unknowns:]
    return found


def solutions(matrices: Residues, right: Residues, p: int) -> Residues:
    """X with matrices X = right for many small matrices at once, by elimination without row exchanges.

    Args:
        matrices: Residues whose leading minors are not 0, shape (batch, r, r).
        right: Shape (batch, r, k).
        p: A prime below 2^31.

    Returns:
        Shape (batch, r, k).

    Raises:
        ZeroDivisionError: If a leading minor is 0; another prime may serve.
    """
    r = matrices.shape[1]
    rest = np.concatenate([matrices, right], axis=2) % p
    for s in range(r):
        if not rest[:, s, s].all():
            raise ZeroDivisionError("a pivot is 0 modulo the prime")
        rest[:, s] = rest[:, s] * inverses(rest[:, s, s], p)[:, None] % p
        factors = rest[:, :, s].copy()
        factors[:, s] = 0
        rest = (rest - factors[:, :, None] * rest[:, None, s]) % p
    return rest[:, :, r:]


def symmetric(residues: IntArray, modulus: int) -> IntArray:
    """The representatives in -M/2 < x <= M/2."""
    low = (modulus - 1) // 2
    return np.asarray((residues + low) % modulus - low)


def reconstruct(residue: int, modulus: int) -> tuple[int, int] | None:
    """A fraction n / d with |n| and d at most sqrt(M / 2) that has this residue, or None; for M > 2 there is only one.

    Source:
        P. Wang, "A p-adic algorithm for univariate partial fractions", SYMSAC 1981: the extended Euclidean algorithm,
        stopped at the first remainder within the bound.
    """
    bound = math.isqrt(modulus // 2)
    (r0, s0), (r1, s1) = (modulus, 0), (residue % modulus, 1)
    while r1 > bound:
        quotient = r0 // r1
        (r0, s0), (r1, s1) = (r1, s1), (r0 - quotient * r1, s0 - quotient * s1)
    if s1 < 0:
        r1, s1 = -r1, -s1
    return (r1, s1) if 0 < s1 <= bound and math.gcd(r1, s1) == 1 else None


def rational(residues: IntArray, modulus: int) -> tuple[IntArray, IntArray] | None:
    """Numerators over one denominator a row, shapes (rows, columns) and (rows,); None if a residue has no fraction."""
    distinct, places = np.unique(residues, return_inverse=True)
    fractions = []
    for residue in distinct.tolist():
        fraction = reconstruct(residue, modulus)
        if fraction is None:
            return None
        fractions.append(fraction)
    table = np.array(fractions, dtype=object).reshape(-1, 2)
    numerators, denominators = (table[places.reshape(residues.shape), k] for k in range(2))
    common = np.array([math.lcm(*row) for row in denominators.tolist()], dtype=object)
    return numerators * (common[:, None] // denominators), common

"""Schemes of n x n x n that the cyclic permutation of the three factors maps to themselves: cubes, orbits of three.

With C transposed, the tensor of n x n x n is the trace of ABC, which stays the same when its factors rotate. A
symmetric scheme is a few cubes a (x) a (x) a and orbits {a b c, b c a, c a b}; a walk moves one row of each orbit, the
cubes stay. The cubes are those of the sums of the diagonal units over the groups of a partition of 0 .. n - 1: the
partition decides which ranks (cubes + 3 * orbits) can be reached.

Source: J. Moosbauer, M. Poole, "Flip graphs with symmetry and new matrix multiplication schemes" (arXiv:2502.04514).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from discover.solvers.flip_graph.packing import Matrix
from discover.solvers.flip_graph.walking import Factors

Partition = tuple[tuple[int, ...], ...]


def partitions(n: int) -> Iterator[Partition]:
    """The partitions of 0 .. n - 1 up to renumbering, each with its larger groups first.

    Those with fewer groups come first, and among those with so many groups the most even one.
    """
    kinds = sorted(_group_sizes(n, n), key=lambda sizes: (len(sizes), sizes))
    for sizes in kinds:
        ends = np.cumsum(sizes)
        yield tuple(tuple(range(int(end) - size, int(end))) for size, end in zip(sizes, ends, strict=True))


def _group_sizes(n: int, most: int) -> Iterator[tuple[int, ...]]:
    """The ways to write n as a falling sum of numbers up to `most`."""
    if n == 0:
        yield ()
    for size in range(min(n, most), 0, -1):
        for rest in _group_sizes(n - size, size):
            yield (size, *rest)


def cubes(n: int, partition: Partition) -> Matrix:
    """The factors of the cubes, shape (groups, n * n): sums of diagonal units."""
    result = np.zeros((len(partition), n, n), np.int64)
    for place, group in enumerate(partition):
        result[place, group, group] = 1
    return result.reshape(len(partition), n * n)


def orbit_rows(n: int, partition: Partition) -> Factors:
    """One row of each orbit of the trace of ABC minus the cubes: the standard algorithm's, and corrections.

    Returns:
        Three matrices of the same shape (orbits, n * n), C transposed; no rows where n is 1.
    """
    triples = [word for word in product(range(n), repeat=3) if _first_of_its_rotations(word)]
    inside = [word for group in partition for word in product(group, repeat=3) if _first_of_its_rotations(word)]
    units = np.eye(n * n, dtype=np.int64)
    i, j, k = np.array(triples, np.int64).reshape(-1, 3).T
    a, b, c = (np.array(inside, np.int64).reshape(-1, 3) * (n + 1)).T
    return (
        np.concatenate([units[i * n + j], units[a]]),
        np.concatenate([units[j * n + k], units[b]]),
        np.concatenate([units[k * n + i], -units[c]]),
    )


def _first_of_its_rotations(word: tuple[int, ...]) -> bool:
    """Whether a triple comes first among its rotations; false for three equal numbers."""
    x, y, z = word
    return not x == y == z and min((x, y, z), (y, z, x), (z, x, y)) == word


def expanded(rows: Factors, n: int, partition: Partition) -> Factors:
    """The whole scheme of n x n x n, C row by row: the cubes and the three rotations of each row.

    Args:
        rows: One row of each orbit, each matrix of shape (orbits, n * n).
        n: Rows of each matrix.
        partition: Of 0 .. n - 1, one cube a group.
    """
    a, b, c = rows
    d = cubes(n, partition)
    u, v, w = np.concatenate([d, a, b, c]), np.concatenate([d, b, c, a]), np.concatenate([d, c, a, b])
    return u, v, w.reshape(-1, n, n).transpose(0, 2, 1).reshape(len(w), n * n)

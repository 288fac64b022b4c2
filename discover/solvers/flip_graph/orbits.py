"""Schemes of n x n x n that the cyclic permutation of the three factors maps to themselves: cubes, orbits of three.

With C transposed, the tensor of n x n x n is the trace of ABC, which stays the same when its factors rotate. A
symmetric scheme is a few cubes a (x) a (x) a and orbits {a b c, b c a, c a b}; a walk moves one row of each orbit, the
cubes stay. The cubes are those of the sums of the diagonal units over the groups of a partition of 0 .. n - 1: the
partition decides which ranks (cubes + 3 * orbits) can be reached.

Renumbering the indices maps the trace to itself too. With a reflection i -> n - 1 - i that maps the cubes to cubes, a
row may stand for its reflection as well, orbits of six: whatever rewrites rows as others of the same sum stays right
for the orbits, and a row may be exchanged for its reflection to meet others.

Source: J. Moosbauer, M. Poole, "Flip graphs with symmetry and new matrix multiplication schemes" (arXiv:2502.04514).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.operations import with_outputs_transposed
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.packing import Matrix
from bilinear.discover.solvers.flip_graph.walking import Factors

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


def mirrored(partition: Partition) -> Partition | None:
    """A partition into groups of the same sizes which the reflection i -> n - 1 - i leaves as it is; None without one.

    Groups of the same size are exchanged in pairs; those left over, of which one at most is odd, are reversed.
    """
    sizes = Counter(len(group) for group in partition)
    alone = sorted((size for size, number in sizes.items() if number % 2), key=lambda size: size % 2)
    if sum(size % 2 for size in alone) > 1:
        return None
    begin, end, groups = 0, sum(map(len, partition)), list[tuple[int, ...]]()
    for size, number in sizes.items():
        for _ in range(number // 2):
            groups += [tuple(range(begin, begin + size)), tuple(range(end - size, end))]
            begin, end = begin + size, end - size
    for size in alone:
        half, odd = divmod(size, 2)
        groups.append((*range(begin, begin + half + odd), *range(end - half, end)))
        begin, end = begin + half, end - half
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))


def reflected(matrices: Matrix) -> Matrix:
    """Matrices, row by row, with rows and columns in reverse order, shape (rows, n * n)."""
    return matrices[:, ::-1]


def orbit_rows(n: int, partition: Partition, orbit: int = at.ROTATED) -> Factors:
    """One row of each orbit of the trace of ABC minus the cubes: the standard algorithm's, and corrections.

    Args:
        n: Rows of each matrix.
        partition: Of 0 .. n - 1, one cube a group.
        orbit: 3, or 6 where a row stands for its reflection too; the partition is then a `mirrored` one.

    Returns:
        Three matrices of the same shape (orbits, n * n), C transposed; no rows where n is 1.
    """
    triples = [word for word in product(range(n), repeat=3) if _is_first(word, n, orbit)]
    inside = [word for group in partition for word in product(group, repeat=3) if _is_first(word, n, orbit)]
    units = np.eye(n * n, dtype=np.int64)
    i, j, k = np.array(triples, np.int64).reshape(-1, 3).T
    a, b, c = (np.array(inside, np.int64).reshape(-1, 3) * (n + 1)).T
    return (
        np.concatenate([units[i * n + j], units[a]]),
        np.concatenate([units[j * n + k], units[b]]),
        np.concatenate([units[k * n + i], -units[c]]),
    )


def _is_first(word: tuple[int, ...], n: int, orbit: int) -> bool:
    """Whether a triple comes first among its rotations and reflections; false for three equal numbers."""
    x, y, z = word
    alike = [(x, y, z), (y, z, x), (z, x, y)]
    if orbit == at.REFLECTED:
        alike += [(n - 1 - i, n - 1 - j, n - 1 - k) for i, j, k in alike]
    return not x == y == z and min(alike) == word


def expanded(rows: Factors, n: int, partition: Partition, orbit: int = at.ROTATED) -> Factors:
    """The whole scheme of n x n x n, C row by row: the cubes and the three rotations of each row.

    Args:
        rows: One row of each orbit, each matrix of shape (orbits, n * n).
        n: Rows of each matrix.
        partition: Of 0 .. n - 1, one cube a group.
        orbit: 6 for the reflections of all rows as well.
    """
    d = cubes(n, partition)
    a, b, c = rows if orbit == at.ROTATED else (np.concatenate([x, reflected(x)]) for x in rows)
    u, v, w = np.concatenate([d, a, b, c]), np.concatenate([d, b, c, a]), np.concatenate([d, c, a, b])
    return u, v, with_outputs_transposed(w, n, n)


def folded(whole: Factors, n: int, partition: Partition, orbit: int = at.ROTATED) -> Factors | None:
    """One row of each orbit of a whole scheme, undoes `expanded`; None if it has not the symmetry, or other cubes.

    Args:
        whole: The scheme of n x n x n, coefficients -1, 0, 1 (0, 1 over `f2`).
        n: Rows of each matrix.
        partition: Its cubes.
        orbit: Products of an orbit, 3 or 6.
    """
    u, v, w = whole
    left = Counter(_signed(*product) for product in zip(u, v, with_outputs_transposed(w, n, n), strict=True))
    left.subtract(_signed(cube, cube, cube) for cube in cubes(n, partition))
    chosen = []
    for row in list(left):
        if left[row]:
            rows = _orbit(row, orbit)
            if len(set(rows)) < len(rows) or any(left[other] < 1 for other in rows):
                return None
            chosen += [row] * min(left[other] for other in rows)
            left.subtract(rows * min(left[other] for other in rows))
    if any(left.values()):
        return None
    a, b, c = np.array(chosen, np.int64).reshape(-1, 3, n * n).transpose(1, 0, 2)
    return a, b, c


Product = tuple[tuple[int, ...], ...]


def _orbit(row: Product, orbit: int) -> list[Product]:
    """The rotations of a product, for orbits of six those of its reflection too."""
    a, b, c = (np.array(factor) for factor in row)
    rows = [(a, b, c), (b, c, a), (c, a, b)]
    if orbit == at.REFLECTED:
        x, y, z = (factor[::-1] for factor in (a, b, c))
        rows += [(x, y, z), (y, z, x), (z, x, y)]
    return [_signed(*other) for other in rows]


def _signed(*factors: NDArray[np.int64]) -> Product:
    """The factors of a product, the first two with a positive first coefficient: the sign goes to the last."""
    a, b, c = factors
    signs = [-1 if factor[np.flatnonzero(factor)[:1]].sum() < 0 else 1 for factor in (a, b)]
    return tuple((a * signs[0]).tolist()), tuple((b * signs[1]).tolist()), tuple((c * signs[0] * signs[1]).tolist())

"""Schemes of n x n x n that the cyclic permutation of the three factors maps to themselves: cubes, orbits of three.

With C transposed, the tensor of n x n x n is the trace of ABC, which stays the same when its factors rotate. A
symmetric scheme is a few cubes a (x) a (x) a and orbits {a b c, b c a, c a b}; a walk moves one row of each orbit, the
cubes stay. The cubes are those of the sums of the diagonal units over the groups of a partition of 0 .. n - 1: the
partition decides which ranks (cubes + 3 * orbits) can be reached.

Renumbering the indices maps the trace to itself too. With an involution that leaves the cubes where they are, a row may
stand for its reflection as well, orbits of six: whatever rewrites rows as others of the same sum stays right for the
orbits, so that the walk is the same.

Source: J. Moosbauer, M. Poole, "Flip graphs with symmetry and new matrix multiplication schemes" (arXiv:2502.04514).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.operations import with_outputs_transposed
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


def mirror(partition: Partition) -> tuple[int, ...] | None:
    """The involution of the indices under which a partition stays the same; None if more than one index would stay.

    Each group is reversed; groups of the same odd size are exchanged in pairs.
    """
    image = {i: j for group in partition for i, j in zip(group, reversed(group), strict=True)}
    alone: dict[int, tuple[int, ...]] = {}
    for group in partition:
        if len(group) % 2 == 0:
            continue
        if (other := alone.pop(len(group), None)) is None:
            alone[len(group)] = group
        else:
            image |= dict(zip(group, other, strict=True)) | dict(zip(other, group, strict=True))
    return tuple(image[i] for i in range(len(image))) if len(alone) <= 1 else None


def reflected(matrices: Matrix, image: Sequence[int]) -> Matrix:
    """Matrices, row by row, with rows and columns renumbered by an involution, shape (rows, n * n)."""
    n = len(image)
    return matrices.reshape(-1, n, n)[:, image][:, :, image].reshape(len(matrices), n * n)


def orbit_rows(n: int, partition: Partition, image: Sequence[int] | None = None) -> Factors:
    """One row of each orbit of the trace of ABC minus the cubes: the standard algorithm's, and corrections.

    Args:
        n: Rows of each matrix.
        partition: Of 0 .. n - 1, one cube a group.
        image: A `mirror` of the partition: one row of six stands for those of its reflection too.

    Returns:
        Three matrices of the same shape (orbits, n * n), C transposed; no rows where n is 1.
    """
    triples = [word for word in product(range(n), repeat=3) if _is_first(word, image)]
    inside = [word for group in partition for word in product(group, repeat=3) if _is_first(word, image)]
    units = np.eye(n * n, dtype=np.int64)
    i, j, k = np.array(triples, np.int64).reshape(-1, 3).T
    a, b, c = (np.array(inside, np.int64).reshape(-1, 3) * (n + 1)).T
    return (
        np.concatenate([units[i * n + j], units[a]]),
        np.concatenate([units[j * n + k], units[b]]),
        np.concatenate([units[k * n + i], -units[c]]),
    )


def _is_first(word: tuple[int, ...], image: Sequence[int] | None) -> bool:
    """Whether a triple comes first among its rotations and those of its image; false for three equal numbers."""
    x, y, z = word
    alike = [(x, y, z), (y, z, x), (z, x, y)]
    if image is not None:
        alike += [tuple(image[i] for i in other) for other in alike]  # type: ignore[misc]
    return not x == y == z and min(alike) == word


def expanded(rows: Factors, n: int, partition: Partition, image: Sequence[int] | None = None) -> Factors:
    """The whole scheme of n x n x n, C row by row: the cubes and the three rotations of each row.

    Args:
        rows: One row of each orbit, each matrix of shape (orbits, n * n).
        n: Rows of each matrix.
        partition: Of 0 .. n - 1, one cube a group.
        image: A `mirror` of the partition: the reflections of all rows as well.
    """
    d = cubes(n, partition)
    a, b, c = rows if image is None else (np.concatenate([x, reflected(x, image)]) for x in rows)
    u, v, w = np.concatenate([d, a, b, c]), np.concatenate([d, b, c, a]), np.concatenate([d, c, a, b])
    return u, v, with_outputs_transposed(w, n, n)


def folded(whole: Factors, n: int, partition: Partition, image: Sequence[int] | None = None) -> Factors | None:
    """One row of each orbit of a whole scheme, undoes `expanded`; None if it has not the symmetry, or other cubes.

    Args:
        whole: The scheme of n x n x n, coefficients -1, 0, 1 (0, 1 over `f2`).
        n: Rows of each matrix.
        partition: Its cubes.
        image: A `mirror` of the partition, for orbits of six.
    """
    u, v, w = whole
    left = Counter(_signed(*product) for product in zip(u, v, with_outputs_transposed(w, n, n), strict=True))
    left.subtract(_signed(cube, cube, cube) for cube in cubes(n, partition))
    chosen = []
    for row in list(left):
        if left[row]:
            orbit = _orbit(row, image)
            if len(set(orbit)) < len(orbit) or any(left[other] < 1 for other in orbit):
                return None
            chosen += [row] * min(left[other] for other in orbit)
            left.subtract(orbit * min(left[other] for other in orbit))
    if any(left.values()):
        return None
    a, b, c = np.array(chosen, np.int64).reshape(-1, 3, n * n).transpose(1, 0, 2)
    return a, b, c


Product = tuple[tuple[int, ...], ...]


def _orbit(row: Product, image: Sequence[int] | None) -> list[Product]:
    """The rotations of a product, and of its reflection."""
    a, b, c = (np.array(factor) for factor in row)
    rows = [(a, b, c), (b, c, a), (c, a, b)]
    if image is not None:
        x, y, z = (reflected(factor[None], image)[0] for factor in (a, b, c))
        rows += [(x, y, z), (y, z, x), (z, x, y)]
    return [_signed(*other) for other in rows]


def _signed(*factors: NDArray[np.int64]) -> Product:
    """The factors of a product, the first two with a positive first coefficient: the sign goes to the last."""
    a, b, c = factors
    signs = [-1 if factor[np.flatnonzero(factor)[:1]].sum() < 0 else 1 for factor in (a, b)]
    return tuple((a * signs[0]).tolist()), tuple((b * signs[1]).tolist()), tuple((c * signs[0] * signs[1]).tolist())

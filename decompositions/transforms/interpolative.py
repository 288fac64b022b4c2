"""Butterfly factors of a matrix whose orders are known: interpolative ones, exact in its field, and truncated ones.

Level by level the columns of each pair (row node, column node) are written by a few of them, the skeleton. So every
coefficient is a quotient of minors of the matrix, in the matrix's own number field; arithmetic in floats and modulo
a prime differ only in how entries are read and systems solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.cyclotomic import Integers
from bilinear.decompositions.transforms.factors import ButterflyFactor

TOLERANCE = 1e-9
"""An entry counts as 0 below this part of the matrix's largest entry."""

TIE = 1e-6
"""Pivots that differ by less, relatively, are equal: the first is taken, whatever rounding says."""

MOST_WIDTH = 16
Entries = Callable[[Integers, Integers], NDArray[Any]]
Solve = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What one level interpolates from, in positions of the ordered matrix; n = row nodes * column nodes.

    Attributes:
        shape: (row nodes a, radix p, column nodes j) before the split of rows; n = a p j.
        rows: Pivot rows, shape (n, width).
        columns: Columns kept, shape (n, width).
        kept: Whether a place is used, shape (n, width).
        sources: Columns that were there before, shape (n, p * width before).
        present: Whether these are used, likewise.
    """

    shape: tuple[int, int, int]
    rows: Integers
    columns: Integers
    kept: NDArray[np.bool_]
    sources: Integers
    present: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """The largest rank of a block of this level."""
        return int(self.rows.shape[1])


def skeletons(matrix: NDArray[Any], radices: Sequence[int], most: int = MOST_WIDTH) -> tuple[Skeleton, ...] | None:
    """Choose pivots level by level; None if a block has a higher rank than `most`.

    Args:
        matrix: In its orders, shape (size, size).
        radices: Of the row tree, from the root; their product is the size.
        most: The largest width allowed.
    """
    size, scale = len(matrix), np.abs(matrix).max()
    memory.require(2 * matrix.itemsize * most * size * size, f"the blocks of a butterfly of {size}")
    columns = np.arange(size, dtype=np.int64)[:, None]
    present = np.ones(columns.shape, dtype=bool)
    found, a, j = [], 1, size
    for radix in radices:
        j //= radix
        sources, filled = (_shared(x.reshape(a * j, -1), a, radix, j) for x in (columns, present))
        blocks = matrix[_node_rows(size, a * radix, j)[:, :, None], sources[:, None, :]] * filled[:, None, :]
        pivots = _pivots(blocks, TOLERANCE * scale, most)
        if pivots is None:
            return None
        rows, chosen, kept = pivots
        columns = np.take_along_axis(sources, chosen, 1)
        first = _node_rows(size, a * radix, j)[:, 0]
        found.append(Skeleton((a, radix, j), rows + first[:, None], columns, kept, sources, filled))
        present, a = kept, a * radix
    return tuple(found)


def _shared(values: NDArray[Any], a: int, radix: int, j: int) -> NDArray[Any]:
    """What a pair (parent, column node) knows, given to each child of the parent: shape (a * radix * j, ...)."""
    return np.repeat(values.reshape(a, 1, j, -1), radix, axis=1).reshape(a * radix * j, -1)


def _node_rows(size: int, nodes: int, j: int) -> Integers:
    """The rows of the row node of each pair, shape (nodes * j, size / nodes)."""
    return np.repeat(np.arange(size, dtype=np.int64).reshape(nodes, -1), j, axis=0)


def _pivots(blocks: NDArray[Any], zero: float, most: int) -> tuple[Integers, Integers, NDArray[np.bool_]] | None:
    """Rows, columns and use of the pivots of each block, by elimination with complete pivoting; None above `most`."""
    count, _, width = blocks.shape
    each, rest = np.arange(count), blocks.copy()
    found: list[tuple[Integers, Integers, NDArray[np.bool_]]] = []
    for _ in range(min(rest.shape[1:])):
        size = np.abs(rest).reshape(count, -1)
        largest = size.max(axis=1)
        alive = largest > zero
        if not alive.any():
            break
        if len(found) == most:
            return None
        row, column = np.divmod((size >= (1 - TIE) * largest[:, None]).argmax(axis=1), width)
        pivot = np.where(alive, rest[each, row, column], 1)
        multiple = np.where(alive[:, None], rest[each, row] / pivot[:, None], 0)
        rest = rest - rest[each, :, column][:, :, None] * multiple[:, None, :]
        found.append((row, column, alive))
    if not found:
        return np.zeros((count, 1), np.int64), np.zeros((count, 1), np.int64), np.zeros((count, 1), dtype=bool)
    rows, columns, kept = (np.stack(parts, axis=1) for parts in zip(*found, strict=True))
    if len(found) == min(rest.shape[1:]) or not (np.abs(rest) > zero).any():
        return rows, columns, kept
    return None


def interpolation(skeleton: Skeleton, entries: Entries, solve: Solve) -> NDArray[Any]:
    """The blocks of a level, shape (..., a, p, j, width, p, width before), from the entries that it names.

    Args:
        skeleton: The level.
        entries: From row and column positions to entries, with leading axes of its own if it has any.
        solve: From (..., n, r, r) and (..., n, r, k) to X with G X = H.
    """
    a, radix, j = skeleton.shape
    width, kept = skeleton.width, skeleton.kept
    square = entries(skeleton.rows[:, :, None], skeleton.columns[:, None, :])
    square = np.where(kept[:, :, None] & kept[:, None, :], square, np.eye(width, dtype=square.dtype))
    right = entries(skeleton.rows[:, :, None], skeleton.sources[:, None, :])
    right = np.where(kept[:, :, None] & skeleton.present[:, None, :], right, 0)
    solution = solve(square, right)
    unit = (skeleton.sources[:, None, :] == skeleton.columns[:, :, None]) & kept[:, :, None]
    chosen = (unit.any(axis=1) & skeleton.present)[:, None, :]
    exact = np.where(chosen, unit & skeleton.present[:, None, :], solution)
    return exact.reshape(*exact.shape[:-3], a, radix, j, width, radix, -1)


def last_factor(skeleton: Skeleton, entries: Entries) -> NDArray[Any]:
    """The blocks that turn the last skeleton into the rows of the matrix, shape (..., size, 1, 1, 1, 1, width)."""
    rows = np.arange(len(skeleton.rows), dtype=np.int64)[:, None]
    values = np.where(skeleton.kept, entries(rows, skeleton.columns), 0)
    return values.reshape(*values.shape[:-1], 1, 1, 1, 1, skeleton.width)


def truncated(matrix: NDArray[Any], radices: Sequence[int], width: int) -> tuple[ButterflyFactor, ...]:
    """Butterfly factors nearest to an ordered matrix level by level, by singular value decompositions of the blocks.

    Each level solves a two-factor problem with fixed supports: a block's columns are projected on its first `width`
    right singular vectors, and the projection is carried on. Errors of the levels add up as squares.

    Args:
        matrix: In its orders, shape (size, size).
        radices: Of the row tree, from the root.
        width: Rank kept of each block.

    Source:
        Q.-T. Le, L. Zheng, E. Riccietti, R. Gribonval, "Fast learning of fast transforms, with guarantees",
        ICASSP 2022.
    """
    size = len(matrix)
    memory.require(4 * 16 * width * size * size, f"the blocks of a butterfly of {size}")
    carried = matrix.T.reshape(1, size, size, 1)  # (row nodes, column nodes, rows, width)
    factors = []
    for radix in radices:
        a, j, rows, before = carried.shape
        joined = carried.reshape(a, j // radix, radix, rows, before).swapaxes(2, 3)
        parted = joined.reshape(a, j // radix, radix, rows // radix, radix * before).swapaxes(1, 2)
        _, values, right = np.linalg.svd(parted, full_matrices=False)
        kept = min(width, right.shape[-2])
        right = np.where(values[..., :kept, None] > TOLERANCE * values.max(), right[..., :kept, :], 0)
        factors.append(ButterflyFactor(right.reshape(a, radix, j // radix, kept, radix, before)))
        carried = (parted @ right.conj().swapaxes(-1, -2)).reshape(a * radix, j // radix, rows // radix, kept)
    return (*factors, ButterflyFactor(carried.reshape(size, 1, 1, 1, 1, -1)))

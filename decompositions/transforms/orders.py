"""Orders of rows and columns, and the trees of blocks that they stand for.

A tree splits all indices into parts, each part into parts again, down to single indices; an order lists the leaves.
Every node of a level is split in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from bilinear.decompositions.transforms.cyclotomic import Integers


class Split(NamedTuple):
    """How a list of indices is split into `radix` parts.

    Attributes:
        folded: Whether the list is first ordered evens first, then odds reversed.
        halves: Whether parts are runs of neighbours; else every radix-th index belongs to the same part.
    """

    folded: bool
    halves: bool

    def __str__(self) -> str:
        return ("folded " if self.folded else "") + ("halves" if self.halves else "strided")


HALVES, STRIDED = Split(False, True), Split(False, False)
FOLDED_HALVES, FOLDED_STRIDED = Split(True, True), Split(True, False)


def fold(indices: Integers) -> Integers:
    """Evens first, then odds reversed: 0, 2, 4, ..., 5, 3, 1, along the last axis."""
    return np.concatenate([indices[..., ::2], indices[..., 1::2][..., ::-1]], axis=-1)


def split_nodes(nodes: Integers, split: Split, radix: int) -> Integers:
    """The nodes of the next level, each node's parts one after the other.

    Args:
        nodes: One node a row, shape (count, length).
        split: How each is split.
        radix: Parts; divides the length.

    Returns:
        Shape (count * radix, length / radix).
    """
    count, length = nodes.shape
    listed = fold(nodes) if split.folded else nodes
    if split.halves:
        return listed.reshape(count * radix, length // radix)
    return listed.reshape(count, length // radix, radix).swapaxes(1, 2).reshape(count * radix, length // radix)


def tree_nodes(size: int, splits: Sequence[Split], radices: Sequence[int]) -> Integers:
    """The nodes after these splits, one a row."""
    steps = zip(splits, radices, strict=False)
    start = np.arange(size, dtype=np.int64)[None]
    return reduce(lambda nodes, step: split_nodes(nodes, *step), steps, start)


@dataclass(frozen=True)
class Ordering:
    """Row and column orders of a butterfly; columns are split by the same radices in reverse.

    Attributes:
        radices: Parts of each level of the row tree, from the root; their product is the size.
        rows: The split of each level.
        columns: Likewise; the first is by the last radix.
    """

    radices: tuple[int, ...]
    rows: tuple[Split, ...]
    columns: tuple[Split, ...]

    @property
    def size(self) -> int:
        """Number of rows."""
        return math.prod(self.radices)

    @property
    def row_order(self) -> Integers:
        """Row of the matrix at each position."""
        return tree_nodes(self.size, self.rows, self.radices).ravel()

    @property
    def column_order(self) -> Integers:
        """Column of the matrix at each position."""
        return tree_nodes(self.size, self.columns, self.radices[::-1]).ravel()


def uniform(radices: Sequence[int], rows: Split, columns: Split) -> Ordering:
    """The same split on every level."""
    return Ordering(tuple(radices), (rows,) * len(radices), (columns,) * len(radices))


def is_permutation(indices: Integers) -> bool:
    """Whether every position from 0 on occurs once."""
    return bool((np.sort(indices) == np.arange(len(indices))).all())

"""Finding the row and column orders of a butterfly from the ranks of sub-blocks, without knowing the transform.

In the orders of a butterfly of block rank r the block of a row node of level l and a column node of level m has rank
at most r N / (product of the radices of both paths), which is the number of pairs it passes through. So orders are
chosen level by level where these ranks are least: rows and columns together while l + m is below the number of levels,
then each side against the half that the other side has already.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.transforms.cyclotomic import Integers
from bilinear.decompositions.transforms.interpolative import TOLERANCE
from bilinear.decompositions.transforms.orders import (
    FOLDED_HALVES,
    FOLDED_STRIDED,
    HALVES,
    STRIDED,
    Ordering,
    Split,
    tree_nodes,
)

PLAIN = (HALVES, STRIDED)
EVERY = (HALVES, STRIDED, FOLDED_STRIDED, FOLDED_HALVES)
BEAM = 6
"""Equally good beginnings that are kept, the simplest first."""

SAMPLES = (2, 8)
"""Blocks whose rank is looked at, of all pairs of a row and a column node, at least and at most."""

SAMPLED_ENTRIES = 1 << 19
"""Entries of all these blocks together, where there are more than the least number."""

Path = tuple[Split, ...]


@dataclass
class Ranks:
    """Ranks of sub-blocks of one matrix, each computed once.

    Attributes:
        matrix: Shape (size, size).
        tolerance: Part of the largest entry below which a pivot counts as 0, for each row and column of a square block.
        known: By the sets of rows and columns.
    """

    matrix: NDArray[Any]
    tolerance: float = TOLERANCE
    known: dict[tuple[bytes, bytes], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._zero = self.tolerance * float(np.abs(self.matrix).max())

    def of(self, rows: Integers, columns: Integers) -> int:
        """The numerical rank of a block, by QR with column exchanges."""
        from scipy.linalg import qr

        key = np.sort(rows).tobytes(), np.sort(columns).tobytes()
        if key not in self.known:
            block = self.matrix[np.ix_(rows, columns)]
            [triangle, _] = qr(block, mode="r", pivoting=True, check_finite=False)
            zero = self._zero * math.sqrt(block.size)
            self.known[key] = int((np.abs(np.diag(triangle)) > zero).sum())
        return self.known[key]

    def sampled(self, row_nodes: Integers, column_nodes: Integers) -> tuple[int, int]:
        """The largest rank, and the sum of the ranks, of evenly spread pairs of nodes."""
        pairs = len(row_nodes) * len(column_nodes)
        count = SAMPLED_ENTRIES // (row_nodes.shape[1] * column_nodes.shape[1])
        count = min(max(count, SAMPLES[0]), SAMPLES[1], pairs)
        chosen = np.unique(np.linspace(0, pairs - 1, count).astype(np.int64))
        ranks = [self.of(row_nodes[p // len(column_nodes)], column_nodes[p % len(column_nodes)]) for p in chosen]
        return max(ranks), sum(ranks)


@dataclass(frozen=True)
class Search:
    """One search for orders.

    Attributes:
        ranks: Of the matrix.
        radices: Of the row tree, from the root.
        first: Splits tried at the roots.
        others: Splits tried below.
        width: Block rank that is hoped for; the search ends where no order leaves it possible.
    """

    ranks: Ranks
    radices: tuple[int, ...]
    first: tuple[Split, ...]
    others: tuple[Split, ...]
    width: int

    def best(self) -> Ordering | None:
        """The orders with the least ranks; None if the block rank hoped for is excluded."""
        levels = len(self.radices)
        beam: list[tuple[Path, Path]] = [((), ())]
        for level in range(levels // 2):
            splits = self._splits(level)
            beam, rank = self._least(
                ((*rows, a), (*columns, b)) for (rows, columns) in beam for a, b in itertools.product(splits, splits)
            )
            if rank > self._bound(beam[0]):
                return None
        for level in range(levels // 2, levels):
            beam, _ = self._least((((*r, a), c) for (r, c) in beam for a in self._splits(level)), row_side=True)
        for level in range(levels // 2, levels):
            beam, _ = self._least(((r, (*c, b)) for (r, c) in beam for b in self._splits(level)), row_side=False)
        return Ordering(self.radices, *beam[0])

    def _splits(self, level: int) -> tuple[Split, ...]:
        return self.first if level == 0 else self.others

    def _bound(self, paths: tuple[Path, Path]) -> int:
        """The largest rank that blocks can have in a butterfly of the width hoped for."""
        rows, columns = (len(path) for path in paths)
        size = math.prod(self.radices)
        return self.width * size // math.prod(self.radices[:rows]) // math.prod(self.radices[::-1][:columns])

    def _least(
        self, paths: Iterable[tuple[Path, Path]], row_side: bool | None = None
    ) -> tuple[list[tuple[Path, Path]], int]:
        """The paths with the least ranks, simplest first, and their largest rank."""
        scored = [(self._score(rows, columns, row_side), (rows, columns)) for rows, columns in paths]
        least = min(score for score, _ in scored)
        best = [pair for score, pair in scored if score == least]
        return sorted(best, key=_complexity)[:BEAM], least[1]

    def _score(self, rows: Path, columns: Path, row_side: bool | None) -> tuple[int, int]:
        """The sum of ranks and the largest one; one side beyond half is compared with what completes it."""
        levels = len(self.radices)
        if row_side is True:
            columns = columns[: levels - len(rows)]
        if row_side is False:
            rows = rows[: levels - len(columns)]
        size = math.prod(self.radices)
        largest, total = self.ranks.sampled(
            tree_nodes(size, rows, self.radices), tree_nodes(size, columns, self.radices[::-1])
        )
        return total, largest


def _complexity(paths: tuple[Path, Path]) -> tuple[int, int]:
    """Folds, and changes of the way of splitting."""
    rows, columns = paths
    return sum(split.folded for split in rows + columns), len(set(rows)) + len(set(columns))


def orderings(matrix: NDArray[Any], radices: Sequence[int], width: int) -> Iterable[Ordering]:
    """Orders worth trying, the simplest search first: folds at the root only, both orders of radices, folds anywhere.

    Args:
        matrix: Shape (size, size).
        radices: Prime factors of the size, rising.
        width: Block rank hoped for.
    """
    ranks = Ranks(matrix)
    forms = dict.fromkeys([tuple(radices), tuple(radices[::-1])])
    for others, form in itertools.product((PLAIN, EVERY), forms):
        found = Search(ranks, form, EVERY, others, width).best()
        if found is not None:
            yield found

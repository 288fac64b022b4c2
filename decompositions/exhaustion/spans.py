"""Whether r products are enough over `f2`: every span of r rank-one matrices that could hold the target is looked at.

The slices of a target along one side span a space S of matrices, of dimension s. A scheme of r products exists if and
only if S lies in a space of dimension r that rank-one matrices span. Such a space is S and r - s more of them that are
independent modulo S: so all subsets of r - s rank-one matrices modulo S are looked at, and of each the span of S and
the subset is held against all rank-one matrices in it. If none is spanned by those, no scheme of r products exists, nor
one of fewer.

Source:
    R. Barbulescu, J. Detrey, N. Estibals, P. Zimmermann, "Finding optimal formulae for bilinear maps", 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.exhaustion.kernel import FOUND, LOOKED, kernels
from bilinear.decompositions.targets import Target

MOST_BITS = 24
"""Of a matrix modulo the slices: tables have 2^bits places."""
MOST_LINES = 20
"""Rows and columns of a matrix together: there are 2^lines of rank one."""
WORD = 64
SLICE = 1 << 22
"""Subsets at a time: some hundredths of a second."""


class Answer(Enum):
    """What looking at every span came to."""

    NONE = "no scheme exists"
    SOME = "a scheme exists"
    OPEN = "not all spans were looked at"


def hunts(target: Target) -> Iterator[Hunt]:
    """The searches of one rank after the other, from the least that can be, up to the first that has a scheme.

    Each is handed out again and again while it runs; as long as it does, its rank is a proven lower bound.

    Raises:
        TooLargeError: If the target is too large to be decided here.
    """
    sides = _sides(target)
    rank = max(side.dimension for side in sides)
    while True:
        hunt = Hunt(sides, rank)
        yield hunt
        for _ in hunt.run():
            yield hunt
        if hunt.answer is not Answer.NONE:
            return
        rank += 1


@dataclass
class Hunt:
    """The search of one rank, as far as it has come.

    Attributes:
        sides: Of the target, over `f2`.
        rank: At least the dimension of every side.
        answer: OPEN until it has ended.
        looked: Subsets looked at.
    """

    sides: list[Side]
    rank: int
    answer: Answer = Answer.OPEN
    looked: int = 0

    @cached_property
    def side(self) -> Side:
        """The side along which the fewest subsets are to be looked at."""
        return min(self.sides, key=lambda side: side.subsets(self.rank))

    @property
    def subsets(self) -> int:
        """How many there are, all in all."""
        return self.side.subsets(self.rank)

    def run(self) -> Iterator[int]:
        """Look at all; yields how many were looked at, every now and then, and ends when `answer` is known."""
        side, k = self.side, self.rank - self.side.dimension
        vectors, starts = side.table()
        basis = np.zeros(self.rank, dtype=np.uint64)
        if k == 0:
            inside = np.zeros(1, dtype=np.int64)
            found = bool(kernels().spanned(inside, starts, vectors, self.rank, basis))
            self.answer = Answer.SOME if found else Answer.NONE
            return
        state, chosen = np.zeros(3, dtype=np.int64), np.zeros(k, dtype=np.int64)
        spans = np.zeros((k + 1, 1 << k), dtype=np.int64)
        most = max(1, SLICE >> k)
        while self.answer is Answer.OPEN:
            over = kernels().enumerate_spans(
                state, chosen, spans, side.syndromes, starts, vectors, self.rank, basis, most
            )
            self.looked = int(state[LOOKED])
            if state[FOUND]:
                self.answer = Answer.SOME
            elif over:
                self.answer = Answer.NONE
            yield self.looked


@dataclass(frozen=True, eq=False)
class Side:
    """The matrices of a target's slices along one side, and the rank-one matrices modulo their span.

    Attributes:
        dimension: Of the span of the slices.
        bits: Of a matrix modulo it.
        matrices: The rank-one matrices, entry (i, j) at bit i * columns + j; uint64, sorted by syndrome.
        of_matrices: Their syndromes: what they are modulo the slices.
        syndromes: Those that occur, without 0.
    """

    dimension: int
    bits: int
    matrices: NDArray[np.uint64]
    of_matrices: NDArray[np.int64]
    syndromes: NDArray[np.int64]

    def subsets(self, rank: int) -> int:
        """How many subsets have to be looked at for a rank; of a rank below the dimension none, since none fits."""
        return math.comb(len(self.syndromes), max(rank - self.dimension, 0))

    def table(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The matrices, and where those of each syndrome begin, shape (2^bits + 1,)."""
        counts = np.bincount(self.of_matrices, minlength=1 << self.bits)
        return self.matrices, np.concatenate(([0], np.cumsum(counts)))


def _sides(target: Target) -> list[Side]:
    found = [side for axis in range(3) if (side := _side(target, axis)) is not None]
    if not found:
        raise TooLargeError(
            f"{target.short}: a tensor of {' by '.join(map(str, target.shape))} is too large for looking at every "
            f"span; two of its sides may have {MOST_LINES} together, and {MOST_BITS} more entries than the third; "
            "bilinear catalog status has the theorems"
        )
    return found


def _side(target: Target, axis: int) -> Side | None:
    """The side whose slices are taken along an axis; None if it is too large."""
    rows, columns = (size for at, size in enumerate(target.shape) if at != axis)
    if rows * columns > WORD or rows + columns > MOST_LINES:
        return None
    slices = np.moveaxis(target.dense() % 2, axis, 0).reshape(target.shape[axis], -1)
    pivots = _reduced(slices)
    free = [at for at in range(rows * columns) if at not in pivots]
    if len(free) > MOST_BITS:
        return None
    memory.require((64 << (rows + columns)) + (24 << len(free)), f"the rank-one matrices of {target.short}")
    matrices, units = _rank_one(rows, columns), _unit_syndromes(pivots, free, rows * columns)
    syndromes = np.zeros(len(matrices), dtype=np.int64)
    for at, unit in enumerate(units):
        syndromes ^= np.where(matrices >> np.uint64(at) & np.uint64(1), unit, 0)
    order = np.argsort(syndromes, kind="stable")
    occurring = np.unique(syndromes)
    return Side(len(pivots), len(free), matrices[order], syndromes[order], occurring[occurring > 0])


def _reduced(slices: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """A basis of the span of the rows modulo 2, by pivot; every other row of it is 0 at a pivot."""
    basis: dict[int, NDArray[np.int64]] = {}
    for row in slices:
        for pivot, known in basis.items():
            if row[pivot]:
                row = row ^ known
        if row.any():
            first = int(np.flatnonzero(row)[0])
            basis = {pivot: known ^ row if known[first] else known for pivot, known in basis.items()}
            basis[first] = row
    return basis


def _unit_syndromes(pivots: dict[int, NDArray[np.int64]], free: list[int], entries: int) -> list[int]:
    """For each entry the syndrome of the matrix with a 1 there alone: its free entries once the pivots are cleared."""
    places = {at: n for n, at in enumerate(free)}
    return [
        sum(1 << places[other] for other in np.flatnonzero(pivots[at]).tolist() if other != at)
        if at in pivots
        else 1 << places[at]
        for at in range(entries)
    ]


def _rank_one(rows: int, columns: int) -> NDArray[np.uint64]:
    """All rank-one matrices modulo 2: x y^T for x and y that are not 0."""
    left = np.arange(1, 1 << rows, dtype=np.uint64)
    right = np.arange(1, 1 << columns, dtype=np.uint64)
    matrices = np.zeros((len(left), len(right)), dtype=np.uint64)
    for i in range(rows):
        matrices |= np.where(
            left[:, None] >> np.uint64(i) & np.uint64(1), right << np.uint64(i * columns), np.uint64(0)
        )
    return matrices.reshape(-1)

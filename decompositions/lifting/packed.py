"""Matrices over the fields of 2 and 3 elements in bit planes, and their reduced echelon form.

A row of `columns` residues takes `words` 64-bit words a plane. Over the field of 2 elements there is one plane. Over
that of 3 there are two, the first set where the residue is 1, the second where it is 2, and a sum of 64 residues takes
seven operations on words.

Source:
    Elimination with tables of all combinations of a few pivot rows: M. Albrecht, G. Bard, W. Hart, "Algorithm 898:
    Efficient multiplication of dense matrices over GF(2)", ACM TOMS 37, 2010 (the Method of the Four Russians); bit
    planes modulo 3: T. Boothby, R. Bradshaw, arXiv:0901.1413, 2009. We find the pivots of a block by looking at its few
    columns alone, and update each row once a block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.jit import compiled

Words = NDArray[np.uint64]
Indices = NDArray[np.int64]
BLOCK = {2: 8, 3: 5}
"""Pivots of a block: the table of their combinations stays in the second-level cache."""
STRETCH = 1 << 28
"""Words that are added between two looks at whether the work is over: about a tenth of a second."""


@dataclass(frozen=True, eq=False)
class Packed:
    """A matrix of residues in bit planes.

    Attributes:
        p: 2 or 3.
        columns: Number of columns.
        bits: Plane after plane in each row, shape (rows, (p - 1) * words); bits past the last column are 0.
    """

    p: int
    columns: int
    bits: Words

    @property
    def words(self) -> int:
        """Words of one plane of a row."""
        return int(self.bits.shape[1]) // (self.p - 1)

    def plane(self, index: int) -> Words:
        """The words that say where the residue is `index + 1`, shape (rows, words)."""
        return self.bits[:, index * self.words : (index + 1) * self.words]

    def take(self, columns: Indices) -> NDArray[np.int8]:
        """The residues of some columns, shape (rows, len(columns))."""
        shifts = (columns % 64).astype(np.uint64)
        found = np.zeros((len(self.bits), len(columns)), np.int8)
        for index in range(self.p - 1):
            set_there = (self.plane(index)[:, columns // 64] >> shifts) & np.uint64(1)
            found += (index + 1) * set_there.astype(np.int8)
        return found

    def tail(self, first: int) -> Packed:
        """The columns from `first` on, a multiple of 64."""
        planes = [self.plane(index)[:, first // 64 :] for index in range(self.p - 1)]
        return Packed(self.p, self.columns - first, np.concatenate(planes, axis=1))

    def times(self, vector: NDArray[Any]) -> NDArray[np.int64]:
        """The product with a vector of residues, shape (rows,)."""
        other = pack(np.asarray(vector)[None, :], self.p)
        total = np.zeros(len(self.bits), np.int64)
        for i in range(self.p - 1):
            for j in range(self.p - 1):
                common = np.bitwise_count(self.plane(i) & other.plane(j)).sum(axis=1, dtype=np.int64)
                total += (i + 1) * (j + 1) * common
        return total % self.p


def pack(residues: NDArray[Any], p: int) -> Packed:
    """A matrix of residues, shape (rows, columns), in bit planes."""
    rows, columns = residues.shape
    width = -(-columns // 64)
    bits = np.zeros((rows, (p - 1) * width * 8), np.uint8)
    for index in range(p - 1):
        packed = np.packbits(residues == index + 1, axis=1, bitorder="little")
        bits[:, index * width * 8 : index * width * 8 + packed.shape[1]] = packed
    return Packed(p, columns, bits.view("<u8").astype(np.uint64))


def scatter(shape: tuple[int, int], rows: Indices, columns: Indices, values: NDArray[Any], p: int) -> Packed:
    """A matrix of its nonzero residues, no position twice.

    Raises:
        TooLargeError: If it would not fit into memory.
    """
    width = -(-shape[1] // 64)
    memory.require(16 * shape[0] * (p - 1) * width, f"a matrix of {shape[0]} x {shape[1]} residues modulo {p}")
    bits = np.zeros((shape[0], (p - 1) * width), np.uint64)
    places = (values.astype(np.int64) - 1) * width + columns // 64
    np.bitwise_or.at(bits, (rows, places), np.uint64(1) << (columns % 64).astype(np.uint64))
    return Packed(p, shape[1], bits)


def reduce_in_place(matrix: Packed) -> tuple[Indices, Indices]:
    """Bring a matrix to reduced echelon form; its first `rank` rows become that form, the others 0.

    Returns:
        The pivot columns, ascending, and as many rows that were independent in the matrix as given, each (rank,).
    """
    rows, shape = len(matrix.bits), (matrix.words, matrix.columns, matrix.p, BLOCK[matrix.p])
    origin, pivots = np.arange(rows), np.empty(min(rows, matrix.columns), np.int64)
    place, blocks = np.zeros(2, np.int64), max(1, STRETCH // max(1, matrix.bits.size))
    while place[0] < rows and place[1] < matrix.columns:
        _eliminator()(matrix.bits, *shape, origin, pivots, place, blocks)
        give_way()
    return pivots[: place[0]], origin[: place[0]]


@functools.cache
def _eliminator() -> Callable[..., None]:
    helpers = (_entry, _add, _find, _exchange, _settle, _tabulate, _clear)
    eliminate: Callable[..., None] = compiled(*helpers, _eliminate)._eliminate
    return eliminate


def _entry(bits: Words, row: int, column: int, words: int, p: int) -> np.int64:
    """The residue at one place."""
    word, shift = column >> 6, np.uint64(column & 63)
    value = np.int64((bits[row, word] >> shift) & np.uint64(1))
    if p == 3:
        value += 2 * np.int64((bits[row, words + word] >> shift) & np.uint64(1))
    return np.int64(value)


def _add(target: Words, source: Words, first: int, words: int, p: int) -> None:
    """Add one row to another, from the word `first` on."""
    if p == 2:
        for i in range(first, words):
            target[i] ^= source[i]
    else:
        for i in range(first, words):
            a, b, c, d = target[i], target[words + i], source[i], source[words + i]
            t = (a | d) ^ (b | c)
            target[i] = (b | d) ^ t
            target[words + i] = (a | c) ^ t


def _find(bits: Words, done: int, pending: Indices, column: int, words: int, p: int) -> int:
    """The first row past the pending pivots that is nonzero in `column` once they are subtracted, or -1."""
    count = len(pending)
    weights = np.empty(count, np.int64)
    for j in range(count):
        weights[j] = p - _entry(bits, done + j, column, words, p)
    for row in range(done + count, len(bits)):
        value = _entry(bits, row, column, words, p)
        for j in range(count):
            value += weights[j] * _entry(bits, row, pending[j], words, p)
        if value % p:
            return row
    return -1


def _exchange(bits: Words, origin: Indices, first: int, second: int) -> None:
    """Exchange two rows, and where they came from."""
    origin[first], origin[second] = origin[second], origin[first]
    for i in range(bits.shape[1]):
        bits[first, i], bits[second, i] = bits[second, i], bits[first, i]


def _settle(bits: Words, done: int, pivots: Indices, words: int, p: int) -> None:
    """Reduce the last pending pivot row by those before it, make its pivot 1, and reduce those by it."""
    last = done + len(pivots) - 1
    column = pivots[-1]
    for row in range(done, last):
        for _ in range((p - _entry(bits, last, pivots[row - done], words, p)) % p):
            _add(bits[last], bits[row], 0, words, p)
    if _entry(bits, last, column, words, p) == 2:
        for i in range(words):
            bits[last, i], bits[last, words + i] = bits[last, words + i], bits[last, i]
    for row in range(done, last):
        for _ in range((p - _entry(bits, row, column, words, p)) % p):
            _add(bits[row], bits[last], 0, words, p)


def _tabulate(bits: Words, done: int, count: int, table: Words, words: int, p: int) -> None:
    """All combinations of `count` rows; the one with coefficient c_j of row j at sum_j c_j p^j."""
    table[0] = 0
    power = 1
    for j in range(count):
        for index in range(power, power * p):
            table[index] = table[index - power]
            _add(table[index], bits[done + j], 0, words, p)
        power *= p


def _clear(bits: Words, done: int, pivots: Indices, table: Words, words: int, p: int) -> None:
    """Subtract from every other row the combination of the pending pivot rows that clears their columns."""
    first, count = pivots[0] >> 6, len(pivots)
    for row in range(len(bits)):
        if done <= row < done + count:
            continue
        index = np.int64(0)
        for j in range(count - 1, -1, -1):
            index = p * index + (p - _entry(bits, row, pivots[j], words, p)) % p
        if index:
            _add(bits[row], table[index], first, words, p)


def _eliminate(
    bits: Words,
    words: int,
    columns: int,
    p: int,
    block: int,
    origin: Indices,
    pivots: Indices,
    place: Indices,
    blocks: int,
) -> None:
    """Go on with the reduced echelon form, in place, by so many blocks of pivots.

    `pivots` and `origin` are the pivot columns and the rows they were found in; `place` holds how many there are, and
    the next column.
    """
    rows, done, column = len(bits), place[0], place[1]
    table = np.empty((p**block, bits.shape[1]), np.uint64)
    while column < columns and done < rows and blocks > 0:
        count = 0
        blocks -= 1
        while column < columns and count < block and done + count < rows:
            row = _find(bits, done, pivots[done : done + count], column, words, p)
            if row >= 0:
                _exchange(bits, origin, row, done + count)
                pivots[done + count] = column
                count += 1
                _settle(bits, done, pivots[done : done + count], words, p)
            column += 1
        if count:
            _tabulate(bits, done, count, table, words, p)
            _clear(bits, done, pivots[done : done + count], table, words, p)
        done += count
    place[0], place[1] = done, column

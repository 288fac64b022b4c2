"""The kernel that counts conflicts of signs and walks to schemes without any; `reconcile` says what they are.

A scheme over `f2` is its factors side by side, rows (rank, coordinates) of 0 and 1; `ends` are the four places where
the coordinates of u, v and w begin and end. The equations are bits in 64-bit words, reduced row by row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.jit import compiled

Bits = NDArray[np.int8]
Indices = NDArray[np.int64]
Words = NDArray[np.uint64]


@functools.cache
def walker() -> Callable[..., tuple[Bits, Bits, int, int]]:
    """The compiled walk, see `_walk`."""
    counting = (_numbered, _terms, _placed, _gathered, _lowest, _contradicts, _conflicts)
    walk: Callable[..., tuple[Bits, Bits, int, int]] = compiled(*counting, _same, _flips, _flip, _change, _walk)._walk
    return walk


def _numbered(rows: Bits, ends: Indices) -> tuple[Indices, int]:
    """A number for each unknown sign, -1 elsewhere, and how many: the first of u and of v in a product may be plus."""
    numbers = np.full(rows.shape, -1)
    count = 0
    for q in range(len(rows)):
        for part in range(3):
            given = part < 2
            for x in range(ends[part], ends[part + 1]):
                if rows[q, x] and given:
                    given = False
                elif rows[q, x]:
                    numbers[q, x] = count
                    count += 1
    return numbers, count


def _terms(rows: Bits, ends: Indices) -> Indices:
    """All that meets in an entry: the product, the coordinates of u, v and w, and the entry; shape (terms, 5)."""
    right, out = ends[2] - ends[1], ends[3] - ends[2]
    size = 0
    for row in rows:
        size += row[: ends[1]].sum() * row[ends[1] : ends[2]].sum() * row[ends[2] :].sum()
    found = np.empty((size, 5), np.int64)
    count = 0
    for q in range(len(rows)):
        for i in range(ends[1]):
            for j in range(ends[1], ends[2] if rows[q, i] else 0):
                for k in range(ends[2], ends[3] if rows[q, j] else 0):
                    if rows[q, k]:
                        entry = (i * right + j - ends[1]) * out + k - ends[2]
                        found[count] = (q, i, j, k, entry)
                        count += 1
    return found


def _placed(met: Indices) -> tuple[Indices, int]:
    """A place for each entry in which products meet, those in which few do first, and how many there are."""
    places = np.full(len(met), -1)
    count = 0
    for many in range(1, met.max() + 1 if len(met) else 0):
        for entry in range(len(met)):
            if met[entry] == many:
                places[entry] = count
                count += 1
    return places, count


def _gathered(rows: Bits, ends: Indices, wanted: Bits) -> tuple[Words, int]:
    """The equations in order, a bit for each unknown and then one for the right side; and how many unknowns."""
    numbers, unknowns = _numbered(rows, ends)
    terms = _terms(rows, ends)
    met = np.zeros(len(wanted), np.int64)
    for term in terms:
        met[term[4]] += 1
    places, count = _placed(met)
    found = np.zeros((count, (unknowns >> 6) + 1), np.uint64)
    for term in terms:
        row = found[places[term[4]]]
        for x in term[1:4]:
            number = numbers[term[0], x]
            if number >= 0:
                row[number >> 6] ^= np.uint64(1) << np.uint64(number & 63)
    for entry in range(len(met)):
        if met[entry] and (met[entry] - wanted[entry]) & 2:
            found[places[entry], unknowns >> 6] ^= np.uint64(1) << np.uint64(unknowns & 63)
    return found, unknowns


def _lowest(word: np.uint64) -> int:
    """The place of the lowest bit of a word that is not 0."""
    place, half = 0, 32
    while half:
        if not word & ((np.uint64(1) << np.uint64(half)) - np.uint64(1)):
            word >>= np.uint64(half)
            place += half
        half >>= 1
    return place


def _contradicts(equations: Words, index: int, pivots: Indices) -> bool:
    """Reduce an equation by those kept, and keep it if unknowns are left; whether only a right side of 1 is left."""
    row = equations[index]
    for word in range(len(row)):
        while row[word]:
            column = 64 * word + _lowest(row[word])
            if column == len(pivots) - 1:
                return True
            if pivots[column] < 0:
                pivots[column] = index
                return False
            other = equations[pivots[column]]
            for i in range(word, len(row)):
                row[i] ^= other[i]
    return False


def _conflicts(rows: Bits, ends: Indices, wanted: Bits) -> int:
    """Equations that contradict those before."""
    equations, unknowns = _gathered(rows, ends, wanted)
    pivots = np.full(unknowns + 1, -1)
    found = 0
    for index in range(len(equations)):
        found += _contradicts(equations, index, pivots)
    return found


def _same(x: Bits, y: Bits) -> bool:
    place = 0
    while place < len(x) and x[place] == y[place]:
        place += 1
    return place == len(x)


def _flips(rows: Bits, ends: Indices) -> Indices:
    """Parts and two products that share that factor, the two in both orders, shape (flips, 3)."""
    found = np.empty((3 * len(rows) * (len(rows) - 1), 3), np.int64)
    count = 0
    for part in range(3):
        factor = rows[:, ends[part] : ends[part + 1]]
        for q in range(len(rows)):
            for other in range(q):
                if _same(factor[q], factor[other]):
                    found[count] = (part, q, other)
                    found[count + 1] = (part, other, q)
                    count += 2
    return found[:count]


def _flip(rows: Bits, ends: Indices, part: int, q: int, other: int, swap: bool) -> bool:
    """Flip two products that share a factor, in place; whether no factor became 0."""
    first, second = (part + 1) % 3, (part + 2) % 3
    if swap:
        first, second = second, first
    added = rows[:, ends[first] : ends[first + 1]]
    taken = rows[:, ends[second] : ends[second + 1]]
    added[q] ^= added[other]
    taken[other] ^= taken[q]
    return bool(added[q].any() and taken[other].any())


def _change(rows: Bits, change: Indices) -> None:
    """Add coordinates to others, in place."""
    for place in range(change.shape[1]):
        if change[0, place] >= 0:
            rows[:, change[0, place]] ^= rows[:, change[1, place]]


def _walk(
    rows: Bits, ends: Indices, wanted: Bits, changes: Indices, draws: NDArray[np.float64], warmth: float, share: float
) -> tuple[Bits, Bits, int, int]:
    """Walk until no conflict is left, or as many steps as there are draws.

    Args:
        rows: A right scheme over `f2`.
        ends: Of its parts.
        wanted: The tensor modulo 4, flattened.
        changes: Of basis, see `reconcile`.
        draws: From 0 to 1, shape (steps, 4).
        warmth: Conflicts that a step may add with probability 1/e.
        share: Share of the steps that change the basis.

    Returns:
        The last scheme, that with the fewest conflicts, how many they are, and the steps taken.
    """
    now, best = _conflicts(rows, ends, wanted), rows
    least, flips, step = now, _flips(rows, ends), 0
    while step < len(draws) and least:
        kind, which, way, luck = draws[step]
        step += 1
        moved, right = rows.copy(), True
        if len(changes) and (kind < share or not len(flips)):
            _change(moved, changes[int(which * len(changes))])
        elif len(flips):
            part, q, other = flips[int(which * len(flips))]
            right = _flip(moved, ends, part, q, other, way < 0.5)
        else:
            break
        if not right:
            continue
        found = _conflicts(moved, ends, wanted)
        if found <= now or luck < np.exp((now - found) / warmth):
            rows, now = moved, found
            flips = _flips(rows, ends)
            if now < least:
                best, least = rows, now
    return rows, best, least, step

"""Rows that share sums: sparse rests, and multiples of a few forms that many of the rows contain.

Large schemes made by algebra, such as Pan's aggregations, have many dense rows that differ from one another in few
places; written so they take little to multiply. Whatever is found, `rows = rest + parts @ forms` in exact integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.rings import IntArray, magnitude

Ints = NDArray[np.int64]

WORTH = 5e8
"""Multiplications below which forms are not looked for: they take less time than that."""
SMALL = 1 << 30
"""Coefficients above it are not looked at, so that multiples of forms fit into 64 bits."""
MOST = 64
"""Forms of one factor."""
PAIRS = ((0, 1 / 2), (0, 1 / 4), (1 / 4, 1 / 2), (1 / 8, 1 / 7), (1 / 2, 4 / 7), (1 / 2, 3 / 4))
"""Rows that are held against one another: where they stand among the heavy ones, from 0 to 1."""


class Shared(NamedTuple):
    """The rows of one factor.

    Attributes:
        rest: Shape (rank, side).
        parts: Shape (rank, forms).
        forms: Shape (forms, side).
        counts: Nonzeros of every row of `rest`, shape (rank,).
    """

    rest: IntArray
    parts: Ints
    forms: Ints
    counts: Ints

    @property
    def lengths(self) -> Ints:
        """Nonzeros of every row, multiples of forms included."""
        found: Ints = self.counts + np.count_nonzero(self.parts, axis=1)
        return found

    def less(self, form: Form) -> Shared:
        """With one more form; `rest` is changed in place, but for the first form, which leaves the given rows alone."""
        whole = np.zeros(self.rest.shape[1], np.int64)
        whole[form.places] = form.values
        taken = np.flatnonzero(form.multiples)
        rest, counts = (self.rest, self.counts) if len(self.forms) else (self.rest.copy(), self.counts.copy())
        rest[taken] -= form.multiples[taken, None] * whole
        counts[taken] = np.count_nonzero(rest[taken], axis=1)
        return Shared(rest, np.column_stack([self.parts, form.multiples]), np.vstack([self.forms, whole]), counts)


class Form(NamedTuple):
    """Something that many rows contain.

    Attributes:
        places: Where it is not 0.
        values: What it is there.
        multiples: How often it is taken off each row, shape (rank,).
        saved: Nonzeros that each row loses by it, shape (rank,).
    """

    places: Ints
    values: Ints
    multiples: Ints
    saved: Ints


def shared(factors: Sequence[IntArray]) -> list[Shared]:
    """The rows of u, v and w with the forms that make their products cheaper, by the cost of `work`."""
    found = [_plain(factor) for factor in factors]
    open_axes = {axis for axis in range(3) if factors[axis].dtype == np.int64 and magnitude(factors[axis]) < SMALL}
    while open_axes and work(found) > WORTH:
        for axis in sorted(open_axes):
            form = _best_form(found, axis)
            if form is None:
                open_axes.remove(axis)
                continue
            found[axis] = found[axis].less(form)
            reached = magnitude(found[axis].rest[form.multiples != 0])
            if len(found[axis].forms) == MOST or reached >= SMALL:
                open_axes.remove(axis)
    return found


def work(rows: Sequence[Shared]) -> float:
    """Multiplications of all products, and half as much for every number that a form is unfolded into."""
    products = np.prod([part.lengths.astype(float) for part in rows], axis=0).sum()
    return float(products + sum(int(np.count_nonzero(rows[axis].forms)) * _slab(rows, axis) for axis in range(3)))


def _slab(rows: Sequence[Shared], axis: int) -> float:
    """What unfolding into one coordinate costs."""
    return float(np.prod([float(rows[other].rest.shape[1]) for other in range(3) if other != axis])) / 2


def _plain(factor: IntArray) -> Shared:
    rank, side = factor.shape
    return Shared(
        factor, np.zeros((rank, 0), np.int64), np.zeros((0, side), np.int64), np.count_nonzero(factor, axis=1)
    )


def _best_form(rows: Sequence[Shared], axis: int) -> Form | None:
    """The form that saves most, of those that two heavy rows have in common; None if none is worth its unfolding."""
    rest = rows[axis].rest
    weights = np.prod([rows[other].lengths.astype(float) for other in range(3) if other != axis], axis=0)
    counts = rows[axis].counts
    heavy = np.flatnonzero(counts > max(8, rest.shape[1] // 32))
    if len(heavy) < 4:
        return None
    heavy = heavy[np.argsort(-counts[heavy], kind="stable")]
    best, most = None, 0.0
    for one, other in PAIRS:
        first, second = (heavy[int(share * len(heavy))] for share in (one, other))
        form = None if first == second else _common(rest, heavy, first, second)
        if form is None:
            continue
        gain = float(form.saved @ weights) - len(form.places) * _slab(rows, axis)
        if gain > most:
            best, most = form, gain
    return best


def _common(rest: IntArray, heavy: Ints, first: int, second: int) -> Form | None:
    """What two rows have in common up to a factor, taken off all heavy rows where that makes them sparser."""
    x, y = rest[first], rest[second]
    both = np.flatnonzero((x != 0) & (y != 0))
    if not len(both):
        return None
    ratios = y[both] / x[both]
    usual, _ = _modes(ratios[None])
    places = both[ratios == usual[0]]
    values = x[places] // np.gcd.reduce(x[places])
    multiples, saved = np.zeros(len(rest), np.int64), np.zeros(len(rest), np.int64)
    ratios = rest[np.ix_(heavy, places)] / values
    usual, times = _modes(ratios)
    lost = times - np.count_nonzero(ratios == 0, axis=1) - 1
    good = (usual != 0) & (usual == np.rint(usual)) & (np.abs(usual) * magnitude(values) < SMALL) & (lost > 0)
    multiples[heavy[good]] = usual[good].astype(np.int64)
    saved[heavy[good]] = lost[good]
    return Form(places, values, multiples, saved)


def _modes(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], Ints]:
    """The most common number of every row, and how often it occurs."""
    rows, columns = numbers.shape
    ordered = np.sort(numbers, axis=1)
    begins = np.ones((rows, columns), np.bool_)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, rows * columns))
    order = np.lexsort((lengths, starts // columns))
    last = order[np.flatnonzero(np.diff(np.append(starts[order] // columns, rows)))]
    return ordered.ravel()[starts[last]], lengths[last]

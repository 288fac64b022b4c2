"""One factorisation of the Jacobian modulo p, for all right sides of all steps.

Of J we keep independent rows, the pivot columns, the inverse of the square matrix where they meet, and the reduced
echelon form for the kernel. A right side is solved by one product with the inverse; whether the solution fits the rows
left out is for the caller to see, who evaluates the equations anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.lifting.equations import Entries
from bilinear.decompositions.lifting.packed import Indices, Packed, reduce_in_place, scatter


@dataclass(frozen=True, eq=False)
class System:
    """A factorised linear system J d = r modulo p.

    Attributes:
        p: 2 or 3.
        unknowns: Number of columns of J.
        equations: Independent rows of J, shape (rank,).
        pivots: The columns solved for, shape (rank,).
        free: The other columns, shape (unknowns - rank,).
        inverse: Of J[equations][:, pivots].
        dependence: `inverse` times J[equations][:, free], so that d[pivots] = inverse r - dependence d[free]; shape
            (rank, unknowns - rank).
    """

    p: int
    unknowns: int
    equations: Indices
    pivots: Indices
    free: Indices
    inverse: Packed
    dependence: NDArray[np.int8]

    def solve(self, right: NDArray[np.int64]) -> NDArray[np.int64]:
        """The d that fits the independent rows with zeros at the free unknowns; it fits all rows if any d does.

        Args:
            right: Residues, one for each row of J.
        """
        found = np.zeros(self.unknowns, np.int64)
        found[self.pivots] = self.inverse.times(right[self.equations])
        return found

    def kernel(self, index: int) -> NDArray[np.int64]:
        """The solution of J d = 0 that is 1 at the free unknown of this index and 0 at the others."""
        found = np.zeros(self.unknowns, np.int64)
        found[self.free[index]] = 1
        found[self.pivots] = -self.dependence[:, index].astype(np.int64) % self.p
        return found


def factorised(entries: Entries, p: int, order: Indices) -> System:
    """Factorise a Jacobian.

    Args:
        entries: Its equations, unknowns and residues.
        p: 2 or 3.
        order: All unknowns, those first that should be solved for rather than stay as they are.

    Raises:
        TooLargeError: If it would not fit into memory.
    """
    present, rows = np.unique(entries[0], return_inverse=True)
    columns = _places(order, len(order))[entries[1]]
    matrix = scatter((len(present), len(order)), rows, columns, entries[2], p)
    pivots, origin = reduce_in_place(matrix)
    free = np.setdiff1d(np.arange(len(order)), pivots)
    dependence = Packed(p, len(order), matrix.bits[: len(pivots)]).take(free)
    row, column = _places(origin, len(present))[rows], _places(pivots, len(order))[columns]
    inside = (row >= 0) & (column >= 0)
    inverse = _inverse(len(pivots), (row[inside], column[inside], entries[2][inside]), p)
    return System(p, len(order), present[origin], order[pivots], order[free], inverse, dependence)


def _places(chosen: Indices, number: int) -> Indices:
    """For each of `number` indices its place among the chosen ones, or -1."""
    places = np.full(number, -1)
    places[chosen] = np.arange(len(chosen))
    return places


def _inverse(size: int, entries: Entries, p: int) -> Packed:
    """The inverse of an invertible square matrix of these entries, by elimination beside the identity."""
    first, own = -(-size // 64) * 64, np.arange(size)
    rows, columns, values = entries
    both = scatter(
        (size, first + size),
        np.concatenate([rows, own]),
        np.concatenate([columns, first + own]),
        np.concatenate([values, np.ones(size, values.dtype)]),
        p,
    )
    reduce_in_place(both)
    return both.tail(first)

"""What the cost of a block composition depends on: which blocks each product of the outer scheme touches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Scheme

Cuts = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Sizes of the blocks along n, m and p."""

PLACES = ((0, 1), (1, 2), (0, 2))
"""Which sizes the rows and columns of A, B and C have."""

# for each size: where it stands among the six sides (rows of A, columns of A, rows of B, ...)
SIDES = ((0, 4), (1, 2), (3, 5))


class Group(NamedTuple):
    """Products of the outer scheme that one scheme computes together.

    Attributes:
        kind: `u`, `v` or `w` for the factor that they share; `u` also for a lone product.
        products: Their positions.
    """

    kind: str
    products: tuple[int, ...]


def supports(scheme: Scheme) -> NDArray[np.bool_]:
    """Which rows and columns of blocks each product touches, on the six sides.

    Returns:
        Shape (6, rank, largest size): rows and columns of A, of B, of C.
    """
    sizes = scheme.target.sizes
    touched = np.zeros((6, scheme.rank, max(sizes)), np.bool_)
    for factor, (matrix, (rows, columns)) in enumerate(zip(scheme.factors, PLACES, strict=True)):
        nonzero = matrix.reshape(scheme.rank, sizes[rows], sizes[columns]) != 0
        touched[2 * factor, :, : sizes[rows]] = nonzero.any(axis=2)
        touched[2 * factor + 1, :, : sizes[columns]] = nonzero.any(axis=1)
    return touched


def shapes(touched: NDArray[np.bool_], cuts: Cuts) -> NDArray[np.int64]:
    """The format of each product's blocks: no side is longer than the longest block that both its matrices touch.

    Args:
        touched: Of `supports`.
        cuts: Sizes of the blocks.

    Returns:
        Shape (rank, 3).
    """
    sides = []
    for axis, pair in enumerate(SIDES):
        width = len(cuts[axis])
        longest = [np.where(touched[side, :, :width], cuts[axis], 0).max(axis=1) for side in pair]
        sides.append(np.minimum(*longest))
    return np.stack(sides, axis=1)


def joined(kind: str, blocks: NDArray[np.int64]) -> Sizes:
    """The format that computes the products of a bud: side by side along the axis that their shared factor lacks.

    Args:
        kind: `u`, `v` or `w`, the factor shared.
        blocks: Of each product, shape (count, 3).
    """
    n, m, p = (int(size) for size in blocks.max(axis=0))
    total = [int(size) for size in blocks.sum(axis=0)]
    return {"u": (n, m, total[2]), "v": (total[0], m, p), "w": (n, total[1], p)}[kind]


def buds(factor: IntArray, characteristic: int) -> list[tuple[int, ...]]:
    """Positions of rows that are multiples of one another, two or more each.

    Args:
        factor: Rows in normal form up to a scalar, shape (rank, width).
        characteristic: Of the ring.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(factor.tolist()):
        found.setdefault(direction(row, characteristic), []).append(place)
    return [tuple(places) for places in found.values() if len(places) > 1]


def direction(row: Sequence[int], characteristic: int) -> tuple[int, ...]:
    """The row without its scalar: primitive with a positive first number, or first number 1 modulo a prime."""
    first = next((x for x in row if x), 0)
    if not first:
        return tuple(row)
    if characteristic:
        by = pow(first, -1, characteristic)
        return tuple(x * by % characteristic for x in row)
    content = int(np.gcd.reduce(np.array(row, dtype=object))) * (1 if first > 0 else -1)
    return tuple(x // content for x in row)


def divided(kind: str, products: Sequence[int], blocks: NDArray[np.int64], rank: Callable[[Sizes], int]) -> list[Group]:
    """A bud cut into the cheapest groups of neighbours.

    Args:
        kind: The factor shared.
        products: Of the bud.
        blocks: The format of each product of the outer scheme, shape (rank, 3).
        rank: Products of a format; 0 or less where there is none.
    """
    best: list[tuple[int, list[Group]]] = [(0, [])]
    for end in range(1, len(products) + 1):
        ways = []
        for start in range(end):
            part = tuple(products[start:end])
            sizes = joined(kind, blocks[list(part)])
            cost = rank(sizes)
            if cost > 0:
                ways.append((best[start][0] + cost, [*best[start][1], Group(kind, part)]))
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]

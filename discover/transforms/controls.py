"""Controls: butterflies beside low-rank and sparse matrices of equally many parameters, in relative error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.transforms.hierarchical import Hierarchical, likely_orders

CONTROLS = ("legendre", "hilbert", "randn")
WIDTHS = (1, 2, 4)
KINDS = ("butterfly", "low_rank", "sparse")


@dataclass(frozen=True)
class Compared:
    """Three approximations of one transform by equally many numbers.

    Attributes:
        transform: Its name.
        size: Of the transform.
        width: Block rank of the butterfly.
        parameters: Nonzero numbers of the butterfly; the others have at most as many.
        butterfly: Relative Frobenius error of the truncated butterfly.
        low_rank: Of the best matrix of rank parameters / (2 size), with two factors.
        sparse: Of the largest entries, positions not counted.
    """

    transform: str
    size: int
    width: int
    parameters: int
    butterfly: float
    low_rank: float
    sparse: float


def compare(transform: Transform, widths: Sequence[int] = WIDTHS) -> list[Compared]:
    """One row for each block rank."""
    values = np.linalg.svd(transform.matrix, compute_uv=False)
    entries = np.sort(np.abs(transform.matrix), axis=None)[::-1]
    orders, rows = list(likely_orders(transform)), []
    for width in widths:
        found = Hierarchical(width).approximation(transform, orders)
        count = found.operations.parameters
        errors = found.error, _rest(values, count // (2 * transform.size)), _rest(entries, count)
        rows.append(Compared(transform.name, transform.size, width, count, *errors))
    return rows


def _rest(falling: NDArray[np.float64], kept: int) -> float:
    """The norm of what follows the first numbers, over the norm of all."""
    return float(np.linalg.norm(falling[kept:]) / np.linalg.norm(falling))

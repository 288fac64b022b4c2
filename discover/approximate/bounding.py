"""How large the factors of an approximation may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.row_norms import longest_row, norms
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import ProblemError

Floats = NDArray[np.float64]


def row_bound(target: Target) -> float:
    """Three times the largest row of Strassen's algorithm in as many levels as fit into the tile.

    Raises:
        ProblemError: If the target is no `matmul`.
    """
    if target.family != "matmul":
        raise ProblemError(f"{target.short}: tiles of matrix products are approximated; give one like 4x4x4")
    return longest_row(target)


def shortened(factors: Sequence[Floats], bound: float) -> list[Floats]:
    """The same products with longer ones cut to the bound."""
    scale = np.minimum(1, bound / np.maximum(norms(factors), bound))[:, None]
    return [factor * scale for factor in factors]

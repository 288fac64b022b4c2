"""How large the factors of an approximation may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from decompositions.targets import Target
from discover.problem import ProblemError

Floats = NDArray[np.float64]

STRASSEN = math.sqrt(2)
"""The largest row of Strassen's algorithm with its products' three rows of equal norm; a second level squares it."""
ALLOWED = 3.0
"""Rows of a bounded approximation, measured by those of Strassen's algorithm."""


def norms(factors: Sequence[Floats]) -> Floats:
    """The norm of each product's rows at equal scaling, `(|u_q| |v_q| |w_q|)^(1/3)`, shape (rank,)."""
    u, v, w = (np.linalg.norm(factor, axis=1) for factor in factors)
    return np.asarray(np.cbrt(u * v * w))


def row_bound(target: Target) -> float:
    """Three times the largest row of Strassen's algorithm in as many levels as fit into the tile.

    Raises:
        ProblemError: If the target is no `matmul`.
    """
    if target.family != "matmul":
        raise ProblemError(f"{target.short}: tiles of matrix products are approximated; give one like 4x4x4")
    levels = int(math.log2(min(target.sizes)))
    return float(ALLOWED * STRASSEN**levels)


def shortened(factors: Sequence[Floats], bound: float) -> list[Floats]:
    """The same products with longer ones cut to the bound."""
    scale = np.minimum(1, bound / np.maximum(norms(factors), bound))[:, None]
    return [factor * scale for factor in factors]

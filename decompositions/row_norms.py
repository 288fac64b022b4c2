"""How large the rows of an approximation are, and how large those of a bounded one may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.targets import Target

STRASSEN = math.sqrt(2)
"""The largest row of Strassen's algorithm with its products' three rows of equal norm; a second level squares it."""
ALLOWED = 3.0
"""Rows of a bounded approximation, measured by those of Strassen's algorithm."""


def norms(factors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The norm of each product's rows at equal scaling, `(|u_q| |v_q| |w_q|)^(1/3)`, shape (rank,)."""
    u, v, w = (np.linalg.norm(factor, axis=1) for factor in factors)
    return np.asarray(np.cbrt(u * v * w))


def longest_row(target: Target) -> float:
    """Three times the largest row of Strassen's algorithm in as many levels as fit into a `matmul` tile."""
    levels = int(math.log2(min(target.sizes)))
    return float(ALLOWED * STRASSEN**levels)

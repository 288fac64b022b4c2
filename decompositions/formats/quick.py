"""The Brent equations of a small scheme at once, for folders of thousands; what it cannot prove is left to `verify`."""

from __future__ import annotations

import time

import numpy as np

from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.brent import arithmetic
from bilinear.decompositions.verify.record import Verification, field_name

MAX_ENTRIES = 1 << 20
"""Tensor entries that are compared in one piece: 8 MB of float64."""


def agrees(scheme: Scheme) -> Verification | None:
    """The proof of a small scheme with integer coefficients; None if it is not of that kind, or wrong.

    `arithmetic` decides that no sum reaches 2^53, so that one product of float64 matrices is exact.
    """
    start = time.perf_counter()
    target = scheme.target
    if target.entries > MAX_ENTRIES or scheme.ring in (Ring.Q, Ring.QI) or arithmetic(scheme, 1) is not np.float64:
        return None
    u, v, w = (factor.astype(np.float64) for factor in scheme.factors)
    pairs = (u[:, :, None] * v[:, None, :]).reshape(scheme.rank, -1)
    gap = (pairs.T @ w).reshape(target.shape)
    gap[tuple(target.indices.T)] -= target.values
    if scheme.ring.characteristic:
        gap = gap % scheme.ring.characteristic
    if gap.any():
        return None
    detail = f"all {target.entries} tensor entries agree"
    return Verification(True, "exact", field_name(scheme.ring), time.perf_counter() - start, detail)

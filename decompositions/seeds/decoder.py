"""The best output factors for given products: a linear least squares problem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.targets import Target

Floats = NDArray[np.float64]

RCOND = 1e-12
"""Low enough to change nothing but products that coincide."""


def decoded(target: Target, u: Floats, v: Floats, rcond: float = RCOND) -> Approximation:
    """The nearest approximation with these products, the norms of its factors balanced.

    Args:
        target: What is approximated.
        u: Left factors, shape (rank, left).
        v: Right factors, shape (rank, right).
        rcond: Singular values below this share of the largest count as zero, which bounds the output factors.
    """
    u, v = _unit_rows(u), _unit_rows(v)
    products = flat_products(target, u, v)
    w = np.asarray(np.linalg.lstsq(products, flat_outputs(target), rcond=rcond)[0], dtype=np.float64)
    return Approximation(target, *balanced(u, v, w))


def flat_products(target: Target, u: Floats, v: Floats) -> Floats:
    """The products as columns, shape (left * right, rank).

    Raises:
        TooLargeError: If they would not fit into memory.
    """
    left, right, out = target.shape
    memory.require(3 * 8 * left * right * (len(u) + out), f"the least squares problem of {target.name}")
    return (u[:, :, None] * v[:, None, :]).reshape(len(u), left * right).T


def flat_outputs(target: Target) -> Floats:
    """The target's outputs as columns, shape (left * right, out)."""
    left, right, out = target.shape
    matrix = np.zeros((left * right, out))
    i, j, k = target.indices.T
    matrix[i * right + j, k] = target.values
    return matrix


def estimated_residual(approximation: Approximation) -> float:
    """The residual in floating point: good enough to choose by, and quicker than the certified one."""
    u, v, w = approximation.factors
    i, j, k = approximation.target.indices.T
    values = approximation.target.values.astype(np.float64)
    inner = float((values * np.einsum("qe,qe,qe->e", u[:, i], v[:, j], w[:, k])).sum())
    own = float(((u @ u.T) * (v @ v.T) * (w @ w.T)).sum())
    return 1 + (own - 2 * inner) / float((values**2).sum())


def balanced(u: Floats, v: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """The same products with rows of equal norm in all three factors; a zero row stays."""
    norms = [np.linalg.norm(factor, axis=1, keepdims=True) for factor in (u, v, w)]
    common = np.cbrt(norms[0] * norms[1] * norms[2])
    scaled = [
        factor * np.divide(common, norm, out=np.ones_like(norm), where=(norm > 0) & (common > 0))
        for factor, norm in zip((u, v, w), norms, strict=True)
    ]
    return scaled[0], scaled[1], scaled[2]


def _unit_rows(factor: Floats) -> Floats:
    norm = np.linalg.norm(factor, axis=1, keepdims=True)
    return factor / np.where(norm > 0, norm, 1)

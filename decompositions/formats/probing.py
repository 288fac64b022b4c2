"""A look at a large scheme before it is expanded: at a point of a small field, where a wrong one hardly passes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import Verification

PRIME = 524269
"""Of the form 4k + 1, so that i is a residue; so small that floats hold sums of 2^14 products of residues exactly."""

ROWS = 1 << 14

POINTS = {0: 1, 2: 40, 3: 30}
"""Points that are tried, by characteristic; over GF(2) a wrong scheme passes at one with probability 3/4 at most."""


CHUNK = 1 << 20
"""Coefficients whose residues are held at once."""


def refuted(scheme: Scheme, characteristic: int) -> Verification | None:
    """What is wrong with a scheme at random points; None where it passes, which proves nothing.

    Args:
        scheme: What is claimed.
        characteristic: Of the field over which it is claimed, to which it need not have been reduced yet.
    """
    start = time.perf_counter()
    p = characteristic or PRIME
    if any(d % p == 0 for d in scheme.denominators.tolist()):
        return None
    rng = np.random.default_rng(0)
    points = POINTS[characteristic]
    x, y = (rng.integers(0, p, (side, points)) for side in scheme.target.shape[:2])
    different = np.flatnonzero(((_found(scheme, x, y, p) - _expected(scheme, x, y, p)) % p).any(axis=1))
    if not different.size:
        return None
    detail = f"output {scheme.target.names[2][int(different[0])]} differs at a random point of GF({p})"
    return Verification(False, "random", f"GF({p})", time.perf_counter() - start, detail)


def _found(scheme: Scheme, x: NDArray[np.int64], y: NDArray[np.int64], p: int) -> NDArray[np.int64]:
    """The scheme's outputs at some points, shape (out, points)."""
    outputs = np.zeros((scheme.target.shape[2], x.shape[1]), np.int64)
    assert max(scheme.target.shape) <= ROWS, "sums of more products of residues are not exact"
    rows = min(ROWS, max(1, CHUNK // max(scheme.target.shape)))
    for first in range(0, scheme.rank, rows):
        part = slice(first, first + rows)
        left, right, out = (_residues(real[part], None if im is None else im[part], p) for real, im in scheme.parts)
        inverses = np.array([pow(d, -1, p) for d in scheme.denominators[part].tolist()], np.int64)
        products = (_product(left, x) % p) * (_product(right, y) % p) % p * inverses[:, None] % p
        outputs = (outputs + _product(out.T, products)) % p
    return outputs


def _product(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """A matrix product of residues, by BLAS."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def _residues(real: IntArray, imag: IntArray | None, p: int) -> NDArray[np.int64]:
    """Rows of a factor modulo p, with a square root of -1 for i."""
    found: NDArray[Any] = (real % p).astype(np.int64)
    if imag is not None and imag.any():
        found = (found + (imag % p).astype(np.int64) * _imaginary_unit(p)) % p
    return found


def _imaginary_unit(p: int) -> int:
    """A square root of -1 modulo p = 4k + 1: the k-th power of a non-residue."""
    return next(root for base in range(2, p) if pow(root := pow(base, (p - 1) // 4, p), 2, p) == p - 1)


def _expected(scheme: Scheme, x: NDArray[np.int64], y: NDArray[np.int64], p: int) -> NDArray[np.int64]:
    """The map's outputs at some points, likewise."""
    i, j, k = scheme.target.indices.T
    outputs = np.zeros((scheme.target.shape[2], x.shape[1]), np.int64)
    for point in range(x.shape[1]):
        np.add.at(outputs[:, point], k, scheme.target.values % p * (x[i, point] * y[j, point] % p) % p)
    return outputs

"""Lower the growth factor of a matrix-product scheme by a change of basis.

gamma is a smooth function of the three matrices of the change of basis; it is minimised by L-BFGS from several starts.
The minimiser is then rounded to small integers, which keeps the scheme exact: a change of basis by any invertible
integer matrices gives a scheme over the rationals.

Source: J.-G. Dumas, C. Pernet, A. Sedoglavic, "Strassen's algorithm is not optimally accurate", ISSAC 2024,
who find 12.0662 for 2x2x2 with seven products by analysis of the orbit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.operations import sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability.growth import Floats, factors, gamma, growth

SPREAD = 0.5  # size of the entries that a start adds to the identity
SCALES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
ENOUGH = 1.00002  # a coarser rounding is taken if its gamma is within this factor of the minimum
LARGEST = 1 << 11
"""Bound on coefficients of the schemes that are offered: half precision holds such integers exactly."""

Changes = tuple[Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class LowerGrowth:
    """A scheme with a lower growth factor.

    Attributes:
        scheme: The scheme in the new basis, exact; the one given where nothing lower was found.
        gamma: Its growth factor.
        infimum: The lowest growth factor met over the reals.
        changes: L, M, R of `operations.sandwich`, integers.
    """

    scheme: Scheme
    gamma: float
    infimum: float
    changes: tuple[NDArray[np.int64], ...]


def lower_growth(scheme: Scheme, starts: int = 8, seed: int = 0, largest: int = LARGEST) -> LowerGrowth:
    """Search the orbit of a scheme under changes of basis for a lower growth factor.

    Args:
        scheme: A scheme of n x m x p over `zt`, `z` or `q`.
        starts: Descents, the first from the scheme's own basis.
        seed: Of the other starts.
        largest: Bound on the numerators of the scheme in the new basis; the larger it is, the nearer to the infimum.

    Raises:
        SchemeError: If the scheme is no matrix product, or over another set.
    """
    if scheme.target.family != "matmul" or scheme.ring not in (Ring.ZT, Ring.Z, Ring.Q):
        raise SchemeError(f"{scheme.target.short} over {scheme.ring}: a matmul scheme over zt, z or q is needed")
    rng = np.random.default_rng(seed)
    found = [_descended(scheme, rng if start else None) for start in range(starts)]
    infimum, changes = min(found, key=lambda pair: pair[0])
    best = LowerGrowth(
        scheme, growth(scheme).gamma, infimum, tuple(np.eye(n, dtype=np.int64) for n in scheme.target.sizes)
    )
    for scale in SCALES:
        rounded = tuple(np.rint(_normal(change) * scale).astype(np.int64) for change in changes)
        if any(abs(np.linalg.det(matrix)) < 0.5 for matrix in rounded):
            continue
        moved = sandwich(scheme, *rounded)
        if max(int(np.abs(factor).max()) for factor in moved.factors) > largest:
            break
        value = growth(moved).gamma
        if value < best.gamma:
            best = LowerGrowth(moved, value, infimum, rounded)
        if best.gamma <= infimum * ENOUGH:
            break
    return best


def _normal(change: Floats) -> Floats:
    """A multiple of a matrix whose largest entry is 1; multiples change nothing."""
    normal: Floats = change / np.abs(change).max()
    return normal


def _descended(scheme: Scheme, rng: np.random.Generator | None) -> tuple[float, Changes]:
    """A minimum over the real changes of basis, from the identity or near it."""
    from scipy.optimize import minimize

    sizes = scheme.target.sizes
    n, m, p = sizes
    u, v, w = (factor.real for factor in factors(scheme))
    whole = u.reshape(-1, n, m), v.reshape(-1, m, p), w.reshape(-1, n, p)
    first = [
        np.eye(size) if rng is None else np.eye(size) + SPREAD * rng.standard_normal((size, size)) for size in sizes
    ]
    ends = np.cumsum([size * size for size in sizes])

    def changes(flat: Floats) -> Changes:
        a, b, c = np.split(flat, ends[:2])
        return a.reshape(n, n), b.reshape(m, m), c.reshape(p, p)

    def objective(flat: Floats) -> tuple[float, Floats]:
        value, slopes = _slopes(whole, changes(flat))
        return value, np.concatenate([slope.ravel() for slope in slopes])

    ended = minimize(objective, np.concatenate([f.ravel() for f in first]), jac=True, method="L-BFGS-B")
    return float(ended.fun), changes(ended.x)


def _slopes(whole: Changes, changes: Changes) -> tuple[float, Changes]:
    """gamma in a basis, and its derivatives by the three matrices.

    Args:
        whole: U, V, W as matrices, shapes (rank, n, m), (rank, m, p), (rank, n, p).
        changes: L, M, R: U becomes L^T U M^-T, V becomes M^T V R^-T, W becomes L^-1 W R.
    """
    u, v, w = whole
    left, middle, right = changes
    inverses = [np.linalg.inv(change) for change in changes]
    a, b, c = left.T @ u @ inverses[1].T, middle.T @ v @ inverses[2].T, inverses[0] @ w @ right
    norms = [np.maximum(np.linalg.norm(x, axis=(1, 2)), 1e-300) for x in (a, b, c)]
    each = norms[0] * norms[1] * norms[2]
    x, y, z = (matrix * (each / norm**2)[:, None, None] for matrix, norm in zip((a, b, c), norms, strict=True))
    by_left = inverses[0].T @ (_summed(a, x, "rij,rkj->ik") - _summed(z, c, "rij,rkj->ik"))
    by_middle = inverses[1].T @ (_summed(b, y, "rij,rkj->ik") - _summed(x, a, "rji,rjk->ik"))
    by_right = inverses[2].T @ (_summed(c, z, "rji,rjk->ik") - _summed(y, b, "rji,rjk->ik"))
    return gamma(a, b, c), (by_left, by_middle, by_right)


def _summed(x: Floats, y: Floats, places: str) -> Floats:
    total: Floats = np.einsum(places, x, y, optimize=True)
    return total

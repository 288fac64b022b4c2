"""Seeds that embed tiles in polynomials and evaluate them at points.

With A(x) = sum a_ik x^(k + m i) and B(x) = sum b_kj x^(m - 1 - k + n m j), c_ij is the coefficient of
x^(m - 1 + m i + n m j) in the product. As many points as the product has coefficients would be exact; a seed has fewer,
and output factors by least squares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds.decoder import Floats, decoded, estimated_residual
from bilinear.decompositions.targets import Target

SPREADS = (0.5, 1.0, 2.0, 4.0)
DRAWS = 8
"""Sets of points that are compared: regular ones of each spread, and drawn ones."""
RCOND = 1e-4
"""Powers of real points are nearly dependent; smaller singular values would only make the factors large."""


def polynomial(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Real points tan(angle), with rows scaled to unit norm, so that infinity is a point like others.

    The angles are spread regularly, or drawn; the best of the sets is taken.

    Raises:
        TargetError: If the target is no `matmul`.
    """
    left, right = _exponents(target)
    regular = [np.tan((np.arange(rank) + 0.5) * np.pi / rank - np.pi / 2) * spread for spread in SPREADS]
    bounded = [np.cos((np.arange(rank) + 0.5) * np.pi / rank) * reach for reach in SPREADS]
    drawn = [np.tan(rng.uniform(-np.pi / 2, np.pi / 2, rank)) for _ in range(DRAWS)]
    found = [decoded(target, _powers(x, left), _powers(x, right), RCOND) for x in (*regular, *bounded, *drawn)]
    return min(found, key=estimated_residual)


def roots_of_unity(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Roots of unity: 1 and -1 at one product, a conjugate pair at three, by Karatsuba's rule for complex numbers.

    Raises:
        TargetError: If the target is no `matmul`.
    """
    left, right = _exponents(target)
    pairs, single = divmod(rank, 3)
    order = 2 * pairs + single
    angles = 2 * np.pi * (np.arange(pairs) + (1 if single else 0.5)) / order
    real = np.array([1.0, -1.0])[:single]
    rows = []
    for exponents in (left, right):
        x, y = np.cos(np.outer(angles, exponents)), np.sin(np.outer(angles, exponents))
        rows.append(np.concatenate([x, y, x + y, real[:, None] ** exponents]))
    return decoded(target, rows[0], rows[1])


def _exponents(target: Target) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if target.family != "matmul":
        raise TargetError(f"{target.short}: tiles of matrices are embedded in polynomials; choose another seed")
    n, m, p = target.sizes
    i, k = np.indices((n, m))
    row, j = np.indices((m, p))
    return (k + m * i).ravel(), (m - 1 - row + n * m * j).ravel()


def _powers(points: Floats, exponents: NDArray[np.int64]) -> Floats:
    """Powers of points of any size as rows of unit norm; x > 1 is read from the top, as powers of 1/x."""
    large = np.abs(points) > 1
    base = np.where(large, 1 / np.where(large, points, 1), points)
    rows = np.where(large[:, None], base[:, None] ** (exponents.max() - exponents), base[:, None] ** exponents)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

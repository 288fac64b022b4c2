"""Schemes known by construction."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.operations import kronecker
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme, empty
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul

CONSTRUCTIONS = Registry(
    "construction",
    {
        "standard": "bilinear.decompositions.constructions:standard",
        "strassen": "bilinear.decompositions.constructions:strassen",
        "winograd": "bilinear.decompositions.constructions:winograd",
    },
)


def standard(target: Target) -> Scheme:
    """One product for each nonzero tensor entry; for n x m x p matrices the n m p products of the definition.

    Over `zt` where every entry is 1 or -1, else over `z`.
    """
    u, v, w = empty(target, len(target.values))
    q = np.arange(len(target.values))
    u[q, target.indices[:, 0]] = 1
    v[q, target.indices[:, 1]] = 1
    w[q, target.indices[:, 2]] = target.values
    return Scheme(target, Ring.ZT if (np.abs(target.values) == 1).all() else Ring.Z, u, v, w)


def strassen(target: Target | None = None) -> Scheme:
    """Strassen's seven products for 2x2x2; for 4x4x4, 8x8x8, ... his recursion, the Kronecker power of rank 7^k.

    Source:
        V. Strassen, "Gaussian elimination is not optimal", Numerische Mathematik 13, 1969.

    Raises:
        TargetError: If the sizes are not the same power of two.
    """
    u = [[1, 0, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0], [-1, 0, 1, 0], [0, 1, 0, -1]]
    v = [[1, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]]
    w = [[1, 0, 0, 1], [0, 0, 1, -1], [0, 1, 0, 1], [1, 0, 1, 0], [-1, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    return _power_of_2x2x2("strassen", target, u, v, w)


def winograd(target: Target | None = None) -> Scheme:
    """Winograd's variant for 2x2x2: seven products, 15 additions once common sums are shared; likewise for powers.

    Source:
        S. Winograd, 1971; as in D. Knuth, "The Art of Computer Programming", volume 2, section 4.6.4.
    """
    u = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, -1, -1], [0, 0, 0, 1], [0, 0, 1, 1], [-1, 0, 1, 1], [1, 0, -1, 0]]
    v = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, -1, -1, 1], [-1, 1, 0, 0], [1, -1, 0, 1], [0, -1, 0, 1]]
    w = [[1, 1, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1], [0, 1, 1, 1], [0, 0, 1, 1]]
    return _power_of_2x2x2("winograd", target, u, v, w)


def _power_of_2x2x2(
    name: str, target: Target | None, u: list[list[int]], v: list[list[int]], w: list[list[int]]
) -> Scheme:
    base = Scheme(matmul(2, 2, 2), Ring.ZT, np.array(u), np.array(v), np.array(w))
    target = target or base.target
    size = math.isqrt(target.shape[0])
    if size < 2 or size & (size - 1) or target != matmul(size, size, size):
        raise TargetError(f"construction {name!r} is a scheme of 2x2x2, 4x4x4, ..., not of {target.short}")
    power = reduce(kronecker, [base] * (size.bit_length() - 1))
    return Scheme(target, Ring.ZT, *power.factors)

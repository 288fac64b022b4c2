"""Cubes by aggregation: N x N x N for N from 8 to 32, over the rationals, and for some N modulo 3.

One product of three sums of entries yields three of the wanted terms of tr(ABC); families of few products take away
what is unwanted. All have even denominators; those of some sizes are prime to 3.

Source:
    K. Khoruzhii, F. Serafin, P. Gelss, S. Pokutta, repository khoruzhii/lita, September 2026; the idea is that of
    V. Pan, "Strassen's algorithm is not optimal", FOCS 1978. For odd N theirs has one product less than ours.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from bilinear.decompositions import memory, rings
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules import cube_even, cube_odd
from bilinear.decompositions.rules.cube_forms import Array
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

SMALLEST, LARGEST = 8, 32
MODULO_3 = frozenset({8, 9, 14, 15, 20, 21, 26, 27, 30, 32})
"""Sizes whose denominators 3 does not divide: it divides neither D - 2 nor D - 3 nor 4D - 11, or it cancels."""

Factors = tuple[Array, Array, Array]


def rank(n: int, m: int, p: int, ring: Ring) -> int | None:
    """The products of the cube, without building it; None where there is none, or none over the ring.

    Args:
        n: Rows of A.
        m: Columns of A.
        p: Columns of B.
        ring: `q` or `qi`, for some sizes `f3`; no other one holds the denominators.
    """
    if not n == m == p or not SMALLEST <= n <= LARGEST or not _held(n, ring):
        return None
    return (2 * n**3 + 21 * n**2 + 28 * n - 27) // 6 if n % 2 else (2 * n**3 + 18 * n**2 + 37 * n + 24) // 6


def _held(size: int, ring: Ring) -> bool:
    return ring in (Ring.Q, Ring.QI) or (ring is Ring.F3 and size in MODULO_3)


def build(n: int, m: int, p: int, ring: Ring) -> Scheme:
    """The scheme of the cube.

    Raises:
        RingError: If the ring does not hold its denominators.
        TargetError: If there is none of the format.
        TooLargeError: If it would not fit into memory.
    """
    ring, target = parse_ring(ring), matmul(n, m, p)
    products = rank(n, m, p, Ring.Q)
    if products is None:
        raise TargetError(f"{target.short} by aggregation: there are cubes NxNxN, N from {SMALLEST} to {LARGEST}")
    if not _held(n, ring):
        raise RingError(f"{target.short} by aggregation over {ring}: its products have denominators; take q")
    memory.require(8 * 3 * 8 * products * n * n, f"{target.short} by aggregation")
    (u, v, w), coefficients = _merged(*_products(n))
    assert len(coefficients) == products
    output = rings.widen(w).reshape(products, n, n).transpose(0, 2, 1).reshape(products, n * n)
    numerators = np.array([c.numerator for c in coefficients], dtype=object)
    denominators = np.array([c.denominator for c in coefficients], dtype=object)
    return Scheme(target, Ring.Q, u, v, output * numerators[:, None], denominators).to(ring)


def _products(size: int) -> tuple[Factors, list[Fraction]]:
    """The products that do not vanish, their factors without common divisors, and what each is multiplied by."""
    parity = cube_odd if size % 2 else cube_even
    matrices = [parity.forms(size, place) for place in range(3)]
    stacks: list[Factors] = []
    coefficients: list[Fraction] = []
    for family in parity.families(size):
        u, v, w = (form(matrix) for form, matrix in zip(family.forms, matrices, strict=True))
        divisors = [np.gcd.reduce(factor, axis=1) for factor in (u, v, w)]
        alive = np.flatnonzero(np.all(divisors, axis=0))
        u, v, w = (factor[alive] // by[alive, None] for factor, by in zip((u, v, w), divisors, strict=True))
        stacks.append((u, v, w))
        tops = np.broadcast_to(family.numerators, divisors[0].shape)[alive]
        for top, *by in zip(tops.tolist(), *(d[alive].tolist() for d in divisors), strict=True):
            coefficients.append(Fraction(top * math.prod(by), family.denominator * matrices[0].scale ** 3))
    u, v, w = (np.concatenate(parts) for parts in zip(*stacks, strict=True))
    return (u, v, w), coefficients


def _merged(factors: Factors, coefficients: list[Fraction]) -> tuple[Factors, list[Fraction]]:
    """Products that agree in A and in B become one; there are D - 2 such pairs if N is even."""
    u, v, w = factors
    seen: dict[bytes, int] = {}
    kept: list[int] = []
    for q, (left, right) in enumerate(zip(u, v, strict=True)):
        first = seen.setdefault(left.tobytes() + right.tobytes(), q)
        if first == q:
            kept.append(q)
            continue
        common = Fraction(1, math.lcm(coefficients[first].denominator, coefficients[q].denominator))
        w[first] = w[first] * int(coefficients[first] / common) + w[q] * int(coefficients[q] / common)
        coefficients[first] = common
    return (u[kept], v[kept], w[kept]), [coefficients[q] for q in kept]

"""Rational numbers from residues."""

from __future__ import annotations

import math

import numpy as np

from bilinear.decompositions.rings import IntArray


def symmetric(residues: IntArray, modulus: int) -> IntArray:
    """The representatives in -M/2 < x <= M/2."""
    low = (modulus - 1) // 2
    return np.asarray((residues + low) % modulus - low)


def reconstruct(residue: int, modulus: int) -> tuple[int, int] | None:
    """A fraction n / d with |n| and d at most sqrt(M / 2) that has this residue, or None; for M > 2 there is only one.

    Source:
        P. Wang, "A p-adic algorithm for univariate partial fractions", SYMSAC 1981: the extended Euclidean algorithm,
        stopped at the first remainder within the bound.
    """
    bound = math.isqrt(modulus // 2)
    (r0, s0), (r1, s1) = (modulus, 0), (residue % modulus, 1)
    while r1 > bound:
        quotient = r0 // r1
        (r0, s0), (r1, s1) = (r1, s1), (r0 - quotient * r1, s0 - quotient * s1)
    if s1 < 0:
        r1, s1 = -r1, -s1
    return (r1, s1) if 0 < s1 <= bound and math.gcd(r1, s1) == 1 else None


def rational(residues: IntArray, modulus: int) -> tuple[IntArray, IntArray] | None:
    """Numerators over one denominator a row, shapes (rows, columns) and (rows,); None if a residue has no fraction."""
    distinct, places = np.unique(residues, return_inverse=True)
    fractions = []
    for residue in distinct.tolist():
        fraction = reconstruct(residue, modulus)
        if fraction is None:
            return None
        fractions.append(fraction)
    table = np.array(fractions, dtype=object).reshape(-1, 2)
    numerators, denominators = (table[places.reshape(residues.shape), k] for k in range(2))
    common = np.array([math.lcm(*row) for row in denominators.tolist()], dtype=object)
    return numerators * (common[:, None] // denominators), common

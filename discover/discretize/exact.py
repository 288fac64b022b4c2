"""From factors that are rational up to rounding to an exact scheme; one that is not is solved for, exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import rings
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.modular import rational, solution
from bilinear.decompositions.operations import tightened
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.verify import verify

PRIME = 2**127 - 507
"""5 modulo 8, so that -1 is a square modulo it, and 2 is none; large, so that fractions of 18 digits come back."""
ROOT = pow(2, (PRIME - 1) // 4, PRIME)
"""A square root of -1."""

LARGEST_DENOMINATOR = 360
NEAR = 1e-8
"""Distance at which a float is taken for the fraction; the equations are met to about 1e-13."""

Numbers = NDArray[Any]
Parts = tuple[Numbers, Numbers, Numbers]
"""Real and imaginary numerators, shape (rank, side) each, over one denominator a product, shape (rank,)."""


def assembled(target: Target, ring: Ring, factors: list[Numbers]) -> Scheme | None:
    """The verified scheme of factors that are rational; one of the three may be anything, and is solved for.

    None if they make none, or one that the ring cannot hold.

    Args:
        target: The bilinear map.
        ring: Any but `f2` and `f3`.
        factors: Floats or complex numbers, shapes (rank, left | right | out).
    """
    parts = [_fractions(factor) for factor in factors]
    rational_ones = [part for part in parts if part is not None]
    if len(rational_ones) == 2:
        axis = parts.index(None)
        solved = _solved(target, parts, axis, gaussian=ring is Ring.QI)
        if solved is not None:
            rational_ones.insert(axis, solved)
    if len(rational_ones) < 3:
        return None
    (u, ui, du), (v, vi, dv), (w, wi, dw) = rational_ones
    imag = (ui, vi, wi) if ring is Ring.QI else None
    scheme = tightened(Scheme(target, Ring.QI if imag else Ring.Q, u, v, w, du * dv * dw, imag))
    try:
        scheme = scheme.to(ring)
    except RingError:
        return None
    return scheme if verify(scheme).ok else None


def _fractions(factor: Numbers) -> Parts | None:
    """The fractions of small denominators next to the numbers; None if one is not near."""
    both = np.concatenate([np.real(factor), np.imag(factor)], axis=1).astype(np.float64)
    numbers = [[Fraction(x).limit_denominator(LARGEST_DENOMINATOR) for x in row] for row in both.tolist()]
    if np.abs(np.array([[float(number) for number in row] for row in numbers]) - both).max(initial=0) > NEAR:
        return None
    common = [math.lcm(*(number.denominator for number in row)) for row in numbers]
    found = np.array([[int(n * d) for n in row] for row, d in zip(numbers, common, strict=True)], dtype=object)
    side = factor.shape[1]
    return found[:, :side], found[:, side:], np.array(common, dtype=object)


def _solved(target: Target, parts: list[Parts | None], axis: int, gaussian: bool) -> Parts | None:
    """The factor that the two others determine.

    The equations are linear in it. They are solved modulo a prime, from which fractions of numbers below 2^63 come
    back; Gaussian ones from the solutions for both square roots of -1. The caller verifies.
    """
    found = [_modulo_prime(target, parts, axis, root) for root in ((ROOT, PRIME - ROOT) if gaussian else (0,))]
    solutions = [solution for solution in found if solution is not None]
    if len(solutions) < len(found):
        return None
    real, imag = solutions[0], np.zeros_like(solutions[0])
    if gaussian:
        one, other = solutions
        real = (one + other) * pow(2, -1, PRIME) % PRIME
        imag = (one - other) * pow(2 * ROOT, -1, PRIME) % PRIME
    fractions = rational(np.concatenate([real, imag], axis=1), PRIME)
    if fractions is None:
        return None
    numerators, denominators = fractions
    side = target.shape[axis]
    return numerators[:, :side], numerators[:, side:], rings.widen(denominators)


def _modulo_prime(target: Target, parts: list[Parts | None], axis: int, root: int) -> Numbers | None:
    """The factor modulo the prime, `root` standing for i, shape (rank, side); None if the equations contradict."""
    one, two = (_residues(part, root) for part in parts if part is not None)
    pairs = (one[:, :, None] * two[:, None, :] % PRIME).reshape(len(one), -1).T
    right = rings.widen(np.moveaxis(target.dense(), axis, 2).reshape(pairs.shape[0], -1)) % PRIME
    return solution(pairs, right, PRIME)


def _residues(part: Parts, root: int) -> Numbers:
    real, imag, denominators = part
    inverses = np.array([pow(int(d), -1, PRIME) for d in denominators], dtype=object)
    return np.asarray((real + root * imag) * inverses[:, None] % PRIME)

"""Counting the fields that an algebra consists of: orbits of roots of unity that a field cannot tell apart.

Roots of unity of order e are permuted by z -> z^t, without a field F noticing, for t in a group of residues modulo e:
all units over the rationals, the units that are 1 modulo 4 over the Gaussian rationals (where 4 divides e), the powers
of p over the field of p elements (where p does not divide e).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from bilinear.decompositions.rings import Ring


def exponents(ring: Ring, order: int) -> list[int]:
    """The group of residues t modulo `order` with z -> z^t an automorphism over the field."""
    p = ring.characteristic
    if p:
        powers = [1 % order]
        while (power := powers[-1] * p % order) != powers[0]:
            powers.append(power)
        return powers
    units = [t for t in range(order) if math.gcd(t, order) == 1]
    gaussian = ring is Ring.QI and order % 4 == 0
    return [t for t in units if not gaussian or t % 4 == 1]


def regular_part(n: int, ring: Ring) -> int:
    """The largest divisor that the characteristic does not divide."""
    p = ring.characteristic
    while p and n % p == 0:
        n //= p
    return n


def components(lengths: Sequence[int], sign: int, ring: Ring) -> tuple[int, ...]:
    """Degrees of the fields in F[x_1, ...]/(x_1^n_1 - sign, ...), one for each maximal ideal; nilpotents left out.

    Args:
        lengths: n_1, n_2, ...
        sign: 1 or -1.
        ring: The field F: `q`, `qi`, `f2` or `f3`.
    """
    return _components(tuple(lengths), 1 if ring is Ring.F2 else sign, ring)


@cache
def _components(lengths: tuple[int, ...], sign: int, ring: Ring) -> tuple[int, ...]:
    """Roots are z^s with z of order n or 2n; their exponents, one for each variable, fall into orbits."""
    regular = [regular_part(n, ring) for n in lengths]
    orders = [n if sign == 1 else 2 * n for n in regular]
    axes = [np.arange(0 if sign == 1 else 1, order, 1 if sign == 1 else 2) for order in orders]
    places = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    weights = np.array([math.prod(orders[k + 1 :]) for k in range(len(orders))])
    moduli = np.array(orders)[:, None]
    first = np.full(places.shape[1], math.prod(orders), dtype=np.int64)
    for t in exponents(ring, math.lcm(*orders)):
        first = np.minimum(first, weights @ (places * t % moduli))
    return tuple(np.unique(first, return_counts=True)[1].tolist())

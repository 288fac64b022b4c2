"""What is proven and known of the rank of group algebras, over each field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.facts.fact import (
    GAUSSIAN,
    INFINITE_FIELDS,
    REAL,
    Facts,
    KnownRank,
    LowerBound,
    finite,
    modulo,
    product_of,
)
from bilinear.decompositions.facts.orbits import components, exponents
from bilinear.decompositions.facts.polynomial import PRIMES
from bilinear.decompositions.facts.residue import convolution_ranks
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets.group import Factor, multiplication_table, parse_factors

ALDER = "2n - k for an algebra with k maximal ideals (A. Alder, V. Strassen 1981; S. D. Berman 1956 counts them)"
SUMS = "sum of matrix algebras over fields"
SYMMETRIC = {
    3: {Ring.Q: 9, Ring.QI: 9, Ring.F2: 10},
    4: {Ring.Q: 55, Ring.QI: 55},
}
"""1 + 1 + 7, modulo 2 three for F2[x]/(x^2 - 1) and 7; 1 + 1 + 7 + 23 + 23."""
QUATERNION_GROUP = {Ring.Q: 12, Ring.QI: 11, Ring.F3: 11}
"""Four times 1, and the quaternions: 8 over the rationals, 7 where they are the 2x2 matrices."""
STRASSEN = 7


def lower_bounds(table: NDArray[np.int64]) -> list[LowerBound]:
    """Bounds for the group with that multiplication table."""
    order = len(table)
    found = [
        LowerBound(2 * order - ideals(table, Ring.Q), REAL, ALDER),
        LowerBound(2 * order - ideals(table, Ring.QI), GAUSSIAN, ALDER),
    ]
    for prime in PRIMES:
        found.append(LowerBound(2 * order - ideals(table, finite(prime)), modulo(prime), ALDER))
    return found


def ideals(table: NDArray[np.int64], ring: Ring) -> int:
    """The number of simple algebras in the group algebra over a field, nilpotents left out.

    It is the number of classes of elements of an order that the characteristic does not divide, where g and h belong
    together if h is conjugate to a power of g with an exponent that the field cannot tell from 1.

    Source:
        S. D. Berman, "The number of irreducible representations of a finite group over an arbitrary field", 1956.
    """
    size = len(table)
    identity = int(np.flatnonzero((table == np.arange(size)).all(axis=1))[0])
    inverse = np.argmax(table == identity, axis=1)
    conjugates = table[table, inverse[:, None]]  # [x, g]: x g x^-1
    names = conjugates.min(axis=0)
    powers = _powers(table, identity)
    orders = np.argmax(powers[1:] == identity, axis=0) + 1
    p = ring.characteristic
    regular = [g for g in range(size) if not p or orders[g] % p]
    exponent = math.lcm(*(int(orders[g]) for g in regular))
    allowed = exponents(ring, exponent)
    return len({min(int(names[powers[t % orders[g], g]]) for t in allowed) for g in regular})


def _powers(table: NDArray[np.int64], identity: int) -> NDArray[np.int64]:
    """[t, g]: g^t, for t from 0 until all elements have been the identity again."""
    elements = np.arange(len(table))
    rows = [np.full(len(table), identity), elements]
    unfinished = elements != identity
    while unfinished.any():
        rows.append(table[rows[-1], elements])
        unfinished &= rows[-1] != identity
    return np.array(rows)


def known_ranks(factors: Sequence[tuple[str, int]]) -> list[KnownRank]:
    """Known ranks of a direct product; the cyclic factors are taken together."""
    cyclic = [number for kind, number in factors if kind == "C" and number > 1]
    parts = [convolution_ranks(cyclic, 1)] if cyclic else []
    return product_of([*parts, *(_known(kind, number) for kind, number in factors if kind != "C")])


def _known(kind: str, number: int) -> list[KnownRank]:
    if kind == "D":
        return _dihedral(number)
    ranks = QUATERNION_GROUP if kind == "Q" else SYMMETRIC.get(number, {})
    if kind == "S" and number <= 2:
        return convolution_ranks([number], 1)
    return [KnownRank(rank, frozenset({ring}), SUMS) for ring, rank in ranks.items()]


def _dihedral(n: int) -> list[KnownRank]:
    """2x2 matrices over the real subfield of each field of r, of half its degree, and F[C2] for r = 1 and r = -1."""
    lines = 1 + (n % 2 == 0)
    degrees = sorted(components((n,), 1, Ring.Q))[lines:]
    rank = 2 * lines + sum(STRASSEN * (degree - 1) for degree in degrees)
    return [KnownRank(rank, INFINITE_FIELDS, f"{SUMS} (V. Strassen 1969)")]


@cache
def _bounds_of(name: str) -> list[LowerBound]:
    return lower_bounds(multiplication_table(_factors(name)))


@cache
def _ranks_of(name: str) -> list[KnownRank]:
    return known_ranks([(factor.kind, factor.number) for factor in _factors(name)])


def _factors(name: str) -> list[Factor]:
    return parse_factors(name.partition(":")[2])


FACTS = Facts(lambda target: _bounds_of(target.name), lambda target: _ranks_of(target.name))

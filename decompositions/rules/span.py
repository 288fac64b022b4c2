"""Span reduction: a product u (x) v (x) w can go if its u (x) v is a combination of those of the others.

Its w is added to theirs. So the rank is at most the dimension of what the u_r (x) v_r span, likewise for (u, w) and
(v, w). No factor need be shared, so this sees what reductions of flip graphs do not; after a cut it often finds some.

Source:
    "2-reduction" of K. Khoruzhii, F. Serafin, P. Gelss, S. Pokutta, repository khoruzhii/lita, 2026.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory, modular, rings
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.operations import without_zero_products
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.rules.dependence import LIMIT, Floats, balanced, dependence, product
from bilinear.decompositions.rules.parameters import only
from bilinear.decompositions.scheme import Scheme

EXTRA = 20
"""Points beyond the number of products at which the pairs of factors are evaluated."""
TERMS = {2: 6, 3: 4}
"""Points that are summed over a small field, where one is a zero of many bilinear forms."""
PRIMES = 12
"""Moduli that are tried for the coefficients of combinations, in characteristic 0."""
PAIRS = ((0, 1), (0, 2), (1, 2))


def reduced(scheme: Scheme) -> Scheme:
    """The scheme without products that can go; over `zt` and `z` without those that can go inside the set.

    Args:
        scheme: A right scheme over any ring but `qi`, of any target.

    Raises:
        RingError: If the ring is `qi`.
        TooLargeError: If it would not fit into memory.
    """
    _require(scheme)
    scheme = without_zero_products(scheme)
    while True:
        found = [_relations(scheme, pair) for pair in PAIRS]
        for pair in sorted(range(3), key=lambda at: -len(found[at])):
            smaller = _without(scheme, PAIRS[pair], found[pair])
            if smaller.rank < scheme.rank:
                scheme = smaller
                break
        else:
            return scheme


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme]) -> Scheme:
    """The one part as a rule has it: without the products that can go.

    Args:
        sizes: The format, that of the part.
        ring: The coefficient set, that of the part.
        parts: One scheme.

    Raises:
        RecipeError: If there is another number of parts.
        RingError: If the ring is `qi`.
    """
    return reduced(only(parts).to(ring))


def spare(scheme: Scheme) -> tuple[int, int, int]:
    """By how much the rank is above the dimension of what (u, v), (u, w) and (v, w) span.

    Raises:
        RingError: If the ring is `qi`.
        TooLargeError: If it would not fit into memory.
    """
    _require(scheme)
    first, second, third = (len(_relations(scheme, pair)) for pair in PAIRS)
    return first, second, third


def _require(scheme: Scheme) -> None:
    if scheme.ring is Ring.QI:
        raise RingError(f"{scheme.target.short} over qi: span reduction is offered over zt, z, q, f2 and f3")
    memory.require(5 * 8 * scheme.rank * (scheme.rank + EXTRA), f"the span of {scheme.rank} products")


def _relations(scheme: Scheme, pair: tuple[int, int]) -> IntArray:
    """Independent relations sum_r c_r x_r (x) y_r = 0, all that there are, each proved.

    Args:
        scheme: The products.
        pair: Which two of the factors are x and y.

    Returns:
        Shape (relations, rank): residues over a finite field, else Python integers without a common divisor.
    """
    x, y = (scheme.factors[axis] for axis in pair)
    if p := scheme.ring.characteristic:
        rng = np.random.default_rng(0)
        while True:
            basis, dependent, residues = dependence(_evaluated(x, y, p, rng), p)
            found = _rows(scheme.rank, basis, dependent, residues.T.astype(np.int64), np.ones(len(dependent), np.int64))
            if _vanish(found, x, y, p).all():
                return found % p
    return _rational_relations(x, y)


def _rational_relations(x: IntArray, y: IntArray) -> IntArray:
    """Those of characteristic 0: modulo primes, until the rational numbers with these residues make relations."""
    rank, modulus, best = len(x), 1, np.zeros(0, np.int64)
    residues: IntArray = np.zeros((0, 0), np.int64)
    proved: IntArray = np.zeros((0, rank), object)
    for prime in islice(modular.primes(LIMIT), PRIMES):
        basis, dependent, solved = dependence(_evaluated(x, y, prime, np.random.default_rng(prime)), prime)
        if len(basis) == rank:
            return proved[:0]
        if len(basis) < len(best):
            continue  # a bad prime
        wide = rings.widen(solved.T.astype(np.int64))
        if modulus == 1 or not np.array_equal(basis, best):
            best, residues, modulus = basis, wide, prime
        else:
            residues = residues + (wide - residues) * pow(modulus, -1, prime) % prime * modulus
            modulus *= prime
        found = (modular.rational(row[None] % modulus, modulus) for row in residues)
        fractions = {k: fraction for k, fraction in enumerate(found) if fraction is not None}
        if fractions:
            tops, bottoms = (np.concatenate(parts) for parts in zip(*fractions.values(), strict=True))
            every = _rows(rank, basis, dependent[list(fractions)], tops, bottoms)
            proved = every[_vanish(every, x, y, 0)]
        if len(proved) == len(dependent):
            break
    return proved


def _rows(rank: int, basis: IntArray, dependent: IntArray, numerators: IntArray, denominators: IntArray) -> IntArray:
    """The relations numerators[k] . basis - denominators[k] dependent[k] = 0, shape (relations, rank)."""
    found = np.zeros((len(dependent), rank), numerators.dtype)
    found[:, basis] = numerators
    found[np.arange(len(dependent)), dependent] = -denominators
    return found


def _evaluated(x: IntArray, y: IntArray, p: int, rng: np.random.Generator) -> Floats:
    """Every x_r (x) y_r at random points, shape (points, rank)."""
    points = len(x) + EXTRA
    found = np.zeros((len(x), points))
    for _ in range(TERMS.get(p, 1)):
        left, right = (product(_floats(factor, p), _drawn(factor.shape[1], points, p, rng), p) for factor in (x, y))
        found = balanced(found + left * right, p)
    return np.ascontiguousarray(found.T)


def _floats(values: IntArray, p: int) -> Floats:
    return balanced((values % p).astype(np.float64), p)


def _drawn(rows: int, columns: int, p: int, rng: np.random.Generator) -> Floats:
    return balanced(rng.integers(0, p, (rows, columns)).astype(np.float64), p)


def _vanish(relations: IntArray, x: IntArray, y: IntArray, p: int) -> NDArray[np.bool_]:
    """Which relations hold: modulo p; in characteristic 0 modulo primes whose product is above what a sum can be."""
    moduli: list[int] = [p] if p else []
    if not p:
        bound = 2 * len(x) * math.prod(rings.magnitude(part) for part in (relations, x, y)) + 1
        for prime in modular.primes(LIMIT):
            if math.prod(moduli) > bound:
                break
            moduli.append(prime)
    holds = np.ones(len(relations), np.bool_)
    for modulus in moduli:
        left, right = _floats(x, modulus), _floats(y, modulus)
        for k in np.flatnonzero(holds):
            weighted = balanced(_floats(relations[k], modulus)[:, None] * right, modulus)
            holds[k] = not product(left.T, weighted, modulus).any()
    return holds


def _without(scheme: Scheme, pair: tuple[int, int], relations: IntArray) -> Scheme:
    """The scheme without the products that the relations of a pair let go inside its ring."""
    axis = 3 - sum(pair)
    third = _Third(scheme.ring, rings.widen(scheme.factors[axis]), rings.widen(scheme.denominators))
    kept = np.ones(scheme.rank, np.bool_)
    while len(relations):
        chosen = next(third.choices(relations), None)
        if chosen is None:
            break
        row, gone = chosen
        kept[gone] = False
        relations = _eliminated(relations, row, gone, scheme.ring.characteristic)
    u, v, w = (third.values[kept] if place == axis else f[kept] for place, f in enumerate(scheme.factors))
    return without_zero_products(Scheme(scheme.target, scheme.ring, u, v, w, third.denominators[kept]))


def _eliminated(relations: IntArray, row: int, column: int, p: int) -> IntArray:
    """The relations in which a column no longer occurs, one less."""
    lead = relations[row]
    rest = np.delete(relations, row, axis=0)
    rest = rest * lead[column] - rest[:, column, None] * lead
    return np.asarray(rest % p if p else rest // np.gcd.reduce(rest, axis=1)[:, None])


@dataclass
class _Third:
    """The third factors while products go.

    Attributes:
        ring: The set that holds them.
        values: Python integers, shape (rank, width).
        denominators: Likewise, shape (rank,).
    """

    ring: Ring
    values: IntArray
    denominators: IntArray

    def choices(self, relations: IntArray) -> Iterator[tuple[int, int]]:
        """A relation and a product in it whose third factor was given to the others; short relations first."""
        for row in np.argsort((relations != 0).sum(axis=1), kind="stable").tolist():
            members = np.flatnonzero(relations[row])
            sizes = [(abs(relations[row, q]), int((self.values[q] != 0).sum()), int(q)) for q in members]
            for _, _, q in sorted(sizes):
                if self._given(relations[row], q, members[members != q]):
                    yield row, q

    def _given(self, relation: IntArray, q: int, others: NDArray[np.int64]) -> bool:
        """z_b takes -c_b / c_q z_q, for every other b of the relation; False, and nothing done, where the ring ends."""
        if p := self.ring.characteristic:
            shares = -relation[others] * pow(int(relation[q]), -1, p) % p
            self.values[others] = (self.values[others] + shares[:, None] * self.values[q]) % p
            return True
        changed = []
        for b in others.tolist():
            share = Fraction(-relation[b], relation[q] * self.denominators[q])
            common = math.lcm(self.denominators[b], share.denominator)
            row = self.values[b] * (common // self.denominators[b])
            row = row + self.values[q] * (share.numerator * (common // share.denominator))
            shared = math.gcd(common, *row.tolist())
            row, common = row // shared, common // shared
            if self.ring is not Ring.Q and (common != 1 or rings.outside(self.ring, row[None]) is not None):
                return False
            changed.append((row, common))
        for b, (row, common) in zip(others.tolist(), changed, strict=True):
            self.values[b], self.denominators[b] = row, common
        return True

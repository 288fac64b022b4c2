"""What is proven and known of the rank of polynomial products, over each field.

Over an infinite field the rank is m + n - 1. Over `f2` and `f3` there are too few points to evaluate at, and over the
integers a scheme must be one modulo 2 and modulo 3 as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

from bilinear.decompositions.facts.constructed import CONSTRUCTION, product_rank
from bilinear.decompositions.facts.fact import (
    DIVISION_FREE,
    EVERY_RING,
    INFINITE_FIELDS,
    Facts,
    KnownRank,
    LowerBound,
    field_of,
    modulo,
    product_of,
)
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.sized import chunks

PRIMES = (2, 3)
BDEZ = (
    "R. Barbulescu, J. Detrey, N. Estibals, P. Zimmermann, Finding optimal formulae for bilinear maps, 2012, "
    "by exhaustive search"
)
CODES = "the left factors form a linear code (A. Lempel, G. Seroussi, S. Winograd 1983)"
GRIESMER = f"{CODES}, which is as long as J. H. Griesmer 1960 says"
CODE_TABLES = f"{CODES}, which is as long as M. Grassl's tables say (codetables.de)"
BSHOUTY = "M. Kaminski, N. H. Bshouty, Multiplicative complexity of polynomial multiplication over finite fields, 1989"
TOOM = "evaluation at m + n - 1 points (A. L. Toom 1963; S. A. Cook 1966; S. Winograd 1980)"
KARATSUBA = "products of pairs (A. Karatsuba, Y. Ofman 1962; A. Weimerskirch, C. Paar 2006)"
MONTGOMERY = "P. L. Montgomery, Five, six, and seven-term Karatsuba-like formulae, 2005"

PROVEN: Mapping[int, Mapping[tuple[int, int], tuple[int, str]]] = {
    2: {
        (4, 4): (9, BDEZ),
        (5, 5): (13, BDEZ),
        (6, 6): (15, BDEZ),
        (7, 7): (18, CODE_TABLES),
        (8, 8): (20, CODE_TABLES),
    },
    3: {(3, 3): (6, BSHOUTY), (4, 4): (9, BSHOUTY), (5, 5): (12, BSHOUTY), (3, 6): (10, BDEZ)},
}
"""Lower bounds of single products of m <= n coefficients modulo 2 and 3; they hold for larger ones too."""

MONTGOMERY_RANKS = (13, 17, 22, 27, 34, 39, 46, 51, 60, 66, 75, 81, 94, 102)
INTEGER_TABLE = {(n, n): rank for n, rank in enumerate(MONTGOMERY_RANKS, 5)}
TABLES: Mapping[Ring, Mapping[tuple[int, int], int]] = {
    Ring.ZT: {},
    Ring.Z: INTEGER_TABLE,
    Ring.F2: {**INTEGER_TABLE, (8, 8): 26, (9, 9): 30, (10, 10): 35},
    Ring.F3: {**INTEGER_TABLE, (5, 5): 12, (3, 6): 10},
}
SOURCES = {
    Ring.ZT: KARATSUBA,
    Ring.Z: f"{KARATSUBA}; {MONTGOMERY}; composed of these",
    Ring.F2: f"{MONTGOMERY}; from 8 coefficients on H. Fan, M. A. Hasan, A survey of some recent bit-parallel GF(2^n) "
    "multipliers, 2015; composed of these",
    Ring.F3: f"{BSHOUTY}; {MONTGOMERY}; composed of these",
}
KNOWN_FOR = {Ring.ZT: EVERY_RING, Ring.Z: DIVISION_FREE, Ring.F2: field_of(2), Ring.F3: field_of(3)}
LIFTED: Mapping[tuple[int, int], int] = {(5, 6): 17, (5, 7): 22, (5, 8): 24, (7, 8): 26, (7, 9): 33}
"""Ranks over `zt` of m <= n coefficients that `evaluation` reaches by lifting; the tests build each of them."""
PLANNED = (Ring.Z, Ring.F2, Ring.F3)
LARGEST_INNER = 8
"""Coefficients of the inner formula, at most, where a formula is put into another."""


def lower_bounds(pairs: Sequence[tuple[int, int]]) -> list[LowerBound]:
    """Proven bounds of the product of polynomials in one variable for each pair of coefficient counts."""
    left, right = math.prod(m for m, _ in pairs), math.prod(n for _, n in pairs)
    outputs = math.prod(m + n - 1 for m, n in pairs)
    bounds = [LowerBound(outputs, EVERY_RING, "largest flattening rank: the outputs are independent")]
    for prime in PRIMES:
        length = max(griesmer(prime, left, right), griesmer(prime, right, left))
        bounds.append(LowerBound(length, modulo(prime), GRIESMER))
        if len(pairs) == 1:
            bounds += _single(prime, *sorted(pairs[0]))
    return bounds


def _single(prime: int, m: int, n: int) -> list[LowerBound]:
    """Bounds of one product of m <= n coefficients modulo a prime."""
    bounds = [
        LowerBound(rank, modulo(prime), source) for (a, b), (rank, source) in PROVEN[prime].items() if a <= m and b <= n
    ]
    if m >= 2 and m + n - 1 > prime + 1:
        source = f"m + n - 1 products need as many points, and there are {prime + 1} (S. Winograd 1977)"
        bounds.append(LowerBound(m + n, modulo(prime), source))
    return bounds


def griesmer(prime: int, dimension: int, distance: int) -> int:
    """The least length of a linear code, sum of ceil(distance / prime^i) over i below the dimension."""
    length, power = 0, 1
    for done in range(dimension):
        if power >= distance:
            return length + dimension - done
        length += -(-distance // power)
        power *= prime
    return length


def known_ranks(pairs: Sequence[tuple[int, int]]) -> list[KnownRank]:
    """Ranks of known schemes of the product of polynomials in one variable for each pair."""
    return product_of([_known(*sorted(pair)) for pair in pairs])


def _known(m: int, n: int) -> list[KnownRank]:
    found = [KnownRank(m + n - 1, INFINITE_FIELDS, TOOM)]
    for ring, rings in KNOWN_FOR.items():
        found.append(KnownRank(composed(m, n, ring), rings, SOURCES[ring]))
    if (m, n) in LIFTED:
        found.append(KnownRank(LIFTED[m, n], EVERY_RING, CONSTRUCTION))
    found += [KnownRank(product_rank(m, n, ring), KNOWN_FOR[ring], CONSTRUCTION) for ring in PLANNED]
    for prime in PRIMES:
        if m + n - 1 <= prime + 1:
            found.append(KnownRank(m + n - 1, field_of(prime), TOOM))
    return found


def pairwise(m: int, n: int) -> int:
    """Products of the scheme with a_i b_i and (a_i + a_j)(b_i + b_j) for i < j < m, and a_i b_j for j >= m; m <= n.

    Its coefficients are -1, 0 and 1. Each product reaches a window of at most n outputs, so that shifted copies do not
    add up: the coefficients stay in the set where it is put into another, and reduced modulo x^n + 1 or x^n - 1.
    """
    return m * (m + 1) // 2 + m * (n - m)


def composed(m: int, n: int, ring: Ring) -> int:
    """The rank that is reached by composing known formulas.

    Args:
        m: Coefficients of the left polynomial.
        n: Coefficients of the right one.
        ring: `zt`, `z`, `f2` or `f3`.
    """
    return _composed(min(m, n), max(m, n), ring)


@cache
def _composed(m: int, n: int, ring: Ring) -> int:
    """The least over a table, pairs, splitting, and putting a formula into another, for m <= n."""
    options = [pairwise(m, n), TABLES[ring].get((m, n), m * n)]
    if ring.characteristic and m + n - 1 <= ring.characteristic + 1:
        options.append(m + n - 1)
    if m < n:
        halves = composed(m, n // 2, ring) + composed(m, n - n // 2, ring)
        options += [halves, composed(m, n - m, ring) + composed(m, m, ring), composed(n, n, ring)]
    elif n > 3:
        high = n // 2
        options.append(2 * composed(n - high, n - high, ring) + composed(high, high, ring))
    for inner in range(2, min(m - 1, LARGEST_INNER) + 1):
        outer = composed(-(-m // inner), -(-n // inner), ring)
        options.append(outer * composed(inner, inner, ring))
    return min(options)


@cache
def ternary_convolution(n: int) -> int:
    """The rank modulo x^n + 1 or x^n - 1 that pairs of pairs reach with coefficients -1, 0 and 1."""
    inner = (d for d in range(2, n) if n % d == 0)
    return min([pairwise(n, n), *(ternary_convolution(d) * ternary_convolution(n // d) for d in inner)])


def _facts(arity: int) -> Facts:
    """Of a family with so many sizes a factor; its members have the tensor of a product of polynomials."""

    def pairs(target: Target) -> list[tuple[int, int]]:
        return [(sizes[0], sizes[-1]) for sizes in chunks(target.sizes, arity)]

    return Facts(lambda target: lower_bounds(pairs(target)), lambda target: known_ranks(pairs(target)))


OF_ONE_SIZE, OF_TWO_SIZES = _facts(1), _facts(2)

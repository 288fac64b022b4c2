"""What is proven and known of the rank of products modulo a polynomial P, over each field.

Over a field F, P = p_1^e_1 ... p_k^e_k, and F[x]/(P) is the product of the blocks F[x]/(p_i^e_i), of dimension d_i e_i
with d_i the degree of p_i. Any field needs 2n - k products, and an infinite one no more. Modulo 2 and 3 single blocks
need more, and over the integers a scheme must be one modulo 2 and modulo 3 as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from bilinear.decompositions.facts.constructed import CONSTRUCTION, block_rank, product_rank
from bilinear.decompositions.facts.fact import (
    DIVISION_FREE,
    EVERY_RING,
    GAUSSIAN,
    INFINITE_FIELDS,
    REAL,
    Facts,
    KnownRank,
    LowerBound,
    field_of,
    finite,
    modulo,
    product_of,
)
from bilinear.decompositions.facts.orbits import components
from bilinear.decompositions.facts.polynomial import (
    BDEZ,
    CODE_TABLES,
    GRIESMER,
    KARATSUBA,
    KNOWN_FOR,
    PLANNED,
    PRIMES,
    SOURCES,
    composed,
    griesmer,
    ternary_convolution,
)
from bilinear.decompositions.rings import Ring

Block = tuple[int, int]
"""Degree d of an irreducible factor and its exponent e."""

WINOGRAD = "2n - k for k different irreducible factors (S. Winograd 1977; A. Alder, V. Strassen 1981)"
REMAINDERS = "Chinese remainders, and evaluation for each factor: 2n - k (S. Winograd 1978, 1980)"
FINITE_REMAINDERS = (
    "Chinese remainders; fields: M. Cenk, F. Özbudak, On multiplication in finite fields, 2010, with Barbulescu et al. "
    "2012, in S. Ballet and others, On the tensor rank of multiplication, 2019 (arXiv:1906.07456); powers: "
    "A. Averbuch, Z. Galil, S. Winograd 1991; M. Cenk, F. Özbudak 2011"
)
BLASER = (
    "a block is of minimal rank only if the field is large enough (S. Winograd 1979; H. F. de Groote 1983; "
    "A. Averbuch, Z. Galil, S. Winograd 1988, 1991; M. Bläser 2005), the others add 2n - k (A. Alder, V. Strassen 1981)"
)
CHUDNOVSKY = "D. V. Chudnovsky, G. V. Chudnovsky, Algebraic complexities and algebraic curves over finite fields, 1988"
SHORT = "M. Cenk, F. Özbudak, Multiplication of polynomials modulo x^n, 2011"
FOLDED = "the product of polynomials, reduced"
LIFTED_CYCLIC, LIFTED_SHORT = {4: 8, 7: 24}, {7: 18, 9: 27}
"""Ranks over `zt` modulo x^n - 1 and modulo x^n that `evaluation` reaches by lifting."""

MAX_FACTORED = 64
"""The largest degree of a modulus that is factored for its bounds; beyond it that takes seconds."""

FIELD_PROVEN = {
    2: {3: (6, GRIESMER), 4: (9, CHUDNOVSKY), 5: (13, CODE_TABLES), 6: (15, CHUDNOVSKY), 7: (18, CODE_TABLES)},
    3: {4: (9, BDEZ)},
}
"""Lower bounds for the field of 2^d or 3^d elements, by d, where they beat the general ones."""
FIELD_RANKS = {
    2: dict(enumerate((3, 6, 9, 13, 15, 22, 24, 30, 33, 39, 42, 48, 51, 54, 60, 67, 69), 2)),
    3: dict(enumerate((3, 6, 9, 11, 15, 19, 21, 26, 27, 34, 36, 42, 45, 50, 54, 58, 62), 2)),
}
"""Of the fields of 2^d and 3^d elements, by d: the table of the survey by Ballet and others."""
SHORT_PROVEN = {2: {5: (10, BDEZ)}}
SHORT_RANKS = {6: 14, 7: 18, 8: 22, 9: 27, 10: 31, 11: 36}
"""Of products modulo x^n over any ring, where they beat those of pairs."""
SHORT_RANKS_BDEZ = {3: {5: 10}}


def blocks_bounds(blocks: Sequence[Block], prime: int) -> list[LowerBound]:
    """Bounds for a modulus that splits so modulo 2 or 3."""
    minimal = [2 * d * e - 1 for d, e in blocks]
    bounds = [LowerBound(sum(minimal), modulo(prime), WINOGRAD)]
    for (d, e), least in zip(blocks, minimal, strict=True):
        rank, source = _block_proven(prime, d, e)
        if rank > least:
            bounds.append(LowerBound(sum(minimal) - least + rank, modulo(prime), source))
    return bounds


def _block_proven(prime: int, d: int, e: int) -> tuple[int, str]:
    """What is proven of F[x]/(p^e), p of degree d, with its source."""
    dimension = d * e
    needed = 2 * e - 4 if d == 1 else 2 * dimension - 2
    general = (2 * dimension - (prime >= needed), BLASER)
    if e == 1:
        return max(general, (griesmer(prime, d, d), GRIESMER), FIELD_PROVEN[prime].get(d, general))
    return max(general, SHORT_PROVEN.get(prime, {}).get(e, general)) if d == 1 else general


def blocks_ranks(blocks: Sequence[Block], prime: int, source: str) -> list[KnownRank]:
    """The rank that Chinese remaindering reaches modulo 2 or 3: by what is published, and by what is built here."""
    published = [_block_rank(prime, d, e) for d, e in blocks]
    best = [min(rank, block_rank(prime, d, e)) for rank, (d, e) in zip(published, blocks, strict=True)]
    field = field_of(prime)
    return [KnownRank(sum(published), field, source), KnownRank(sum(best), field, f"{CONSTRUCTION}; {source}")]


@cache
def _block_rank(prime: int, d: int, e: int) -> int:
    folded = _full(prime, d * e)
    if d == 1:
        return min(folded, _short_rank(prime, e))
    field = min(_full(prime, d), FIELD_RANKS[prime].get(d, folded))
    return min(folded, field * _short_rank(prime**d, e))


def _full(prime: int, n: int) -> int:
    return composed(n, n, finite(prime))


def _short_rank(order: int, n: int) -> int:
    """The known rank of products modulo x^n over a field of that many elements."""
    if n == 1 or order >= 2 * n - 4:
        return 2 * n - 1
    return min(
        SHORT_RANKS.get(n, composed(n, n, Ring.Z)), short_pairwise(n), SHORT_RANKS_BDEZ.get(order, {}).get(n, n * n)
    )


def short_pairwise(n: int) -> int:
    """Products of the scheme modulo x^n with a_i b_i and (a_i + a_j)(b_i + b_j), coefficients -1, 0 and 1."""
    return n * n // 4 + n


def folded_ranks(n: int) -> list[KnownRank]:
    """Ranks of the scheme that multiplies two polynomials of n coefficients and reduces, over sets without division."""
    known = []
    for ring in PLANNED:
        known.append(KnownRank(composed(n, n, ring), KNOWN_FOR[ring], f"{FOLDED}: {SOURCES[ring]}"))
        known.append(KnownRank(product_rank(n, n, ring), KNOWN_FOR[ring], f"{FOLDED}: {CONSTRUCTION}"))
    return known


def convolution_bounds(lengths: Sequence[int], sign: int) -> list[LowerBound]:
    """Bounds modulo x^n - sign in one variable for each length."""
    dimension = math.prod(lengths)
    bounds = []
    for ring, rings in ((Ring.Q, REAL), (Ring.QI, GAUSSIAN)):
        bounds.append(LowerBound(2 * dimension - len(components(lengths, sign, ring)), rings, WINOGRAD))
    for prime in PRIMES:
        degrees = components(lengths, sign, finite(prime))
        if len(lengths) == 1:
            exponent = dimension // sum(degrees)
            bounds += blocks_bounds([(d, exponent) for d in degrees], prime)
        else:
            bounds.append(LowerBound(2 * dimension - len(degrees), modulo(prime), WINOGRAD))
    return bounds


def convolution_ranks(lengths: Sequence[int], sign: int) -> list[KnownRank]:
    """Known ranks modulo x^n - sign in one variable for each length."""
    known = product_of([_one_convolution(n, sign) for n in lengths])
    for ring in (Ring.Q, Ring.QI):
        rank = 2 * math.prod(lengths) - len(components(lengths, sign, ring))
        known.append(KnownRank(rank, frozenset({ring}), REMAINDERS))
    return known


def _one_convolution(n: int, sign: int) -> list[KnownRank]:
    known = [KnownRank(ternary_convolution(n), EVERY_RING, f"{FOLDED}: {KARATSUBA}"), *folded_ranks(n)]
    if sign == 1 and n in LIFTED_CYCLIC:
        known.append(KnownRank(LIFTED_CYCLIC[n], EVERY_RING, CONSTRUCTION))
    for prime in PRIMES:
        degrees = components((n,), sign, finite(prime))
        blocks = [(d, n // sum(degrees)) for d in degrees]
        known += blocks_ranks(blocks, prime, FINITE_REMAINDERS)
    return known


def short_bounds(lengths: Sequence[int]) -> list[LowerBound]:
    """Bounds modulo x^n in one variable for each length: a local algebra, k = 1."""
    dimension = math.prod(lengths)
    bounds = [LowerBound(2 * dimension - 1, EVERY_RING, WINOGRAD)]
    if len(lengths) == 1:
        for prime in PRIMES:
            bounds += blocks_bounds([(1, dimension)], prime)
    return bounds


def short_ranks(lengths: Sequence[int]) -> list[KnownRank]:
    """Known ranks modulo x^n in one variable for each length."""
    return product_of([_one_short(n) for n in lengths])


def _one_short(n: int) -> list[KnownRank]:
    known = [
        KnownRank(2 * n - 1, INFINITE_FIELDS, REMAINDERS),
        KnownRank(short_pairwise(n), EVERY_RING, KARATSUBA),
        KnownRank(SHORT_RANKS.get(n, composed(n, n, Ring.Z)), DIVISION_FREE, SHORT if n in SHORT_RANKS else FOLDED),
    ]
    if n in LIFTED_SHORT:
        known.append(KnownRank(LIFTED_SHORT[n], EVERY_RING, CONSTRUCTION))
    for prime in PRIMES:
        known += blocks_ranks([(1, n)], prime, f"{SHORT}; {BDEZ}")
    return known


def modulus_bounds(coefficients: Sequence[int]) -> list[LowerBound]:
    """Bounds modulo a monic polynomial, given by rising powers."""
    n = len(coefficients) - 1
    bounds = [LowerBound(n, EVERY_RING, "largest flattening rank: an algebra with 1")]
    if n > MAX_FACTORED:
        return bounds
    for ring, rings in ((Ring.Q, REAL), (Ring.QI, GAUSSIAN)):
        bounds.append(LowerBound(2 * n - len(_factors(tuple(coefficients), ring)), rings, WINOGRAD))
    for prime in PRIMES:
        bounds += blocks_bounds(_factors(tuple(coefficients), finite(prime)), prime)
    return bounds


def modulus_ranks(coefficients: Sequence[int]) -> list[KnownRank]:
    """Known ranks modulo a monic polynomial, given by rising powers."""
    n = len(coefficients) - 1
    known = folded_ranks(n)
    if n > MAX_FACTORED:
        return known
    for ring in (Ring.Q, Ring.QI):
        rank = 2 * n - len(_factors(tuple(coefficients), ring))
        known.append(KnownRank(rank, frozenset({ring}), REMAINDERS))
    for prime in PRIMES:
        blocks = _factors(tuple(coefficients), finite(prime))
        known += blocks_ranks(blocks, prime, FINITE_REMAINDERS)
    return known


@cache
def _factors(coefficients: tuple[int, ...], ring: Ring) -> tuple[Block, ...]:
    """The blocks of a polynomial over `q`, `qi`, `f2` or `f3`."""
    import sympy

    x = sympy.Symbol("x")
    options = (
        {"modulus": ring.characteristic} if ring.characteristic else {"domain": "QQ_I" if ring is Ring.QI else "QQ"}
    )
    polynomial = sympy.Poly(coefficients[::-1], x, **options)
    return tuple((factor.degree(), exponent) for factor, exponent in polynomial.factor_list()[1])


CYCLIC = Facts(lambda target: convolution_bounds(target.sizes, 1), lambda target: convolution_ranks(target.sizes, 1))
NEGACYCLIC = Facts(
    lambda target: convolution_bounds(target.sizes, -1), lambda target: convolution_ranks(target.sizes, -1)
)
SHORTMUL = Facts(lambda target: short_bounds(target.sizes), lambda target: short_ranks(target.sizes))
POLYMOD = Facts(lambda target: modulus_bounds(target.sizes), lambda target: modulus_ranks(target.sizes))

"""The cheapest known products of polynomials over finite fields and the integers: plans are compared, one is built.

`product` is that of whole polynomials, `local_plan` one modulo a power of an irreducible polynomial, `clipped` the
lowest coefficients, `field_multiplication` that of an extension field. Each is made of smaller ones of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import numpy as np

from bilinear.decompositions.evaluation.completion import IntMatrix, completed
from bilinear.decompositions.evaluation.crt import Place, remaindered
from bilinear.decompositions.evaluation.extension import factor_over
from bilinear.decompositions.evaluation.fields import INTEGERS, TERNARY, Elements, Field
from bilinear.decompositions.evaluation.finite import MAX_ORDER, GaloisField, galois, prime_field, solved
from bilinear.decompositions.evaluation.formula import Formula, coordinates, descended, padded, together
from bilinear.decompositions.evaluation.integral import SIX_TERMS, six_terms
from bilinear.decompositions.evaluation.lifted import LARGEST, lifted_product
from bilinear.decompositions.evaluation.pieces import LocalPlan, Plan, block_sizes, in_blocks, pairwise, schoolbook
from bilinear.decompositions.evaluation.places import cheapest_places, places_of
from bilinear.decompositions.evaluation.polynomials import (
    Polynomial,
    polynomial,
    power,
    reduction,
)

COMPARED = 32
"""Coefficients up to which all cuts and blocks are compared."""
SHORTEST_HALVED = 6
"""Coefficients beyond which they are halved over `TERNARY` where that takes fewer products; of fewer, liftings do."""
FEW_BLOCKS = 4
"""Blocks, or coefficients of one, that are tried beyond."""
LONGEST_REMAINDERS = 1200
"""Coefficients of a product over a finite field up to which they are interpolated, in seconds."""
COMPLETED = {2: {(5, 9): 13, (6, 11): 17, (5, 6): 12, (6, 7): 16}, 3: {(4, 5): 8, (5, 6): 11, (5, 5): 11}}
"""Ranks that completing the span finds modulo 2 and 3, by size and outputs; for maps not listed it saves no product."""


def _cheapest(plans: Iterator[Plan]) -> Plan:
    return min(plans, key=lambda plan: plan.rank)


@cache
def product(field: Field, m: int, n: int) -> Plan:
    """The product of polynomials with m and n coefficients over a finite field, or the integers.

    Source:
        Places with multiplicities as in M. Cenk, F. Özbudak, "On multiplication in finite fields", Journal of
        Complexity 26, 2010. We also split, nest and complete spans, and take what is cheapest.
    """
    if m > n:
        turned = product(field, n, m)
        return Plan(turned.rank, lambda: turned.build().mirrored(), turned.window)
    best = _cheapest(_products(field, m, n))
    if field is INTEGERS:
        return _lifted(best, m, n)
    return _completed(best, field, m, 2 * m - 1) if m == n else best


def _lifted(plan: Plan, m: int, n: int) -> Plan:
    """Over the integers: a product of lower rank lifted from a finite field."""
    if max(m, n) > LARGEST:
        return plan
    over = sorted(((field, product(field, m, n)) for field in map(prime_field, (2, 3))), key=lambda pair: pair[1].rank)
    found = lifted_product(m, n, ((field, other.build()) for field, other in over if other.rank < plan.rank))
    return plan if found is None else Plan(found.rank, lambda: found)


def _completed(plan: Plan, field: Field, size: int, out: int, folding: IntMatrix | None = None) -> Plan:
    """A plan of lower rank found by completing the span, where the field and the map are small enough for that.

    Args:
        plan: Of the first `out` coefficients of the product of two polynomials with `size` of them.
        field: Of the coefficients.
        size: Of both factors.
        out: Outputs.
        folding: From 2 size - 1 coefficients to the outputs, where these are others.
    """
    if not isinstance(field, GaloisField) or field.degree > 1:
        return plan
    rank = COMPLETED.get(field.prime, {}).get((size, out), plan.rank)
    if rank >= plan.rank:
        return plan
    i, j, k = np.indices((size, size, out if folding is None else 2 * size - 1))
    tensor = np.asarray(i + j == k, dtype=np.int64)
    found = completed(field.prime, tensor if folding is None else tensor @ folding.T, rank)
    return plan if found is None else Plan(found.rank, lambda: found)


def _products(field: Field, m: int, n: int) -> Iterator[Plan]:
    yield Plan(m * n, lambda: schoolbook(field, m, n, m + n - 1), 1)
    if m == 1:
        return
    places = None if field is TERNARY else _at_places(field, m, n)
    if places is not None:
        yield places
    if m == n:
        yield Plan(m * (m + 1) // 2, lambda: pairwise(field, m), m)
    if field is INTEGERS and m == n == 6:
        yield Plan(len(SIX_TERMS), six_terms)
    for first in _cuts(m, n):
        yield _split(field, m, first, n - first)
    for size in _block_sizes(field, m, n):
        yield from _nested(field, m, n, size)
    if n > (SHORTEST_HALVED if field is TERNARY else COMPARED):
        yield _even_and_odd_terms(field, m, n)


def _cuts(m: int, n: int) -> Iterable[int]:
    """Where the right factor is cut in two: anywhere, or where a square piece ends of a long one."""
    if n <= COMPARED:
        return range(1, n // 2 + 1)
    return sorted({n % m, m, n // 2 // m * m or m} - {0}) if m < n else ()


def _block_sizes(field: Field, m: int, n: int) -> Iterable[int]:
    """Coefficients of a block: any number; of long factors over finite fields so that blocks are few, or short."""
    if m == 2 or n <= COMPARED:
        return range(2, n) if m > 2 else ()
    few = {*range(2, FEW_BLOCKS + 1), *(-(-n // blocks) for blocks in range(2, FEW_BLOCKS + 1))}
    return sorted(few if isinstance(field, GaloisField) or m < n else range(2, n))


def _split(field: Field, m: int, first: int, second: int) -> Plan:
    """The right factor in two pieces."""
    low, high = product(field, m, first), product(field, m, second)

    def build() -> Formula:
        left, right, out = field.identity(m), field.identity(first + second), field.identity(m + first + second - 1)
        parts = (
            low.build().around(left, right[:first], out[:, : m + first - 1]),
            high.build().around(left, right[first:], out[:, first:]),
        )
        return together(parts)

    return Plan(low.rank + high.rank, build, max(low.window, high.window))


def _even_and_odd_terms(field: Field, m: int, n: int) -> Plan:
    """A(x^2) + x B(x^2), Karatsuba's three products; none reaches an output twice, so that signs stay signs."""
    even, odd = product(field, -(-m // 2), -(-n // 2)), product(field, m // 2, n // 2)

    def terms(offset: int, width: int) -> Elements:
        return field.array((np.arange(m + n - 1)[:, None] == 2 * np.arange(width) + offset).astype(np.int64))

    def added(length: int) -> Elements:
        whole = field.identity(length)
        sums = whole[::2].copy()
        sums[: length // 2] = field.plus(sums[: length // 2], whole[1::2])
        return sums

    def build() -> Formula:
        left, right = field.identity(m), field.identity(n)
        long, short = -(-m // 2) + -(-n // 2) - 1, m // 2 + n // 2 - 1
        parts = (
            even.build().around(left[::2], right[::2], field.minus(terms(0, long), terms(1, long))),
            even.build().around(added(m), added(n), terms(1, long)),
            odd.build().around(left[1::2], right[1::2], field.minus(terms(2, short), terms(1, short))),
        )
        return together(parts)

    return Plan(2 * even.rank + odd.rank, build, 2 * max(even.window, odd.window))


def _stays_ternary(field: Field, inner: Plan, shift: int) -> bool:
    """Whether copies of a formula shifted by so many outputs do not add up; of interest over `TERNARY` alone."""
    return field is not TERNARY or inner.window <= shift


def _nested(field: Field, m: int, n: int, size: int) -> Iterator[Plan]:
    """Polynomials in x^size, whose coefficients are polynomials of up to `size` coefficients; see `_stays_ternary`."""
    outer, inner = (product(field, *sizes) for sizes in block_sizes(m, n, size))
    if _stays_ternary(field, inner, size):
        window = (outer.window - 1) * size + inner.window
        yield Plan(outer.rank * inner.rank, lambda: in_blocks(outer.build(), inner.build(), m, n, size), window)


def _at_places(field: Field, m: int, n: int) -> Plan | None:
    """By Chinese remainders, at the cheapest places; None if there are not enough of them, or interpolation is long."""
    longest = 2 * COMPARED if field is INTEGERS else LONGEST_REMAINDERS
    if m + n - 1 > longest:
        return None
    found = cheapest_places(field, m + n - 1, lambda d, exponent: _place_rank(field, d, exponent, m, n))
    if found is None:
        return None
    rank, chosen = found
    return Plan(rank, lambda: remaindered(places_of(field, chosen), m, n, field, local_product(field)))


def _place_rank(field: Field, d: int, exponent: int, m: int, n: int) -> int | None:
    """Products of a place; None where it is as large as the whole problem."""
    a, b = min(m, d * exponent), min(n, d * exponent)
    return None if (a, b) == (m, n) else local_plan(field, d, exponent, a, b).rank


def local_product(field: Field) -> Callable[[Place, int, int], Formula]:
    """What Chinese remaindering over this field does at a place."""

    def product_at(place: Place, a: int, b: int) -> Formula:
        return local_plan(field, place.degree // place.exponent, place.exponent, a, b).build(place)

    return product_at


@cache
def local_plan(field: Field, d: int, exponent: int, a: int, b: int) -> LocalPlan:
    """Factors of a and b coefficients modulo the power of an irreducible polynomial of degree d."""
    return min(_local_plans(field, d, exponent, a, b), key=lambda plan: plan.rank)


def _local_plans(field: Field, d: int, exponent: int, a: int, b: int) -> Iterator[LocalPlan]:
    whole = product(field, a, b)
    yield LocalPlan(whole.rank, lambda place: reduced(whole.build(), place.modulus(field), field))
    if d == 1 and exponent > 1:
        yield _at_a_point(field, exponent, a, b)
    if isinstance(field, GaloisField) and field.degree == 1:
        for inner in _extensions(field, d):
            yield _through_extension(field, d, exponent, inner, a, b)


def _extensions(field: GaloisField, d: int) -> list[int]:
    """Degrees of the fields between the prime field and its extension of degree d, this one included."""
    return [inner for inner in range(2, d + 1) if d % inner == 0 and field.prime**inner <= MAX_ORDER]


@cache
def field_multiplication(field: GaloisField, d: int) -> Plan:
    """Multiplication in the extension of degree d, in the coordinates of `galois`."""
    modulus = polynomial(field, galois(field.prime, d).modulus)
    whole = product(field, d, d)
    plans = [Plan(whole.rank, lambda: reduced(whole.build(), modulus, field))]
    for inner in _extensions(field, d)[:-1]:
        above = _through_extension(field, d, 1, inner, d, d)
        plans.append(Plan(above.rank, partial(above.build, Place(modulus))))
    folding = reduction(modulus, 2 * d - 1, field)
    return _completed(_cheapest(iter(plans)), field, d, d, folding)


def reduced(formula: Formula, modulus: Polynomial, field: Field) -> Formula:
    """The remainder of a formula's result."""
    folded = field.matmul(formula.w, reduction(modulus, formula.w.shape[1], field).T)
    return Formula(field, formula.u, formula.v, folded)


def _at_a_point(field: Field, size: int, a: int, b: int) -> LocalPlan:
    """Modulo (x - a)^size, as modulo x^size for polynomials in x - a."""
    short = truncated(field, size)

    def build(place: Place) -> Formula:
        back = field.identity(size) if place.base is None else _powers(place.base, size, field)
        there = solved(back, field.identity(size), field)
        return short.build().around(there[:, :a], there[:, :b], back)

    return LocalPlan(short.rank, build)


def _powers(line: Polynomial, size: int, field: Field) -> Elements:
    """Coefficients of the powers of x - a as columns, shape (size, size)."""
    matrix = field.zeros(size, size)
    for column in range(size):
        matrix[: column + 1, column] = field.gathered(list(power(line, column, field)))
    return matrix


def _through_extension(field: GaloisField, d: int, exponent: int, inner: int, a: int, b: int) -> LocalPlan:
    """The ring modulo f^e over the prime field is one modulo g^e over an extension, where g is a factor of f there."""
    extension = galois(field.prime, inner)
    size = d // inner * exponent
    above = local_plan(extension, d // inner, exponent, size, size)
    below = field_multiplication(field, inner)

    def build(place: Place) -> Formula:
        assert place.base is not None
        over = Place(factor_over(place.base, extension), exponent)
        residues = coordinates(over.residues(d * exponent, extension), extension)
        back = solved(residues, field.identity(d * exponent), field)
        formula = descended(above.build(over), extension, below.build())
        return formula.around(residues[:, :a], residues[:, :b], back)

    return LocalPlan(above.rank * below.rank, build)


@cache
def truncated(field: Field, size: int) -> Plan:
    """The product of two polynomials modulo x^size."""
    return clipped(field, size, size)


@cache
def clipped(field: Field, size: int, out: int) -> Plan:
    """The first `out` coefficients of the product of two polynomials with `size` coefficients, size <= out."""
    return _completed(_cheapest(_clipped(field, size, out)), field, size, out)


def _clipped(field: Field, size: int, out: int) -> Iterator[Plan]:
    whole = product(field, size, size)
    yield Plan(whole.rank, lambda: whole.build().shortened(out))
    if size == out:
        yield Plan(size * (size + 1) // 2, lambda: schoolbook(field, size, size, size))
        for low in range((size + 1) // 2, size):
            yield _low_and_crosses(field, size, low)
        if size > 2:
            yield _even_and_odd(field, size)


def _low_and_crosses(field: Field, size: int, low: int) -> Plan:
    """Modulo x^size: low parts, and the two cross products, whose upper halves are not needed."""
    first, short = clipped(field, low, min(2 * low - 1, size)), truncated(field, size - low)

    def build() -> Formula:
        identity, rest = field.identity(size), size - low
        parts = [first.build().around(identity[:low], identity[:low], identity[:, : 2 * low - 1])]
        for x, y in ((0, low), (low, 0)):
            parts.append(short.build().around(identity[x : x + rest], identity[y : y + rest], identity[:, low:]))
        return together(parts)

    return Plan(first.rank + 2 * short.rank, build)


def _even_and_odd(field: Field, size: int) -> Plan:
    """Modulo x^size: A(x^2) + x B(x^2), Karatsuba's three products, each as short as it may be."""
    evens, odds = (size + 1) // 2, size // 2
    even, odd = truncated(field, evens), truncated(field, odds)

    def build() -> Formula:
        identity = field.identity(size)
        a, b = identity[::2], identity[1::2]
        shifted, down = padded(a[1:].T, odds, field).T, field.array(-np.eye(odds, evens, dtype=np.int64))
        parts = (
            even.build().around(a, a, field.plus(a.T, field.matmul(b.T, down))),
            odd.build().around(b, b, field.minus(shifted.T, b.T)),
            odd.build().around(field.plus(a[:odds], b), field.plus(a[:odds], b), b.T),
        )
        return together(parts)

    return Plan(even.rank + 2 * odd.rank, build)

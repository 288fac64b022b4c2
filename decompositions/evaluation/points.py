"""Points of evaluation over infinite fields: read from a user's list, or chosen by additions or by accuracy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import gcd, sqrt
from typing import Any

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.evaluation.crt import Place, remaindered, written
from bilinear.decompositions.evaluation.fields import Elements, Field, Gaussian
from bilinear.decompositions.evaluation.finite import GaloisField
from bilinear.decompositions.evaluation.formula import Formula
from bilinear.decompositions.evaluation.polynomials import factored, polynomial
from bilinear.decompositions.rings import Ring

ADDITIONS, ACCURACY = "additions", "accuracy"
PREFERENCES = (ADDITIONS, ACCURACY)
SPARE = 6
"""Points beyond the number needed that the choice may fall on."""
MAX_CHOSEN = {Ring.Q: 10, Ring.QI: 5}
"""Above these numbers the first points are taken as they come; the exchange would take seconds."""

_POINT = re.compile(r"(?P<real>[+-]?[0-9]+(?:/[0-9]+)?(?![0-9/]*i))?(?:(?P<imag>[+-]?(?:[0-9]+(?:/[0-9]+)?)?)i)?")
_UNITS = {None: "0", "": "1", "+": "1", "-": "-1"}
INFINITY = "inf"


def parse_points(text: str, field: Field) -> list[Place]:
    """Places from "0,1,-1,1/2,i,inf".

    Raises:
        TargetError: If a text is no point of the field, or a point is given twice.
    """
    places: list[Place] = []
    for part in _parts(text, ","):
        place = Place(None) if part == INFINITY else Place((-_number(part, field), field.one))
        if place in places:
            raise TargetError(f"{written(place)} is given twice among the points {text[:60]}; give each of them once")
        places.append(place)
    return places


def parse_moduli(text: str, field: Field) -> list[Place]:
    """Places from "0,1;1,1,1;inf": ascending coefficients of monic polynomials, which are split into their factors.

    Raises:
        TargetError: If a polynomial is not monic, or a coefficient no number of the field.
    """
    places: list[Place] = []
    for part in _parts(text, ";"):
        if part == INFINITY:
            places.append(Place(None))
            continue
        coefficients = [_number(number, field) for number in part.split(",")]
        if len(coefficients) < 2 or coefficients[-1] != field.one:
            raise TargetError(f"modulus {part[:40]} is not monic; the last of its ascending coefficients must be 1")
        places += [Place(base, exponent) for base, exponent in factored(tuple(coefficients), field)]
    return places


def _parts(text: str, separator: str) -> list[str]:
    return "".join(text.lower().split()).split(separator)


def _number(text: str, field: Field) -> Any:
    """A number of the field."""
    match = _POINT.fullmatch(text)
    if match is None or not text or text in "+-":
        raise TargetError(f"{text[:20]!r} is no point; points are written 0, -1, 1/2, 2i, 1+i or inf")
    try:
        real, imag = Fraction(match["real"] or 0), Fraction(_UNITS.get(match["imag"], match["imag"]))
    except ZeroDivisionError:
        raise TargetError(f"{text[:20]!r} divides by zero; infinity is written inf") from None
    if field.ring is Ring.QI:
        return Gaussian(real, imag)
    if imag:
        raise TargetError(f"{text[:20]!r} is no number of {field.ring}; declare the ring qi, or leave it out")
    if not isinstance(field, GaloisField):
        return real
    if real.denominator == 1 and 0 <= real < field.order:
        return field.element(real)
    raise TargetError(
        f"{text[:20]!r} is no element of {field.ring}, which has {field.order}; leave the points out, and points of "
        "extension fields are taken"
    )


def candidates(field: Field) -> Iterator[Place]:
    """Infinitely many points, simple ones first: 0, infinity, 1, -1 and over `qi` i, -i, then by height."""
    yield Place(polynomial(field, (0, 1)))
    yield Place(None)
    yield from (Place((-value, field.one)) for value in _by_height(field))


def _by_height(field: Field) -> Iterator[Any]:
    """Nonzero numbers; p/q has height max(|p|, q), the integers of a height stand before its fractions."""
    for height in itertools.count(1):
        fractions = [(height, q) for q in range(1, height + 1)] + [(p, height) for p in range(1, height)]
        for p, q in sorted((pair for pair in fractions if gcd(*pair) == 1), key=lambda pair: (pair[1] > 1, pair)):
            for sign in (1, -1):
                yield field.element(Fraction(sign * p, q))
                if field.ring is Ring.QI:
                    yield Gaussian(Fraction(0), Fraction(sign * p, q))
        if field.ring is Ring.QI:
            yield from (Gaussian(Fraction(a * height), Fraction(b * height)) for a in (1, -1) for b in (1, -1))


@cache
def chosen_points(field: Field, m: int, n: int, prefer: str) -> tuple[Place, ...]:
    """Points for the product of polynomials with m and n coefficients over an infinite field.

    One point after another, and one pair a, -a after another, is exchanged for a spare one while that helps.

    Args:
        field: Rationals or Gaussian rationals.
        m: Coefficients of the left factor.
        n: Coefficients of the right factor.
        prefer: `additions`: few additions, then few coefficients beyond 1 and -1, then accuracy. `accuracy`: the sum
            over products of the factor rows' norms, which bounds the growth of rounding errors.
    """
    count = m + n - 1
    improved = count <= MAX_CHOSEN[field.ring]
    pool = list(itertools.islice(candidates(field), count + SPARE * improved))
    chosen = tuple(pool[:count])
    best = _score(chosen, m, n, field, prefer)
    while improved:
        improved = False
        for following in _exchanges(chosen, pool):
            score = _score(following, m, n, field, prefer)
            if score < best:
                chosen, best, improved = following, score, True
    return tuple(place for place in pool if place in chosen)


def _exchanges(chosen: Sequence[Place], pool: Sequence[Place]) -> Iterator[tuple[Place, ...]]:
    spare = [place for place in pool if place not in chosen]
    singles = (((old,), (new,)) for old, new in itertools.product(chosen, spare))
    pairs = itertools.product(_pairs(chosen), _pairs(spare))
    for old, new in itertools.chain[tuple[tuple[Place, ...], tuple[Place, ...]]](singles, pairs):
        yield (*(place for place in chosen if place not in old), *new)


def _pairs(places: Sequence[Place]) -> list[tuple[Place, ...]]:
    """Points a and -a."""
    finite = [(place, place.base[0]) for place in places if place.base is not None and place.base[0]]
    return [(x, y) for (x, a), (y, b) in itertools.combinations(finite, 2) if a == -b]


def negated(places: Sequence[Place]) -> tuple[Place, ...]:
    """The points -a."""
    return tuple(place if place.base is None else Place((-place.base[0], place.base[1])) for place in places)


def weight(factor: Elements) -> int:
    """Coefficients that are not zero, those beyond units counted twice."""
    sizes = [size for row in _sizes(factor) for size in row if size]
    return len(sizes) + sum(size != 1 for size in sizes)


def at_points(places: Sequence[Place], m: int, n: int, field: Field) -> Formula:
    """The product by evaluation and interpolation: one product a point."""
    return remaindered(places, m, n, field, lambda place, a, b: _one_product(field))


def _one_product(field: Field) -> Formula:
    return Formula(field, field.identity(1), field.identity(1), field.identity(1))


def _score(places: Sequence[Place], m: int, n: int, field: Field, prefer: str) -> tuple[float, ...]:
    """Additions, coefficients beyond units, growth; or growth first."""
    formula = at_points(places, m, n, field)
    factors = (formula.u, formula.v, formula.w)
    nonzeros = sum(bool(x) for factor in factors for x in factor.ravel().tolist())
    sizes = [_sizes(factor) for factor in factors]
    growth = sum(a * b * c for a, b, c in zip(*([sqrt(sum(row)) for row in size] for size in sizes), strict=True))
    scaled = sum(x not in (0, 1) for size in sizes for row in size for x in row)
    return (round(growth, 9), nonzeros) if prefer == ACCURACY else (nonzeros, scaled, round(growth, 9))


def _sizes(factor: Elements) -> list[list[float]]:
    """Squared absolute values."""
    return [[float(x.real * x.real + x.imag * x.imag) for x in row] for row in factor.tolist()]

"""Which powers of polynomials a product is computed modulo, over fields that have few points: as a knapsack."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from bilinear.decompositions.evaluation.crt import Place
from bilinear.decompositions.evaluation.fields import Field
from bilinear.decompositions.evaluation.finite import GaloisField
from bilinear.decompositions.evaluation.integral import COMAXIMAL
from bilinear.decompositions.evaluation.polynomials import Polynomial, count_irreducibles, irreducibles, polynomial

LARGEST_PLACE = {2: 3, 3: 2, 4: 2}
"""Highest degree of a place that is tried over an extension field, by its degree over the prime field; 1 beyond."""
USUAL_PLACE, HIGHEST_PLACE = {2: 8, 3: 8}, 12
"""Highest degrees over prime fields: those that are always tried, and that of products of any length."""
LARGEST_POWER = 6
LARGEST_LOCAL = 48
"""Coefficients of a residue, at most."""

Chosen = tuple[tuple[int, int], ...]
"""Degree and exponent of places."""
Cost = Callable[[int, int], int | None]
"""From the degree of a polynomial and its exponent to the products of that place; None where it may not be taken."""

_NEVER = 1 << 40


def cheapest_places(field: Field, total: int, cost: Cost) -> tuple[int, Chosen] | None:
    """The fewest products of places of that total degree, and the places; None if there are not enough of them.

    Source:
        Places with multiplicities as in M. Cenk, F. Özbudak, "On multiplication in finite fields", Journal of
        Complexity 26, 2010.
    """
    if field.order is not None and field.order + 1 >= total:
        one = cost(1, 1)
        return None if one is None else (total * one, ((1, 1),) * total)
    best = np.full(total + 1, _NEVER)
    best[0] = 0
    taken = []
    for d in range(1, min(_largest_degree(field, total), total) + 1):
        highest = max(1, min(LARGEST_POWER, total // d, LARGEST_LOCAL // d))
        costs = [(e, cost(d, e)) for e in range(1, highest + 1)]
        powers = [(e, price) for e, price in reversed(costs) if price is not None]
        for _ in range(min(_count(field, d), total // d)):
            following, exponents = best.copy(), np.zeros(total + 1, np.int64)
            for e, price in powers:
                reached = best[: total + 1 - d * e] + price
                better = reached < following[d * e :]
                following[d * e :][better], exponents[d * e :][better] = reached[better], e
            best = following
            taken.append((d, exponents))
    if best[total] >= _NEVER:
        return None
    chosen, left = [], total
    for d, exponents in reversed(taken):
        if exponents[left]:
            chosen.append((d, int(exponents[left])))
            left -= d * chosen[-1][1]
    return int(best[total]), tuple(chosen)


def _largest_degree(field: Field, total: int) -> int:
    """Places of higher degrees take more products for each coefficient; they are tried where others may run out."""
    if not isinstance(field, GaloisField):
        return max(COMAXIMAL)
    if field.degree > 1:
        return LARGEST_PLACE.get(field.degree, 1)
    enough = int(math.log(total, field.prime)) + 2
    return max(USUAL_PLACE.get(field.prime, 2), min(enough, HIGHEST_PLACE))


def _count(field: Field, d: int) -> int:
    """Number of places of a degree, infinity with those of degree 1."""
    found = count_irreducibles(field.order, d) if isinstance(field, GaloisField) else len(COMAXIMAL[d])
    return found + (d == 1)


def _bases(field: Field, d: int) -> Iterator[Polynomial | None]:
    """Their polynomials."""
    if isinstance(field, GaloisField):
        yield from irreducibles(field, d)
    else:
        yield from (polynomial(field, coefficients) for coefficients in COMAXIMAL[d])
    if d == 1:
        yield None


def places_of(field: Field, chosen: Chosen) -> list[Place]:
    """Places with these degrees and exponents: the first polynomials of each degree."""
    found = []
    for d in sorted({d for d, _ in chosen}):
        exponents = sorted((e for degree, e in chosen if degree == d), reverse=True)
        found += [Place(base, e) for e, base in zip(exponents, _bases(field, d), strict=False)]
    return found

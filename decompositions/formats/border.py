"""Schemes in a symbol x whose sum is the map and something that vanishes with x: border rank, decided exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from bilinear.decompositions.formats.expressions import Laurent
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.targets import Target
from bilinear.decompositions.verify import Verification

MAX_SUMMANDS = 1 << 22
"""Products of three terms that are summed."""

WIDE = 4096
"""Bits of numbers from which on a summand counts twice."""

FIELD = "Q[x, 1/x]"

Row = dict[int, Laurent]
"""Nonzero coefficients of one product, by coordinate."""


@dataclass(frozen=True)
class Border:
    """Factors over Laurent polynomials in one symbol x.

    Attributes:
        target: The map that is approximated as x goes to 0.
        u: Left factors, one row a product.
        v: Right factors.
        w: Output factors, C not transposed.
        degree: The power k of x in sum = x^k T + O(x^(k + 1)).
    """

    target: Target
    u: Sequence[Row]
    v: Sequence[Row]
    w: Sequence[Row]
    degree: int = 0

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    def leading(self) -> Border:
        """The same factors, with the least power of x in their sum as the degree.

        Raises:
            FormatError: If the sum has more than 4 million summands.
        """
        return replace(self, degree=min(_powers(self._sum().values()), default=0))

    def error_degree(self) -> int | None:
        """The least power of x in the sum without x^degree T; None if they are equal.

        Raises:
            FormatError: If the sum has more than 4 million summands.
        """
        gap = self._sum()
        for (i, j, k), value in zip(self.target.indices.tolist(), self.target.values.tolist(), strict=True):
            gap[i, j, k] = gap.get((i, j, k), Laurent({})) - Laurent({self.degree: Fraction(value)})
        return min(_powers(gap.values()), default=None)

    def verify(self) -> Verification:
        """Decide whether the sum is x^degree T + O(x^(degree + 1)), by expanding it over the Laurent polynomials.

        Raises:
            FormatError: If the sum has more than 4 million summands.
        """
        start = time.perf_counter()
        error = self.error_degree()
        claim = f"x^{self.degree} {self.target.short}" if self.degree else self.target.short
        if error is not None and error <= self.degree:
            detail, ok = f"the {self.rank} products differ from {claim} by terms in x^{error}", False
        else:
            rest = "" if error is None else f" + O(x^{error})"
            detail, ok = f"{self.rank} products are {claim}{rest} exactly, border rank at most {self.rank}", True
        return Verification(ok, "exact", FIELD, time.perf_counter() - start, detail)

    def _sum(self) -> dict[tuple[int, int, int], Laurent]:
        """The tensor that the products sum to, added up in integers over one denominator."""
        products = [tuple(map(_whole, rows)) for rows in zip(self.u, self.v, self.w, strict=True)]
        scales = [math.prod(factor.denominator for factor in factors) for factors in products]
        _require_small(products, scales)
        scale = math.lcm(*scales)
        found: dict[tuple[int, int, int], dict[int, int]] = {}
        for (a, b, c), d in zip(products, scales, strict=True):
            for (i, s, x), (j, t, y) in product(a.terms, b.terms):
                weight = x * y * (scale // d)
                for k, r, z in c.terms:
                    place = found.setdefault((i, j, k), {})
                    place[s + t + r] = place.get(s + t + r, 0) + weight * z
        return {
            place: Laurent({power: Fraction(value, scale) for power, value in terms.items()})
            for place, terms in found.items()
        }


class _Whole(NamedTuple):
    """A row over its common denominator: (coordinate, power, integer) for each term."""

    terms: list[tuple[int, int, int]]
    denominator: int
    bits: int


def _whole(row: Row) -> _Whole:
    listed = [(i, power, value) for i, polynomial in row.items() for power, value in polynomial.terms.items()]
    d = math.lcm(*{value.denominator for _, _, value in listed})
    terms = [(i, power, value.numerator * (d // value.denominator)) for i, power, value in listed]
    return _Whole(terms, d, max((value.bit_length() for _, _, value in terms), default=0))


def _require_small(products: Sequence[tuple[_Whole, ...]], scales: Sequence[int]) -> None:
    """Refuse a sum that would take minutes, before it is begun; wide numbers count as several."""
    bits = sum(d.bit_length() for d in set(scales)) + max((sum(f.bits for f in three) for three in products), default=0)
    count = sum(math.prod(len(factor.terms) for factor in three) for three in products)
    if count * (1 + bits // WIDE) > MAX_SUMMANDS:
        raise FormatError(f"a sum of more than {MAX_SUMMANDS} terms in x; too large to be decided here")


def _powers(values: Iterable[Laurent]) -> list[int]:
    return [exponent for value in values for exponent in value.terms]

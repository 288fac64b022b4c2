"""Schemes in a symbol x whose sum is the map and something that vanishes with x: border rank, decided exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from decompositions.formats.expressions import Laurent
from decompositions.formats.numbers import FormatError
from decompositions.targets import Target

MAX_SUMMANDS = 1 << 22
"""Products of three coefficients that are summed."""

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
    """

    target: Target
    u: Sequence[Row]
    v: Sequence[Row]
    w: Sequence[Row]

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    def error_degree(self) -> int | None:
        """The least power of x in the sum without the map; None if they are equal.

        The scheme is one of border rank if that power is at least 1: then sum = T + O(x).

        Raises:
            FormatError: If the sum has more than 4 million summands.
        """
        pairs = zip(self.u, self.v, self.w, strict=True)
        if sum(len(a) * len(b) * len(c) for a, b, c in pairs) > MAX_SUMMANDS:
            raise FormatError(f"a sum of more than {MAX_SUMMANDS} terms in x; too large to be decided here")
        gap: dict[tuple[int, int, int], Laurent] = {}
        for a, b, c in zip(self.u, self.v, self.w, strict=True):
            for i, x in a.items():
                for j, y in b.items():
                    for k, z in c.items():
                        gap[i, j, k] = gap.get((i, j, k), Laurent({})) + x * y * z
        for (i, j, k), value in zip(self.target.indices.tolist(), self.target.values.tolist(), strict=True):
            gap[i, j, k] = gap.get((i, j, k), Laurent({})) - Laurent({0: Fraction(value)})
        return min((exponent for found in gap.values() for exponent in found.terms), default=None)

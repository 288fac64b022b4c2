"""Products of polynomials by Chinese remaindering: one formula for each coprime modulus, joined by interpolation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.evaluation.fields import Elements, Field
from bilinear.decompositions.evaluation.finite import solved
from bilinear.decompositions.evaluation.formula import Formula, together
from bilinear.decompositions.evaluation.polynomials import Polynomial, common_divisor, degree, power, reduction


@dataclass(frozen=True)
class Place:
    """A power of a monic polynomial, or of the point at infinity: what the product is known modulo.

    Attributes:
        base: A monic polynomial; x - a is the point a. None for infinity: the top coefficients.
        exponent: Of the power.
    """

    base: Polynomial | None
    exponent: int = 1

    @property
    def degree(self) -> int:
        """Coefficients of the product that the place determines."""
        return self.exponent * (1 if self.base is None else degree(self.base))

    def modulus(self, field: Field) -> Polynomial:
        """The polynomial computed with modulo: x^e at infinity, where polynomials are read from the top."""
        base = (field.zero, field.one) if self.base is None else self.base
        return power(base, self.exponent, field)

    def residues(self, length: int, field: Field) -> Elements:
        """The matrix from the coefficients of a polynomial to its remainder, shape (degree, length)."""
        matrix = reduction(self.modulus(field), length, field)
        return matrix[:, ::-1] if self.base is None else matrix


LocalProduct = Callable[[Place, int, int], Formula]
"""From a place and the lengths of two reduced factors to their product modulo the place's polynomial."""


def remaindered(places: Sequence[Place], m: int, n: int, field: Field, local: LocalProduct) -> Formula:
    """The product of polynomials with m and n coefficients.

    Args:
        places: Pairwise coprime, of total degree m + n - 1.
        m: Coefficients of the left factor.
        n: Coefficients of the right factor.
        field: Of the coefficients.
        local: Gives the formula of each place.

    Source:
        S. Winograd, "Some bilinear forms whose multiplicative complexity depends on the field of constants", 1977.
    """
    return _joined(places, m, n, m + n - 1, field, local)


def modulo(places: Sequence[Place], size: int, field: Field, local: LocalProduct) -> Formula:
    """The product of two polynomials with `size` coefficients modulo the product of the places' polynomials."""
    return _joined(places, size, size, size, field, local)


def _joined(places: Sequence[Place], m: int, n: int, out: int, field: Field, local: LocalProduct) -> Formula:
    require_coprime(places, field)
    parts, start = [], 0
    every = np.concatenate([place.residues(out, field) for place in places])
    interpolation = solved(every, field.identity(out), field)
    for place in places:
        lengths = min(m, place.degree), min(n, place.degree)
        left, right = (place.residues(side, field)[:short] for side, short in zip((m, n), lengths, strict=True))
        rows = interpolation[:, start : start + place.degree]
        parts.append(local(place, *lengths).around(left, right, rows))
        start += place.degree
    return together(parts)


def require_coprime(places: Sequence[Place], field: Field) -> None:
    """Refuse places that share a factor.

    Raises:
        TargetError: If two do; the text names them.
    """
    for k, place in enumerate(places):
        for other in places[:k]:
            if place.base is None or other.base is None:
                shared = place.base is other.base
            else:
                shared = degree(common_divisor(place.base, other.base)) > 0
            if shared:
                raise TargetError(f"{written(other)} and {written(place)} are not coprime; give each of them once")


def written(place: Place) -> str:
    """The place as users write it: a point, or the ascending coefficients of a modulus."""
    if place.base is None:
        return "inf" if place.exponent == 1 else f"inf^{place.exponent}"
    if degree(place.base) == 1 and place.exponent == 1:
        return f"point {-place.base[0]}"
    text = ",".join(str(c) for c in place.base)
    return f"modulus {text}" if place.exponent == 1 else f"modulus ({text})^{place.exponent}"

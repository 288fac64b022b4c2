"""From a target to its scheme by evaluation and interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, reduce

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.evaluation.crt import Place, modulo, remaindered
from bilinear.decompositions.evaluation.fields import INTEGERS, TERNARY, Field, Integers
from bilinear.decompositions.evaluation.finite import GaloisField, field_of, prime_field
from bilinear.decompositions.evaluation.formula import Formula, has_signs, tensor, to_scheme
from bilinear.decompositions.evaluation.lifted import lifted_to
from bilinear.decompositions.evaluation.pieces import block_sizes, in_blocks, pairwise
from bilinear.decompositions.evaluation.plans import local_product, product, reduced
from bilinear.decompositions.evaluation.points import (
    ADDITIONS,
    at_points,
    chosen_points,
    negated,
    parse_moduli,
    parse_points,
    weight,
)
from bilinear.decompositions.evaluation.polynomials import Polynomial, degree, factored, polynomial
from bilinear.decompositions.operations import tightened
from bilinear.decompositions.rings import Ring, holds
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.sized import Sizes, chunks

MAX_POINTS = 64
"""Points over an infinite field; exact interpolation takes minutes beyond."""
LIFTED = 2500
"""Coefficients of a scheme over a finite field, up to which it is lifted, in seconds; no longer one lifted."""
REACH = 3
"""Residues of so many times the degree tell which sign of the points suits a modulus."""
_BYTES_AN_ELEMENT = 400  # a Gaussian rational and its numbers
_BYTES_A_NUMBER = 64  # an integer, in the arrays that it goes through

PLANNED = (Integers, GaloisField)
"""Fields of these kinds may have too few points, so that plans are compared."""


@dataclass(frozen=True)
class Choice:
    """What is left to the user.

    Attributes:
        points: Points of evaluation, `0,1,-1,1/2,i,inf`; empty to have them chosen.
        moduli: Coprime monic moduli instead, by ascending coefficients, `0,1;1,1;1,1,1;inf`; empty likewise.
        prefer: `additions` or `accuracy`: what points are chosen by.
    """

    points: str = ""
    moduli: str = ""
    prefer: str = ADDITIONS

    @property
    def free(self) -> bool:
        """Whether the places are chosen here."""
        return not (self.points or self.moduli)


FREE = Choice()


def evaluated(target: Target, ring: Ring, choice: Choice = FREE) -> Scheme:
    """The scheme of a target by evaluation and interpolation.

    Over `q` and `qi` the points are numbers; over `f2` and `f3` powers of polynomials, and points of extension fields;
    over `zt` and `z` the scheme over `f2` or `f3` is lifted. It is not verified here.

    Args:
        target: A product of polynomials, perhaps modulo one, or a transpose of it; also Kronecker products of such.
        ring: The coefficient set.
        choice: Points, moduli and what they are chosen by.

    Raises:
        TargetError: If the target is no such map, too large, or the points or moduli do not fit it.
        RingError: If the coefficient set does not hold the scheme.
    """
    if target.family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise TargetError(f"{target.short} is no product of polynomials; evaluation builds {known}")
    if ring in (Ring.ZT, Ring.Z) and choice.free:
        return _division_free(target, ring)
    return _built(target, field_of(ring), choice).to(ring)


def _division_free(target: Target, ring: Ring) -> Scheme:
    """Over the integers: composed of integer formulas, or lifted from a finite field if that takes fewer products."""
    composed = _built(target, TERNARY if ring is Ring.ZT else INTEGERS, FREE)
    enough = composed.rank if holds(ring, composed.ring) else None
    if max(target.shape) ** 2 > LIFTED:  # as a scheme has at least as many products as the largest side
        return composed.to(ring)
    for scheme in sorted((_built(target, prime_field(p), FREE) for p in (2, 3)), key=lambda scheme: scheme.rank):
        if scheme.rank * sum(target.shape) <= LIFTED and (enough is None or scheme.rank < enough):
            found = lifted_to(ring, scheme)
            if found is not None:
                return found
    return composed.to(ring)


def _built(target: Target, field: Field, choice: Choice) -> Scheme:
    """The scheme over a field, or the smallest set that holds it."""
    arity, build = FAMILIES[target.family]
    parts = chunks(target.sizes, arity) if arity else [target.sizes]
    formulas = [build(sizes, _Builder(field, choice, target.short)) for sizes in parts]
    rank = math.prod(formula.rank for formula in formulas)
    _require(field, rank, sum(target.shape), target.name)
    return tightened(to_scheme(reduce(tensor, formulas), target, field))


def _require(field: Field, rank: int, coordinates: int, name: str) -> None:
    """Refuse a scheme that would not fit into memory."""
    each = _BYTES_A_NUMBER if isinstance(field, PLANNED) else _BYTES_AN_ELEMENT
    memory.require(each * rank * coordinates, f"a scheme of {name} with {rank} products")


@dataclass(frozen=True)
class _Builder:
    """The products that the families are made of.

    Attributes:
        field: Of the coefficients.
        choice: Points, moduli and what they are chosen by.
        name: The target, for messages.
    """

    field: Field
    choice: Choice
    name: str

    def product(self, m: int, n: int) -> Formula:
        """The product of polynomials with m and n coefficients."""
        if not self.choice.free:
            return remaindered(self._given(m + n - 1), m, n, self.field, self._local)
        if isinstance(self.field, PLANNED):
            plan = product(self.field, m, n)
            _require(self.field, plan.rank, 2 * (m + n), self.name)
            return plan.build()
        if m + n - 1 > MAX_POINTS:
            return self._in_blocks(m, n)
        return at_points(chosen_points(self.field, m, n, self.choice.prefer), m, n, self.field)

    def _in_blocks(self, m: int, n: int) -> Formula:
        """A product that is too long for points, as one of polynomials whose coefficients are polynomials."""
        sizes = range(2, max(m, n))
        size = min(sizes, key=lambda size: math.prod(_blocked(*pair) for pair in block_sizes(m, n, size)))
        outer, inner = (self.product(*pair) for pair in block_sizes(m, n, size))
        return in_blocks(outer, inner, m, n, size)

    def modulo(self, modulus: Polynomial) -> Formula:
        """The product of two residues modulo a monic polynomial, by its factors."""
        if not self.choice.free:
            raise TargetError(f"{self.name} is computed at the factors of its modulus; give no points or moduli")
        size = degree(modulus)
        if not isinstance(self.field, PLANNED) and size > MAX_POINTS:
            raise TargetError(f"{self.name}: evaluation builds up to {MAX_POINTS} coefficients over {self.field.ring}")
        if isinstance(self.field, Integers) and any(modulus[:-1]):
            whole = reduced(product(self.field, size, size).build(), modulus, self.field)
            signs = self.field is INTEGERS or has_signs(whole)
            return whole if signs else reduced(pairwise(self.field, size), modulus, self.field)
        places = [Place(base, exponent) for base, exponent in factored(modulus, self.field)]
        return modulo(places, size, self.field, self._local)

    def _given(self, needed: int) -> list[Place]:
        """The places that the user gave.

        Raises:
            TargetError: If they are too few or too many.
        """
        if self.choice.points and self.choice.moduli:
            raise TargetError("points and moduli are both given; a point a is the modulus -a,1")
        points, order = bool(self.choice.points), self.field.order
        if points and order is not None and needed > order + 1:
            raise TargetError(
                f"{self.name} needs {needed} points, {self.field.ring} has {order + 1} with infinity; "
                "leave the points out, and points of extension fields are taken"
            )
        given = parse_points(self.choice.points, self.field) if points else parse_moduli(self.choice.moduli, self.field)
        total = sum(place.degree for place in given)
        if total != needed:
            fact = f"{total} given" if points else f"those given have {total}"
            what = f"{needed} points" if points else f"moduli of degree {needed} together"
            raise TargetError(f"{self.name} over {self.field.ring} needs {what}; {fact}")
        return given

    def _local(self, place: Place, a: int, b: int) -> Formula:
        """Factors of a and b coefficients modulo a power of an irreducible polynomial."""
        if isinstance(self.field, PLANNED):
            return local_product(self.field)(place, a, b)
        points = chosen_points(self.field, a, b, self.choice.prefer)
        modulus = place.modulus(self.field)
        both = [reduced(at_points(p, a, b, self.field), modulus, self.field) for p in (points, negated(points))]
        residues = place.residues(REACH * place.degree, self.field)
        return min(both, key=lambda formula: weight(self.field.matmul(formula.u, residues[:a])) + weight(formula.w))


@cache
def _blocked(m: int, n: int) -> int:
    """Products that points take, nested where there would be too many of them."""
    if m + n - 1 <= MAX_POINTS:
        return m + n - 1
    return min(math.prod(_blocked(*sizes) for sizes in block_sizes(m, n, size)) for size in range(2, max(m, n)))


def _product(sizes: Sizes, builder: _Builder) -> Formula:
    return builder.product(sizes[0], sizes[1])


def _correlation(sizes: Sizes, builder: _Builder) -> Formula:
    """y[k] = sum_i d[k+i] g[i] is the transpose of the product of polynomials with m and r coefficients."""
    return builder.product(sizes[0], sizes[1]).transposed()


def _hankel(sizes: Sizes, builder: _Builder) -> Formula:
    return _correlation((sizes[0], sizes[0]), builder)


def _toeplitz(sizes: Sizes, builder: _Builder) -> Formula:
    """A Hankel matrix times the vector read from its end."""
    formula = _hankel(sizes, builder)
    return Formula(formula.field, formula.u, formula.v[:, ::-1], formula.w)


def _modulus(low: Sequence[int], builder: _Builder) -> Formula:
    """Modulo x^N plus a polynomial of lower degree, given by its N coefficients."""
    return builder.modulo(polynomial(builder.field, (*low, 1)))


FAMILIES: dict[str, tuple[int, Callable[[Sizes, _Builder], Formula]]] = {
    "polymul": (2, _product),
    "correlation": (2, _correlation),
    "hankel": (1, _hankel),
    "toeplitz": (1, _toeplitz),
    "middle": (1, _toeplitz),
    "cyclic": (1, lambda sizes, builder: _modulus((-1, *[0] * (sizes[0] - 1)), builder)),
    "negacyclic": (1, lambda sizes, builder: _modulus((1, *[0] * (sizes[0] - 1)), builder)),
    "shortmul": (1, lambda sizes, builder: _modulus([0] * sizes[0], builder)),
    "polymod": (0, lambda sizes, builder: _modulus(sizes[:-1], builder)),
    "complex": (0, lambda sizes, builder: _modulus((1, 0), builder)),
}
"""Sizes that one factor of a Kronecker product has (0: it is no such product), and how it is built."""

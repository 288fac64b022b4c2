"""The rule of pairs: the products of an outer scheme multiply equal cubes, two at a time by Pan's pair.

R(x k, y k, z k) <= floor(r / 2) (k^3 + 3 k^2) + (r mod 2) R(k, k, k) for an outer scheme of x x y x z with r products.
It pays where k^3 + 3 k^2 < 2 R(k, k, k): among the ranks known for k = 7, 11 and 13. Two products may go together over
any ring but `zt`: there only if no sum of two coefficients leaves -1, 0 and 1. Among the seven products of any ternary
scheme of 2x2x2 there are three such pairs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bilinear.decompositions import memory, rings
from bilinear.decompositions.composition import Sizes, ordered
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import without_zero_products
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.rules import pan
from bilinear.decompositions.rules.blocks import placed
from bilinear.decompositions.rules.parameters import several, table
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.rules.support import PLACES
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

TERNARY = (2, 2, 2)
"""The only outer format over `zt`."""


class Couple(NamedTuple):
    """Two products of the outer scheme that are computed together.

    Attributes:
        one: A position.
        other: Another one.
        signs: By which the three factors of the other are multiplied; their product is 1.
    """

    one: int
    other: int
    signs: tuple[int, int, int] = (1, 1, 1)


def rank(outer: int, side: int, alone: int) -> int:
    """The products of cubes by pairs.

    Args:
        outer: Products of the outer scheme.
        side: k.
        alone: Products of k x k x k.
    """
    return outer // 2 * pan.rank(side, side, side) + outer % 2 * alone


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], outer: object) -> Scheme:
    """Cubes multiplied by an outer scheme, two products of it at a time.

    Args:
        sizes: The format made.
        ring: The coefficient set.
        parts: The outer scheme, its sizes in any order, and the cube's, for the last of an odd number of products.
        outer: The sizes of the outer scheme, in the order of `sizes`.

    Raises:
        RecipeError: If there is another number of parts, or they do not make the format.
        RingError: If the ring does not hold the sums of a pair.
        TooLargeError: If the scheme would not fit into memory.
    """
    first, cube = several(parts, 2)
    blocks = tuple(table(outer, 1, "outer"))
    side = cube.target.sizes[0]
    whole = tuple(side * count for count in blocks)
    if sorted(blocks) != sorted(first.target.sizes) or set(cube.target.sizes) != {side} or whole != sizes:
        shown = f"{first.target.short} and {cube.target.short}"
        raise RecipeError(f"{shown} do not make {'x'.join(map(str, sizes))} with {list(blocks)} blocks by pairs")
    scheme, alone = normal_form(ordered(first, blocks).to(ring)), cube.to(ring)
    target = matmul(*sizes)
    memory.require(64 * rank(scheme.rank, side, alone.rank) * sum(target.shape), f"a scheme of {target.name}")
    pair = pan.build(side, side, side)
    couples = _ternary(scheme) if ring is Ring.ZT else [Couple(q, q + 1) for q in range(0, scheme.rank - 1, 2)]
    made = [_together(scheme, couple, pair, side) for couple in couples]
    for last in {*range(scheme.rank)} - {q for couple in couples for q in couple[:2]}:
        factors = [_placed(scheme, axis, last, alone.factors[axis], 1, side) for axis in range(3)]
        made.append([*factors, rings.widen(alone.denominators) * int(scheme.denominators[last])])
    u, v, w, denominators = (np.concatenate([one[axis] for one in made]) for axis in range(4))
    if p := ring.characteristic:
        u, v, w, denominators = u % p, v % p, w % p, np.ones_like(denominators)
    return without_zero_products(Scheme(target, ring if p else Ring.Q, u, v, w, denominators)).to(ring)


def _ternary(scheme: Scheme) -> list[Couple]:
    """Couples whose sums keep to -1, 0 and 1.

    Raises:
        RingError: If the outer scheme has not enough of them, or is of another format than 2x2x2.
    """
    found = _matched(scheme, [*range(scheme.rank)]) if scheme.target.sizes == TERNARY else None
    if found is None:
        raise RingError(f"{scheme.target.short}:{scheme.rank} has no pairs of products whose sums stay ternary; take z")
    return found


def _matched(scheme: Scheme, left: Sequence[int]) -> list[Couple] | None:
    """All of the products left in couples, but the last of an odd number; None if there is no way."""
    if len(left) < 2:
        return []
    for one in left[: 1 + len(left) % 2]:
        for other in left:
            signs = _signs(scheme, one, other) if other != one else None
            if signs is not None:
                rest = _matched(scheme, [q for q in left if q not in (one, other)])
                if rest is not None:
                    return [Couple(one, other, signs), *rest]
    return None


def _signs(scheme: Scheme, one: int, other: int) -> tuple[int, int, int] | None:
    """Signs for the second product with which the two cancel wherever both have a coefficient; None without such."""
    allowed = []
    for factor in scheme.factors:
        both = set((factor[one] * factor[other]).tolist()) - {0}
        allowed.append([sign for sign in (1, -1) if both <= {-sign}])
    found = (signs for signs in itertools.product(*allowed) if math.prod(signs) == 1)
    return next(((a, b, c) for a, b, c in found), None)


def _together(scheme: Scheme, couple: Couple, pair: pan.Pair, side: int) -> list[IntArray]:
    """Two products of the outer scheme: three factors of whole matrices, and denominators."""
    over = [int(scheme.denominators[q]) for q in couple[:2]]
    common = math.lcm(*over)
    factors = []
    for axis in range(3):
        by = [common // d if axis == 2 else 1 for d in over]
        one = _placed(scheme, axis, couple.one, pair.first[axis], by[0], side)
        factors.append(one + _placed(scheme, axis, couple.other, pair.second[axis], by[1] * couple.signs[axis], side))
    return [*factors, np.full(len(pair.first.u), common, dtype=object)]


def _placed(scheme: Scheme, axis: int, q: int, inner: IntArray, by: int, side: int) -> IntArray:
    """A factor of a product of the outer scheme, times a number, with a cube's factors in place of its entries."""
    rows, columns = (scheme.target.sizes[place] for place in PLACES[axis])
    coefficients = scheme.factors[axis][q].reshape(rows, columns)
    scaled = rings.widen(coefficients) * by if by != 1 else coefficients
    return placed(scaled, inner.reshape(-1, side, side), [side] * rows, [side] * columns)

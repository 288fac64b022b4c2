"""The rule of blocks: an outer scheme multiplies blocks of unequal size, each product by a scheme of its own format.

Smaller blocks stand for larger ones with zeros that are never multiplied. Products that share a factor (buds) may be
computed side by side by one scheme of a longer format.

Source:
    C.-E. Drevet, M. Islam, E. Schost, "Optimization techniques for small matrix multiplication", 2009, for unequal
    blocks; W. Smith, "Fast matrix multiplication formulae", 2002, for products that share a factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bilinear.decompositions import memory, rings
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import without_zero_products
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.rules.parameters import table
from bilinear.decompositions.rules.recipe import RecipeError, of_sizes
from bilinear.decompositions.rules.support import PLACES, Cuts, Group, direction, joined, shapes, supports
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

Ranges = tuple[slice, slice, slice]
"""Of the rows and columns of one product within the format of its group."""


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], cuts: object, groups: object = ()) -> Scheme:
    """Blocks multiplied by an outer scheme.

    Args:
        sizes: The format made.
        ring: The coefficient set.
        parts: The outer scheme, in its order of sizes, then one scheme of each format that its products need.
        cuts: Sizes of the blocks along n, m and p.
        groups: Buds: `[kind, [products]]` with the factor shared, `u`, `v` or `w`, and positions in the normal form of
            the outer scheme; every other product stands alone.

    Raises:
        RecipeError: If a parameter is wrong, or a format is missing among the parts.
        RingError: If the ring is `qi`, or does not hold the sums of a bud.
        TooLargeError: If the scheme would not fit into memory.
    """
    if ring is Ring.QI:
        raise RingError("blocks of unequal size over qi are not offered; over q they are")
    outer = normal_form(parts[0].to(ring))
    blocks = _cuts(cuts, outer.target.sizes, sizes)
    format_of = shapes(supports(outer), blocks)
    target = matmul(*sizes)
    made = []
    for group in _groups(groups, outer):
        part = of_sizes(parts[1:], joined(group.kind, format_of[list(group.products)])).to(ring)
        memory.require(64 * part.rank * sum(target.shape), f"a scheme of {target.name}")
        made.append(_composed(outer, part, group, format_of, blocks))
    factors = [np.concatenate([one[axis] for one in made]) for axis in range(4)]
    if ring.characteristic:
        factors = [factor % ring.characteristic for factor in factors[:3]] + [np.ones_like(factors[3])]
    u, v, w, denominators = factors
    scheme = Scheme(target, ring if ring.characteristic else Ring.Q, u, v, w, denominators)
    return without_zero_products(scheme).to(ring)


def _cuts(cuts: object, outer: tuple[int, ...], sizes: Sizes) -> Cuts:
    blocks = table(cuts, 2, "cuts")
    if len(blocks) != 3:
        raise RecipeError(f"cuts: {len(blocks)} lists; three are needed")
    for given, count, size in zip(blocks, outer, sizes, strict=True):
        if len(given) != count or sum(given) != size or min(given) < 1:
            raise RecipeError(f"cuts: blocks of {given}; {count} of at least 1 that sum to {size} are needed")
    return tuple(blocks[0]), tuple(blocks[1]), tuple(blocks[2])


def _groups(given: object, outer: Scheme) -> list[Group]:
    """The groups, lone products included, in the order of their first products."""
    if not isinstance(given, list | tuple):
        raise RecipeError(f"groups: {str(given)[:40]!r}; a list is needed")
    groups = []
    left = set(range(outer.rank))
    for one in given:
        if not isinstance(one, list) or len(one) != 2 or one[0] not in ("u", "v", "w"):
            raise RecipeError(f"groups: {str(one)[:40]!r}; ['u', 'v' or 'w', list of products] is needed")
        products = tuple(table(one[1], 1, "groups"))
        if len(set(products)) != len(products) or not products or not left.issuperset(products):
            raise RecipeError(f"groups: products {list(products)[:8]}; each of 0 to {outer.rank - 1} once is needed")
        rows = outer.factors["uvw".index(one[0])]
        if len({direction(rows[q].tolist(), outer.ring.characteristic) for q in products}) > 1:
            raise RecipeError(f"groups: products {list(products)[:8]} do not share their factor {one[0]}")
        left.difference_update(products)
        groups.append(Group(one[0], products))
    return sorted([*groups, *(Group("u", (q,)) for q in left)], key=lambda group: group.products)


def _composed(outer: Scheme, part: Scheme, group: Group, formats: IntArray, cuts: Cuts) -> list[IntArray]:
    """The products of one group: three factors of whole matrices, and denominators."""
    shared = "uvw".index(group.kind)
    scales, scale = _scales(outer, group, shared)
    ranges = _ranges(part.target.sizes, group, formats, shared)
    factors = []
    for factor, (rows, columns) in enumerate(PLACES):
        inner = part.factors[factor].reshape(part.rank, part.target.sizes[rows], part.target.sizes[columns])
        terms: list[IntArray] = []
        for q, by, place in zip(group.products, scales, ranges, strict=True):
            coefficients = outer.factors[factor][q].reshape(len(cuts[rows]), len(cuts[columns]))
            scaled = rings.widen(coefficients) * by if factor == (shared + 1) % 3 else coefficients
            terms.append(placed(scaled, inner[:, place[rows], place[columns]], cuts[rows], cuts[columns]))
            if factor == shared:
                break  # it stands there once
        factors.append(sum(terms[1:], start=terms[0]))
    return [*factors, rings.widen(part.denominators) * scale]


def _ranges(sizes: tuple[int, ...], group: Group, formats: IntArray, shared: int) -> list[Ranges]:
    """Where each product of a group stands in the format that computes all: side by side along one axis."""
    axis = (2, 0, 1)[shared]
    ends = np.cumsum([formats[q][axis] for q in group.products]).tolist()
    found = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        n, m, p = (slice(start, end) if place == axis else slice(0, size) for place, size in enumerate(sizes))
        found.append((n, m, p))
    return found


def _scales(outer: Scheme, group: Group, shared: int) -> tuple[list[int], int]:
    """Integers by which each product is taken, relative to the shared factor of the first, and their denominator."""
    rows = [outer.factors[shared][q].tolist() for q in group.products]
    lead = next(place for place, x in enumerate(rows[0]) if x)
    if p := outer.ring.characteristic:
        return [row[lead] * pow(rows[0][lead], -1, p) % p for row in rows], 1
    over = [int(outer.denominators[q]) * rows[0][lead] for q in group.products]
    common = math.lcm(*over)
    found = [common // by * row[lead] for by, row in zip(over, rows, strict=True)]
    shrunk = math.gcd(common, *found)
    return [x // shrunk for x in found], common // shrunk


def placed(coefficients: Any, inner: IntArray, heights: Sequence[int], widths: Sequence[int]) -> IntArray:
    """A matrix of blocks, each a multiple of the same small matrix, cut off where the block ends.

    Args:
        coefficients: Of the blocks, shape (rows of blocks, columns of blocks).
        inner: The small matrix for each product, shape (rank, rows, columns).
        heights: Of the blocks.
        widths: Of the blocks.
    """
    most = max(rings.magnitude(coefficients), 1) * max(rings.magnitude(inner), 1)
    small = most < 1 << 40  # sums of a bud have at most rank many terms, far fewer than 2^22
    result = np.zeros((len(inner), sum(heights), sum(widths)), np.int64 if small else object)
    inner = inner if small else rings.widen(inner)
    top = np.cumsum([0, *heights])
    left = np.cumsum([0, *widths])
    for i, k in np.argwhere(coefficients != 0):
        height, width = min(heights[i], inner.shape[1]), min(widths[k], inner.shape[2])
        block = int(coefficients[i, k]) * inner[:, :height, :width]
        result[:, top[i] : top[i] + height, left[k] : left[k] + width] = block
    return result.reshape(len(inner), -1)

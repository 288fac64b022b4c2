"""Outer schemes as the closure sees them: the blocks that each product touches, and products that share a factor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import LARGEST, Sizes
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import ORDERS, permute
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.recipe import Step
from bilinear.decompositions.rules.support import Group, buds, shapes, supports
from bilinear.decompositions.scheme import Scheme

MOST_SPREAD = {1: 0, 2: 4, 3: 2, 4: 1}
"""By how much blocks along one size may differ, by their number; one for more blocks."""
MOST_ORDERS = 10
"""Of more than four blocks along one size; else only rising and falling ones."""


class Outer(NamedTuple):
    """A scheme that multiplies blocks.

    Attributes:
        made: The steps that make it, each of the one before: a leaf or a rule without parts, a change of basis, a
            permutation.
        sizes: In that order.
        masks: Rows and columns of blocks that each product touches, as bits, on the six sides, shape (rank, 6);
            products alone come first, then those of each group.
        groups: Products that share a factor, by their positions in the normal form.
        products: The positions of all, in the order of `masks`.
    """

    made: tuple[Step, ...]
    sizes: Sizes
    masks: NDArray[np.int64]
    groups: tuple[Group, ...]
    products: tuple[int, ...]

    def formats(self, cuts: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        """The format of each product's blocks, by position in the normal form, shape (rank, 3)."""
        sides = self.masks[:, :, None] >> np.arange(max(self.sizes)) & 1
        touched = np.zeros((6, *sides.shape[::2]), np.bool_)
        touched[:, list(self.products)] = sides.transpose(1, 0, 2)
        return shapes(touched, (tuple(cuts[0]), tuple(cuts[1]), tuple(cuts[2])))


def outers(made: Sequence[Step], scheme: Scheme, ring: Ring) -> Iterator[Outer]:
    """The scheme in every order of its sizes, with every choice among buds that overlap; what looks alike once.

    Args:
        made: The steps that make it.
        scheme: What it makes.
        ring: Over which it is used; over `zt` the sums of buds must keep signs.
    """
    seen = set()
    for order in ORDERS:
        turned = normal_form(permute(scheme, order))
        bits = _bits(supports(turned))
        for groups in _choices(turned, ring):
            grouped = [q for group in groups for q in group.products]
            alone = sorted(set(range(scheme.rank)) - set(grouped), key=lambda q: -int(bits[q].sum()))
            products = (*alone, *grouped)
            masks = bits[list(products)]
            kinds = tuple((group.kind, len(group.products)) for group in groups)
            key = (turned.target.sizes, kinds, *(sorted(map(tuple, masks.tolist()))))
            if key not in seen:
                seen.add(key)
                n, m, p = turned.target.sizes
                turn = [Step("permutation", (n, m, p), scheme.rank, parameters={"order": list(order)})]
                yield Outer((*made, *(turn if order != (0, 1, 2) else [])), (n, m, p), masks, groups, products)


def _bits(touched: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Shape (rank, 6)."""
    powers = 1 << np.arange(touched.shape[2], dtype=np.int64)
    bits: NDArray[np.int64] = (touched * powers).sum(axis=2).T
    return bits


def _choices(scheme: Scheme, ring: Ring) -> list[tuple[Group, ...]]:
    """Ways to give each product to one of the buds that hold it, different in how many buds of a kind and size."""
    classes = [
        (kind, part)
        for kind, factor in zip("uvw", scheme.factors, strict=True)
        for bud in buds(factor, scheme.ring.characteristic)
        for part in (_disjoint(scheme, kind, bud) if ring is Ring.ZT else [bud])
    ]
    found: dict[tuple[tuple[str, int], ...], tuple[Group, ...]] = {}
    for priority in itertools.permutations("uvw"):
        ranked = sorted(classes, key=lambda one: (priority.index(one[0]), -len(one[1])))
        for order in (ranked, sorted(ranked, key=lambda one: -len(one[1]))):
            groups = _given(order)
            found.setdefault(tuple(sorted((g.kind, len(g.products)) for g in groups)), groups)
    return list(found.values())


def _given(classes: Iterable[tuple[str, Sequence[int]]]) -> tuple[Group, ...]:
    """Each product to the first bud that holds it."""
    taken: set[int] = set()
    groups = []
    for kind, bud in classes:
        left = tuple(q for q in bud if q not in taken)
        if len(left) > 1:
            taken.update(left)
            groups.append(Group(kind, left))
    return tuple(groups)


def _disjoint(scheme: Scheme, kind: str, bud: Sequence[int]) -> list[tuple[int, ...]]:
    """A bud cut so that within a part the other factors have no entry in common: their sums keep signs."""
    others = [factor for name, factor in zip("uvw", scheme.factors, strict=True) if name != kind]
    parts: list[tuple[list[int], list[NDArray[np.bool_]]]] = []
    for q in bud:
        rows = [factor[q] != 0 for factor in others]
        for products, used in parts:
            if not any((row & mask).any() for row, mask in zip(rows, used, strict=True)):
                products.append(q)
                for row, mask in zip(rows, used, strict=True):
                    mask |= row
                break
        else:
            parts.append(([q], [row.copy() for row in rows]))
    return [tuple(products) for products, _ in parts if len(products) > 1]


@cache
def partitions() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes of blocks along one size, in every order that is looked at.

    Returns:
        Their first row and number by number of blocks and size, shape (33, 33, 2); and the rows, shape (rows, 32).
    """
    table = np.zeros((LARGEST + 1, LARGEST + 1, 2), np.int64)
    rows: list[tuple[int, ...]] = []
    for count in range(1, LARGEST + 1):
        for size in range(count, LARGEST + 1):
            found = _partitions(count, size)
            table[count, size] = len(rows), len(found)
            rows += found
    filled = np.zeros((len(rows), LARGEST), np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return table, filled


def _partitions(count: int, size: int) -> list[tuple[int, ...]]:
    base, more = divmod(size, count)
    if count not in MOST_SPREAD:
        rising = (*[base] * (count - more), *[base + 1] * more)
        single = more in (1, count - 1) and count <= MOST_ORDERS
        return sorted({rising[k:] + rising[:k] for k in range(count)} if single else {rising, rising[::-1]})
    low, high = max(1, base - MOST_SPREAD[count]), base + MOST_SPREAD[count] + 1
    every = itertools.product(range(low, high + 1), repeat=count)
    return [one for one in every if sum(one) == size and max(one) - min(one) <= MOST_SPREAD[count]]

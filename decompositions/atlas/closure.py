"""The closure: over one coefficient set the cheapest recipe of every format, from given leaves and all rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.atlas import kernel
from bilinear.decompositions.atlas.outers import Outer, partitions
from bilinear.decompositions.composition import LARGEST, Sizes, rising
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import RANKS
from bilinear.decompositions.rules.recipe import Step

Rank = Callable[..., int | None]


@dataclass(frozen=True)
class Closure:
    """The cheapest recipes of all formats.

    Attributes:
        ring: The coefficient set.
        largest: The largest size.
        outers: Schemes that multiply blocks.
        formats: Sizes rising, by volume, shape (formats, 3).
        ranks: Products of each format in every order of its sizes, shape (33, 33, 33).
        choices: How each format is made: a rule and its numbers, shape (formats, 5).
        given: For each format the step that has it without composition: a leaf, or a rule without parts.
    """

    ring: Ring
    largest: int
    outers: Sequence[Outer]
    formats: NDArray[np.int64]
    ranks: NDArray[np.int64]
    choices: NDArray[np.int64]
    given: Mapping[Sizes, Step]

    def rank(self, sizes: Iterable[int]) -> int:
        """Products of a format in any order of its sizes; 0 beyond the largest."""
        n, m, p = sizes
        return int(self.ranks[n, m, p]) if max(n, m, p) <= self.largest else 0


def close(ring: Ring, largest: int, leaves: Iterable[Step], outers: Sequence[Outer]) -> Closure:
    """The closure of leaves under all rules.

    Args:
        ring: The coefficient set.
        largest: Size up to which formats are made.
        leaves: Steps that have a format without parts; of several the first of the lowest rank is taken.
        outers: Schemes that multiply blocks.

    Raises:
        TargetError: If the size is not 1 to 32.
    """
    if not 1 <= largest <= LARGEST:
        raise TargetError(f"an atlas up to {largest}: sizes from 1 to {LARGEST} are closed")
    formats = every_format(largest)
    given: dict[Sizes, Step] = {}
    for step in [*leaves, *free_steps(ring, formats)]:
        sizes = rising(step.sizes)
        if sizes not in given or step.rank < given[sizes].rank:
            given[sizes] = step
    side = LARGEST + 1
    ranks = np.zeros((side, side, side), np.int64)
    at_hand = np.zeros_like(ranks)
    for sizes, step in given.items():
        at_hand[sizes] = step.rank
    choices = np.zeros((len(formats), 5), np.int64)
    wanted = np.array(formats, np.int64)
    kernel.compiled()(
        ranks, at_hand, wanted, choices, np.arange(len(outers)), *_packed(outers), *partitions(), largest + 1
    )
    return Closure(ring, largest, outers, wanted, ranks, choices, given)


def every_format(largest: int) -> list[Sizes]:
    """Sizes rising, by volume."""
    every = combinations_with_replacement(range(1, largest + 1), 3)
    return sorted(((n, m, p) for n, m, p in every), key=lambda sizes: (sizes[0] * sizes[1] * sizes[2], sizes))


def free_steps(ring: Ring, formats: Iterable[Sizes]) -> list[Step]:
    """What rules make without parts, the standard algorithm left out: it stands at the beginning anyway."""
    steps = []
    for name in RANKS:
        rank: Rank = RANKS.load(name)  # type: ignore[assignment]
        for sizes in formats if name != "standard" else ():
            found = rank(*sizes, ring)
            if found is not None:
                steps.append(Step(name, sizes, found))
    return steps


def _packed(outers: Sequence[Outer]) -> list[NDArray[np.int64]]:
    """The outer schemes as the kernel reads them: formats, where products start, how many are alone, buds, masks."""
    starts = np.cumsum([0, *(len(outer.products) for outer in outers)])
    groups = [(v, group) for v, outer in enumerate(outers) for group in outer.groups]
    lone = [len(outer.products) - sum(len(group.products) for group in outer.groups) for outer in outers]
    buds = np.searchsorted([v for v, _ in groups], np.arange(len(outers) + 1))
    kinds = ["uvw".index(group.kind) for _, group in groups]
    ends = []
    for place, (v, group) in enumerate(groups):
        before = ends[-1] if place and groups[place - 1][0] == v else lone[v]
        ends.append(before + len(group.products))
    masks = np.concatenate([np.zeros((0, 6), np.int64), *(outer.masks for outer in outers)])
    sizes = np.array([outer.sizes for outer in outers], np.int64).reshape(-1, 3)
    return [sizes, *(np.array(column, np.int64) for column in (starts, lone, buds, kinds, ends)), masks]

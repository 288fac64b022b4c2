"""The closure: over one coefficient set the cheapest recipe of every format, from given leaves and all rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.atlas import kernel
from bilinear.decompositions.atlas.outers import Outer, partitions
from bilinear.decompositions.composition import LARGEST, Sizes, rising
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import RANKS, pan
from bilinear.decompositions.rules.recipe import Step

Rank = Callable[..., int | None]
Progress = Callable[[int, int], None]
Packed = list[NDArray[np.int64]]

AT_ONCE = 8
"""Formats that one call of the kernel makes."""


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


def close(
    ring: Ring, largest: int, leaves: Iterable[Step], outers: Sequence[Outer], on_progress: Progress | None = None
) -> Closure:
    """The closure of leaves under all rules.

    Args:
        ring: The coefficient set.
        largest: Size up to which formats are made.
        leaves: Steps that have a format without parts; of several the first of the lowest rank is taken.
        outers: Schemes that multiply blocks.
        on_progress: Hears how many formats of how many are made, several times a second.

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
    ranks, choices = np.zeros((side, side, side), np.int64), np.zeros((len(formats), 5), np.int64)
    closure = Closure(ring, largest, outers, np.array(formats, np.int64), ranks, choices, given)
    _fill(closure, 0, packed_outers(outers), on_progress)
    return closure


def improved(closure: Closure, leaf: Step, packed: Packed | None = None) -> Closure:
    """The closure with a better leaf: formats that are no smaller are looked at again, and only for fewer products.

    Args:
        closure: What it was.
        leaf: A step that has a format without parts.
        packed: Of `packed_outers`, where many leaves are tried.
    """
    sizes = rising(leaf.sizes)
    if leaf.rank >= closure.rank(sizes):
        return closure
    other = replace(
        closure, ranks=closure.ranks.copy(), choices=closure.choices.copy(), given={**closure.given, sizes: leaf}
    )
    volume = sizes[0] * sizes[1] * sizes[2]
    first = int(np.searchsorted(closure.formats.prod(axis=1), volume))
    _fill(other, first, packed_outers(closure.outers) if packed is None else packed, None)
    return other


def _fill(closure: Closure, first: int, packed: Packed, on_progress: Progress | None) -> None:
    """Run the kernel from a format on, a few formats at a time, so that an interruption is heard."""
    at_hand = np.zeros_like(closure.ranks)
    for sizes, step in closure.given.items():
        at_hand[sizes] = step.rank
    pairs = np.array([pan.rank(side, side, side) for side in range(LARGEST + 1)], np.int64)
    run = kernel.compiled()
    every = np.arange(len(closure.outers))
    count = len(closure.formats)
    for start in range(first, count, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        run(
            closure.ranks,
            at_hand,
            pairs,
            closure.ring is Ring.ZT,
            closure.formats[part],
            closure.choices[part],
            every,
            *packed,
            *partitions(),
        )
        if on_progress is not None:
            on_progress(min(start + AT_ONCE, count), count)


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


def packed_outers(outers: Sequence[Outer]) -> Packed:
    """The outer schemes as the kernel reads them: formats, where products start, how many are alone, buds, masks."""
    starts = np.cumsum([0, *(len(outer.products) for outer in outers)])
    groups = [(v, group) for v, outer in enumerate(outers) for group in outer.groups]
    lone = [len(outer.products) - sum(len(group.products) for group in outer.groups) for outer in outers]
    buds = np.searchsorted([v for v, _ in groups], np.arange(len(outers) + 1))
    kinds = ["uvw".index(group.kind) for _, group in groups]
    ends: list[int] = []
    for place, (v, group) in enumerate(groups):
        before = ends[-1] if place and groups[place - 1][0] == v else lone[v]
        ends.append(before + len(group.products))
    masks = np.concatenate([np.zeros((0, 6), np.int64), *(outer.masks for outer in outers)])
    sizes = np.array([outer.sizes for outer in outers], np.int64).reshape(-1, 3)
    return [sizes, *(np.array(column, np.int64) for column in (starts, lone, buds, kinds, ends)), masks]

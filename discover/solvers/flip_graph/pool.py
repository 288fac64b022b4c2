"""Pool descent: collect many schemes of rank r - 1 by walks from many schemes of rank r, then go on from those.

Source: the pool searches of Arai, Ichikawa, Hukushima (arXiv:2312.16960), Khoruzhii, Gelss, Pokutta (arXiv:2511.10786)
and Perminov (arXiv:2511.20317): one lucky scheme of low rank is a worse start than many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.packing import Words, pack, unpack
from bilinear.discover.solvers.flip_graph.walking import (
    DEFAULTS,
    Factors,
    Settings,
    WalkState,
    dims_of,
    packed_best,
    restart_packed,
    ring_of,
    set_stop_rank,
    start,
    walk,
)

# places in PoolState.counts
RANK, GOAL, ABOVE, BELOW, TRIES, SEED, ALL_TRIES = range(7)


class PoolState(NamedTuple):
    """All of a pool descent, as plain arrays.

    Attributes:
        walk: The one walk that all tries use, one after the other.
        above: Schemes of rank r from which tries start, shape (size, capacity, 4, stride), `counts[ABOVE]` of them.
        below: Schemes of lower rank found so far, likewise, `counts[BELOW]` of them.
        counts: int64: rank of those above, rank of those below (r - 1, or less where a try fell further), schemes
            above, schemes below, tries for that rank, seed, all tries.
    """

    walk: WalkState
    above: Words
    below: Words
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How a pool descends.

    Attributes:
        size: Schemes to collect before going down.
        least: Schemes that suffice when `patience` is spent.
        path: Flips of one try.
        patience: Tries at one rank after which fewer schemes than `size` will do.
    """

    size: int = 100
    least: int = 1
    path: int = 1_000_000
    patience: int = 300


def start_pool(
    starts: Sequence[Factors],
    ring: str,
    seed: int,
    settings: PoolSettings,
    walking: Settings = DEFAULTS,
    orbit: int = at.ALONE,
) -> PoolState:
    """Return a pool that holds those of the starts that have the lowest rank, `settings.size` at most.

    Args:
        starts: Schemes of one target.
        ring: `f2`, `f3` or `zt`.
        seed: Of all that is drawn.
        settings: How the pool descends.
        walking: How its walk moves.
        orbit: Products that each row stands for, see `walking.start`; ranks count rows.
    """
    rank = min(len(factors[0]) for factors in starts)
    chosen = [factors for factors in starts if len(factors[0]) == rank][: settings.size]
    inner = start(chosen[0], ring, seed, walking, orbit=orbit)
    width, capacity = int(inner.words[at.WIDTH]), int(inner.words[at.CAPACITY])
    packed = np.stack([pack(factors, ring, width) for factors in chosen])
    above, below = (np.zeros((settings.size, capacity, *packed.shape[2:]), np.uint64) for _ in range(2))
    above[: len(packed), :rank] = packed
    counts = np.array([rank, rank - 1, len(packed), 0, 0, seed, 0], np.int64)
    return PoolState(inner, above, below, counts)


def advance_pool(state: PoolState, settings: PoolSettings, tries: int) -> None:
    """Make a number of tries, in place, going down whenever enough schemes are there.

    Args:
        state: The pool.
        settings: How it descends.
        tries: How many.
    """
    inner, counts = state.walk, state.counts
    for _ in range(tries):
        rng = np.random.default_rng([int(counts[SEED]), int(counts[ALL_TRIES])])
        restart_packed(inner, state.above[rng.integers(counts[ABOVE]), : counts[RANK]])
        set_stop_rank(inner, max(int(counts[GOAL]), 0))
        walk(inner, settings.path)
        counts[[TRIES, ALL_TRIES]] += 1
        _take(state, packed_best(inner))
        enough = settings.least if counts[TRIES] >= settings.patience else settings.size
        if counts[BELOW] >= enough:
            _go_down(state)


def receive(state: PoolState, settings: PoolSettings, schemes: Sequence[Factors]) -> None:
    """Take in schemes found elsewhere, in place: those of the rank that tries start from or lower, if there is room."""
    for factors in schemes:
        packed = pack(factors, ring_of(state.walk), int(state.walk.words[at.WIDTH]))
        if len(packed) == state.counts[RANK]:
            _add(state, state.above, ABOVE, packed)
        else:
            _take(state, packed)
        if state.counts[BELOW] >= settings.size:
            _go_down(state)


def _take(state: PoolState, packed: Words) -> None:
    """Keep a scheme below; one of still lower rank makes all others there superfluous."""
    found, counts = len(packed), state.counts
    if found < counts[GOAL]:
        counts[[GOAL, BELOW, TRIES]] = (found, 0, 0)
    if found == counts[GOAL]:
        _add(state, state.below, BELOW, packed)


def _add(state: PoolState, pool: Words, number: int, packed: Words) -> None:
    """Put a scheme into a pool, its terms in a fixed order, unless it is there already or there is no room."""
    place = int(state.counts[number])
    ordered = packed[np.lexsort(packed.reshape(len(packed), -1).T)]
    known = pool[:place, : len(packed)]
    if place < len(pool) and not (known == ordered).all(axis=(1, 2, 3)).any():
        pool[place, : len(packed)] = ordered
        state.counts[number] += 1


def _go_down(state: PoolState) -> None:
    """Make the schemes below the ones to start from."""
    state.above[:] = state.below
    counts = state.counts
    counts[[RANK, GOAL, ABOVE, BELOW, TRIES]] = (counts[GOAL], counts[GOAL] - 1, counts[BELOW], 0, 0)


def pool_rank(state: PoolState) -> int:
    """Return the lowest rank found."""
    return int(state.counts[GOAL if state.counts[BELOW] else RANK])


def pool_schemes(state: PoolState) -> list[Factors]:
    """Return all schemes of the lowest rank found."""
    rank = pool_rank(state)
    source, number = (state.below, BELOW) if state.counts[BELOW] else (state.above, ABOVE)
    ring, dims = ring_of(state.walk), dims_of(state.walk)
    return [unpack(packed[:rank], ring, dims) for packed in source[: int(state.counts[number])]]

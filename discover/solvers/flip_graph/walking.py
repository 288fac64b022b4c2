"""A walk on the flip graph: start, advance, read."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.giving_way import give_way
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph import kernel
from bilinear.discover.solvers.flip_graph.packing import Matrix, Words, pack, unpack, width_of

Factors = tuple[Matrix, Matrix, Matrix]

STRETCH = 1 << 20
"""Flips between two looks at whether the search is over: a tenth of a second, a few at formats of 256 coordinates."""


class WalkState(NamedTuple):
    """All of a walk, as two arrays (layout in `blocks`), full of links: a checkpoint holds a `records.WalkRecord`.

    Attributes:
        ints: int32, lists and links.
        words: uint64, header, values and best scheme.
    """

    ints: NDArray[np.int32]
    words: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a walk moves.

    Attributes:
        plus_min: Fewest flips without a fall of the rank before a plus transition.
        plus_max: Most such flips; the number is drawn anew each time.
        plus_diff: A plus transition is made while the rank is below the best rank plus this.
        hold: Flips after a dead end during which reductions sleep, lest they undo the plus transitions made there.
        stop_rank: The walk stops at this rank.
    """

    plus_min: int = 20_000
    plus_max: int = 50_000
    plus_diff: int = 2
    hold: int = 50
    stop_rank: int = 0


DEFAULTS = Settings()


def start(
    factors: Factors,
    ring: str,
    seed: int,
    settings: Settings = DEFAULTS,
    orbit: int = at.ALONE,
) -> WalkState:
    """Return a walk that stands at a scheme.

    Args:
        factors: u (rank, a), v (rank, b), w (rank, c); a, b, c at most 256.
        ring: `f2`, `f3` or `zt`.
        seed: Of the walk's own random numbers; same seed and same flips, however sliced, give the same walk.
        settings: How the walk moves.
        orbit: Products that each row stands for: 3 with its rotations (a = b = c), 6 with their reflections too, whose
            coordinates are in reverse order.
    """
    rank = len(factors[0])
    dims = (factors[0].shape[1], factors[1].shape[1], factors[2].shape[1])
    rows = rank + max(8, 2 * settings.plus_diff)  # with room for the plus transitions
    state = blank(ring, dims, rows, orbit)
    state.words[at.RANDOM] = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    configure(state, settings)
    restart(state, factors)
    return state


def blank(ring: str, dims: tuple[int, int, int], capacity: int, orbit: int) -> WalkState:
    """Return the blocks of a walk that stands nowhere yet, with room for so many rows."""
    shape = at.Shape(at.RINGS.index(ring), width_of(*dims), capacity)
    state = WalkState(np.zeros(shape.ints, np.int32), np.zeros(shape.words, np.uint64))
    header = state.words
    header[at.RING], header[at.WIDTH], header[at.CAPACITY] = shape.ring, shape.width, capacity
    header[at.BUCKET_BITS] = shape.bucket_bits
    header[at.DIMS : at.DIMS + 3] = dims
    header[at.ORBIT] = orbit
    return state


def no_walk() -> WalkState:
    """Return what stands for a walk before there is one."""
    return WalkState(np.zeros(0, np.int32), np.zeros(0, np.uint64))


def configure(state: WalkState, settings: Settings) -> None:
    """Set how a walk moves from now on."""
    header = state.words
    header[at.PLUS_MIN], header[at.PLUS_MAX] = settings.plus_min, settings.plus_max
    header[at.PLUS_DIFF], header[at.HOLD] = settings.plus_diff, settings.hold
    header[at.STOP_RANK] = settings.stop_rank


def settings_of(state: WalkState) -> Settings:
    """Return how a walk moves."""
    places = (at.PLUS_MIN, at.PLUS_MAX, at.PLUS_DIFF, at.HOLD, at.STOP_RANK)
    return Settings(*(int(state.words[place]) for place in places))


def restart(state: WalkState, factors: Factors) -> None:
    """Put a walk at another scheme of the same target, which also becomes its best scheme."""
    packed = pack(factors, ring_of(state), int(state.words[at.WIDTH]))
    nonzero = (packed[:, :3] != 0).any(axis=2).all(axis=1)
    restart_packed(state, packed[nonzero])


def restart_packed(state: WalkState, packed: Words) -> None:
    """Put a walk at a scheme given as `packed_best` gives it: words (rank, 4, stride), no factor zero."""
    if len(packed) > int(state.words[at.CAPACITY]):
        raise ValueError(f"the scheme has {len(packed)} rows, the walk has room for {int(state.words[at.CAPACITY])}")
    best_block(state)[: len(packed)] = packed
    state.words[at.BEST] = len(packed)
    state.words[at.HOLD_UNTIL] = 0
    state.words[at.RANK] = 0
    walk(state, 0)


def walk(state: WalkState, flips: int) -> None:
    """Advance a walk, in place, by a number of flips; it stops early only at its stop rank, or where it gives way.

    Raises:
        Stopped: If the search is over meanwhile.
    """
    header = state.words
    burst = kernel.burst_address(int(header[at.RING]), int(header[at.WIDTH]), int(header[at.ORBIT]))
    end = int(header[at.FLIPS]) + flips
    while True:
        kernel.run(state.ints, header, min(STRETCH, end - int(header[at.FLIPS])), burst)
        if int(header[at.FLIPS]) >= end or best_rank(state) <= int(header[at.STOP_RANK]):
            return
        give_way()


def ring_of(state: WalkState) -> str:
    """Return the coefficient set of a walk."""
    return at.RINGS[int(state.words[at.RING])]


def rank(state: WalkState) -> int:
    """Return the rank at which a walk stands."""
    return int(state.words[at.RANK])


def best_rank(state: WalkState) -> int:
    """Return the rank of the best scheme of a walk."""
    return int(state.words[at.BEST])


def best(state: WalkState) -> Factors:
    """Return the best scheme of a walk: u (rank, a), v (rank, b), w (rank, c)."""
    return unpack(best_block(state)[: best_rank(state)], ring_of(state), dims_of(state))


def packed_best(state: WalkState) -> Words:
    """Return a copy of the best scheme as words, shape (rank, 4, stride)."""
    return best_block(state)[: best_rank(state)].copy()


def set_stop_rank(state: WalkState, stop_rank: int) -> None:
    """Let a walk stop at a rank."""
    state.words[at.STOP_RANK] = stop_rank


def current(state: WalkState) -> Factors:
    """Return the scheme at which a walk stands."""
    shape = shape_of(state)
    places = shape.ints - shape.capacity
    rows = state.ints[places : places + rank(state)]
    values = state.words[at.HEADER : at.HEADER + shape.entries * shape.stride].reshape(-1, 4, shape.stride)[rows]
    u, v, w = unpack(values, ring_of(state), dims_of(state))
    if shape.ring != at.F2:
        signs = state.ints[: at.FIELDS * shape.entries].reshape(-1, 4, at.FIELDS)[rows, 3, at.SIGN]
        w = w * (1 - 2 * signs.astype(np.int64))[:, None]
    return u, v, w


def counts(state: WalkState) -> dict[str, int]:
    """Return what a walk has done so far."""
    places = {
        "flips": at.FLIPS,
        "made": at.MADE,
        "pluses": at.PLUSES,
        "merges": at.MERGES,
        "dead_ends": at.DEAD_ENDS,
        "returns": at.RETURNS,
    }
    return {name: int(state.words[place]) for name, place in places.items()}


def shape_of(state: WalkState) -> at.Shape:
    """Sizes of the two blocks."""
    header = state.words
    return at.Shape(int(header[at.RING]), int(header[at.WIDTH]), int(header[at.CAPACITY]))


def dims_of(state: WalkState) -> tuple[int, int, int]:
    """Coordinates of u, v and w."""
    a, b, c = (int(x) for x in state.words[at.DIMS : at.DIMS + 3])
    return a, b, c


def best_block(state: WalkState) -> Words:
    """The best scheme's place in the word block, shape (capacity, 4, stride)."""
    shape = shape_of(state)
    return state.words[shape.best_at :].reshape(shape.capacity, 4, shape.stride)

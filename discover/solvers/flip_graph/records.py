"""A walk as a checkpoint holds it: two schemes, two orders and counters, from which its lists are built anew.

The blocks of a walk are full of links, and the kernel follows them without a look. None is written to a file: equal
factors and the buckets of their hashes follow from the scheme. What does not follow is in which order factors were
entered, for that is the order of equal ones, and in which order they stand in the list that flips are drawn from. Both
are kept as permutations, so that a walk that is rebuilt makes the very flips that it would have made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.discover.engine.fields import MOST_COUNTED, sound
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph import kernel
from bilinear.discover.solvers.flip_graph.packing import Words, pack, unpack
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    WalkState,
    best,
    best_block,
    blank,
    configure,
    current,
    ring_of,
    settings_of,
    shape_of,
)

COUNTERS = (
    at.RANDOM,
    at.FLIPS,
    at.PLUS_AT,
    at.HOLD_UNTIL,
    at.MADE,
    at.PLUSES,
    at.MERGES,
    at.DEAD_ENDS,
    at.RETURNS,
)
"""Words of the header that a record holds as they are, the random numbers' first."""

MOST_ROWS = 1 << 14
"""That a walk has room for, besides two for each plus transition: twice the products that a search may begin at."""


@dataclass(frozen=True)
class WalkRecord:
    """All of a walk.

    Attributes:
        ring: Its coefficient set.
        orbit: Products that a row stands for.
        capacity: Rows that it has room for.
        settings: How it moves.
        u: Of the scheme at which it stands, shape (rank, a).
        v: Likewise, shape (rank, b).
        w: Likewise, shape (rank, c).
        best: The best scheme, joined factors, shape (rank of it, a + b + c).
        entered: The factors in the order in which they were entered, 3 * row + column, shape (3 * rank,).
        active: Those that equal another one, as they stand in the list that flips are drawn from.
        counters: The words of the header named in `COUNTERS`.
    """

    ring: str
    orbit: int
    capacity: int
    settings: Settings
    u: NDArray[np.int8]
    v: NDArray[np.int8]
    w: NDArray[np.int8]
    best: NDArray[np.int8]
    entered: NDArray[np.int32]
    active: NDArray[np.int32]
    counters: NDArray[np.uint64]


def recorded(state: WalkState) -> WalkRecord:
    """What a checkpoint holds of a walk."""
    header, shape = state.words, shape_of(state)
    u, v, w = (factor.astype(np.int8) for factor in current(state))
    active = state.ints[_active_at(shape) :][: int(header[at.ACTIVE])]
    return WalkRecord(
        ring=ring_of(state),
        orbit=int(header[at.ORBIT]),
        capacity=shape.capacity,
        settings=settings_of(state),
        u=u,
        v=v,
        w=w,
        best=np.concatenate(best(state), axis=1).astype(np.int8),
        entered=_numbered(state, _entered(state)),
        active=_numbered(state, active),
        counters=header[list(COUNTERS)],
    )


def rebuilt(record: WalkRecord) -> WalkState:
    """The walk that a record is of; its rows are numbered anew, which no flip can tell.

    Raises:
        ValueError: If it is of none: sizes, coefficients, orders or counters do not fit together.
        TooLargeError: If the walk would not fit into memory.
    """
    dims, rank, least = _sizes(record)
    _check_counters(record)
    state = blank(record.ring, dims, record.capacity, record.orbit)
    shape, header = shape_of(state), state.words
    lowest = _packed(np.split(record.best, np.cumsum(dims)[:2], axis=1), record.ring, shape)
    held = _packed([record.u, record.v, record.w], record.ring, shape)
    best_block(state)[:least] = lowest
    header[at.HEADER : shape.best_at].reshape(-1, 4, shape.stride)[1 : rank + 1] = held
    configure(state, record.settings)
    header[list(COUNTERS)] = record.counters
    header[at.RANK], header[at.BEST] = rank, least
    sound(
        np.array_equal(np.sort(record.entered), np.arange(3 * rank)), "a factor of the walk is entered twice or never"
    )
    kernel.relink(state.ints, header, _entries(record.entered))
    _order_active(state, _entries(record.active))
    return state


def _sizes(record: WalkRecord) -> tuple[tuple[int, int, int], int, int]:
    """The coordinates of u, v and w, the rank, and that of the best scheme, if arrays of these sizes are a walk."""
    arrays = (record.u, record.v, record.w, record.best)
    flat = all(array.ndim == 1 for array in (record.entered, record.active, record.counters))
    sound(flat and all(array.ndim == 2 for array in arrays), "an array of the walk has another number of axes")
    rank, least, dims = len(record.u), len(record.best), (record.u.shape[1], record.v.shape[1], record.w.shape[1])
    sound(record.ring in at.RINGS and 0 < max(dims) <= at.MAX_COORDINATES, "the walk is of other sizes")
    same = len(record.v) == len(record.w) == rank and record.best.shape[1] == sum(dims)
    sound(same and len(record.counters) == len(COUNTERS), "the arrays of the walk do not fit together")
    sound(record.orbit in at.ORBITS, "a row of the walk stands for none or too many")
    sound(record.orbit == at.ALONE or len(set(dims)) == 1, "the factors of the walk cannot rotate")
    room = MOST_ROWS + 2 * min(record.settings.plus_diff, MOST_ROWS)
    sound(0 <= least <= rank <= record.capacity <= room, "the walk has more rows than room")
    shape = at.Shape(at.RINGS.index(record.ring), 4, record.capacity)
    memory.require(4 * shape.ints + 8 * shape.words, "the walk")
    return dims, rank, least


def _check_counters(record: WalkRecord) -> None:
    """Refuse counters that no walk with these settings reaches."""
    settings, counters = record.settings, dict(zip(COUNTERS, record.counters.tolist(), strict=True))
    numbers = (settings.plus_diff, settings.hold, settings.stop_rank, *record.counters[1:].tolist())
    sound(0 < settings.plus_min <= settings.plus_max < MOST_COUNTED, "the walk makes its pluses at no time")
    sound(min(numbers) >= 0 and max(numbers) < MOST_COUNTED, "a counter of the walk is out of bounds")
    late = counters[at.PLUS_AT] - settings.plus_max, counters[at.HOLD_UNTIL] - settings.hold
    sound(max(late) <= counters[at.FLIPS], "the walk plans too far ahead")


def _packed(factors: list[NDArray[np.int8]], ring: str, shape: at.Shape) -> Words:
    """The words of a scheme whose coefficients are those that a walk gives, and whose factors are not zero."""
    u, v, w = (factor.astype(np.int64) for factor in factors)
    packed = pack((u, v, w), ring, shape.width)
    again = unpack(packed, ring, (u.shape[1], v.shape[1], w.shape[1]))
    sound(_are_equal(again, (u, v, w)), "a coefficient of the walk lies outside its ring")
    sound(all(factor.any(axis=1).all() for factor in again), "a factor of the walk is zero")
    return packed


def _are_equal(one: Factors, other: Factors) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


def _order_active(state: WalkState, entries: NDArray[np.int32]) -> None:
    """Put the entries with equals into an order, which has each of them once."""
    shape, number = shape_of(state), int(state.words[at.ACTIVE])
    place = _active_at(shape)
    listed = state.ints[place : place + number]
    sound(np.array_equal(np.sort(listed), np.sort(entries)), "the walk draws flips from factors that none equals")
    listed[:] = entries
    state.ints[: at.FIELDS * shape.entries].reshape(-1, at.FIELDS)[entries, at.SPOT] = np.arange(number)


def _entered(state: WalkState) -> list[int]:
    """The entries of the scheme, those of a bucket in the order in which they were entered."""
    shape = shape_of(state)
    chains = state.ints[: at.FIELDS * shape.entries].reshape(-1, at.FIELDS)[:, at.CHAIN].tolist()
    heads = state.ints[at.FIELDS * shape.entries : _active_at(shape)]
    order = []
    for head in heads[heads > 0].tolist():
        chain = [head]
        while (following := chains[chain[-1]]) > 0:
            chain.append(following)
        order += chain[::-1]
    return order


def _numbered(state: WalkState, entries: NDArray[np.int32] | list[int]) -> NDArray[np.int32]:
    """Entries as 3 * place of the row + column."""
    places = state.ints[: at.FIELDS * shape_of(state).entries].reshape(-1, 4, at.FIELDS)[:, 3, at.PLACE]
    held = np.array(entries, np.int32)
    numbers: NDArray[np.int32] = 3 * places[held >> 2] + (held & 3)
    return numbers


def _entries(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """The entries of a walk whose rows are numbered by place; undoes `_numbered`."""
    rows, columns = np.divmod(numbers, 3)
    return (4 * (rows + 1) + columns).astype(np.int32)


def _active_at(shape: at.Shape) -> int:
    """Index of the list of active entries."""
    return at.FIELDS * shape.entries + (4 << shape.bucket_bits)

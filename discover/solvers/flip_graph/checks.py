"""What a state of a walking solver must keep to, where it comes from a file: each scheme in it is verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rings import Ring, holds, parse_ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.fields import MOST_COUNTED, sound
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.packing import Words, pack, unpack
from bilinear.discover.solvers.flip_graph.pool import ABOVE, ALL_TRIES, BELOW, GOAL, RANK, SEED, TRIES, PoolState
from bilinear.discover.solvers.flip_graph.prize import Prize
from bilinear.discover.solvers.flip_graph.schemes import Held, Rows, split, to_scheme
from bilinear.discover.solvers.flip_graph.shelf import Shelf
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    WalkState,
    best,
    current,
    dims_of,
    ring_of,
    settings_of,
    shape_of,
)

Whole = Callable[[Factors], Scheme]
"""The scheme that the rows of a walk stand for."""


def require_right(scheme: Scheme, what: str) -> None:
    """Refuse a scheme that does not compute its target.

    Raises:
        ValueError: If it does not.
    """
    proof = verify(scheme)
    sound(proof.ok, f"{what} is wrong: {proof.detail}")


def require_counts(what: str, *numbers: int) -> None:
    """Refuse numbers below 0, and those from which a count of 64 bits overflows."""
    sound(min(numbers) >= 0, f"a number of {what} is below 0")
    sound(max(numbers) < MOST_COUNTED, f"a number of {what} is too large")


def check_walk(walk: WalkState, ring: Ring, settings: Settings, whole: Whole) -> None:
    """A walk over the ring, that moves as the solver lets it: the scheme at which it stands, and its best one."""
    sound(ring_of(walk) == ring, f"its walk is over {ring_of(walk)}, not over {ring}")
    sound(settings_of(walk) == settings, "its walk moves as no option of this search says")
    for factors, what in ((current(walk), "the scheme of its walk"), (best(walk), "the best scheme of its walk")):
        require_right(whole(factors), what)


def check_prize(prize: Prize, problem: Problem, ring: Ring) -> None:
    """The best schemes of the target, over the ring walked on and lifted."""
    require_counts("its lifts", prize.lifts)
    sound(prize.ring == ring, f"its best scheme is over {prize.ring[:10]!r}, not over {ring}")
    sound(prize.best.ndim == 2 and prize.best.shape[1] == sum(problem.target.shape), "its best scheme is cut")
    if len(prize.best):
        require_right(prize.walked(problem.target), "its best scheme")
    check_held(prize.lifted, problem, "its lifted scheme")


def check_held(held: Held, problem: Problem, what: str) -> None:
    """A scheme over the ring asked for, or none."""
    sound(held.rows.ndim == 2 and held.rows.shape[1] == sum(problem.target.shape) + 1, f"{what} is cut")
    if held.rank:
        sound(holds(problem.ring, parse_ring(held.ring)), f"{what} is over {held.ring}, not over {problem.ring}")
        require_right(held.scheme(problem.target), what)


def check_starts(starts: Rows, target: Target, ring: Ring) -> None:
    """Schemes of the target to begin from."""
    sound(starts.ndim == 3 and starts.shape[2] == sum(target.shape), "its starts are cut")
    for rows in starts:
        require_right(to_scheme(target, ring, split(target, rows[rows.any(axis=1)])), "a start of it")


def check_shelf(shelf: Shelf, keep: int, spread: int, ring: Ring, target_of: Callable[[Sizes], Target]) -> None:
    """Schemes of formats around the target.

    Args:
        shelf: Where they are.
        keep: That the solver's shelf has.
        spread: Likewise.
        ring: Of the schemes.
        target_of: The target of a format; a ValueError for one that the solver has no use for.
    """
    sound((shelf.keep, shelf.spread) == (keep, spread), "its shelf keeps other schemes than this search")
    number = len(shelf.sizes)
    fits = shelf.sizes.shape == (number, 3) and shelf.shapes.shape == (number, 2) and shelf.factors.ndim == 1
    sound(fits and shelf.shapes.min(initial=1) > 0, "its shelf is cut")
    sound(shelf.shapes.max(initial=0) <= len(shelf.factors), "its shelf holds more than there is")
    sound(sum(rank * side for rank, side in shelf.shapes.tolist()) == len(shelf.factors), "its shelf is cut")
    begin = 0
    for (n, m, p), (rank, side) in zip(shelf.sizes.tolist(), shelf.shapes.tolist(), strict=True):
        target = target_of((n, m, p))
        sound(side == sum(target.shape), "a scheme on its shelf is of another format")
        rows = shelf.factors[begin : begin + rank * side].reshape(rank, side)
        require_right(to_scheme(target, ring, split(target, rows)), "a scheme on its shelf")
        begin += rank * side
    often = np.unique(shelf.sizes, axis=0, return_counts=True)[1].max(initial=0)
    sound(often <= keep, "its shelf is too full")


def format_of(sizes: Sizes, known: Sequence[Sizes]) -> Target:
    """The matrix product of one of some sizes.

    Raises:
        ValueError: If it is none of them.
    """
    sound(sizes in known, "a scheme on its shelf is of a format that this search has no use for")
    return matmul(*sizes)


def check_pool(pool: PoolState, size: int, ring: Ring, settings: Settings, whole: Whole) -> None:
    """A pool of so many schemes at most, its walk, and its counts; where the walk stops is set anew for each try."""
    stop = settings_of(pool.walk).stop_rank
    check_walk(pool.walk, ring, replace(settings, stop_rank=stop), whole)
    shape, counts = shape_of(pool.walk), pool.counts
    sound(counts.shape == (ALL_TRIES + 1,), "the counts of its pool are cut")
    require_counts("its pool", *counts[[RANK, TRIES, SEED, ALL_TRIES]].tolist())
    sound(counts[GOAL] < counts[RANK] <= shape.capacity and counts[GOAL] >= -1, "the ranks of its pool do not fit")
    sound(1 <= counts[ABOVE] <= size and 0 <= counts[BELOW] <= size, "its pool is empty or too full")
    for held, number, rank in ((pool.above, ABOVE, RANK), (pool.below, BELOW, GOAL)):
        sound(held.shape == (size, shape.capacity, 4, shape.stride), "its pool has another size")
        sound(counts[number] == 0 or counts[rank] >= 0, "the ranks of its pool do not fit")
        for packed in held[: int(counts[number]), : max(int(counts[rank]), 0)]:
            require_right(whole(_unpacked(packed, pool.walk, shape)), "a scheme of its pool")


def _unpacked(packed: Words, walk: WalkState, shape: at.Shape) -> Factors:
    """The factors of words that a walk can be put at."""
    factors = unpack(packed, ring_of(walk), dims_of(walk))
    sound(np.array_equal(pack(factors, ring_of(walk), shape.width), packed), "a scheme of its pool is no scheme")
    sound(all(factor.any(axis=1).all() for factor in factors), "a factor of its pool is zero")
    return factors

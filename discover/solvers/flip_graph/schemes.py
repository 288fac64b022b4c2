"""What the flip-graph solvers share: schemes as plain arrays, what none of them can take, lifting what a walk found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.lifting import lift
from bilinear.decompositions.rings import Ring, holds, parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph.blocks import MAX_COORDINATES, RINGS
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    WalkState,
    best,
    best_rank,
    configure,
    counts,
    current,
    rank,
    walk,
)

MAX_RANK = 1 << 13
STRIDE = 1 << 20  # flips between two looks at a walk that looks for another scheme to lift


@dataclass(kw_only=True)
class WalkedState:
    """What the states of all flip solvers hold: a walk, and the best schemes so far, as plain arrays.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters.
        starts: Factors of the schemes to begin from, joined, shape (starts, rank, left + right + out), zero rows last.
        ints: Of the walk, see `blocks`.
        words: Of the walk.
        steps: Flips so far.
        round: Times the search began.
        best: The best scheme of the target over the walk's ring, joined factors, shape (rank, left + right + out).
        lifts: Schemes that were tried for lifting.
        lifted: The best lifted scheme, likewise, in exact integers, with a last column of denominators.
        lifted_ring: The set that it was lifted to.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    starts: NDArray[np.int8]
    ints: NDArray[np.int32]
    words: NDArray[np.uint64]
    steps: int
    round: int
    best: NDArray[np.int8]
    lifts: int
    lifted: NDArray[np.int64]
    lifted_ring: str
    exhausted: bool = False

    @property
    def walk(self) -> WalkState:
        """The walk's two arrays."""
        return WalkState(self.ints, self.words)


class Lifting(NamedTuple):
    """What lifting the schemes of a walk came to.

    Attributes:
        rows: The lifted scheme, see `raised`; None if no scheme lifted.
        ring: The set that it was lifted to; empty without one.
        tries: Schemes tried.
        flips: Flips made on the way.
    """

    rows: NDArray[np.int64] | None
    ring: str
    tries: int
    flips: int


def require_settings(walked: str | None, plus_min: int, plus_max: int, plus_diff: int, **above_zero: float) -> None:
    """Check the options that the solvers share, and that those given by name are above 0.

    Raises:
        ValueError: If one of them makes no sense; the text says which.
    """
    if walked is not None and walked not in RINGS:
        raise ValueError(f"walk {walked!r}; one of {', '.join(RINGS)} is needed")
    if min(above_zero.values()) <= 0:
        *names, last = above_zero
        raise ValueError(f"{', '.join(names)} and {last} must be above 0")
    if not 0 < plus_min <= plus_max or plus_diff < 1:
        raise ValueError("0 < plus_min <= plus_max and plus_diff of at least 1 are needed")


def walk_ring(walked: str | None, problem: Problem) -> Ring:
    """The coefficient set of a walk: the option's, else the problem's, else `f2`, to be lifted from."""
    if walked is not None:
        return parse_ring(walked)
    return problem.ring if problem.ring.characteristic else Ring.F2


def require_walkable(name: str, problem: Problem, walked: Ring, starts: Sequence[Scheme | Approximation]) -> None:
    """Refuse what no walk can take.

    Args:
        name: Of the solver.
        problem: What is searched for.
        walked: Coefficient set of the walk.
        starts: Schemes to begin from.

    Raises:
        ProblemError: If the target or the ring is beyond the kernels, or a start is an approximation.
    """
    if problem.ring is Ring.QI:
        raise ProblemError(f"{name} walks over f2, f3 and zt; qi is beyond them; choose another solver")
    widest = max(problem.target.shape)
    if widest > MAX_COORDINATES:
        raise ProblemError(
            f"{name} holds at most {MAX_COORDINATES} coordinates a side, {problem.target.short} has {widest}"
        )
    if len(problem.target.values) > MAX_RANK:
        raise ProblemError(f"{problem.target.short}: {len(problem.target.values)} products to start from; too many")
    if walked.characteristic and problem.ring.characteristic and walked != problem.ring:
        raise ProblemError(f"a walk over {walked} gives no schemes over {problem.ring}; leave out the option walk")
    if walked is Ring.ZT and not holds(problem.ring, Ring.ZT):
        raise ProblemError(f"a walk over zt gives no schemes over {problem.ring}")
    if any(isinstance(start, Approximation) for start in starts):
        raise ProblemError(f"{name} starts at schemes, not at approximations; discretise it first")


def beginning(problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme]) -> dict[str, Any]:
    """The fields of a `WalkedState` that nothing was found in yet; the walk is still to be made."""
    sides = sum(problem.target.shape)
    return {
        "problem": problem,
        "seed": int(rng.integers(1 << 62)),
        "starts": stacked(problem, starts),
        "ints": np.zeros(0, np.int32),
        "words": np.zeros(0, np.uint64),
        "steps": 0,
        "round": 0,
        "best": np.zeros((0, sides), np.int8),
        "lifts": 0,
        "lifted": np.zeros((0, sides + 1), np.int64),
        "lifted_ring": "",
    }


def results(state: WalkedState, walked: Ring) -> Iterator[Scheme]:
    """The best lifted scheme, and the best walked over if that ring is the one asked for."""
    target, ring = state.problem.target, state.problem.ring
    if len(state.lifted):
        yield lowered(target, state.lifted_ring, state.lifted)
    if walked == ring and len(state.best):
        yield to_scheme(target, ring, state.best)


def to_scheme(target: Target, ring: Ring, joined: NDArray[np.integer]) -> Scheme:
    """A scheme of joined factors, shape (rank, left + right + out); signed residues are reduced over `f3`."""
    u, v, w = np.split(joined.astype(np.int64), np.cumsum(target.shape)[:2], axis=1)
    if ring.characteristic:
        u, v, w = u % ring.characteristic, v % ring.characteristic, w % ring.characteristic
    return Scheme(target, ring, u, v, w)


def split(target: Target, joined: NDArray[np.integer]) -> Factors:
    """The three factors side by side, without zero rows; undoes `joined`."""
    u, v, w = np.split(joined[joined.any(axis=1)].astype(np.int64), np.cumsum(target.shape)[:2], axis=1)
    return u, v, w


def factors_of(scheme: Scheme) -> Factors:
    """The factors as a walk takes them."""
    u, v, w = (factor.astype(np.int64) for factor in scheme.factors)
    return u, v, w


def joined(scheme: Scheme) -> NDArray[np.int8]:
    """The factors side by side, shape (rank, left + right + out)."""
    return np.concatenate(scheme.factors, axis=1).astype(np.int8)


def stacked(problem: Problem, schemes: Sequence[Scheme]) -> NDArray[np.int8]:
    """The joined factors of several schemes, shape (schemes, most products, left + right + out), zero rows last."""
    most = max((scheme.rank for scheme in schemes), default=0)
    stack = np.zeros((len(schemes), most, sum(problem.target.shape)), np.int8)
    for place, scheme in enumerate(schemes):
        stack[place, : scheme.rank] = joined(scheme)
    return stack


def is_dead(scheme: Scheme) -> bool:
    """Whether the first step of lifting has no solution, so that nothing of characteristic 0 reduces to the scheme.

    What flips lead to and what is grown from such a scheme is dead as well, nearly always.
    """
    if not scheme.ring.characteristic:
        return False
    found = lift(scheme, "q", steps=1, choices=1, rebase=False)
    return found.scheme is None and found.steps == 0


def raised(
    scheme: Scheme, wanted: Ring, choices: int, seed: int, flips: int = 0
) -> tuple[NDArray[np.int64], str] | None:
    """A scheme lifted to `wanted`, or as it is where it is ternary.

    Returns:
        Its joined factors with a last column of denominators, and its ring; None if it does not lift.
    """
    lifted = scheme if scheme.ring is Ring.ZT else lift(scheme, wanted, choices=choices, seed=seed, flips=flips).scheme
    if lifted is None or any(part.dtype == object for part in (*lifted.factors, lifted.denominators)):
        return None
    return as_rows(lifted)


def as_rows(scheme: Scheme) -> tuple[NDArray[np.int64], str]:
    """Joined factors with a last column of denominators, and the ring, as `raised` gives them."""
    return np.concatenate([*scheme.factors, scheme.denominators[:, None]], axis=1).astype(np.int64), str(scheme.ring)


def lowered(target: Target, ring: str, rows: NDArray[np.int64]) -> Scheme:
    """The scheme that `raised` gave as rows."""
    u, v, w, denominators = np.split(rows, np.cumsum(target.shape), axis=1)
    return Scheme(target, Ring(ring), u, v, w, denominators[:, 0])


def lift_walk(
    state: WalkState,
    settings: Settings,
    whole: Callable[[Factors], Scheme],
    wanted: Ring,
    tries: int,
    seed: int,
    flips: int = 0,
) -> Lifting:
    """Lift the best scheme of a walk, or others of its rank that flips lead to; none if the first is dead.

    Args:
        state: The walk; it is moved on.
        settings: How the walk moves, before and after.
        whole: From what the walk holds to a scheme of the target.
        wanted: `zt`, `z` or `q`.
        tries: Schemes to try.
        seed: Of the choices of lifting.
        flips: Most steps of the walks that lifting makes from the last of them, see `lift`.
    """
    factors, began = best(state), counts(state)["flips"]
    configure(state, replace(settings, plus_diff=0, stop_rank=max(best_rank(state) - 1, 0)))
    for attempt in range(tries):
        found = raised(whole(factors), wanted, 2 + attempt % 3, seed + attempt)
        if found is not None or attempt == tries - 1 or is_dead(whole(factors)):
            break
        walk(state, STRIDE)
        factors = current(state) if rank(state) <= best_rank(state) else best(state)
    configure(state, settings)
    if found is None and flips:
        found = raised(whole(factors), wanted, 1, seed + tries, flips)
    rows, ring = found or (None, "")
    return Lifting(rows, ring, attempt + 1, counts(state)["flips"] - began)

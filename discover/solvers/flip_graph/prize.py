"""What a search has won so far: the best scheme over the ring walked on, and the best one lifted from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.lifting import lift, work
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.phase import doing
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph.schemes import Held, Rows, split, to_scheme
from bilinear.discover.solvers.flip_graph.walking import (
    Settings,
    WalkState,
    best,
    best_rank,
    configure,
    counts,
    current,
    rank,
    ring_of,
    walk,
)

STRIDE = 1 << 20  # flips between two looks at a walk that looks for another scheme to lift
QUICK_TO_LIFT = 8000  # coefficients of a scheme that lifts in seconds: 5x5x5 with 93 products has 6975
DEAD = ["no start lifts: modulo 4 nothing reduces to it, nor, nearly always, to what flips lead to; choose others"]
MOST_WORK = 1e11  # operations of a try to lift, about a minute and a GB: 6x6x7 with 190 products is within


class Lifting(NamedTuple):
    """What lifting the schemes of a walk came to.

    Attributes:
        held: The lifted scheme; None if no scheme lifted.
        tries: Schemes tried.
        flips: Flips made on the way.
    """

    held: Held | None
    tries: int
    flips: int


@dataclass(kw_only=True)
class Prize:
    """The best schemes of the target so far, as plain arrays; nested in the states of the solvers.

    Attributes:
        ring: What is walked over.
        best: The best scheme over it, joined factors, shape (rank, left + right + out).
        lifted: The best scheme lifted from there, if the ring asked for is another one.
        lifts: Schemes that were tried for lifting.
    """

    ring: str
    best: Rows
    lifted: Held
    lifts: int = 0

    @classmethod
    def none_yet(cls, target: Target, ring: Ring) -> Prize:
        """Before anything is found."""
        return cls(ring=str(ring), best=np.zeros((0, sum(target.shape)), np.int8), lifted=Held.nothing(target))

    def is_beaten_by(self, rank: int) -> bool:
        """Whether a scheme of so many products over the ring walked on would be the best."""
        return not 0 < len(self.best) <= rank

    def is_worth_lifting(self, rank: int, problem: Problem) -> bool:
        """Whether a scheme of so many products over the ring walked on, if it lifts, is wanted and the best lifted."""
        enough = problem.rank is None or rank <= problem.rank
        return self.ring != problem.ring and enough and not 0 < self.lifted.rank <= rank

    def rank(self, problem: Problem) -> int:
        """Products of the best scheme over the ring asked for; 0 without one."""
        return len(self.best) if self.ring == problem.ring else self.lifted.rank

    def schemes(self, problem: Problem) -> Iterator[Scheme]:
        """The best lifted scheme, and the best over the ring walked on if that is the one asked for."""
        if self.lifted.rank:
            yield self.lifted.scheme(problem.target)
        if len(self.best) and self.ring == problem.ring:
            yield self.walked(problem.target)

    def remarks(self, problem: Problem) -> list[str]:
        """That the best scheme is too large to lift, if it is."""
        if self.ring == problem.ring or not len(self.best) or work(self.walked(problem.target)) <= MOST_WORK:
            return []
        held = f"a scheme of {len(self.best)} products over {self.ring} is too large to lift to {problem.ring}"
        return [f"{held}; walk over {Ring.ZT} itself, with --option walk=zt"]

    def walked(self, target: Target) -> Scheme:
        """The best scheme over the ring walked on, which must be there."""
        return to_scheme(target, Ring(self.ring), split(target, self.best))

    def lift(
        self, state: WalkState, settings: Settings, problem: Problem, tries: int, seed: int, flips: int = 0
    ) -> int:
        """Keep what the best scheme of a walk lifts to, see `lift_walk`. Return the flips made on the way."""
        found = lift_walk(state, settings, problem, tries, seed % 2**31 + self.lifts, flips)
        self.lifts += found.tries
        self.lifted = found.held or self.lifted
        return found.flips


def _named(scheme: Scheme) -> str:
    """`4x4x4:47 from f2`."""
    return f"{scheme.target.short}:{scheme.rank} from {scheme.ring}"


def is_dead(scheme: Scheme) -> bool:
    """Whether the first step of lifting has no solution, so that nothing of characteristic 0 reduces to the scheme.

    What flips lead to and what is grown from such a scheme is dead as well, nearly always.
    """
    if not scheme.ring.characteristic:
        return False
    try:
        with doing(f"lifting {_named(scheme)}"):
            found = lift(scheme, "q", steps=1, choices=1, rebase=False, most=MOST_WORK)
    except TooLargeError:
        return False
    return found.scheme is None and found.steps == 0


def are_dead(problem: Problem, starts: Sequence[Scheme | Approximation]) -> bool:
    """Whether all that a search begins from is dead, where it is to be lifted; false where it begins from nothing."""
    if problem.ring.characteristic or not starts:
        return False
    return all(isinstance(start, Scheme) and is_dead(start) for start in starts)


def raised(scheme: Scheme, wanted: Ring, choices: int, seed: int, flips: int = 0) -> Held | None:
    """A scheme lifted to `wanted`, or as it is where it is ternary; None if it does not lift, or is too large to."""
    if scheme.ring is Ring.ZT:
        return Held.of(scheme)
    try:
        with doing(f"lifting {_named(scheme)}"):
            lifted = lift(scheme, wanted, choices=choices, seed=seed, flips=flips, most=MOST_WORK).scheme
    except TooLargeError:
        return None
    if lifted is None or any(part.dtype == object for part in (*lifted.factors, lifted.denominators)):
        return None
    return Held.of(lifted)


def lift_walk(state: WalkState, settings: Settings, problem: Problem, tries: int, seed: int, flips: int = 0) -> Lifting:
    """Lift the best scheme of a walk, or others of its rank that flips lead to; none if the first is dead.

    Args:
        state: A walk on schemes of the problem's target; it is moved on.
        settings: How the walk moves, before and after.
        problem: Says the ring to lift to: `zt`, `z` or `q`.
        tries: Schemes to try.
        seed: Of the choices of lifting.
        flips: Most steps of the walks that lifting makes from the last of them, see `lift`.
    """
    target, walked, began = problem.target, Ring(ring_of(state)), counts(state)["flips"]
    scheme = to_scheme(target, walked, best(state))
    configure(state, replace(settings, plus_diff=0, stop_rank=max(best_rank(state) - 1, 0)))
    for attempt in range(tries):
        found = raised(scheme, problem.ring, 2 + attempt % 3, seed + attempt)
        if found is not None or attempt == tries - 1 or is_dead(scheme):
            break
        walk(state, STRIDE)
        scheme = to_scheme(target, walked, current(state) if rank(state) <= best_rank(state) else best(state))
    configure(state, settings)
    if found is None and flips:
        found = raised(scheme, problem.ring, 1, seed + tries, flips)
    return Lifting(found, attempt + 1, counts(state)["flips"] - began)

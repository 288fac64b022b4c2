"""The solver `flip-graph`: grow a format step by step, walk down at every step, lift what the walk finds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.constructions import standard
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.rules.block_flip import moved
from bilinear.decompositions.rules.span import reduced
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.checks import (
    check_held,
    check_prize,
    check_shelf,
    check_starts,
    check_walk,
    require_counts,
)
from bilinear.discover.solvers.flip_graph.options import PlusOptions, require_walkable
from bilinear.discover.solvers.flip_graph.prize import QUICK_TO_LIFT, Prize, are_dead, is_dead, raised
from bilinear.discover.solvers.flip_graph.routes import Stage, leads_to, route
from bilinear.discover.solvers.flip_graph.schemes import MAX_RANK, Held, factors_of, joined, stacked, to_scheme
from bilinear.discover.solvers.flip_graph.shelf import Shelf, sizes_of
from bilinear.discover.solvers.flip_graph.state import WalkedState
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    best,
    best_rank,
    counts,
    dims_of,
    restart,
    set_stop_rank,
    start,
    walk,
)

SLICE = 1 << 24  # flips of an advance: about half a second
BARRIER = 1 << 26  # flips between two exchanges of jobs: a few seconds
PASSED = 32  # schemes that a walk passes on its way down and that are looked at for one that lifts
KEPT = 4  # schemes of other jobs that are kept of each format


@dataclass(kw_only=True)
class FlipGraphState(WalkedState):
    """A walk at some stage of growing, and the best schemes so far; see `WalkedState`.

    Attributes:
        stage: Place on the route.
        idle: Flips since the walk's best scheme last improved.
        spare: A scheme of higher rank for want of a better one, over the ring asked for; searches without a rank keep
            one.
        shelf: Schemes of other jobs to go on from, of formats on the way.
    """

    stage: int = 0
    idle: int = 0
    spare: Held
    shelf: Shelf = field(default_factory=lambda: Shelf(keep=KEPT, spread=0))

    @property
    def grown(self) -> str:
        """The format at this stage, such as `3x3x4`."""
        if self.problem.target.family != "matmul":
            return self.problem.target.short
        left, right, out = dims_of(self.walk)
        n = math.isqrt(left * out // right)
        return f"{n}x{left // n}x{out // n}"

    def metrics(self) -> dict[str, float | int | str]:
        """Where the walk stands."""
        return {
            "best": len(self.prize.best),
            "lifted": self.prize.lifted.rank,
            "over": self.prize.ring,
            "grown": f"{self.grown}:{best_rank(self.walk)}",
            "round": self.round,
            "stage": self.stage,
            "stage best": best_rank(self.walk),
            "pluses": counts(self.walk)["pluses"],
            "lifts": self.prize.lifts,
        }


@dataclass(frozen=True)
class FlipGraph(PlusOptions):
    """Walk the flip graph of ever larger formats, each begun at the best of the one before plus a standard block.

    Other options are those of `PlusOptions`. Where `lifts` schemes of a rank did not lift, the search begins anew.

    Attributes:
        grow: Whether a `matmul` format is grown from 2x2x2; without, the walk starts at the standard algorithm.
        patience: Flips without a better scheme after which a stage is left, in millions.
        leg: Flips after which a walk returns to its best scheme, in millions.
        span: Whether starts, and what is handed on to the next format, lose the products that the others span (span
            reduction).
        blocks: Whether a walk that returns to its best scheme first makes a block flip there, over f2 and f3.

    Source:
        Flips and reductions: Kauers, Moosbauer (arXiv:2212.01175). Plus transitions, growing: Arai, Ichikawa, Hukushima
        (arXiv:2312.16960).
    """

    grow: bool = True
    patience: float = 6.0
    leg: float = 3.0
    span: bool = False
    blocks: bool = False
    above_zero: ClassVar[tuple[str, ...]] = ("patience", "leg", "lifts")
    state_type: ClassVar[type[FlipGraphState]] = FlipGraphState
    barrier_steps: ClassVar[int] = BARRIER

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> FlipGraphState:
        """A walk at the first stage.

        Args:
            problem: Any target with at most 256 coordinates a side, over any ring but `qi`.
            rng: Gives the seed.
            starts: Schemes of the target to walk from, instead of growing.

        Raises:
            ProblemError: If the target or the ring is beyond this method.
        """
        walked, target = self.walk_ring(problem), problem.target
        require_walkable("flip-graph", problem, walked, starts)
        state = FlipGraphState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=stacked(target, [self._handed(start.to(walked)) for start in starts if isinstance(start, Scheme)]),
            prize=Prize.none_yet(target, walked),
            spare=Held.nothing(target),
            exhausted=are_dead(problem, starts),
        )
        self._begin(state)
        return state

    def advance(self, state: FlipGraphState) -> FlipGraphState:
        """`SLICE` flips, or fewer if the rank asked for is reached, or a start that no flip is left for."""
        end = state.steps + SLICE
        while state.steps < end and not self._done(state):
            steps, round_ = state.steps, state.round
            self._leg(state, end - state.steps)
            if state.round > round_ and state.steps <= steps + 1:
                break
        return state

    def candidates(self, state: FlipGraphState) -> Iterator[Scheme | Approximation]:
        """The best scheme of the target, and the best lifted one; without any, one for want of a better."""
        yield from self.offered(state.prize, state.problem)
        if state.spare.rank and not 0 < state.prize.rank(state.problem) <= state.spare.rank:
            yield state.spare.scheme(state.problem.target)

    def check(self, state: FlipGraphState) -> None:
        """See `Checking`."""
        problem, ring = state.problem, self.walk_ring(state.problem)
        require_counts("it", state.seed, state.steps, state.round, state.stage, state.idle)
        sound(not state.exhausted or len(state.starts) > 0, "it says that no move is left")
        check_starts(state.starts, problem.target, ring)
        stages = self._stages(state)
        sound(state.stage < len(stages), "its stage is not on the way to the target")
        here = stages[state.stage]
        sound(
            dims_of(state.walk) == here.target.shape and state.walk.words[at.ORBIT] == at.ALONE, "its walk is elsewhere"
        )
        settings = self.settings(here.goal)
        check_walk(state.walk, ring, settings, lambda factors: to_scheme(here.target, ring, factors))
        check_prize(state.prize, problem, ring)
        check_held(state.spare, problem, "its spare scheme")
        check_shelf(state.shelf, KEPT, 0, ring, lambda sizes: _on_the_way(sizes, problem.target))

    def share(self, state: FlipGraphState) -> list[Scheme]:
        """The best scheme of the target, and that of the format just walked on."""
        target, here = state.problem.target, self._stages(state)[state.stage].target
        own = [state.prize.walked(target)] if len(state.prize.best) else []
        return own if here == target and own else [*own, self._walked(state, here)]

    def accept(self, state: FlipGraphState, schemes: Sequence[Scheme], rng: np.random.Generator) -> FlipGraphState:
        """Keep schemes of formats on the way: those better than the own are climbed from, every second round begins at
        one of the target.
        """
        for scheme in schemes:
            if scheme.ring is self.walk_ring(state.problem) and leads_to(scheme.target, state.problem.target):
                state.shelf.add(scheme.target, joined(scheme.factors))
        return state

    def _stages(self, state: FlipGraphState) -> list[Stage]:
        """The formats on the way; only the target itself where nothing is grown."""
        grown = self.grow and not len(state.starts)
        rng = np.random.default_rng([state.seed, state.round]) if state.round > 1 else None
        return route(state.problem, grown, rng)

    def _done(self, state: FlipGraphState) -> bool:
        return state.problem.rank is not None and 0 < state.prize.rank(state.problem) <= state.problem.rank

    def _begin(self, state: FlipGraphState) -> None:
        """A new round, at the first format or at one of the starts."""
        state.round += 1
        state.stage = 0
        stages, walked = self._stages(state), self.walk_ring(state.problem)
        if state.round % 2 == 0 and (given := self._from_others(state, state.problem.target)) is not None:
            state.stage, first = len(stages) - 1, given
        elif len(state.starts):
            factors = state.start_factors(state.round % len(state.starts))
            first = to_scheme(state.problem.target, walked, factors)
        else:
            first = standard(stages[0].target).to(walked)
        self._enter(state, first, stages[state.stage])

    def _enter(self, state: FlipGraphState, scheme: Scheme, stage: Stage) -> None:
        """Put a walk at a scheme of a stage's format."""
        seed = int(np.random.SeedSequence([state.seed, state.round, state.stage]).generate_state(1)[0])
        state.walk = start(factors_of(scheme), str(scheme.ring), seed, self.settings(stage.goal))
        state.idle = 0

    def _leg(self, state: FlipGraphState, most: int) -> None:
        """Walk on from the stage's best scheme, then decide where to go."""
        stages = self._stages(state)
        stage, last = stages[state.stage], state.stage == len(stages) - 1
        before, place = best_rank(state.walk), counts(state.walk)["flips"]
        passed = self._walk(state, min(most, int(self.leg * 1e6)), last)
        spent = counts(state.walk)["flips"] - place
        state.steps += max(spent, 1)
        fell = best_rank(state.walk) < before
        state.idle = 0 if fell else state.idle + max(spent, 1)
        if last:
            self._record(state, stage)
            self._spare_passed(state, passed)
        reached = best_rank(state.walk) <= stage.goal
        if not last and (reached or state.idle >= self.patience * 1e6):
            self._climb(state, stages)
        elif last and not self._done(state) and (reached or state.idle >= self.patience * 1e6):
            self._begin(state)
        elif not fell:
            self._return(state, stage)

    def _return(self, state: FlipGraphState, stage: Stage) -> None:
        """Put the walk back at its best scheme, or a block flip away from it."""
        found, walked = None, self.walk_ring(state.problem)
        if self.blocks and walked.characteristic:
            found = moved(self._walked(state, stage.target), np.random.default_rng([state.seed, state.steps]))
        restart(state.walk, best(state.walk) if found is None else factors_of(found))

    def _climb(self, state: FlipGraphState, stages: list[Stage]) -> None:
        """On to the next format, from the best scheme of this one and a standard block; anew from one that is dead."""
        here, following = stages[state.stage], stages[state.stage + 1]
        scheme = self._walked(state, here.target)
        given = self._from_others(state, here.target, scheme.rank)
        if given is None and not state.problem.ring.characteristic and is_dead(scheme):
            self._begin(state)
            return
        scheme = self._handed(given or scheme)
        self._spare_grown(state, scheme)
        state.stage += 1
        self._enter(state, fitted(scheme, following.target), following)

    def _handed(self, scheme: Scheme) -> Scheme:
        """The scheme, without the products that the others span if that is asked for."""
        return reduced(scheme) if self.span else scheme

    def _walked(self, state: FlipGraphState, target: Target) -> Scheme:
        """The best scheme of the walk, which is of the target given."""
        return to_scheme(target, self.walk_ring(state.problem), best(state.walk))

    def _from_others(self, state: FlipGraphState, target: Target, below: int = MAX_RANK) -> Scheme | None:
        """A scheme of the target from other jobs, one of several drawn, if it has a lower rank and is not dead."""
        sizes = sizes_of(target)
        if sizes not in state.shelf.formats or state.shelf.best_rank(sizes) >= below:
            return None
        rng = np.random.default_rng([state.seed, state.round, state.stage])
        scheme = state.shelf.drawn(target, self.walk_ring(state.problem), rng)
        return None if not state.problem.ring.characteristic and is_dead(scheme) else scheme

    def _walk(self, state: FlipGraphState, flips: int, last: bool) -> list[Factors]:
        """Walk; where something liftable of any rank is wanted, return schemes of the ranks passed, falling."""
        if not last or state.problem.rank is not None or self.walk_ring(state.problem) == state.problem.ring:
            walk(state.walk, flips)
            return []
        passed: deque[Factors] = deque([best(state.walk)], PASSED)
        end = counts(state.walk)["flips"] + flips
        while (left := end - counts(state.walk)["flips"]) > 0 and best_rank(state.walk):
            set_stop_rank(state.walk, best_rank(state.walk) - 1)
            walk(state.walk, left)
            if best_rank(state.walk) < len(passed[-1][0]):
                passed.append(best(state.walk))
        set_stop_rank(state.walk, 0)
        return list(passed)

    def _kept(self, state: FlipGraphState) -> int:
        """The rank of the best scheme known over the ring asked for, spare ones too; `MAX_RANK` and more without."""
        ranks = state.prize.rank(state.problem), state.spare.rank, self.below
        return min((rank for rank in ranks if rank), default=2 * MAX_RANK)

    def _spare_passed(self, state: FlipGraphState, passed: list[Factors]) -> None:
        """Where the walk's best scheme did not lift, look for the last of those passed that does, by halving."""
        target, walked = state.problem.target, self.walk_ring(state.problem)
        open_ones = [factors for factors in passed[:-1] if len(factors[0]) < self._kept(state)]
        while open_ones:
            middle = len(open_ones) // 2
            found = raised(to_scheme(target, walked, open_ones[middle]), state.problem.ring, 2, state.seed % 2**31)
            state.spare = found or state.spare
            open_ones = open_ones[:middle] if found is None else open_ones[middle + 1 :]

    def _spare_grown(self, state: FlipGraphState, scheme: Scheme) -> None:
        """Keep a scheme of a smaller format, lifted and extended by standard blocks to the target."""
        problem = state.problem
        small = scheme.rank * sum(scheme.target.shape) <= QUICK_TO_LIFT
        if problem.rank is not None or not small or fitted(scheme, problem.target).rank >= self._kept(state):
            return
        found = Held.of(scheme) if scheme.ring == problem.ring else raised(scheme, problem.ring, 2, 0)
        if found is not None:
            state.spare = Held.of(fitted(found.scheme(scheme.target), problem.target))

    def _record(self, state: FlipGraphState, stage: Stage) -> None:
        """Keep a better scheme of the target, and lift it if it is wanted over another ring."""
        rank, prize = best_rank(state.walk), state.prize
        if prize.is_beaten_by(rank):
            prize.best, prize.lifts = joined(best(state.walk)), 0
        if self.wants(rank) and prize.is_worth_lifting(rank, state.problem):
            settings = self.settings(stage.goal)
            state.steps += prize.lift(state.walk, settings, state.problem, self.lifts, state.seed)


def _on_the_way(sizes: Sizes, target: Target) -> Target:
    """The format of a scheme on a shelf that leads to the target.

    Raises:
        ValueError: If none of that format does.
    """
    if target.family != "matmul":
        sound(sizes == sizes_of(target), "a scheme on its shelf is of another target")
        return target
    inside = all(1 <= size <= most for size, most in zip(sizes, target.sizes, strict=True))
    sound(inside, "a scheme on its shelf leads to no format of this search")
    return matmul(*sizes)

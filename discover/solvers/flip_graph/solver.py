"""The solver `flip-graph`: grow a format step by step, walk down at every step, lift what the walk finds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.constructions import standard
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph import gifts
from bilinear.discover.solvers.flip_graph.gifts import Gifts
from bilinear.discover.solvers.flip_graph.routes import Stage, route
from bilinear.discover.solvers.flip_graph.schemes import (
    MAX_RANK,
    WalkedState,
    as_rows,
    beginning,
    factors_of,
    is_dead,
    lift_walk,
    lowered,
    raised,
    require_settings,
    require_walkable,
    results,
    to_scheme,
    walk_ring,
)
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    best,
    best_rank,
    counts,
    restart,
    set_stop_rank,
    start,
    walk,
)

SLICE = 1 << 24  # flips of an advance: about half a second
BARRIER = 1 << 26  # flips between two exchanges of jobs: a few seconds
PASSED = 32  # schemes that a walk passes on its way down and that are looked at for one that lifts
SPARE = 8000  # coefficients of a scheme that lifts in seconds: 5x5x5 with 93 products has 6975


@dataclass(kw_only=True)
class FlipGraphState(WalkedState):
    """A walk at some stage of growing, and the best schemes so far; see `WalkedState`.

    Attributes:
        stage: Place on the route.
        idle: Flips since the walk's best scheme last improved.
        spare: A scheme of higher rank for want of a better one, as `lifted`; searches without a rank keep one.
        spare_ring: Its ring.
        gift_kinds: Of schemes that others gave, see `Gifts`.
        gift_factors: Of those schemes.
    """

    stage: int
    idle: int
    spare: NDArray[np.int64]
    spare_ring: str
    gift_kinds: NDArray[np.int64]
    gift_factors: NDArray[np.int8]

    def metrics(self) -> dict[str, float | int | str]:
        """Where the walk stands."""
        told = counts(self.walk)
        return {
            "best": len(self.best),
            "lifted": len(self.lifted),
            "round": self.round,
            "stage": self.stage,
            "stage best": best_rank(self.walk),
            "pluses": told["pluses"],
            "lifts": self.lifts,
        }


@dataclass(frozen=True)
class FlipGraph:
    """Walk the flip graph of ever larger formats, each begun at the best of the one before plus a standard block.

    Attributes:
        walk: Coefficient set of the walk: f2, f3 or zt. By default the one searched for, f2 where that is zt, z or q;
            what is found is then lifted.
        grow: Whether a `matmul` format is grown from 2x2x2; without, the walk starts at the standard algorithm.
        patience: Flips without a better scheme after which a stage is left, in millions.
        leg: Flips after which a walk returns to its best scheme, in millions.
        plus_min: Fewest flips without a fall of the rank before a plus transition.
        plus_max: Most such flips.
        plus_diff: Pluses are made while the rank is below the best rank plus this.
        lifts: Schemes of one rank that are tried for lifting before the search begins anew.

    Source:
        Flips and reductions: Kauers, Moosbauer (arXiv:2212.01175). Plus transitions, growing: Arai, Ichikawa, Hukushima
        (arXiv:2312.16960).
    """

    walk: str | None = None
    grow: bool = True
    patience: float = 6.0
    leg: float = 3.0
    plus_min: int = 20_000
    plus_max: int = 50_000
    plus_diff: int = 2
    lifts: int = 10
    state_type: ClassVar[type[FlipGraphState]] = FlipGraphState
    barrier_steps: ClassVar[int] = BARRIER

    def __post_init__(self) -> None:
        require_settings(
            self.walk,
            self.plus_min,
            self.plus_max,
            self.plus_diff,
            patience=self.patience,
            leg=self.leg,
            lifts=self.lifts,
        )

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
        require_walkable("flip-graph", problem, self._ring(problem), starts)
        walked, nothing = self._ring(problem), gifts.none()
        state = FlipGraphState(
            **beginning(problem, rng, [s.to(walked) for s in starts if isinstance(s, Scheme)]),
            stage=0,
            idle=0,
            spare=np.zeros((0, sum(problem.target.shape) + 1), np.int64),
            spare_ring="",
            gift_kinds=nothing.kinds,
            gift_factors=nothing.factors,
        )
        self._begin(state)
        return state

    def advance(self, state: FlipGraphState) -> FlipGraphState:
        """`SLICE` flips, or fewer if the rank asked for is reached."""
        end = state.steps + SLICE
        while state.steps < end and not self._done(state):
            self._leg(state, end - state.steps)
        return state

    def candidates(self, state: FlipGraphState) -> Iterator[Scheme | Approximation]:
        """The best scheme of the target, and the best lifted one; without any, one for want of a better."""
        yield from results(state, self._ring(state.problem))
        if 0 < len(state.spare) < self._kept(state, spare=False):
            yield lowered(state.problem.target, state.spare_ring, state.spare)

    def share(self, state: FlipGraphState) -> list[Scheme]:
        """The best scheme of the target, and that of the format just walked on."""
        walked, target = self._ring(state.problem), state.problem.target
        here = self._stages(state)[state.stage].target
        own = [to_scheme(target, walked, state.best)] if len(state.best) else []
        return own if here == target and own else [*own, self._walked(state, here)]

    def accept(self, state: FlipGraphState, schemes: Sequence[Scheme], rng: np.random.Generator) -> FlipGraphState:
        """Keep schemes of formats on the way: those better than the own are climbed from, every second round begins at
        one of the target.
        """
        target, walked = state.problem.target, self._ring(state.problem)
        held = Gifts(state.gift_kinds, state.gift_factors)
        for scheme in schemes:
            if scheme.ring is walked and gifts.leads_to(scheme.target, target):
                held = gifts.added(held, scheme, target)
        state.gift_kinds, state.gift_factors = held
        return state

    def _ring(self, problem: Problem) -> Ring:
        """The coefficient set of the walk."""
        return walk_ring(self.walk, problem)

    def _stages(self, state: FlipGraphState) -> list[Stage]:
        """The formats on the way; only the target itself where nothing is grown."""
        grown = self.grow and not len(state.starts)
        rng = np.random.default_rng([state.seed, state.round]) if state.round > 1 else None
        return route(state.problem, grown, rng)

    def _done(self, state: FlipGraphState) -> bool:
        held = len(state.best) if self._ring(state.problem) == state.problem.ring else len(state.lifted)
        return state.problem.rank is not None and 0 < held <= state.problem.rank

    def _begin(self, state: FlipGraphState) -> None:
        """A new round, at the first format or at one of the starts."""
        state.round += 1
        state.stage = 0
        stages = self._stages(state)
        if state.round % 2 == 0 and (gift := self._gift(state, state.problem.target)) is not None:
            state.stage, first = len(stages) - 1, gift
        elif len(state.starts):
            joined = state.starts[state.round % len(state.starts)]
            first = to_scheme(state.problem.target, self._ring(state.problem), joined[joined.any(axis=1)])
        else:
            first = standard(stages[0].target).to(self._ring(state.problem))
        self._enter(state, first, stages[state.stage])

    def _enter(self, state: FlipGraphState, scheme: Scheme, stage: Stage) -> None:
        """Put a walk at a scheme of a stage's format."""
        seed = int(np.random.SeedSequence([state.seed, state.round, state.stage]).generate_state(1)[0])
        state.ints, state.words = start(factors_of(scheme), str(scheme.ring), seed, self._settings(stage))
        state.idle = 0

    def _settings(self, stage: Stage) -> Settings:
        return Settings(plus_min=self.plus_min, plus_max=self.plus_max, plus_diff=self.plus_diff, stop_rank=stage.goal)

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
            restart(state.walk, best(state.walk))

    def _climb(self, state: FlipGraphState, stages: list[Stage]) -> None:
        """On to the next format, from the best scheme of this one and a standard block; anew from one that is dead."""
        here, following = stages[state.stage], stages[state.stage + 1]
        scheme = self._walked(state, here.target)
        gift = self._gift(state, here.target, scheme.rank)
        if gift is None and not state.problem.ring.characteristic and is_dead(scheme):
            self._begin(state)
            return
        scheme = gift or scheme
        self._spare_grown(state, scheme)
        state.stage += 1
        self._enter(state, fitted(scheme, following.target), following)

    def _walked(self, state: FlipGraphState, target: Target) -> Scheme:
        """The best scheme of the walk, which is of the target given."""
        return to_scheme(target, self._ring(state.problem), np.concatenate(best(state.walk), axis=1))

    def _gift(self, state: FlipGraphState, target: Target, below: int = MAX_RANK) -> Scheme | None:
        """A scheme of the target that others gave, one of several drawn, if it has a lower rank and is not dead."""
        those = gifts.given(Gifts(state.gift_kinds, state.gift_factors), target)
        if not those or len(those[0]) >= below:
            return None
        drawn = np.random.default_rng([state.seed, state.round, state.stage]).integers(len(those))
        scheme = to_scheme(target, self._ring(state.problem), those[drawn])
        return None if not state.problem.ring.characteristic and is_dead(scheme) else scheme

    def _walk(self, state: FlipGraphState, flips: int, last: bool) -> list[Factors]:
        """Walk; where something liftable of any rank is wanted, return schemes of the ranks passed, falling."""
        if not last or state.problem.rank is not None or self._ring(state.problem) == state.problem.ring:
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

    def _kept(self, state: FlipGraphState, spare: bool = True) -> int:
        """The rank of the best scheme over the ring asked for; `MAX_RANK` and more without one."""
        own = state.best if self._ring(state.problem) == state.problem.ring else state.lifted
        ranks = [len(own), len(state.spare) if spare else 0]
        return min((rank for rank in ranks if rank), default=2 * MAX_RANK)

    def _spare_passed(self, state: FlipGraphState, passed: list[Factors]) -> None:
        """Where the walk's best scheme did not lift, look for the last of those passed that does, by halving."""
        target, walked = state.problem.target, self._ring(state.problem)
        open_ones = [factors for factors in passed[:-1] if len(factors[0]) < self._kept(state)]
        while open_ones:
            middle = len(open_ones) // 2
            scheme = to_scheme(target, walked, np.concatenate(open_ones[middle], axis=1))
            found = raised(scheme, state.problem.ring, 2, state.seed % 2**31)
            if found is not None:
                state.spare, state.spare_ring = found
            open_ones = open_ones[:middle] if found is None else open_ones[middle + 1 :]

    def _spare_grown(self, state: FlipGraphState, scheme: Scheme) -> None:
        """Keep a scheme of a smaller format, lifted and extended by standard blocks to the target."""
        problem = state.problem
        small = scheme.rank * sum(scheme.target.shape) <= SPARE
        if problem.rank is not None or not small or fitted(scheme, problem.target).rank >= self._kept(state):
            return
        found = as_rows(scheme) if scheme.ring == problem.ring else raised(scheme, problem.ring, 2, 0)
        if found is not None:
            grown = fitted(lowered(scheme.target, found[1], found[0]), problem.target)
            state.spare, state.spare_ring = as_rows(grown)

    def _record(self, state: FlipGraphState, stage: Stage) -> None:
        """Keep a better scheme of the target, and lift it if it is wanted over another ring."""
        if not len(state.best) or best_rank(state.walk) < len(state.best):
            state.best = np.concatenate(best(state.walk), axis=1).astype(np.int8)
            state.lifts = 0
        rank, ring = state.problem.rank, state.problem.ring
        if self._ring(state.problem) == ring or (rank is not None and best_rank(state.walk) > rank):
            return
        if rank is None and len(state.lifted) and len(state.lifted) <= best_rank(state.walk):
            return
        self._lift(state, stage)

    def _lift(self, state: FlipGraphState, stage: Stage) -> None:
        """Try to lift the walk's scheme, and others of its rank that a few more flips lead to."""
        target, walked = state.problem.target, self._ring(state.problem)

        def whole(factors: Factors) -> Scheme:
            return to_scheme(target, walked, np.concatenate(factors, axis=1))

        seed = state.seed % 2**31 + state.lifts
        found = lift_walk(state.walk, self._settings(stage), whole, state.problem.ring, self.lifts, seed)
        state.steps += found.flips
        state.lifts += found.tries
        if found.rows is not None:
            state.lifted, state.lifted_ring = found.rows, found.ring

"""The solver `flip-graph`: grow a format step by step, walk down at every step, lift what the walk finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from decompositions.constructions import standard
from decompositions.fitting import fitted
from decompositions.rings import Ring
from decompositions.scheme import Approximation, Scheme
from discover.problem import Problem
from discover.solvers.flip_graph.routes import Stage, route
from discover.solvers.flip_graph.schemes import (
    is_dead,
    lift_walk,
    lowered,
    require_settings,
    require_walkable,
    stacked,
    to_scheme,
    walk_ring,
)
from discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    WalkState,
    best,
    best_rank,
    counts,
    restart,
    start,
    walk,
)

SLICE = 1 << 24  # flips of an advance: about half a second


@dataclass
class FlipGraphState:
    """A walk at some stage of growing, and the best schemes so far, as plain arrays.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters.
        starts: Factors of the schemes to begin from, joined, shape (starts, rank, left + right + out), zero rows last.
        ints: Of the walk, see `blocks`.
        words: Of the walk.
        steps: Flips so far.
        round: Times the growing began.
        stage: Place on the route.
        idle: Flips since the walk's best scheme last improved.
        best: The best scheme of the target over the walk's ring, joined factors, shape (rank, left + right + out).
        lifted: The best lifted scheme, likewise, in exact integers, with a last column of denominators.
        lifted_ring: The set that it was lifted to.
        lifts: Attempts at lifting since the best rank last fell.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    starts: NDArray[np.int8]
    ints: NDArray[np.int32]
    words: NDArray[np.uint64]
    steps: int
    round: int
    stage: int
    idle: int
    best: NDArray[np.int8]
    lifted: NDArray[np.int64]
    lifted_ring: str
    lifts: int
    exhausted: bool = False

    @property
    def walk(self) -> WalkState:
        """The walk's two arrays."""
        return WalkState(self.ints, self.words)

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
        sides = sum(problem.target.shape)
        state = FlipGraphState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=stacked(problem, [s.to(self._ring(problem)) for s in starts if isinstance(s, Scheme)]),
            ints=np.zeros(0, np.int32),
            words=np.zeros(0, np.uint64),
            steps=0,
            round=0,
            stage=0,
            idle=0,
            best=np.zeros((0, sides), np.int8),
            lifted=np.zeros((0, sides + 1), np.int64),
            lifted_ring="",
            lifts=0,
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
        """The best scheme of the target, and the best lifted one."""
        target = state.problem.target
        if len(state.lifted):
            yield lowered(target, state.lifted_ring, state.lifted)
        if len(state.best) and self._ring(state.problem) == state.problem.ring:
            yield to_scheme(target, state.problem.ring, state.best)

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
        if len(state.starts):
            joined = state.starts[state.round % len(state.starts)]
            first = to_scheme(state.problem.target, self._ring(state.problem), joined[joined.any(axis=1)])
        else:
            first = standard(stages[0].target).to(self._ring(state.problem))
        self._enter(state, first, stages[0])

    def _enter(self, state: FlipGraphState, scheme: Scheme, stage: Stage) -> None:
        """Put a walk at a scheme of a stage's format."""
        seed = int(np.random.SeedSequence([state.seed, state.round, state.stage]).generate_state(1)[0])
        u, v, w = (factor.astype(np.int64) for factor in scheme.factors)
        state.ints, state.words = start((u, v, w), str(scheme.ring), seed, self._settings(stage))
        state.idle = 0

    def _settings(self, stage: Stage) -> Settings:
        return Settings(plus_min=self.plus_min, plus_max=self.plus_max, plus_diff=self.plus_diff, stop_rank=stage.goal)

    def _leg(self, state: FlipGraphState, most: int) -> None:
        """Walk on from the stage's best scheme, then decide where to go."""
        stages = self._stages(state)
        stage, last = stages[state.stage], state.stage == len(stages) - 1
        before, place = best_rank(state.walk), counts(state.walk)["flips"]
        walk(state.walk, min(most, int(self.leg * 1e6)))
        spent = counts(state.walk)["flips"] - place
        state.steps += max(spent, 1)
        fell = best_rank(state.walk) < before
        state.idle = 0 if fell else state.idle + max(spent, 1)
        if last:
            self._record(state, stage)
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
        scheme = to_scheme(here.target, self._ring(state.problem), np.concatenate(best(state.walk), axis=1))
        if not state.problem.ring.characteristic and is_dead(scheme):
            self._begin(state)
            return
        state.stage += 1
        self._enter(state, fitted(scheme, following.target), following)

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

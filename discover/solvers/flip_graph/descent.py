"""The solver `flip-pool`: collect many schemes of one rank before going down to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from decompositions.constructions import standard
from decompositions.scheme import Approximation, Scheme
from discover.problem import Problem
from discover.solvers.flip_graph.packing import Words
from discover.solvers.flip_graph.pool import (
    ABOVE,
    BELOW,
    TRIES,
    PoolSettings,
    PoolState,
    advance_pool,
    pool_rank,
    pool_schemes,
    start_pool,
)
from discover.solvers.flip_graph.schemes import (
    joined,
    lowered,
    raised,
    require_settings,
    require_walkable,
    stacked,
    to_scheme,
    walk_ring,
)
from discover.solvers.flip_graph.walking import Factors, Settings, WalkState, counts

SLICE = 1 << 24  # flips of an advance, at least one path


@dataclass(kw_only=True)
class FlipPoolState:
    """A pool, and the best schemes so far, as plain arrays.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters.
        starts: Factors of the schemes to begin from, joined, shape (starts, rank, left + right + out), zero rows last.
        ints: Of the one walk, see `blocks`.
        words: Of the walk.
        above: Schemes from which paths start, see `PoolState`.
        below: Schemes of one product less.
        counts: Of the pool.
        steps: Flips so far.
        round: Times the descent began.
        best: The best scheme over the walk's ring, joined factors, shape (rank, left + right + out).
        tried: Schemes of the pool's lowest rank that were tried for lifting.
        lifts: Schemes that were tried for lifting, in all.
        lifted: The best lifted scheme, joined, in exact integers, with a last column of denominators.
        lifted_ring: The set that it was lifted to.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    starts: NDArray[np.int8]
    ints: NDArray[np.int32]
    words: NDArray[np.uint64]
    above: Words
    below: Words
    counts: NDArray[np.int64]
    steps: int
    round: int
    best: NDArray[np.int8]
    tried: int
    lifts: int
    lifted: NDArray[np.int64]
    lifted_ring: str
    exhausted: bool = False

    @property
    def pool(self) -> PoolState:
        """The pool's arrays."""
        return PoolState(self.ints, self.words, self.above, self.below, self.counts)

    @property
    def products(self) -> int:
        """Products of the best schemes in the pool."""
        return pool_rank(self.pool)

    def metrics(self) -> dict[str, float | int | str]:
        """Where the descent stands."""
        return {
            "best": len(self.best),
            "lifted": len(self.lifted),
            "round": self.round,
            "round best": self.products,
            "pool": int(self.counts[ABOVE]),
            "below": int(self.counts[BELOW]),
            "paths": int(self.counts[TRIES]),
            "pluses": counts(WalkState(self.ints, self.words))["pluses"],
            "lifts": self.lifts,
        }


@dataclass(frozen=True)
class FlipPool:
    """Descend rank by rank with a pool: paths from schemes of rank r, until there are enough of rank r - 1.

    Memory grows as size * (rank + 8) * 64 bytes for factors of up to 64 coordinates over `f2`, twice that over others.

    Attributes:
        walk: Coefficient set of the walk: f2, f3 or zt. By default the one searched for, f2 where that is zt, z or q;
            what is found is then lifted.
        size: Schemes to collect before going down.
        path: Flips of one path, in millions.
        patience: Paths at one rank after which any scheme below is enough; without one the descent begins anew.
        plus_min: Fewest flips without a fall of the rank before a plus transition.
        plus_max: Most such flips.
        plus_diff: Pluses are made while the rank is below the best rank of the path plus this.
        lifts: Schemes of one rank that are tried for lifting.

    Source:
        Arai, Ichikawa, Hukushima (arXiv:2312.16960); Khoruzhii, Gelss, Pokutta (arXiv:2511.10786); Perminov
        (arXiv:2511.20317). All members have the same chance to start a path.
    """

    walk: str | None = None
    size: int = 100
    path: float = 1.0
    patience: int = 300
    plus_min: int = 20_000
    plus_max: int = 50_000
    plus_diff: int = 2
    lifts: int = 10
    state_type: ClassVar[type[Any]] = FlipPoolState

    def __post_init__(self) -> None:
        require_settings(
            self.walk,
            self.plus_min,
            self.plus_max,
            self.plus_diff,
            size=self.size,
            path=self.path,
            patience=self.patience,
            lifts=self.lifts,
        )

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> FlipPoolState:
        """A pool of the standard algorithm, or of the starts of lowest rank.

        Args:
            problem: Any target with at most 256 coordinates a side, over any ring but `qi`.
            rng: Gives the seed.
            starts: Schemes of the target.

        Raises:
            ProblemError: If the target or the ring is beyond this method.
        """
        ring = walk_ring(self.walk, problem)
        require_walkable("flip-pool", problem, ring, starts)
        first = [start.to(ring) for start in starts if isinstance(start, Scheme)]
        state: FlipPoolState = self._started(problem, rng, first or [standard(problem.target).to(ring)])
        return state

    def _started(self, problem: Problem, rng: np.random.Generator, first: Sequence[Scheme]) -> Any:
        """The state of a first descent from the schemes given."""
        nothing, sides = np.zeros(0, np.uint64), sum(problem.target.shape)
        state = self.state_type(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=stacked(problem, first),
            ints=np.zeros(0, np.int32),
            words=nothing,
            above=nothing,
            below=nothing,
            counts=np.zeros(0, np.int64),
            steps=0,
            round=0,
            best=np.zeros((0, sides), np.int8),
            tried=0,
            lifts=0,
            lifted=np.zeros((0, sides + 1), np.int64),
            lifted_ring="",
        )
        self._begin(state)
        return state

    def advance(self, state: FlipPoolState) -> FlipPoolState:
        """`SLICE` flips in whole paths, fewer if the lowest rank falls; then lifting."""
        walk, end, rank = WalkState(state.ints, state.words), state.steps + SLICE, pool_rank(state.pool)
        while state.steps < end and pool_rank(state.pool) == rank and not self._stuck(state):
            before = counts(walk)["flips"]
            advance_pool(state.pool, self._pool_settings, 1)
            state.steps += max(counts(walk)["flips"] - before, 1)
        if pool_rank(state.pool) < rank:
            state.tried = 0
        self._record(state)
        self._lift(state)
        if self._stuck(state):
            self._begin(state)
        return state

    def candidates(self, state: FlipPoolState) -> Iterator[Scheme | Approximation]:
        """The best lifted scheme, and the best of the pool."""
        target, ring = state.problem.target, walk_ring(self.walk, state.problem)
        if len(state.lifted):
            yield lowered(target, state.lifted_ring, state.lifted)
        if ring == state.problem.ring and len(state.best):
            yield to_scheme(target, ring, state.best)

    @property
    def _pool_settings(self) -> PoolSettings:
        return PoolSettings(size=self.size, path=int(self.path * 1e6), patience=self.patience)

    def _begin(self, state: FlipPoolState) -> None:
        """A new descent from the starts."""
        state.round += 1
        rows = (joined[joined.any(axis=1)] for joined in state.starts)
        self._fill(state, [_split(state.problem, own) for own in rows], cyclic=False)

    def _fill(self, state: FlipPoolState, starts: Sequence[Factors], cyclic: bool) -> None:
        """Put the starts of a round into the pool."""
        seed = int(np.random.SeedSequence([state.seed, state.round]).generate_state(1)[0])
        walking = Settings(plus_min=self.plus_min, plus_max=self.plus_max, plus_diff=self.plus_diff)
        ring = walk_ring(self.walk, state.problem)
        pool = start_pool(starts, str(ring), seed, self._pool_settings, walking, cyclic)
        state.ints, state.words, state.above, state.below, state.counts = pool
        state.tried = 0

    def _whole(self, state: FlipPoolState, factors: Factors) -> Scheme:
        """The scheme of the target that a member of the pool stands for."""
        ring = walk_ring(self.walk, state.problem)
        return to_scheme(state.problem.target, ring, np.concatenate(factors, axis=1))

    def _stuck(self, state: FlipPoolState) -> bool:
        """Whether the paths allowed at one rank led to no lower one."""
        return bool(state.counts[BELOW] == 0 and state.counts[TRIES] >= self.patience)

    def _record(self, state: FlipPoolState) -> None:
        """Keep a better scheme."""
        if not len(state.best) or state.products < len(state.best):
            state.best = joined(self._whole(state, pool_schemes(state.pool)[0]))

    def _lift(self, state: FlipPoolState) -> None:
        """Try those schemes of the lowest rank that were not tried, where a lifted one would be the best so far."""
        problem, rank = state.problem, state.products
        enough = problem.rank is None or rank <= problem.rank
        if walk_ring(self.walk, problem) == problem.ring or not enough or 0 < len(state.lifted) <= rank:
            return
        for factors in pool_schemes(state.pool)[state.tried : self.lifts]:
            seed = state.seed % 2**31 + state.lifts
            found = raised(self._whole(state, factors), problem.ring, 2 + state.tried % 3, seed)
            state.tried += 1
            state.lifts += 1
            if found is not None:
                state.lifted, state.lifted_ring = found
                return


def _split(problem: Problem, rows: NDArray[np.int8]) -> Factors:
    u, v, w = np.split(rows.astype(np.int64), np.cumsum(problem.target.shape)[:2], axis=1)
    return u, v, w

"""The solver `flip-pool`: collect many schemes of one rank before going down to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.constructions import standard
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.checks import check_pool, check_prize, check_starts, require_counts
from bilinear.discover.solvers.flip_graph.options import PlusOptions, require_walkable
from bilinear.discover.solvers.flip_graph.packing import Words
from bilinear.discover.solvers.flip_graph.pool import (
    ABOVE,
    BELOW,
    RANK,
    TRIES,
    PoolSettings,
    PoolState,
    advance_pool,
    pool_rank,
    pool_schemes,
    receive,
    start_pool,
)
from bilinear.discover.solvers.flip_graph.prize import Prize, are_dead, raised
from bilinear.discover.solvers.flip_graph.schemes import factors_of, joined, stacked, to_scheme
from bilinear.discover.solvers.flip_graph.state import WalkedState
from bilinear.discover.solvers.flip_graph.walking import Factors, counts, dims_of

SLICE = 1 << 24  # flips of an advance, at least one path
BARRIER = 1 << 26  # flips between two exchanges of jobs: a few seconds
SHARED = 8  # schemes that a job shares


@dataclass(kw_only=True)
class FlipPoolState(WalkedState):
    """A pool, and the best schemes so far; see `WalkedState`.

    Attributes:
        above: Schemes from which paths start, see `PoolState`.
        below: Schemes of one product less.
        counts: Of the pool.
        tried: Schemes of the pool's lowest rank that were tried for lifting.
    """

    above: Words = field(default_factory=lambda: np.zeros(0, np.uint64))
    below: Words = field(default_factory=lambda: np.zeros(0, np.uint64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    tried: int = 0

    @property
    def pool(self) -> PoolState:
        """The pool's arrays."""
        return PoolState(self.walk, self.above, self.below, self.counts)

    @property
    def products(self) -> int:
        """Products of the best schemes in the pool."""
        return pool_rank(self.pool)

    def metrics(self) -> dict[str, float | int | str]:
        """Where the descent stands."""
        return {
            "best": len(self.prize.best),
            "lifted": self.prize.lifted.rank,
            "over": self.prize.ring,
            "round": self.round,
            "round best": self.products,
            "pool": int(self.counts[ABOVE]),
            "below": int(self.counts[BELOW]),
            "paths": int(self.counts[TRIES]),
            "pluses": counts(self.walk)["pluses"],
            "lifts": self.prize.lifts,
        }


@dataclass(frozen=True)
class FlipPool(PlusOptions):
    """Descend rank by rank with a pool: paths from schemes of rank r, until there are enough of rank r - 1.

    Memory grows as size * (rank + 8) * 64 bytes for factors of up to 64 coordinates over `f2`, twice that over others.
    Other options are those of `PlusOptions`.

    Attributes:
        size: Schemes to collect before going down.
        path: Flips of one path, in millions.
        patience: Paths at one rank after which any scheme below is enough; without one the descent begins anew.

    Source:
        Arai, Ichikawa, Hukushima (arXiv:2312.16960); Khoruzhii, Gelss, Pokutta (arXiv:2511.10786); Perminov
        (arXiv:2511.20317). All members have the same chance to start a path.
    """

    size: int = 100
    path: float = 1.0
    patience: int = 300
    above_zero: ClassVar[tuple[str, ...]] = ("size", "path", "patience", "lifts")
    state_type: ClassVar[type[Any]] = FlipPoolState
    barrier_steps: ClassVar[int] = BARRIER

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
        ring = self.walk_ring(problem)
        require_walkable("flip-pool", problem, ring, starts)
        first = [start.to(ring) for start in starts if isinstance(start, Scheme)]
        state: FlipPoolState = self._started(problem, rng, first or [standard(problem.target).to(ring)])
        state.exhausted = are_dead(problem, starts)
        return state

    def _started(self, problem: Problem, rng: np.random.Generator, first: Sequence[Scheme]) -> Any:
        """The state of a first descent from the schemes given."""
        state = self.state_type(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=stacked(problem.target, first),
            prize=Prize.none_yet(problem.target, self.walk_ring(problem)),
        )
        self._begin(state)
        return state

    def advance(self, state: FlipPoolState) -> FlipPoolState:
        """`SLICE` flips in whole paths, fewer if the lowest rank falls; then lifting."""
        end, rank = state.steps + SLICE, pool_rank(state.pool)
        while state.steps < end and pool_rank(state.pool) == rank and not self._stuck(state):
            before = counts(state.walk)["flips"]
            advance_pool(state.pool, self._pool_settings, 1)
            state.steps += max(counts(state.walk)["flips"] - before, 1)
        if pool_rank(state.pool) < rank:
            state.tried = 0
        self._record(state)
        self._lift(state)
        if self._stuck(state):
            self._begin(state)
        return state

    def candidates(self, state: FlipPoolState) -> Iterator[Scheme | Approximation]:
        """The best lifted scheme, and the best of the pool."""
        yield from self.offered(state.prize, state.problem)

    def check(self, state: FlipPoolState) -> None:
        """See `Checking`."""
        self._check_walked(state)
        sound(len(state.starts) > 0, "it has nothing to start from")
        self._check_pool(state, at.ALONE)

    def _check_walked(self, state: FlipPoolState) -> None:
        """What `WalkedState` holds, without the walk."""
        ring, target = self.walk_ring(state.problem), state.problem.target
        require_counts("it", state.seed, state.steps, state.round, state.tried)
        sound(not state.exhausted or len(state.starts) > 0, "it says that no move is left")
        check_starts(state.starts, target, ring)
        check_prize(state.prize, state.problem, ring)

    def _check_pool(self, state: FlipPoolState, orbit: int) -> None:
        """The pool and its walk, whose rows stand for schemes of the target."""
        stands_for, dims = int(state.walk.words[at.ORBIT]), dims_of(state.walk)
        sound(stands_for == orbit and dims == state.problem.target.shape, "its walk is on another target")
        ring, settings = self.walk_ring(state.problem), self.settings()
        check_pool(state.pool, self.size, ring, settings, lambda factors: self._whole(state, factors))

    def share(self, state: FlipPoolState) -> list[Scheme]:
        """The last schemes of the lowest rank that came into the pool."""
        return [self._whole(state, factors) for factors in pool_schemes(state.pool)[-SHARED:]]

    def accept(self, state: FlipPoolState, schemes: Sequence[Scheme], rng: np.random.Generator) -> FlipPoolState:
        """Schemes of others join the pool: in odd rounds those of its ranks and below, in even ones, which keep the
        jobs from all being at one place, those of its ranks alone.
        """
        ranks = (pool_rank(state.pool), int(state.counts[RANK]))
        lowest = 0 if state.round % 2 else ranks[0] - 1
        found = (self._folded(state, scheme) for scheme in schemes if self._is_walked(state, scheme))
        receive(state.pool, self._pool_settings, [f for f in found if f is not None and len(f[0]) >= lowest])
        if pool_rank(state.pool) < ranks[0]:
            state.tried = 0
            self._record(state)
        return state

    @property
    def _pool_settings(self) -> PoolSettings:
        return PoolSettings(size=self.size, path=int(self.path * 1e6), patience=self.patience)

    def _begin(self, state: FlipPoolState) -> None:
        """A new descent from the starts."""
        state.round += 1
        self._fill(state, [state.start_factors(place) for place in range(len(state.starts))], at.ALONE)

    def _fill(self, state: FlipPoolState, starts: Sequence[Factors], orbit: int) -> None:
        """Put the starts of a round into the pool."""
        seed = int(np.random.SeedSequence([state.seed, state.round]).generate_state(1)[0])
        ring = str(self.walk_ring(state.problem))
        pool = start_pool(starts, ring, seed, self._pool_settings, self.settings(), orbit)
        state.walk, state.above, state.below, state.counts = pool
        state.tried = 0

    def _whole(self, state: FlipPoolState, factors: Factors) -> Scheme:
        """The scheme of the target that a member of the pool stands for."""
        return to_scheme(state.problem.target, self.walk_ring(state.problem), factors)

    def _folded(self, state: FlipPoolState, scheme: Scheme) -> Factors | None:
        """What the pool holds of a scheme of the target, the reverse of `_whole`; None if it cannot hold it."""
        return factors_of(scheme)

    def _is_walked(self, state: FlipPoolState, scheme: Scheme) -> bool:
        """Whether the scheme is of the target, over the ring of the walk."""
        return scheme.target == state.problem.target and scheme.ring is self.walk_ring(state.problem)

    def _stuck(self, state: FlipPoolState) -> bool:
        """Whether the paths allowed at one rank led to no lower one."""
        return bool(state.counts[BELOW] == 0 and state.counts[TRIES] >= self.patience)

    def _record(self, state: FlipPoolState) -> None:
        """Keep a better scheme."""
        if state.prize.is_beaten_by(state.products):
            state.prize.best = joined(self._whole(state, pool_schemes(state.pool)[0]).factors)

    def _lift(self, state: FlipPoolState) -> None:
        """Try those schemes of the lowest rank that were not tried, where a lifted one would be the best so far."""
        prize = state.prize
        if not (self.wants(state.products) and prize.is_worth_lifting(state.products, state.problem)):
            return
        for factors in pool_schemes(state.pool)[state.tried : self.lifts]:
            seed = state.seed % 2**31 + prize.lifts
            found = raised(self._whole(state, factors), state.problem.ring, 2 + state.tried % 3, seed)
            state.tried += 1
            prize.lifts += 1
            if found is not None:
                prize.lifted = found
                return

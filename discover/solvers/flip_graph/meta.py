"""The solver `meta`: a pool of schemes of many formats, each format improved from what its neighbours hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bilinear.catalog.records import published
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.constructions import standard
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph.formats import Move, around, made, moves
from bilinear.discover.solvers.flip_graph.schemes import (
    is_dead,
    joined,
    lift_walk,
    lowered,
    require_settings,
    require_walkable,
    to_scheme,
    walk_ring,
)
from bilinear.discover.solvers.flip_graph.shelf import Shelf
from bilinear.discover.solvers.flip_graph.walking import (
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

READY = 3  # tries at each smaller format before a larger one is taken up
STAY = 0.15  # chance of a walk from a scheme of the format itself, where there is one
BEHIND = 3.0  # weight of a format whose best scheme is behind its goal, against 1
BARRIER = 1 << 27  # flips between two exchanges of jobs


@dataclass(kw_only=True)
class MetaState:
    """The pool, and the best schemes of the target so far, as plain arrays.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the number of tries.
        sizes: Formats of the pool's schemes, shape (schemes, 3).
        ranks: Their products, shape (schemes,).
        factors: Their joined factors, zero rows and columns last, shape (schemes, products, coordinates).
        visits: Tries by format, in the order of `around`.
        steps: Flips so far.
        tries: Walks so far.
        dead: Schemes that were thrown away, as nothing of characteristic 0 reduces to them.
        best: The best scheme of the target over the walk's ring, joined factors, shape (rank, left + right + out).
        lifted: The best lifted scheme, likewise, in exact integers, with a last column of denominators.
        lifted_ring: The set that it was lifted to.
        lifts: Schemes that were tried for lifting.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    sizes: NDArray[np.int64]
    ranks: NDArray[np.int64]
    factors: NDArray[np.int8]
    visits: NDArray[np.int64]
    steps: int
    tries: int
    dead: int
    best: NDArray[np.int8]
    lifted: NDArray[np.int64]
    lifted_ring: str
    lifts: int
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """Where the pool stands."""
        return {
            "best": len(self.best),
            "lifted": len(self.lifted),
            "tries": self.tries,
            "formats": int((self.visits > 0).sum()),
            "pool": len(self.ranks),
            "dead": self.dead,
            "lifts": self.lifts,
        }


@dataclass(frozen=True)
class Meta:
    """Hold the best schemes of all formats around a target; cut, extend, merge and multiply them, and walk down.

    Memory grows as keep * formats * (products * coordinates of the largest format) bytes.

    Attributes:
        walk: Coefficient set of the walk: f2 or f3. By default the one searched for, f2 where that is zt, z or q; what
            is found is then lifted.
        above: By how much the sizes of a larger format may add up to more than the target's.
        keep: Schemes kept of each format.
        spread: Products by which a scheme kept may be worse than the best of its format.
        focus: Weight of the target in the draw of the next format, against 1.
        patience: Flips without a better scheme after which a walk ends, in millions.
        leg: Flips after which a walk returns to its best scheme, in millions.
        plus_min: Fewest flips without a fall of the rank before a plus transition.
        plus_max: Most such flips.
        plus_diff: Pluses are made while the rank is below the best rank plus this.
        lifts: Schemes of one walk that are tried for lifting.
        sign_flips: Most steps from the last of them to a scheme whose signs do not contradict each other.

    Source:
        M. Kauers, I. Wood, "Exploring the meta flip graph for matrix multiplication" (arXiv:2510.19787).
    """

    walk: str | None = None
    above: int = 2
    keep: int = 40
    spread: int = 1
    focus: float = 6.0
    patience: float = 8.0
    leg: float = 3.0
    plus_min: int = 20_000
    plus_max: int = 50_000
    plus_diff: int = 2
    lifts: int = 10
    sign_flips: int = 40_000
    state_type: ClassVar[type[MetaState]] = MetaState
    any_format: ClassVar[bool] = True
    barrier_steps: ClassVar[int] = BARRIER

    def __post_init__(self) -> None:
        require_settings(
            self.walk,
            self.plus_min,
            self.plus_max,
            self.plus_diff,
            keep=self.keep,
            focus=self.focus,
            patience=self.patience,
            leg=self.leg,
            lifts=self.lifts,
        )
        if self.above < 0 or self.spread < 0 or self.sign_flips < 0:
            raise ValueError("above, spread and sign_flips must be at least 0")

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> MetaState:
        """A pool of the starts; of the standard algorithm of the smallest format where there are none.

        Args:
            problem: A matrix product with at most 256 coordinates a side, over any ring but `qi`.
            rng: Gives the seed.
            starts: Schemes of any formats around the target.

        Raises:
            ProblemError: If the target, the ring or a start is beyond this method.
        """
        if problem.target.family != "matmul":
            raise ProblemError(f"meta walks between matmul formats, not {problem.target.short}; choose flip-pool")
        walked = walk_ring(self.walk, problem)
        require_walkable("meta", problem, walked, starts)
        if not walked.characteristic:
            raise ProblemError("meta cuts over f2 and f3, and lifts; leave out the option walk")
        formats = around(_sizes(problem), self.above)
        sides = sum(problem.target.shape)
        state = MetaState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            sizes=np.zeros((0, 3), np.int64),
            ranks=np.zeros(0, np.int64),
            factors=np.zeros((0, 0, 0), np.int8),
            visits=np.zeros(len(formats), np.int64),
            steps=0,
            tries=0,
            dead=0,
            best=np.zeros((0, sides), np.int8),
            lifted=np.zeros((0, sides + 1), np.int64),
            lifted_ring="",
            lifts=0,
        )
        schemes = [scheme for scheme in starts if isinstance(scheme, Scheme)]
        if not schemes:
            schemes = [standard(matmul(*formats[0]))]
        for scheme in schemes:
            if scheme.target.sizes not in formats:
                raise ProblemError(
                    f"start of {scheme.target.short}: no format around {problem.target.short}; raise the option above"
                )
        return self.accept(state, [scheme.to(walked) for scheme in schemes], np.random.default_rng(state.seed))

    def advance(self, state: MetaState) -> MetaState:
        """One walk: from a scheme of some format, or made of those of its neighbours, until it falls no more."""
        rng = np.random.default_rng([state.seed, state.tries])
        shelf = self._shelf(state)
        sizes = self._drawn(state, shelf, rng)
        move = _drawn_move(sizes, shelf.formats, rng)
        walked = walk_ring(self.walk, state.problem)
        scheme = made(move, sizes, [shelf.scheme(source, walked, rng) for source in move.sources], rng)
        state.tries += 1
        state.visits[around(_sizes(state.problem), self.above).index(sizes)] += 1
        before = state.steps
        inner = self._descended(state, scheme, int(rng.integers(1 << 31)))
        state.steps = max(state.steps, before + 1)
        self._keep(state, shelf, to_scheme(scheme.target, walked, np.concatenate(best(inner), axis=1)), rng)
        if scheme.target == state.problem.target:
            self._record(state, inner)
        return state

    def candidates(self, state: MetaState) -> Iterator[Scheme | Approximation]:
        """The best scheme of the target, and the best lifted one."""
        target, ring = state.problem.target, state.problem.ring
        if len(state.lifted):
            yield lowered(target, state.lifted_ring, state.lifted)
        if len(state.best) and walk_ring(self.walk, state.problem) == ring:
            yield to_scheme(target, ring, state.best)

    def share(self, state: MetaState) -> list[Scheme]:
        """The first of the best schemes of each format."""
        shelf, walked = self._shelf(state), walk_ring(self.walk, state.problem)
        return [shelf.first(sizes, walked) for sizes in sorted(shelf.formats)]

    def accept(self, state: MetaState, schemes: Sequence[Scheme], rng: np.random.Generator) -> MetaState:
        """The state with those schemes in the pool that are near the best of their format."""
        shelf = self._shelf(state)
        for scheme in schemes:
            shelf.add(scheme, rng)
            if scheme.target == state.problem.target and not 0 < len(state.best) <= scheme.rank:
                state.best = joined(scheme)
        _store(state, shelf)
        return state

    def _shelf(self, state: MetaState) -> Shelf:
        return Shelf(state.sizes, state.ranks, state.factors, self.keep, self.spread)

    def _goal(self, state: MetaState, sizes: Sizes) -> int:
        """The rank at which a walk ends: the best published one, for the target the one asked for."""
        if sizes == _sizes(state.problem):
            return state.problem.rank or 0
        record = published(matmul(*sizes), state.problem.ring)
        return 0 if record is None else record.rank

    def _drawn(self, state: MetaState, shelf: Shelf, rng: np.random.Generator) -> Sizes:
        """The next format: one that a cut leads to, or another move from smaller ones that are settled."""
        formats, known = around(_sizes(state.problem), self.above), shelf.formats
        settled = {
            sizes
            for sizes, visits in zip(formats, state.visits.tolist(), strict=True)
            if visits >= READY or (sizes in known and shelf.best_rank(sizes) <= self._goal(state, sizes))
        }
        reached = {sizes: {move.kind for move in moves(sizes, known)} for sizes in formats}
        waiting = {sizes for sizes in formats if reached[sizes] and sizes not in settled}
        open_ones = [
            sizes
            for sizes, kinds in reached.items()
            if "cut" in kinds or (kinds and waiting.isdisjoint(_just_inside(sizes)))
        ]
        weights = np.array([self._weight(state, shelf, sizes) for sizes in open_ones])
        return open_ones[rng.choice(len(open_ones), p=weights / weights.sum())]

    def _weight(self, state: MetaState, shelf: Shelf, sizes: Sizes) -> float:
        behind = sizes not in shelf.formats or shelf.best_rank(sizes) > self._goal(state, sizes)
        return (self.focus if sizes == _sizes(state.problem) else 1.0) * (BEHIND if behind else 1.0)

    def _settings(self, stop_rank: int) -> Settings:
        return Settings(plus_min=self.plus_min, plus_max=self.plus_max, plus_diff=self.plus_diff, stop_rank=stop_rank)

    def _descended(self, state: MetaState, scheme: Scheme, seed: int) -> WalkState:
        """A walk from a scheme, until it has not fallen for `patience` or is at its goal."""
        u, v, w = (factor.astype(np.int64) for factor in scheme.factors)
        goal = self._goal(state, _rising_sizes(scheme))
        inner = start((u, v, w), str(scheme.ring), seed, self._settings(goal))
        idle = 0
        while idle < self.patience * 1e6 and best_rank(inner) > goal:
            before, place = best_rank(inner), counts(inner)["flips"]
            walk(inner, int(self.leg * 1e6))
            spent = max(counts(inner)["flips"] - place, 1)
            state.steps += spent
            idle = 0 if best_rank(inner) < before else idle + spent
            if idle:
                restart(inner, best(inner))
        return inner

    def _keep(self, state: MetaState, shelf: Shelf, scheme: Scheme, rng: np.random.Generator) -> None:
        """Put a scheme into the pool, unless it is far from the best or dead."""
        sizes = _rising_sizes(scheme)
        if not shelf.wants(sizes, scheme.rank):
            return
        leads = sizes not in shelf.formats or scheme.rank <= shelf.best_rank(sizes)
        if leads and not state.problem.ring.characteristic and is_dead(scheme):
            state.dead += 1
            return
        shelf.add(scheme, rng)
        _store(state, shelf)

    def _record(self, state: MetaState, inner: WalkState) -> None:
        """Keep a better scheme of the target, and lift it if it is wanted over another ring."""
        target, walked = state.problem.target, walk_ring(self.walk, state.problem)
        if not 0 < len(state.best) <= best_rank(inner):
            state.best = np.concatenate(best(inner), axis=1).astype(np.int8)
        rank, held = state.problem.rank, len(state.lifted)
        if (
            walked == state.problem.ring
            or best_rank(inner) > (rank or best_rank(inner))
            or 0 < held <= best_rank(inner)
        ):
            return

        def whole(factors: Factors) -> Scheme:
            return to_scheme(target, walked, np.concatenate(factors, axis=1))

        seed = state.seed % 2**31 + state.lifts
        found = lift_walk(
            inner, self._settings(rank or 0), whole, state.problem.ring, self.lifts, seed, self.sign_flips
        )
        state.steps += found.flips
        state.lifts += found.tries
        if found.rows is not None:
            state.lifted, state.lifted_ring = found.rows, found.ring


def _drawn_move(sizes: Sizes, known: set[Sizes], rng: np.random.Generator) -> Move:
    """A move to a format: now and then to stay, else one of the kinds that are there, and one of that kind."""
    every = list(moves(sizes, known))
    kinds = sorted({move.kind for move in every} - {"stay"})
    if not kinds or (every[0].kind == "stay" and rng.random() < STAY):
        return every[0]
    kind = kinds[rng.integers(len(kinds))]
    chosen = [move for move in every if move.kind == kind]
    return chosen[rng.integers(len(chosen))]


def _just_inside(sizes: Sizes) -> list[tuple[int, ...]]:
    """The formats with one size less by one."""
    return [tuple(sorted(size - (i == axis) for i, size in enumerate(sizes))) for axis in range(3)]


def _sizes(problem: Problem) -> Sizes:
    n, m, p = sorted(problem.target.sizes)
    return n, m, p


def _rising_sizes(scheme: Scheme) -> Sizes:
    n, m, p = sorted(scheme.target.sizes)
    return n, m, p


def _store(state: MetaState, shelf: Shelf) -> None:
    state.sizes, state.ranks, state.factors = shelf.sizes, shelf.ranks, shelf.factors

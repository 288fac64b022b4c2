"""The solver `meta`: a pool of schemes of many formats, each format improved from what its neighbours hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bilinear.catalog.records import published
from bilinear.decompositions.composition import Sizes, rising
from bilinear.decompositions.constructions import standard
from bilinear.decompositions.rules.block_flip import moved
from bilinear.decompositions.rules.span import reduced
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph.checks import check_prize, check_shelf, format_of, require_counts
from bilinear.discover.solvers.flip_graph.formats import Move, around, made, moves
from bilinear.discover.solvers.flip_graph.options import PlusOptions, require_walkable
from bilinear.discover.solvers.flip_graph.prize import Prize, is_dead
from bilinear.discover.solvers.flip_graph.schemes import factors_of, joined, to_scheme
from bilinear.discover.solvers.flip_graph.shelf import Shelf
from bilinear.discover.solvers.flip_graph.walking import WalkState, best, best_rank, counts, restart, start, walk

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
        shelf: The pool.
        visits: Tries by format, in the order of `around`.
        prize: The best schemes so far.
        steps: Flips so far.
        tries: Walks so far.
        dead: Schemes that were thrown away, as nothing of characteristic 0 reduces to them.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    shelf: Shelf
    visits: NDArray[np.int64]
    prize: Prize
    steps: int = 0
    tries: int = 0
    dead: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """Where the pool stands."""
        return {
            "best": len(self.prize.best),
            "lifted": self.prize.lifted.rank,
            "tries": self.tries,
            "formats": int((self.visits > 0).sum()),
            "pool": len(self.shelf.ranks),
            "dead": self.dead,
            "lifts": self.prize.lifts,
        }


@dataclass(frozen=True)
class Meta(PlusOptions):
    """Hold the best schemes of all formats around a target; cut, extend, merge and multiply them, and walk down.

    Memory grows as keep * formats * (products * coordinates) bytes. Other options are those of `PlusOptions`; the walk
    goes over f2 or f3.

    Attributes:
        above: By how much the sizes of a larger format may add up to more than the target's.
        keep: Schemes kept of each format.
        spread: Products by which a scheme kept may be worse than the best of its format.
        focus: Weight of the target in the draw of the next format, against 1.
        patience: Flips without a better scheme after which a walk ends, in millions.
        leg: Flips after which a walk returns to its best scheme, in millions.
        sign_flips: Most steps from the last of them to a scheme whose signs do not contradict each other.
        span: Whether cuts, and what walks end with, lose the products that the others span (span reduction).
        blocks: Whether a walk that returns to its best scheme first makes a block flip there.

    Source:
        M. Kauers, I. Wood, "Exploring the meta flip graph for matrix multiplication" (arXiv:2510.19787).
    """

    above: int = 2
    keep: int = 40
    spread: int = 1
    focus: float = 6.0
    patience: float = 8.0
    leg: float = 3.0
    sign_flips: int = 40_000
    span: bool = False
    blocks: bool = False
    above_zero: ClassVar[tuple[str, ...]] = ("keep", "focus", "patience", "leg", "lifts")
    state_type: ClassVar[type[MetaState]] = MetaState
    any_format: ClassVar[bool] = True
    barrier_steps: ClassVar[int] = BARRIER

    def __post_init__(self) -> None:
        super().__post_init__()
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
        walked = self.walk_ring(problem)
        require_walkable("meta", problem, walked, starts)
        if not walked.characteristic:
            raise ProblemError("meta cuts over f2 and f3, and lifts; leave out the option walk")
        formats = around(rising(problem.target.sizes), self.above)
        state = MetaState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            shelf=Shelf(keep=self.keep, spread=self.spread),
            visits=np.zeros(len(formats), np.int64),
            prize=Prize.none_yet(problem.target, walked),
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
        sizes = self._drawn(state, rng)
        move = _drawn_move(sizes, state.shelf.formats, rng)
        walked = self.walk_ring(state.problem)
        sources = [state.shelf.drawn(matmul(*source), walked, rng) for source in move.sources]
        scheme = made(move, sizes, sources, rng, self.span)
        state.tries += 1
        state.visits[around(rising(state.problem.target.sizes), self.above).index(sizes)] += 1
        before = state.steps
        inner = self._descended(state, scheme, int(rng.integers(1 << 31)))
        if self.span:
            smaller = reduced(to_scheme(scheme.target, walked, best(inner)))
            if smaller.rank < best_rank(inner):
                inner = self._descended(state, smaller, int(rng.integers(1 << 31)))
        state.steps = max(state.steps, before + 1)
        self._take(state, to_scheme(scheme.target, walked, best(inner)), rng)
        if scheme.target == state.problem.target:
            self._record(state, inner)
        return state

    def candidates(self, state: MetaState) -> Iterator[Scheme | Approximation]:
        """The best scheme of the target, and the best lifted one."""
        yield from state.prize.schemes(state.problem)

    def check(self, state: MetaState) -> None:
        """See `Checking`."""
        ring, formats = self.walk_ring(state.problem), around(rising(state.problem.target.sizes), self.above)
        sound(state.visits.shape == (len(formats),) and len(state.shelf.sizes) > 0, "its formats are others")
        require_counts("it", state.seed, state.steps, state.tries, state.dead, *state.visits.tolist())
        sound(not state.exhausted, "it says that no move is left")
        check_shelf(state.shelf, self.keep, self.spread, ring, lambda sizes: format_of(sizes, formats))
        check_prize(state.prize, state.problem, ring)

    def share(self, state: MetaState) -> list[Scheme]:
        """The first of the best schemes of each format."""
        walked = self.walk_ring(state.problem)
        return [state.shelf.first(matmul(*sizes), walked) for sizes in sorted(state.shelf.formats)]

    def accept(self, state: MetaState, schemes: Sequence[Scheme], rng: np.random.Generator) -> MetaState:
        """The state with those schemes in the pool that are near the best of their format."""
        for scheme in schemes:
            _add(state.shelf, scheme, rng)
            if scheme.target == state.problem.target and state.prize.is_beaten_by(scheme.rank):
                state.prize.best = joined(scheme.factors)
        return state

    def _goal(self, state: MetaState, sizes: Sizes) -> int:
        """The rank at which a walk ends: the best published one, for the target the one asked for."""
        if sizes == rising(state.problem.target.sizes):
            return state.problem.rank or 0
        record = published(matmul(*sizes), state.problem.ring)
        return 0 if record is None else record.rank

    def _drawn(self, state: MetaState, rng: np.random.Generator) -> Sizes:
        """The next format: one that a cut leads to, or another move from smaller ones that are settled."""
        formats, known = around(rising(state.problem.target.sizes), self.above), state.shelf.formats
        settled = {
            sizes
            for sizes, visits in zip(formats, state.visits.tolist(), strict=True)
            if visits >= READY or (sizes in known and state.shelf.best_rank(sizes) <= self._goal(state, sizes))
        }
        reached = {sizes: {move.kind for move in moves(sizes, known)} for sizes in formats}
        waiting = {sizes for sizes in formats if reached[sizes] and sizes not in settled}
        open_ones = [
            sizes
            for sizes, kinds in reached.items()
            if "cut" in kinds or (kinds and waiting.isdisjoint(_just_inside(sizes)))
        ]
        weights = np.array([self._weight(state, sizes) for sizes in open_ones])
        return open_ones[rng.choice(len(open_ones), p=weights / weights.sum())]

    def _weight(self, state: MetaState, sizes: Sizes) -> float:
        behind = sizes not in state.shelf.formats or state.shelf.best_rank(sizes) > self._goal(state, sizes)
        return (self.focus if sizes == rising(state.problem.target.sizes) else 1.0) * (BEHIND if behind else 1.0)

    def _descended(self, state: MetaState, scheme: Scheme, seed: int) -> WalkState:
        """A walk from a scheme, until it has not fallen for `patience` or is at its goal."""
        goal = self._goal(state, rising(scheme.target.sizes))
        inner = start(factors_of(scheme), str(scheme.ring), seed, self.settings(goal))
        idle = 0
        while idle < self.patience * 1e6 and best_rank(inner) > goal:
            before, place = best_rank(inner), counts(inner)["flips"]
            walk(inner, int(self.leg * 1e6))
            spent = max(counts(inner)["flips"] - place, 1)
            state.steps += spent
            idle = 0 if best_rank(inner) < before else idle + spent
            if idle:
                found = None
                if self.blocks:
                    here = to_scheme(scheme.target, scheme.ring, best(inner))
                    found = moved(here, np.random.default_rng([seed, counts(inner)["flips"]]))
                restart(inner, best(inner) if found is None else factors_of(found))
        return inner

    def _take(self, state: MetaState, scheme: Scheme, rng: np.random.Generator) -> None:
        """Put a scheme into the pool, unless it is far from the best or dead."""
        sizes = rising(scheme.target.sizes)
        if not state.shelf.wants(sizes, scheme.rank):
            return
        leads = sizes not in state.shelf.formats or scheme.rank <= state.shelf.best_rank(sizes)
        if leads and not state.problem.ring.characteristic and is_dead(scheme):
            state.dead += 1
            return
        _add(state.shelf, scheme, rng)

    def _record(self, state: MetaState, inner: WalkState) -> None:
        """Keep a better scheme of the target, and lift it if it is wanted over another ring."""
        rank, prize = best_rank(inner), state.prize
        if prize.is_beaten_by(rank):
            prize.best = joined(best(inner))
        if prize.is_worth_lifting(rank, state.problem):
            settings = self.settings(state.problem.rank or 0)
            state.steps += prize.lift(inner, settings, state.problem, self.lifts, state.seed, self.sign_flips)


def _add(shelf: Shelf, scheme: Scheme, rng: np.random.Generator) -> None:
    """Put a scheme into the pool, its products in a fixed order, so that none comes in twice."""
    rows = joined(scheme.factors)
    shelf.add(scheme.target, rows[np.lexsort(rows.T)], rng)


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

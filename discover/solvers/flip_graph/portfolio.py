"""The solver `portfolio`: what is known by construction, then growing, symmetric walks and a pool in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bilinear.decompositions.constructions import CONSTRUCTIONS
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph.descent import FlipPool, FlipPoolState
from bilinear.discover.solvers.flip_graph.growing import BARRIER, FlipGraph, FlipGraphState
from bilinear.discover.solvers.flip_graph.options import WalkOptions
from bilinear.discover.solvers.flip_graph.symmetric import Symmetric, SymmetricState

GROWING, SYMMETRIC, POOL = "growing", "symmetric", "pool"
SYMMETRIC_FROM = 5  # the least N from which NxNxN is given to symmetric walks most of the time


@dataclass(kw_only=True)
class PortfolioState:
    """A search of each method.

    Attributes:
        problem: What is searched for.
        growing: The search of `flip-graph`.
        pool: That of `flip-pool`.
        symmetric: That of `symmetric`; None where the target has not the symmetry.
        turn: Slices so far, with that of the constructions.
        exhausted: Whether no search is left that begins at more than dead schemes.
    """

    problem: Problem
    growing: FlipGraphState
    pool: FlipPoolState
    symmetric: SymmetricState | None
    turn: int = 0
    exhausted: bool = False

    @property
    def searches(self) -> dict[str, Any]:
        """The searches by method."""
        every = {GROWING: self.growing, POOL: self.pool, SYMMETRIC: self.symmetric}
        return {name: search for name, search in every.items() if search is not None}

    @property
    def steps(self) -> int:
        """Flips of all searches, and one for the constructions."""
        return int(sum(search.steps for search in self.searches.values())) + bool(self.turn)

    @property
    def method(self) -> str:
        """Whose turn it is."""
        turns = turns_of(self.problem)
        return turns[(self.turn - 1) % len(turns)]

    def remarks(self) -> list[str]:
        """See `Remarking`."""
        return list(dict.fromkeys(remark for search in self.searches.values() for remark in search.remarks()))

    def metrics(self) -> dict[str, float | int | str]:
        """Where the searches stand."""
        figures = {name: search.metrics() for name, search in self.searches.items()}
        ranks = {key: [own[key] for own in figures.values() if own[key]] for key in ("best", "lifted")}
        least = {key: min(found, default=0) for key, found in ranks.items()}
        walked = {"over": figures[GROWING]["over"], "grown": figures[GROWING]["grown"]}
        return least | walked | {name: own["best"] for name, own in figures.items()} | {"next": self.method}


@dataclass(frozen=True)
class Portfolio(WalkOptions):
    """Write down what is known by construction; then let the methods take turns, each handed the best of the others.

    The options are those of `WalkOptions`, for all of the methods.

    Source:
        Those of `FlipGraph`, `FlipPool` and `Symmetric`. Turns are slices of a fixed number of flips, so that the same
        seed and steps give the same result.
    """

    state_type: ClassVar[type[Any]] = PortfolioState
    barrier_steps: ClassVar[int] = BARRIER

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> PortfolioState:
        """The searches before their first step.

        Args:
            problem: Any target with at most 256 coordinates a side, over any ring but `qi`.
            rng: Gives the seeds.
            starts: Schemes of the target for growing and the pool.

        Raises:
            ProblemError: If the target or the ring is beyond the walks.
        """
        solvers, seeds = self._solvers, rng.integers(1 << 62, size=3).tolist()
        growing, pool, symmetric = (np.random.default_rng(seed) for seed in seeds)
        state = PortfolioState(
            problem=problem,
            growing=solvers[GROWING].start(problem, growing, starts),
            pool=solvers[POOL].start(problem, pool, starts),
            symmetric=solvers[SYMMETRIC].start(problem, symmetric) if SYMMETRIC in turns_of(problem) else None,
        )
        state.exhausted = all(search.exhausted for search in state.searches.values())
        return state

    def advance(self, state: PortfolioState) -> PortfolioState:
        """The constructions, or one slice of the method whose turn it is; the others are handed what it has."""
        if state.turn == 0:
            ring = self.walk_ring(state.problem)
            given = [scheme.to(ring) for scheme in known(state.problem)]
            self._hand(state, given, ())
        elif not state.searches[state.method].exhausted:
            method = state.method
            solver = self._solvers[method]
            setattr(state, method, solver.advance(state.searches[method]))
            self._hand(state, solver.share(state.searches[method]), (method,))
        state.turn += 1
        return state

    def candidates(self, state: PortfolioState) -> Iterator[Scheme | Approximation]:
        """What the searches hold; after the first turn what is known by construction."""
        if state.turn == 1:
            built = (scheme.to(state.problem.ring) for scheme in known(state.problem))
            yield from (scheme for scheme in built if self.wants(scheme.rank))
        for method, search in state.searches.items():
            yield from self._solvers[method].candidates(search)

    def check(self, state: PortfolioState) -> None:
        """See `Checking`."""
        sound(state.turn >= 0 and not state.exhausted, "it has had no turns")
        wanted = SYMMETRIC in turns_of(state.problem)
        sound((state.symmetric is not None) == wanted, "it has other searches than this one")
        for method, search in state.searches.items():
            self._solvers[method].check(search)

    def share(self, state: PortfolioState) -> list[Scheme]:
        """What the searches share."""
        return [scheme for method, search in state.searches.items() for scheme in self._solvers[method].share(search)]

    def accept(self, state: PortfolioState, schemes: Sequence[Scheme], rng: np.random.Generator) -> PortfolioState:
        """Hand schemes of other jobs to every search."""
        self._hand(state, schemes, ())
        return state

    def _hand(self, state: PortfolioState, schemes: Sequence[Scheme], but: Sequence[str]) -> None:
        """Hand schemes to the searches, except those named."""
        rng = np.random.default_rng(state.turn)
        for method, search in state.searches.items():
            if method not in but:
                setattr(state, method, self._solvers[method].accept(search, schemes, rng))

    @property
    def _solvers(self) -> dict[str, Any]:
        options: dict[str, Any] = {"walk": self.walk, "lifts": self.lifts, "below": self.below}
        return {GROWING: FlipGraph(**options), POOL: FlipPool(**options), SYMMETRIC: Symmetric(**options)}


def turns_of(problem: Problem) -> tuple[str, ...]:
    """The methods in the order of their turns, again and again."""
    target = problem.target
    if target.family != "matmul" or len(set(target.sizes)) > 1 or target.sizes[0] < 2:
        return GROWING, GROWING, GROWING, POOL
    if target.sizes[0] < SYMMETRIC_FROM:
        return GROWING, GROWING, SYMMETRIC, POOL
    return SYMMETRIC, SYMMETRIC, GROWING, SYMMETRIC, SYMMETRIC, POOL


def known(problem: Problem) -> list[Scheme]:
    """The schemes of the target that are known by construction, over {-1, 0, 1}."""
    found = []
    for name in CONSTRUCTIONS.names():
        try:
            found.append(CONSTRUCTIONS.load(name)(problem.target))  # type: ignore[operator]
        except TargetError:
            continue
    return [scheme for scheme in found if scheme.ring is Ring.ZT]

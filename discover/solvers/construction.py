"""No search at all: a scheme known by construction, so that it enters the catalog the way found ones do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from bilinear.decompositions.constructions import CONSTRUCTIONS
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError


@dataclass
class ConstructionState:
    """Nothing but whether the scheme was written down yet.

    Attributes:
        problem: What is asked for.
        steps: 0 before, 1 after.
        exhausted: Whether it was written down.
    """

    problem: Problem
    steps: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """Nothing to report."""
        return {}


@dataclass(frozen=True)
class Construction:
    """Write a known scheme down.

    Attributes:
        name: A name of `bilinear.decompositions.constructions.CONSTRUCTIONS`.
    """

    name: str = "standard"
    state_type: ClassVar[type[ConstructionState]] = ConstructionState

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> ConstructionState:
        """Check that the construction has the rank asked for.

        Raises:
            UnknownNameError: If there is no construction of that name.
            TargetError: If it is no scheme of the target.
            ProblemError: If its rank is above the one asked for.
        """
        rank = self._scheme(problem.target).rank
        if problem.rank is not None and rank > problem.rank:
            raise ProblemError(
                f"construction {self.name!r} of {problem.target.short} has rank {rank}, not {problem.rank}"
            )
        return ConstructionState(problem)

    def advance(self, state: ConstructionState) -> ConstructionState:
        """Write it down."""
        return ConstructionState(state.problem, 1, exhausted=True)

    def candidates(self, state: ConstructionState) -> Iterator[Scheme | Approximation]:
        """The scheme, over the ring asked for."""
        if state.steps:
            yield self._scheme(state.problem.target).to(state.problem.ring)

    def check(self, state: ConstructionState) -> None:
        """See `Checking`."""
        sound(state.steps in (0, 1) and state.exhausted == bool(state.steps), "it was written down more than once")

    def _scheme(self, target: Target) -> Scheme:
        return cast("Callable[[Target], Scheme]", CONSTRUCTIONS.load(self.name))(target)

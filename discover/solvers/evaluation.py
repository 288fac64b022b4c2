"""No search: products of polynomials and their relatives, constructed by evaluation and interpolation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from decompositions.errors import BilinearError
from decompositions.evaluation import FAMILIES, PREFERENCES, Choice, evaluated
from decompositions.scheme import Approximation, Scheme
from discover.problem import Problem, ProblemError


@dataclass
class EvaluationState:
    """The scheme once it is built, by its problem and options, which determine it.

    Attributes:
        problem: What is asked for.
        steps: 0 before, 1 after.
        exhausted: Whether it was built.
    """

    problem: Problem
    steps: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """Nothing to report."""
        return {}


@dataclass(frozen=True)
class Evaluation:
    """Evaluate at points, multiply there, and interpolate.

    Attributes:
        points: Points, such as 0,1,-1,1/2,i,inf; chosen if not given.
        moduli: Coprime monic moduli instead, by ascending coefficients, such as 0,1;1,1;1,1,1;inf.
        prefer: Points are chosen by `additions` or by `accuracy`.
    """

    points: str = ""
    moduli: str = ""
    prefer: str = PREFERENCES[0]
    state_type: ClassVar[type[EvaluationState]] = EvaluationState

    def __post_init__(self) -> None:
        if self.prefer not in PREFERENCES:
            raise ValueError(f"prefer {self.prefer[:40]!r}: one of {', '.join(PREFERENCES)} is needed")

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> EvaluationState:
        """Check that there is a construction, and that it has the rank asked for.

        Raises:
            ProblemError: If the target is no product of polynomials, starts are given, or the rank is not reached.
            TargetError: If the points or moduli do not fit the target.
            RingError: If the coefficient set does not hold the scheme.
        """
        if problem.target.family not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise ProblemError(f"evaluation builds {known}, not {problem.target.short}; choose another solver")
        if starts:
            raise ProblemError("evaluation begins at points, not at starts; choose another solver")
        rank = self._scheme(problem).rank
        if problem.rank is not None and rank > problem.rank:
            raise ProblemError(
                f"{problem.target.short} over {problem.ring}: evaluation needs {rank} products, not {problem.rank}"
            )
        return EvaluationState(problem)

    def advance(self, state: EvaluationState) -> EvaluationState:
        """Nothing is left to do."""
        return EvaluationState(state.problem, 1, exhausted=True)

    def candidates(self, state: EvaluationState) -> Iterator[Scheme | Approximation]:
        """The scheme, over the ring asked for."""
        if state.steps:
            yield self._scheme(state.problem)

    def _scheme(self, problem: Problem) -> Scheme:
        return _built(problem.target, problem.ring, Choice(self.points, self.moduli, self.prefer))


def reaches(problem: Problem) -> bool:
    """Whether evaluation has a scheme of the target, over the ring, of the rank asked for."""
    try:
        Evaluation().start(problem, np.random.default_rng(0))
    except BilinearError:
        return False
    return True


_built = lru_cache(maxsize=8)(evaluated)
"""The scheme is asked for when the search begins and when it is handed over; it is built once."""

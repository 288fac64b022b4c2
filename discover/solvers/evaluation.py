"""Products of polynomials and their relatives: built by evaluation and interpolation, then walked from by flips."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from bilinear.catalog.bounds import lower_bounds
from bilinear.decompositions.errors import BilinearError, RingError
from bilinear.decompositions.evaluation import FAMILIES, PREFERENCES, Choice, evaluated
from bilinear.decompositions.rings import Ring, holds
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph.blocks import MAX_COORDINATES
from bilinear.discover.solvers.flip_graph.checks import check_held, require_counts, require_right
from bilinear.discover.solvers.flip_graph.prize import QUICK_TO_LIFT, lift_walk
from bilinear.discover.solvers.flip_graph.schemes import Held, Rows, factors_of, joined, split, to_scheme
from bilinear.discover.solvers.flip_graph.walking import Settings, WalkState, best, best_rank, counts, start, walk

LEG = 1 << 21  # flips of an advance: about a tenth of a second
LEAPS = Settings(plus_min=500, plus_max=2_000, plus_diff=4)  # plus transitions far more often than for matrix products
WALKED = 16_000  # coefficients of a scheme; walks from longer products, with far more, led nowhere and take minutes
LIFTS = 3  # schemes that a leg tries to lift
LIFTED_SHARE = 4  # legs for one over a ring to lift from, which takes longer
FLIPPED: dict[Ring, tuple[Ring, ...]] = {
    Ring.F2: (Ring.F2,),
    Ring.F3: (Ring.F3,),
    Ring.ZT: (Ring.ZT, Ring.F2),
    Ring.Z: (Ring.ZT, Ring.F2),
}
"""What is walked over, one after the other; over `q` and `qi` the products built are the fewest possible."""


@dataclass(kw_only=True)
class EvaluationState:
    """Walks that begin at the scheme built, which follows from the problem and the options.

    Attributes:
        problem: What is asked for.
        seed: All randomness follows from it and the legs.
        steps: 0 before the scheme is built, then 1 and the flips so far.
        legs: Legs walked.
        walked: The best scheme over the first ring walked over, joined factors, shape (rank, left + right + out).
        lowest: The best scheme over the ring asked for, if it is below the one built.
        exhausted: Whether all legs are walked, or a proven bound is met.
    """

    problem: Problem
    seed: int
    steps: int
    legs: int
    walked: Rows
    lowest: Held
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """Where the walks stand."""
        return {"legs": self.legs, "walked": len(self.walked), "lower": self.lowest.rank} if self.legs else {}


@dataclass(frozen=True)
class Evaluation:
    """Evaluate at points, multiply there, and interpolate; then walk the flip graph from there to fewer products.

    Attributes:
        points: Points, such as 0,1,-1,1/2,i,inf; chosen if not given.
        moduli: Coprime monic moduli instead, by ascending coefficients, such as 0,1;1,1;1,1,1;inf.
        prefer: Points are chosen by `additions` or by `accuracy`.
        flips: Walked from the scheme built, in millions, and a quarter of that over `f2` for what is lifted; 0 keeps it
            as it is, and so do points or moduli that are given.
    """

    points: str = ""
    moduli: str = ""
    prefer: str = PREFERENCES[0]
    flips: float = 32.0
    state_type: ClassVar[type[EvaluationState]] = EvaluationState

    def __post_init__(self) -> None:
        if self.prefer not in PREFERENCES:
            raise ValueError(f"prefer {self.prefer[:40]!r}: one of {', '.join(PREFERENCES)} is needed")
        if not 0 <= self.flips < math.inf:
            raise ValueError(f"flips {self.flips}: a number of millions is needed, 0 or above")

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> EvaluationState:
        """Check that there is a construction, and that it has the rank asked for or can be walked from.

        Raises:
            ProblemError: If the target is no product of polynomials, starts are given, or the rank is out of reach.
            TargetError: If the points or moduli do not fit the target.
            RingError: If the coefficient set does not hold the scheme.
        """
        if problem.target.family not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise ProblemError(f"evaluation builds {known}, not {problem.target.short}; choose another solver")
        if starts:
            raise ProblemError("evaluation begins at points, not at starts; choose another solver")
        rank = self._scheme(problem).rank
        if problem.rank is not None and rank > problem.rank and not self._plan(problem):
            raise ProblemError(
                f"{problem.target.short} over {problem.ring}: evaluation needs {rank} products, not {problem.rank}"
            )
        return EvaluationState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            steps=0,
            legs=0,
            walked=np.zeros((0, sum(problem.target.shape)), np.int8),
            lowest=Held.nothing(problem.target),
        )

    def advance(self, state: EvaluationState) -> EvaluationState:
        """Build the scheme, or walk one leg."""
        if state.steps:
            self._leg(state)
        else:
            state.steps = 1
        state.exhausted = self._is_over(state)
        return state

    def _is_over(self, state: EvaluationState) -> bool:
        """Whether all legs are walked, or a proven bound is met."""
        return state.legs >= len(self._plan(state.problem)) or self._best(state).rank <= _bound(state.problem)

    def candidates(self, state: EvaluationState) -> Iterator[Scheme | Approximation]:
        """The best scheme so far, over the ring asked for."""
        if state.steps:
            yield self._best(state)

    def check(self, state: EvaluationState) -> None:
        """See `Checking`."""
        problem, plan = state.problem, self._plan(state.problem)
        require_counts("it", state.seed, state.steps, state.legs)
        sound(state.legs <= len(plan) and (state.steps > 0 or state.legs == 0), "it has walked further than its plan")
        sound(state.walked.ndim == 2 and state.walked.shape[1] == sum(problem.target.shape), "its walk is cut")
        if len(state.walked):
            ring = next((ring for ring in plan if holds(problem.ring, ring)), None)
            sound(ring is not None, "it has walked where it does not walk")
            assert ring is not None
            walked = to_scheme(problem.target, ring, split(problem.target, state.walked))
            require_right(walked, "the scheme walked to")
        check_held(state.lowest, problem, "its lowest scheme")
        sound(state.exhausted == (state.steps > 0 and self._is_over(state)), "it says falsely whether a leg is left")

    def _choice(self) -> Choice:
        return Choice(self.points, self.moduli, self.prefer)

    def _scheme(self, problem: Problem) -> Scheme:
        return _built(problem.target, problem.ring, self._choice())

    def _best(self, state: EvaluationState) -> Scheme:
        """What the walks led to; without it, what was built."""
        if state.lowest.rank:
            return state.lowest.scheme(state.problem.target)
        return self._scheme(state.problem)

    def _plan(self, problem: Problem) -> list[Ring]:
        """What each leg walks over: nothing if the user chose otherwise, nothing too large for flips or for lifting."""
        sides = problem.target.shape
        size = self._scheme(problem).rank * sum(sides) if self._choice().free else math.inf
        if size > WALKED or max(sides) > MAX_COORDINATES:
            return []
        liftable = size <= QUICK_TO_LIFT
        legs = math.ceil(self.flips * 1e6 / LEG)
        plan: list[Ring] = []
        for ring in FLIPPED.get(problem.ring, ()):
            if holds(problem.ring, ring) and _plain(problem.target, ring) is not None:
                plan += [ring] * legs
            elif not holds(problem.ring, ring) and liftable:
                plan += [ring] * math.ceil(legs / LIFTED_SHARE)
        return plan

    def _leg(self, state: EvaluationState) -> None:
        """Walk from the best scheme over the ring whose turn it is, and keep what has fewer products than before."""
        ring = self._plan(state.problem)[state.legs]
        if holds(state.problem.ring, ring):
            self._walk_on(state, ring)
        else:
            self._walk_and_lift(state, ring)
        state.legs += 1

    def _walk_on(self, state: EvaluationState, ring: Ring) -> None:
        """A leg over a ring inside the one asked for."""
        target = state.problem.target
        first = to_scheme(target, ring, split(target, state.walked)) if len(state.walked) else _plain(target, ring)
        assert first is not None
        walk_state = _walked(state, first, replace(LEAPS, stop_rank=_bound(state.problem)))
        state.walked = joined(best(walk_state))
        if len(state.walked) < self._best(state).rank:
            state.lowest = Held.of(to_scheme(target, ring, best(walk_state)))

    def _walk_and_lift(self, state: EvaluationState, ring: Ring) -> None:
        """A leg over residues, of the best scheme and of what is built over them in turn, to a product less; lifted."""
        held = self._best(state)
        plain = _plain(state.problem.target, ring) if state.legs % 2 else None
        first = plain if plain is not None and plain.rank >= held.rank else held.to(ring)
        settings = replace(LEAPS, stop_rank=held.rank - 1)
        walk_state = _walked(state, first, settings)
        if best_rank(walk_state) < held.rank:
            found = lift_walk(walk_state, settings, state.problem, LIFTS, _seed(state) % 2**31)
            state.steps += found.flips
            state.lowest = found.held or state.lowest


def reaches(problem: Problem) -> bool:
    """Whether evaluation constructs a scheme of the target, over the ring, of the rank asked for, without a walk."""
    return _takes(Evaluation(flips=0), problem)


def begins(problem: Problem) -> bool:
    """Whether it walks towards that rank from what it constructs."""
    return _takes(Evaluation(), problem)


def _takes(solver: Evaluation, problem: Problem) -> bool:
    try:
        solver.start(problem, np.random.default_rng(0))
    except BilinearError:
        return False
    return True


def _walked(state: EvaluationState, first: Scheme, settings: Settings) -> WalkState:
    """A walk of one leg from a scheme; its flips are counted."""
    walk_state = start(factors_of(first), str(first.ring), _seed(state), settings)
    walk(walk_state, LEG)
    state.steps += max(counts(walk_state)["flips"], 1)
    return walk_state


def _seed(state: EvaluationState) -> int:
    return int(np.random.SeedSequence([state.seed, state.legs]).generate_state(1)[0])


def _bound(problem: Problem) -> int:
    """The largest rank that is proven necessary."""
    return lower_bounds(problem.target, problem.ring)[0].rank


@lru_cache(maxsize=8)
def _plain(target: Target, ring: Ring) -> Scheme | None:
    """The scheme over a ring that is walked over; None if its coefficients do not fit in there."""
    try:
        return _built(target, ring, Choice())
    except RingError:
        return None


_built = lru_cache(maxsize=8)(evaluated)
"""The scheme is asked for when the search begins and when it is handed over; it is built once."""

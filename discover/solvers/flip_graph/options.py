"""The options that the flip-graph solvers have in common, and the problems that none of them can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bilinear.decompositions.rings import Ring, holds, parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph.blocks import MAX_COORDINATES, RINGS
from bilinear.discover.solvers.flip_graph.prize import Prize
from bilinear.discover.solvers.flip_graph.schemes import MAX_RANK
from bilinear.discover.solvers.flip_graph.walking import Settings


@dataclass(frozen=True)
class WalkOptions:
    """What is walked over, and how often lifting is tried.

    Attributes:
        walk: Coefficient set of the walk: f2, f3 or zt. By default the one searched for, f2 where that is zt, z or q;
            what is found is then lifted.
        lifts: Schemes of one rank, or of one walk, that are tried for lifting.
        below: Products of a scheme that is known: only those with fewer are lifted and offered.
    """

    walk: str | None = None
    lifts: int = 10
    below: int | None = None
    above_zero: ClassVar[tuple[str, ...]] = ("lifts",)

    def __post_init__(self) -> None:
        if self.walk is not None and self.walk not in RINGS:
            raise ValueError(f"walk {self.walk!r}; one of {', '.join(RINGS)} is needed")
        if min(getattr(self, name) for name in self.above_zero) <= 0:
            raise ValueError(f"{' and '.join(', '.join(self.above_zero).rsplit(', ', 1))} must be above 0")

    def wants(self, rank: int) -> bool:
        """Whether so many products are fewer than those of the scheme that is known."""
        return self.below is None or rank < self.below

    def offered(self, prize: Prize, problem: Problem) -> Iterator[Scheme]:
        """The schemes won so far that are searched for."""
        yield from (scheme for scheme in prize.schemes(problem) if self.wants(scheme.rank))

    def walk_ring(self, problem: Problem) -> Ring:
        """The coefficient set of the walk: the option's, else the problem's, else `f2`, to be lifted from."""
        if self.walk is not None:
            return parse_ring(self.walk)
        return problem.ring if problem.ring.characteristic else Ring.F2


@dataclass(frozen=True)
class PlusOptions(WalkOptions):
    """Those of `WalkOptions`, and when a walk makes pluses.

    Attributes:
        plus_min: Fewest flips without a fall of the rank before a plus transition.
        plus_max: Most such flips.
        plus_diff: Pluses are made while the rank is below the best rank of the walk plus this.
    """

    plus_min: int = 20_000
    plus_max: int = 50_000
    plus_diff: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.plus_min <= self.plus_max or self.plus_diff < 1:
            raise ValueError("0 < plus_min <= plus_max and plus_diff of at least 1 are needed")

    def settings(self, stop_rank: int = 0) -> Settings:
        """How a walk moves that stops at a rank."""
        return Settings(plus_min=self.plus_min, plus_max=self.plus_max, plus_diff=self.plus_diff, stop_rank=stop_rank)


def require_walkable(name: str, problem: Problem, walked: Ring, starts: Sequence[Scheme | Approximation]) -> None:
    """Refuse what no walk can take.

    Args:
        name: Of the solver.
        problem: What is searched for.
        walked: Coefficient set of the walk.
        starts: Schemes to begin from.

    Raises:
        ProblemError: If the target or the ring is beyond the kernels, or a start is an approximation.
    """
    if problem.ring is Ring.QI or walked not in RINGS:
        raise ProblemError(f"{name} walks over f2, f3 and zt; {problem.ring} is beyond them; choose another solver")
    widest = max(problem.target.shape)
    if widest > MAX_COORDINATES:
        raise ProblemError(
            f"{name} holds at most {MAX_COORDINATES} coordinates a side, {problem.target.short} has {widest}"
        )
    if len(problem.target.values) > MAX_RANK:
        raise ProblemError(f"{problem.target.short}: {len(problem.target.values)} products to start from; too many")
    if walked.characteristic and problem.ring.characteristic and walked != problem.ring:
        raise ProblemError(f"a walk over {walked} gives no schemes over {problem.ring}; leave out the option walk")
    if walked is Ring.ZT and not holds(problem.ring, Ring.ZT):
        raise ProblemError(f"a walk over zt gives no schemes over {problem.ring}")
    if any(isinstance(start, Approximation) for start in starts):
        raise ProblemError(f"{name} starts at schemes, not at approximations; discretise it first")

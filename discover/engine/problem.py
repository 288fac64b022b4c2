"""What is searched for: a target, a rank and a coefficient set."""

from __future__ import annotations

from dataclasses import dataclass

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.targets import Target

MOST_PRODUCTS = 2**31 - 1


class ProblemError(BilinearError):
    """A problem that has no solution for a proven reason, or that a solver cannot take."""


@dataclass(frozen=True)
class Problem:
    """A search problem.

    Attributes:
        target: The bilinear map.
        rank: Number of products wanted; None to go as low as the budget allows.
        ring: The coefficient set that the scheme must lie in.

    Raises:
        ProblemError: If the rank is below 1, or above 2^31 - 1.
    """

    target: Target
    rank: int | None = None
    ring: Ring = Ring.ZT

    def __post_init__(self) -> None:
        object.__setattr__(self, "ring", parse_ring(self.ring))
        if self.rank is not None and self.rank < 1:
            raise ProblemError(f"{self.target.short}: rank {self.rank}; at least 1 product is needed")
        if self.rank is not None and self.rank > MOST_PRODUCTS:
            raise ProblemError(f"{self.target.short}: a rank above {MOST_PRODUCTS}; choose a smaller one")

    @property
    def short(self) -> str:
        """`2x2x2:7 over zt`."""
        rank = "" if self.rank is None else f":{self.rank}"
        return f"{self.target.short}{rank} over {self.ring}"


def require_possible(problem: Problem) -> None:
    """Refuse a rank that is proven impossible.

    Raises:
        ProblemError: If the rank is below a proven bound; the text says which, and whose.
    """
    from bilinear.catalog.bounds import lower_bounds

    if problem.rank is None:
        return
    for bound in lower_bounds(problem.target, problem.ring):
        if problem.rank < bound.rank:
            raise ProblemError(
                f"{problem.target.short} over {problem.ring}: rank {problem.rank} is impossible, "
                f"at least {bound.rank} products are needed: {bound.source}"
            )

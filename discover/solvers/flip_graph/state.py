"""What the states of the solvers that hold a walk have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from bilinear.discover.engine.fields import kept_as
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph.prize import DEAD, Prize
from bilinear.discover.solvers.flip_graph.records import WalkRecord, rebuilt, recorded
from bilinear.discover.solvers.flip_graph.schemes import Rows, split
from bilinear.discover.solvers.flip_graph.walking import Factors, WalkState, no_walk


@dataclass(kw_only=True)
class WalkedState:
    """A walk, and what it has won so far.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters.
        starts: Factors of the schemes to begin from, joined, shape (starts, rank, left + right + out), zero rows last.
        prize: The best schemes so far.
        walk: The walk; a checkpoint holds it as a `WalkRecord`.
        steps: Flips so far.
        round: Times the search began.
        exhausted: Whether all starts are dead.
    """

    problem: Problem
    seed: int
    starts: Rows
    prize: Prize
    walk: WalkState = field(default_factory=no_walk, metadata=kept_as(WalkRecord, recorded, rebuilt))
    steps: int = 0
    round: int = 0
    exhausted: bool = False

    def remarks(self) -> list[str]:
        """See `Remarking`."""
        return DEAD if self.exhausted else self.prize.remarks(self.problem)

    def start_factors(self, place: int) -> Factors:
        """The factors of one of the schemes to begin from."""
        rows = self.starts[place]
        return split(self.problem.target, rows[rows.any(axis=1)])

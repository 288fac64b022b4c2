"""What the states of the solvers that hold a walk have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph.prize import Prize
from bilinear.discover.solvers.flip_graph.schemes import Rows, split
from bilinear.discover.solvers.flip_graph.walking import Factors, WalkState


@dataclass(kw_only=True)
class WalkedState:
    """A walk, and what it has won so far.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters.
        starts: Factors of the schemes to begin from, joined, shape (starts, rank, left + right + out), zero rows last.
        prize: The best schemes so far.
        ints: Of the walk, see `blocks`.
        words: Of the walk.
        steps: Flips so far.
        round: Times the search began.
        exhausted: Never.
    """

    problem: Problem
    seed: int
    starts: Rows
    prize: Prize
    ints: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    words: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    steps: int = 0
    round: int = 0
    exhausted: bool = False

    @property
    def walk(self) -> WalkState:
        """The walk's two arrays."""
        return WalkState(self.ints, self.words)

    def start_factors(self, place: int) -> Factors:
        """The factors of one of the schemes to begin from."""
        rows = self.starts[place]
        return split(self.problem.target, rows[rows.any(axis=1)])

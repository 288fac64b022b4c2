"""Where a search by gradient descent stands: plain arrays, so that a checkpoint is one file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.discover.engine.problem import Problem

FloatArray = NDArray[np.float32]


@dataclass
class TernarySgdState:
    """A batch of members on their way from random numbers to ternary ones, each restarted when it is done.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and from the steps made.
        starts: Factors that seed part of the members, shape (starts, left + right + out, rank).
        steps: Optimiser steps so far.
        latent: Float factors, U, V, W one after the other, shape (left + right + out, members, padded rank).
        first: The optimiser's first moments, or momentum, of the same shape.
        second: Its second moments, of the same shape.
        shares: How far each member is ternary, 0 to 1, shape (members,).
        ages: Steps of each member since its start, shape (members,).
        errors: Squared error of each member's ternary factors at the last check, shape (members,).
        exact: Ternary factors found exact in the last slice, shape (found, rank, left + right + out).
        restarts: Members started so far.
        found: Members found exact so far.
        best: Least squared error of any ternary factors so far: the number of wrong tensor entries where each is off by
            one.
    """

    problem: Problem
    seed: int
    starts: FloatArray
    steps: int
    latent: FloatArray
    first: FloatArray
    second: FloatArray
    shares: FloatArray
    ages: NDArray[np.int64]
    errors: NDArray[np.float64]
    exact: NDArray[np.int8]
    restarts: int
    found: int
    best: float

    @property
    def exhausted(self) -> bool:
        """Never: a member that is done makes room for a new start."""
        return False

    def metrics(self) -> dict[str, float | int | str]:
        """Numbers for a line of progress; `ternary` is the mean share of the members."""
        return {
            "restarts": self.restarts,
            "exact": self.found,
            "best squared error": self.best,
            "median squared error": float(np.median(self.errors)),
            "ternary": float(self.shares.mean()),
        }

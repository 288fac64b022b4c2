"""Where a search by gradient descent stands: plain arrays, so that a checkpoint is one file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discover.problem import Problem

FloatArray = NDArray[np.float32]


@dataclass
class TernarySgdState:
    """A batch of restarts on its way from random numbers to ternary ones.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and the counters below.
        starts: Factors that seed part of every batch, shape (starts, left + right + out, rank).
        steps: Optimiser steps so far, over all batches.
        age: Steps of the present batch.
        batches: Batches begun.
        latent: Float factors, U, V, W one after the other, shape (left + right + out, restarts, padded rank).
        first: The optimiser's first moments, or momentum, of the same shape.
        second: Its second moments, of the same shape.
        exact: Ternary factors of the members that are solved, zeros elsewhere, shape (restarts, rank, left + right +
            out).
        solved: Which members of the present batch were found exact, shape (restarts,).
        errors: Least squared error of each member's ternary factors, shape (restarts,).
        found: Members found exact, over all batches.
        best: Least squared error of any ternary factors so far: the number of wrong tensor entries where each is off by
            one.
    """

    problem: Problem
    seed: int
    starts: FloatArray
    steps: int
    age: int
    batches: int
    latent: FloatArray
    first: FloatArray
    second: FloatArray
    exact: NDArray[np.int8]
    solved: NDArray[np.bool_]
    errors: NDArray[np.float64]
    found: int
    best: float

    @property
    def exhausted(self) -> bool:
        """Never: a batch that has ended makes room for the next."""
        return False

    def metrics(self) -> dict[str, float | int]:
        """Numbers for a line of progress."""
        return {
            "restarts": self.batches * len(self.solved),
            "exact": self.found,
            "best squared error": self.best,
            "median squared error": float(np.median(self.errors)),
            "batch steps": self.age,
        }

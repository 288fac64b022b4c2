"""Where a search by gradient descent stands: plain arrays, so that a checkpoint is one file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.discover.engine.fields import MOST_COUNTED, sound
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


def require_sizes(state: TernarySgdState, shape: tuple[int, int, int], rank: int) -> None:
    """Refuse a state that no batch leaves whose arrays have this shape.

    Raises:
        ValueError: If an array has another size, a number is not finite, or a count is below 0.
    """
    sides, members, _ = shape
    for name, array in (("latent", state.latent), ("first", state.first), ("second", state.second)):
        sound(array.shape == shape, f"its {name} have another size")
        sound(np.isfinite(array).all() and not array[..., rank:].any(), f"its {name} are not finite, or not empty")
    sound(state.second.min() >= 0, "its second moments are below 0")
    one_each = (state.shares, state.ages, state.errors)
    sound(all(array.shape == (members,) for array in one_each), "its members have other numbers")
    sound(
        ((state.shares >= 0) & (state.shares <= 1)).all() and state.ages.min() >= 0, "its members are ternary beyond 1"
    )
    sound((state.errors >= 0).all() and state.best >= 0, "an error of it is below 0")
    sound(state.starts.shape == (len(state.starts), sides, rank), "its starts have another size")
    sound(np.isfinite(state.starts).all(), "its starts are not finite")
    sound(state.exact.shape == (len(state.exact), rank, sides), "its schemes have another size")
    sound(max(state.steps, state.restarts, state.found, state.ages.max()) < MOST_COUNTED, "a count of it is too large")
    sound(min(state.seed, state.steps, state.restarts, state.found) >= 0, "a count of it is below 0")

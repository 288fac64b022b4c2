"""Where a search by alternating least squares stands: plain arrays, so that a checkpoint is one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.rings import Ring
from bilinear.discover.engine.fields import MOST_COUNTED, sound
from bilinear.discover.engine.problem import Problem

Floats = NDArray[Any]
"""float64, or complex128 where the search is over `qi`."""


@dataclass
class AlsState:
    """A batch of members that are swept, fitted, and then kicked or started anew, all at the same time.

    Attributes:
        problem: What is searched for.
        seed: All randomness follows from it and from the steps made.
        starts: Factors that some members begin from, shape (starts, unknowns).
        steps: Sweeps of the batch, steps of the fit and solutions discretised so far.
        x: U, V and W row by row, one after the other, shape (members, unknowns).
        errors: Squared errors at the end of the last cycle, while fitting those after the last step, shape (members,).
        damping: Of the fit, shape (members,).
        base: What each member was kicked from, shape (members, unknowns).
        base_errors: Its squared errors, shape (members,); infinite before the first cycle.
        kicks: Kicks of each member since its start, shape (members,).
        fitting: Which members are being fitted, shape (members,); none while the batch is swept.
        progress: Sweeps, or steps of the fit, since that began.
        solutions: Float solutions not yet discretised, shape (solutions, unknowns).
        numerators: Of the schemes found in the last slice, real and imaginary, shape (found, 2, unknowns).
        denominators: Theirs, shape (found, rank).
        nearest: The unknowns of least squared error at the end of a cycle, shape (unknowns,).
        best: Their squared error.
        improved: Whether the last slice found them.
        restarts: Members started so far.
        solved: Float solutions so far.
        discretised: Those that discretisation was tried on.
        found: Those that became exact schemes.
    """

    problem: Problem
    seed: int
    starts: Floats
    steps: int
    x: Floats
    errors: NDArray[np.float64]
    damping: NDArray[np.float64]
    base: Floats
    base_errors: NDArray[np.float64]
    kicks: NDArray[np.int64]
    fitting: NDArray[np.bool_]
    progress: int
    solutions: Floats
    numerators: NDArray[np.int64]
    denominators: NDArray[np.int64]
    nearest: Floats
    best: float
    improved: bool
    restarts: int
    solved: int
    discretised: int
    found: int

    @property
    def exhausted(self) -> bool:
        """Never: a member that is done makes room for a new start."""
        return False

    def metrics(self) -> dict[str, float | int | str]:
        """Numbers for a line of progress."""
        finite = self.base_errors[np.isfinite(self.base_errors)]
        return {
            "restarts": self.restarts,
            "float solutions": self.solved,
            "exact": self.found,
            "best squared error": self.best,
            "median squared error": float(np.median(finite)) if len(finite) else float("inf"),
        }


def require_sizes(state: AlsState, members: int, unknowns: int, rank: int) -> None:
    """Refuse a state that no batch of these sizes leaves.

    Raises:
        ValueError: If an array has another size or number type, a number is not finite, or a count is below 0.
    """
    several = {"starts": state.starts, "x": state.x, "base": state.base, "solutions": state.solutions}
    kind = np.complex128 if state.problem.ring is Ring.QI else np.float64
    for name, array in {**several, "nearest": state.nearest[None]}.items():
        number = members if name in ("x", "base") else len(array)
        sound(array.dtype == kind and array.shape == (number, unknowns), f"its {name} have another size")
        sound(np.isfinite(array).all(), f"its {name} are not finite")
    one_each = (state.errors, state.damping, state.base_errors, state.kicks, state.fitting)
    sound(all(array.shape == (members,) for array in one_each), "its members have other numbers")
    found = len(state.denominators)
    schemes = state.numerators.shape == (found, 2, unknowns) and state.denominators.shape == (found, rank)
    sound(schemes and state.denominators.min(initial=1) > 0, "its schemes have another size")
    counts = (state.seed, state.steps, state.restarts, state.solved, state.discretised, state.found)
    sound(max(*counts, state.kicks.max()) < MOST_COUNTED, "a count of it is too large")
    sound(min(counts) >= 0 and state.kicks.min() >= 0 and state.best >= 0, "a count of it is below 0")
    sound((state.errors >= 0).all() and (state.base_errors >= 0).all(), "an error of it is below 0")
    sound((state.damping > 0).all() and np.isfinite(state.damping).all(), "its damping is not positive")

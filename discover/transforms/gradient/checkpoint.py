"""Checkpoints of the gradient solver: one .npz file, whose header is JSON; no pickle."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.discover.engine import archive
from bilinear.discover.engine.archive import CheckpointError, told
from bilinear.discover.engine.checkpoint import damage_named
from bilinear.discover.engine.fields import sound
from bilinear.discover.transforms.gradient.structures import Structure
from bilinear.discover.transforms.gradient.trials import Trials, losses_of

FORMAT = 1
MOST_COUNT = 1 << 31
NEARLY = 1e-6
"""The same loss on two machines differs by rounding."""
MOMENTS = ("parameters", "rates", "first", "second")


@dataclass
class Tally:
    """What became of the trials of one structure.

    Attributes:
        parameters: Of the best finished trial, shape (parameters,); None before the first.
        loss: Of it.
        successes: Finished trials that reached the goal.
        finished: Trials that were finished.
        started: Trials that were started.
    """

    parameters: Tensor | None
    loss: float
    successes: int
    finished: int
    started: int

    def add(self, parameters: Tensor, loss: float, goal: float) -> None:
        """Count one more finished trial; the goal is an RMSE."""
        self.finished += 1
        self.successes += loss <= goal**2
        if self.parameters is None or loss < self.loss:
            self.parameters, self.loss = parameters, loss

    def __str__(self) -> str:
        return f"{self.successes} of {self.finished} finished"


@dataclass
class State:
    """A search in between two slices.

    Attributes:
        round: Times that all structures have been tried.
        place: The structure whose turn it is.
        rung: Halvings of its trials so far.
        seconds: Wall time so far, over all resumptions.
        tallies: One for each structure.
        trials: Those that are trained now; None before they are started.
    """

    round: int
    place: int
    rung: int
    seconds: float
    tallies: list[Tally]
    trials: Trials | None


def default_path(name: str, size: int, seed: int, solver: object) -> Path:
    """In the user's cache, one file for each search; a transform's name may be long or a path."""
    from platformdirs import user_cache_dir

    digest = hashlib.sha256(f"{name} {size} {seed} {solver}".encode()).hexdigest()[:16]
    return Path(user_cache_dir("bilinear")) / "checkpoints" / f"transform-{size}-{digest}.npz"


def save(path: Path, key: str, state: State) -> None:
    """Write a checkpoint in one step.

    Args:
        path: Where to.
        key: What the search is.
        state: Where it stands.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for k, tally in enumerate(state.tallies):
        if tally.parameters is not None:
            arrays[f"best-{k}"] = tally.parameters.numpy()
    if state.trials is not None:
        arrays |= {name: getattr(state.trials, name).detach().numpy() for name in MOMENTS}
    header = {
        "format": FORMAT,
        "search": key,
        "at": [state.round, state.place, state.rung, state.seconds],
        "tallies": [[tally.loss, tally.successes, tally.finished, tally.started] for tally in state.tallies],
        "steps": None if state.trials is None else state.trials.steps,
    }
    archive.write(path, archive.archived(header, arrays))


def load(path: Path, key: str, structures: Sequence[Structure], target: Tensor, trials: int, rungs: int) -> State:
    """Read the checkpoint of this very search; the losses that it states are those of its parameters.

    Args:
        path: The file.
        key: What the search is.
        structures: That it tries.
        target: What they are to become, shape (size, size).
        trials: Started for each of them, at most so many are trained now.
        rungs: Halvings in a round.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another search or version.
    """
    data = archive.read(path)
    with damage_named(path):
        header, arrays = archive.opened(data)
        if (header["format"], header["search"]) != (FORMAT, key):
            held = told(header["search"])
            raise CheckpointError(f"{path}: the checkpoint is of another search: {held}, not {key}")
        (turn, place, rung), seconds = header["at"][:3], header["at"][3]
        _require_counts(turn, place, rung)
        sound(place < len(structures) and rung < rungs, "its turn is of no structure, or of no rung")
        sound(type(seconds) in (int, float) and 0 <= seconds < math.inf, "its time is no time")
        stated = zip(structures, header["tallies"], strict=True)
        tallies = [_tally(each, counts, arrays.get(f"best-{k}"), target) for k, (each, counts) in enumerate(stated)]
        now = None if header["steps"] is None else _trials(structures[place], header["steps"], arrays, trials)
        return State(turn, place, rung, float(seconds), tallies, now)


def _tally(structure: Structure, stated: Any, parameters: NDArray[Any] | None, target: Tensor) -> Tally:
    """What became of the trials of a structure; the loss is computed again."""
    loss, successes, finished, started = stated
    _require_counts(successes, finished, started)
    sound(successes <= finished and (parameters is None) == (finished == 0), "its finished trials are not counted")
    sound(type(loss) in (int, float) and loss >= 0, "a loss of it is no number")
    if parameters is None:
        sound(loss == math.inf, "a loss of it is that of nothing")
        return Tally(None, loss, successes, finished, started)
    sound(parameters.dtype == np.float64, "its parameters are no numbers")
    sound(parameters.shape == (structure.parameters,), "its parameters are of another length")
    values = torch.from_numpy(parameters)
    again = float(losses_of(structure.matrices(values[None]), target)[0])
    same = math.isclose(again, loss, rel_tol=NEARLY, abs_tol=NEARLY**2) if math.isfinite(again) else loss == math.inf
    sound(same, "a loss of it is not that of its parameters")
    return Tally(values, loss, successes, finished, started)


def _trials(structure: Structure, steps: Any, arrays: dict[str, NDArray[Any]], most: int) -> Trials:
    """The trials that are trained now."""
    _require_counts(steps)
    held = {name: arrays[name] for name in MOMENTS}
    number = len(held["rates"])
    shapes = [(number, 1 if name == "rates" else structure.parameters) for name in MOMENTS]
    fits = [array.shape for array in held.values()] == shapes and 1 <= number <= most
    sound(fits and all(array.dtype == np.float32 for array in held.values()), "its trials are of another shape")
    return Trials(structure, **{name: torch.from_numpy(array) for name, array in held.items()}, steps=steps)


def _require_counts(*numbers: Any) -> None:
    sound(all(type(number) is int and 0 <= number < MOST_COUNT for number in numbers), "a count of it is no number")

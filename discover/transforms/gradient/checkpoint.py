"""Checkpoints of the gradient solver: one .npz file, whose header is JSON; no pickle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.files import make_folder, write_atomic
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.transforms.gradient.structures import Structure
from bilinear.discover.transforms.gradient.trials import Trials

FORMAT = 1
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
    data = io.BytesIO()
    np.savez(data, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]
    try:
        make_folder(path.parent)
        write_atomic(path, data.getvalue())
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint cannot be written: {error.strerror}") from error


def load(path: Path, key: str, structures: Sequence[Structure]) -> State:
    """Read the checkpoint of this very search.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another search or version.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no checkpoint of this search; start it without --resume")
    memory.require(4 * path.stat().st_size, f"the checkpoint {path}")
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: torch.from_numpy(held[name]) for name in held.files if name != "header"}
            header = json.loads(str(held["header"]))
        if (header["format"], header["search"]) != (FORMAT, key):
            raise CheckpointError(f"{path}: the checkpoint is of another search: {header['search']}, not {key}")
        return _state(header, arrays, structures)
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: the checkpoint is damaged: {error}; start it without --resume") from error


def _state(header: dict[str, Any], arrays: dict[str, Tensor], structures: Sequence[Structure]) -> State:
    turn, place, rung, seconds = header["at"]
    tallies = [Tally(arrays.get(f"best-{k}"), *counts) for k, counts in enumerate(header["tallies"])]
    widths = {
        len(t.parameters) - s.parameters for t, s in zip(tallies, structures, strict=True) if t.parameters is not None
    }
    if widths - {0}:
        raise ValueError("its parameters are of another length")
    trials = None
    if header["steps"] is not None:
        held = {name: arrays[name] for name in MOMENTS}
        if held["parameters"].shape != (len(held["rates"]), structures[place].parameters):
            raise ValueError("its trials are of another shape")
        trials = Trials(structures[place], **held, steps=int(header["steps"]))
    return State(int(turn), int(place), int(rung), float(seconds), tallies, trials)

"""Checkpoints: one .npz file holds a search in between two slices. What comes from a file is believed in nothing.

Every field is of its type and size, every scheme is verified against what it claims, links and tables are not stored at
all; so a file, whoever wrote it, is gone on from as if this search had left it, or refused in one line.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import BilinearError, TooLargeError
from bilinear.decompositions.rings import holds, parse_ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine import archive
from bilinear.discover.engine.archive import CheckpointError, told
from bilinear.discover.engine.fields import (
    MOST_COUNTED,
    OtherProblemError,
    integers,
    is_target,
    packed,
    packed_target,
    sound,
    unpacked,
)
from bilinear.discover.engine.outcome import Found
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import Checking, Solver, parameters

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A search in between two slices.

    Attributes:
        state: The solver's state.
        seed: Seed of the search.
        cpu_seconds: CPU time so far.
        found: The best verified scheme so far.
        parents: Content hashes of what the search began from.
    """

    state: Any
    seed: int
    cpu_seconds: float
    found: Found | None
    parents: tuple[str, ...] = ()


def save(path: Path, name: str, solver: Solver, checkpoint: Checkpoint) -> None:
    """Write the checkpoint in one step.

    Args:
        path: Where to.
        name: The solver's name in the registry.
        solver: The solver.
        checkpoint: What to keep.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    archive.write(path, to_bytes(name, solver, checkpoint))


def to_bytes(name: str, solver: Solver, checkpoint: Checkpoint) -> bytes:
    """What `save` writes."""
    arrays: dict[str, NDArray[Any]] = {}
    header = {
        "format": FORMAT,
        "solver": name,
        "parameters": parameters(solver),
        "seed": checkpoint.seed,
        "cpu_seconds": checkpoint.cpu_seconds,
        "parents": list(checkpoint.parents),
        "state": packed(checkpoint.state, "state", arrays),
        "found": None if checkpoint.found is None else _packed_found(checkpoint.found, arrays),
    }
    return archive.archived(header, arrays)


def save_team(path: Path, barrier: int, members: Sequence[bytes]) -> None:
    """Write the checkpoint of several jobs that stand at a barrier, each as `to_bytes` gives it, in one step.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        f"job{job}": np.frombuffer(member, np.uint8) for job, member in enumerate(members)
    }
    archive.write(path, archive.archived({"format": FORMAT, "jobs": len(members), "barrier": barrier}, arrays))


def load(path: Path, name: str, solver: Solver, problem: Problem, seed: int) -> Checkpoint:
    """Read the checkpoint of this very search.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another version or search.
    """
    return from_bytes(archive.read(path), path, name, solver, problem, seed)


def begun_with(path: Path) -> tuple[dict[str, Any], list[str]] | None:
    """The hyperparameters of the search that left a checkpoint, and what it began from, for whoever goes on with it.

    None where no file is, or one that does not say.

    Raises:
        CheckpointError: If it cannot be read.
    """
    if not path.is_file():
        return None
    data = archive.read(path)
    with damage_named(path):
        header = archive.opened(data)[0]
        options, parents = header.get("parameters"), header.get("parents")
        if not isinstance(options, dict) or not isinstance(parents, list):
            return None
        return options, [str(parent) for parent in parents]


def load_team(path: Path, jobs: int) -> tuple[int, list[bytes]]:
    """The barrier at which several jobs stood, and the checkpoint of each, for `from_bytes`.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another number of jobs.
    """
    data = archive.read(path)
    with damage_named(path):
        header, arrays = archive.opened(data)
        _check_format(path, header)
        held, barrier = header["jobs"], header["barrier"]
        sound(type(held) is int and type(barrier) is int and 0 <= barrier < MOST_COUNTED, "its barrier is no number")
        if held != jobs:
            raise CheckpointError(f"{path}: the checkpoint is of {held} jobs, not of {jobs}")
        return barrier, [arrays[f"job{job}"].tobytes() for job in range(jobs)]


def from_bytes(data: bytes, path: Path, name: str, solver: Solver, problem: Problem, seed: int) -> Checkpoint:
    """Undo `to_bytes`; the path is for the messages.

    Raises:
        CheckpointError: As `load`.
    """
    with damage_named(path):
        header, arrays = archive.opened(data)
        _check_header(path, header, name, solver, seed)
        seconds = _seconds(header)
        try:
            state = unpacked(solver.state_type, header["state"], "state", arrays, problem)
        except OtherProblemError as other:
            raise CheckpointError(f"{path}: the checkpoint is of {told(other)}, not of {problem.short}") from other
        sound(state.steps >= 0, "its steps are below 0")
        if isinstance(solver, Checking):
            solver.check(state)
        found = None if header["found"] is None else _unpacked_found(header["found"], arrays, problem)
    return Checkpoint(state, seed, seconds, found)


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside means that the checkpoint is damaged."""
    try:
        yield
    except (CheckpointError, TooLargeError):
        raise
    except KeyError as error:
        raise CheckpointError(
            f"{path}: the checkpoint is damaged, or another version wrote it: it has no {told(error)}; "
            "start the search without --resume"
        ) from error
    except (
        BilinearError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise CheckpointError(
            f"{path}: the checkpoint is damaged: {told(error)}; start the search without --resume"
        ) from error


def _check_format(path: Path, header: Mapping[str, Any]) -> None:
    if header["format"] != FORMAT:
        raise CheckpointError(f"{path}: checkpoint format {told(header['format'])}; this version reads format {FORMAT}")


def _check_header(path: Path, header: Mapping[str, Any], name: str, solver: Solver, seed: int) -> None:
    _check_format(path, header)
    asked = (name, json.loads(json.dumps(parameters(solver))), seed)
    held = (header["solver"], header["parameters"], header["seed"])
    if held != asked:
        raise CheckpointError(f"{path}: the checkpoint is of {_named(*held)}, not of {_named(*asked)}")


def _named(solver: object, options: object, seed: object) -> str:
    chosen = options.items() if isinstance(options, dict) else ()
    return told(" ".join([str(solver), *(f"{key}={value}" for key, value in chosen), f"seed {seed}"]))


def _seconds(header: Mapping[str, Any]) -> float:
    """The CPU time that a header states."""
    seconds = header["cpu_seconds"]
    sound(type(seconds) in (int, float) and 0 <= seconds < math.inf, "its CPU time is no time")
    return float(seconds)


def _packed_found(found: Found, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The best scheme; its coefficients as texts, since they may be of any size."""
    scheme = found.scheme
    for axis, (real, imag) in enumerate(scheme.parts):
        arrays[f"found.{axis}"] = real.astype(str)
        if imag is not None:
            arrays[f"found.imag.{axis}"] = imag.astype(str)
    arrays["found.denominators"] = scheme.denominators.astype(str)
    header = {"ring": scheme.ring, **packed_target(scheme.target)}
    return header | {"seed": found.seed, "steps": found.steps, "cpu_seconds": found.cpu_seconds}


def _unpacked_found(header: Any, arrays: Mapping[str, NDArray[Any]], problem: Problem) -> Found:
    """The best scheme, which answers the problem: it is verified as one that a solver offers."""
    sound(isinstance(header, dict), "its scheme is no object")
    u, v, w, denominators = (integers(arrays[f"found.{key}"]) for key in (0, 1, 2, "denominators"))
    imag = tuple(integers(arrays[f"found.imag.{axis}"]) for axis in range(3)) if "found.imag.0" in arrays else None
    sound(is_target(header, problem.target), f"its scheme is of another target than {problem.short}")
    scheme = Scheme(problem.target, parse_ring(str(header["ring"])), u, v, w, denominators, imag)  # type: ignore[arg-type]
    fits = holds(problem.ring, scheme.ring) and (problem.rank is None or scheme.rank <= problem.rank)
    sound(fits, f"its scheme of rank {scheme.rank} over {scheme.ring} does not answer {problem.short}")
    seed, steps = header["seed"], header["steps"]
    sound(type(seed) is int and type(steps) is int and 0 <= steps < MOST_COUNTED, "its scheme has no seed or no steps")
    proof = verify(scheme)
    sound(proof.ok, f"its scheme is wrong: {proof.detail}")
    return Found(scheme, seed, steps, _seconds(header))

"""Checkpoints: one .npz file holds a search in between two slices. No pickle; the header is JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import typing
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import files, memory
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.decompositions.targets.file import from_entries
from bilinear.discover.engine.outcome import Found
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import Solver, parameters

FORMAT = 1


class CheckpointError(BilinearError):
    """A checkpoint that is missing, cut short, of another version or of another search."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A search in between two slices.

    Attributes:
        state: The solver's state.
        seed: Seed of the search.
        cpu_seconds: CPU time so far.
        found: The best verified scheme so far.
    """

    state: Any
    seed: int
    cpu_seconds: float
    found: Found | None


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
    _write(path, to_bytes(name, solver, checkpoint))


def to_bytes(name: str, solver: Solver, checkpoint: Checkpoint) -> bytes:
    """What `save` writes."""
    arrays: dict[str, NDArray[Any]] = {}
    header = {
        "format": FORMAT,
        "solver": name,
        "parameters": parameters(solver),
        "seed": checkpoint.seed,
        "cpu_seconds": checkpoint.cpu_seconds,
        "state": _packed(checkpoint.state, "state", arrays),
        "found": None if checkpoint.found is None else _packed_found(checkpoint.found, arrays),
    }
    return _archived(header, arrays)


def save_team(path: Path, barrier: int, members: Sequence[bytes]) -> None:
    """Write the checkpoint of several jobs that stand at a barrier, each as `to_bytes` gives it, in one step.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        f"job{job}": np.frombuffer(member, np.uint8) for job, member in enumerate(members)
    }
    _write(path, _archived({"format": FORMAT, "jobs": len(members), "barrier": barrier}, arrays))


def load(path: Path, name: str, solver: Solver, problem: Problem, seed: int) -> Checkpoint:
    """Read the checkpoint of this very search.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another version or search.
    """
    return from_bytes(_read(path), path, name, solver, problem, seed)


def load_team(path: Path, jobs: int) -> tuple[int, list[bytes]]:
    """The barrier at which several jobs stood, and the checkpoint of each, for `from_bytes`.

    Raises:
        CheckpointError: If there is none, it is damaged, or it is of another number of jobs.
    """
    data = _read(path)
    with _damage_named(path):
        header, arrays = _opened(data)
        _check_format(path, header)
        held, barrier = int(header["jobs"]), int(header["barrier"])
        members = [arrays[f"job{job}"].tobytes() for job in range(held)]
    if held != jobs:
        raise CheckpointError(f"{path}: the checkpoint is of {held} jobs, not of {jobs}")
    return barrier, members


def from_bytes(data: bytes, path: Path, name: str, solver: Solver, problem: Problem, seed: int) -> Checkpoint:
    """Undo `to_bytes`; the path is for the messages.

    Raises:
        CheckpointError: As `load`.
    """
    with _damage_named(path):
        header, arrays = _opened(data)
        _check_header(path, header, name, solver, seed)
        state = _unpacked(solver.state_type, header["state"], "state", arrays)
        found = None if header["found"] is None else _unpacked_found(header["found"], arrays)
    if state.problem != problem:
        raise CheckpointError(f"{path}: the checkpoint is of {state.problem.short}, not of {problem.short}")
    return Checkpoint(state, seed, float(header["cpu_seconds"]), found)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(f"{path}: no checkpoint of this search; start it without --resume")
    memory.require(4 * path.stat().st_size, f"the checkpoint {path}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint cannot be read: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        files.make_folder(path.parent)
        files.write_atomic(path, data)
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint cannot be written: {error.strerror}") from error


def _archived(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _opened(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays."""
    with np.load(io.BytesIO(data), allow_pickle=False) as held:
        arrays = {key: held[key] for key in held.files}
    return json.loads(str(arrays.pop("header"))), arrays


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside means that the checkpoint is damaged."""
    try:
        yield
    except KeyError as error:
        raise CheckpointError(
            f"{path}: the checkpoint is damaged, or another version wrote it: it has no {error}; "
            "start the search without --resume"
        ) from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path}: the checkpoint is damaged: {error}; start the search without --resume"
        ) from error


def _check_format(path: Path, header: dict[str, Any]) -> None:
    if header["format"] != FORMAT:
        raise CheckpointError(f"{path}: checkpoint format {header['format']}; this version reads format {FORMAT}")


def _check_header(path: Path, header: dict[str, Any], name: str, solver: Solver, seed: int) -> None:
    _check_format(path, header)
    asked = (name, json.loads(json.dumps(parameters(solver))), seed)
    held = (header["solver"], header["parameters"], header["seed"])
    if held != asked:
        raise CheckpointError(f"{path}: the checkpoint is of {_named(*held)}, not of {_named(*asked)}")


def _named(solver: str, options: dict[str, Any], seed: int) -> str:
    return " ".join([solver, *(f"{key}={value}" for key, value in options.items()), f"seed {seed}"])


def _packed(state: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a state: arrays go to `arrays`, the rest into the header."""
    header: dict[str, Any] = {}
    for field in dataclasses.fields(state):
        value = getattr(state, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        elif dataclasses.is_dataclass(value) and not isinstance(value, Problem):
            header[field.name] = _packed(value, f"{prefix}.{field.name}", arrays)
        elif isinstance(value, Problem):
            header[field.name] = {"rank": value.rank, "ring": value.ring, **_packed_target(value.target)}
        else:
            header[field.name] = value.item() if isinstance(value, np.generic) else value
    return header


def _unpacked(kind: type[Any], header: dict[str, Any], prefix: str, arrays: dict[str, NDArray[Any]]) -> Any:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in header:
            value = header[field.name]
            if field.name == "problem":
                value = Problem(_unpacked_target(value), value["rank"], value["ring"])
            elif isinstance(value, dict):
                value = _unpacked(_inner_type(kind, field.name), value, f"{prefix}.{field.name}", arrays)
            values[field.name] = value
        else:
            values[field.name] = arrays[f"{prefix}.{field.name}"]
    return kind(**values)


def _inner_type(kind: type[Any], name: str) -> type[Any]:
    """The dataclass that a field of a state holds."""
    hint = typing.get_type_hints(kind)[name]
    inner: Any = next(one for one in typing.get_args(hint) or (hint,) if dataclasses.is_dataclass(one))
    return typing.cast("type[Any]", inner)


def _packed_target(target: Target) -> dict[str, Any]:
    """The name; for a file's tensor also its entries, since the file may be gone."""
    if target.family != "file":
        return {"target": target.name}
    return {
        "target": target.name,
        "shape": target.shape,
        "indices": target.indices.tolist(),
        "values": target.values.tolist(),
    }


def _unpacked_target(header: dict[str, Any]) -> Target:
    if "shape" not in header:
        return parse_target(header["target"])
    indices = np.array(header["indices"], dtype=np.int64).reshape(-1, 3)
    return from_entries(header["target"], indices, np.array(header["values"], dtype=np.int64), tuple(header["shape"]))


def _packed_found(found: Found, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The best scheme; its coefficients as texts, since they may be of any size."""
    scheme = found.scheme
    for axis, (real, imag) in enumerate(scheme.parts):
        arrays[f"found.{axis}"] = real.astype(str)
        if imag is not None:
            arrays[f"found.imag.{axis}"] = imag.astype(str)
    arrays["found.denominators"] = scheme.denominators.astype(str)
    header = {"ring": scheme.ring, **_packed_target(scheme.target)}
    return header | {"seed": found.seed, "steps": found.steps, "cpu_seconds": found.cpu_seconds}


def _unpacked_found(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Found:
    def integers(key: str) -> NDArray[Any]:
        texts = arrays[key]
        numbers = np.empty(texts.size, dtype=object)
        numbers[:] = [int(text) for text in texts.ravel().tolist()]
        return numbers.reshape(texts.shape)

    u, v, w = (integers(f"found.{axis}") for axis in range(3))
    imag = tuple(integers(f"found.imag.{axis}") for axis in range(3)) if "found.imag.0" in arrays else None
    target = _unpacked_target(header)
    scheme = Scheme(target, header["ring"], u, v, w, integers("found.denominators"), imag)  # type: ignore[arg-type]
    return Found(scheme, header["seed"], header["steps"], header["cpu_seconds"])

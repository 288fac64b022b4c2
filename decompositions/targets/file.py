"""A bilinear map from a file: .npy, a dense integer tensor; .npz, its entries (indices, values, shape); or a text."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError, TargetError
from bilinear.decompositions.rings import INT64_SAFE, magnitude
from bilinear.decompositions.targets.target import Family, Target
from bilinear.decompositions.targets.text import Entries, read

USAGE = "file:PATH"
MAX_NAME = 300
FLOAT_SAFE = np.float64(1 << 53)
"""Integers below are floats of their own."""


def build(path: str) -> Target:
    """Read the tensor at `path`.

    Raises:
        TargetError: If the file cannot be read or does not hold a 3-way integer tensor.
        TooLargeError: If it would not fit into memory.
    """
    if not path:
        raise TargetError(f"file: the path is missing; a target from a file is written {USAGE}")
    name = f"file:{Path(path).name}"
    try:
        if path.endswith(".npz"):
            return _from_entries(name, path)
        return from_dense(name, _dense(name, path)) if _is_array(path) else _from_text(name, path)
    except BilinearError:
        raise
    except Exception as error:  # damaged files make NumPy, zipfile, zlib and tokenize raise what they document nowhere
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        forms = "as .npy, as .npz entries, or as text"
        raise TargetError(f"{path}: {reason}; a 3-way integer tensor is needed, {forms}") from error


def from_dense(name: str, tensor: NDArray[Any]) -> Target:
    """A target of any 3-way array of integers, or of floats that are integers."""
    if tensor.ndim != 3:
        raise TargetError(f"{name}: a tensor with {tensor.ndim} axes; three are needed: left, right, output")
    tensor = _integral(name, tensor)
    indices = np.argwhere(tensor).astype(np.int64)
    return from_entries(name, indices, tensor[tuple(indices.T)], tensor.shape)


def from_entries(name: str, indices: NDArray[Any], values: NDArray[Any], shape: tuple[int, ...]) -> Target:
    """A target of the nonzero entries of its tensor.

    Args:
        name: Its name, `file:map.npy`.
        indices: Shape (nonzeros, 3), in any order, no position twice.
        values: Integers, or floats that are integers, shape (nonzeros,).
        shape: (left, right, out).

    Raises:
        TargetError: If these are not the entries of a 3-way integer tensor, or the name is no plain one.
        TooLargeError: If it would not fit into memory.
    """
    if len(name) > MAX_NAME:
        raise TargetError(f"{name[:60]}...: a name of {len(name)} characters; at most {MAX_NAME} are taken")
    values = _integral(name, values)
    for array, what in ((indices, "indices"), (values, "values")):
        if array.dtype.kind not in "iub":
            raise TargetError(f"{name}: {what} of type {array.dtype}; integers are needed, as schemes are exact")
    if len(shape) != 3 or indices.ndim != 2 or indices.shape[1] != 3 or values.shape != (len(indices),):
        raise TargetError(f"{name}: entries need indices (nonzeros, 3), values (nonzeros,) and a shape of three")
    if values.dtype.kind != "b" and magnitude(values) >= INT64_SAFE:
        raise TargetError(f"{name}: a value beyond 2^62; smaller integers are needed")
    left, right, out = (int(side) for side in shape)
    memory.require_tensor(name, (left, right, out), len(values))
    order = np.lexsort(indices.T[::-1])
    names = (_names("x", left), _names("y", right), _names("z", out))
    sorted_indices = np.ascontiguousarray(indices[order], dtype=np.int64)
    return Target(name, (), (left, right, out), sorted_indices, values[order].astype(np.int64), names)


def _integral(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Floats that are integers as such; what has another type as it is.

    Raises:
        TargetError: If one of the floats is no integer, or so large that it may stand for another one.
    """
    if values.dtype.kind != "f":
        return values
    wrong = ~(np.isfinite(values) & (values == np.rint(values)) & (abs(values) < FLOAT_SAFE))
    if wrong.any():
        place = [int(k) for k in np.argwhere(wrong)[0]]
        fact = f"value {values[tuple(place)]} at {place}"
        raise TargetError(f"{name}: {fact}; integers below 2^53 are needed, as schemes are exact")
    return values.astype(np.int64)


def _is_array(path: str) -> bool:
    """Whether a file is to be read by NumPy: by its name, or by how it begins."""
    if path.endswith(".npy"):
        return True
    if Path(path).is_fifo():
        return False
    with Path(path).open("rb") as stream:
        return stream.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX


def _from_text(name: str, path: str) -> Target:
    found = read(name, Path(path))
    if isinstance(found, Entries):
        return from_entries(name, found.indices, found.values, found.shape)
    return from_dense(name, found)


def _require_numbers(name: str, stream: IO[bytes]) -> None:
    """Refuse an array of Python objects by its header, before NumPy speaks of pickles.

    Raises:
        TargetError: If that is what it is.
    """
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    if read_header(stream)[2].hasobject:
        need = "numbers are needed: save array.astype(int)"
        raise TargetError(f"{name}: an array of Python objects, which are not read from files; {need}")


def _dense(name: str, path: str) -> NDArray[Any]:
    """The array of an .npy file, its size checked before it is read."""
    with Path(path).open("rb") as stream:
        if stream.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            stream.seek(0)
            _require_numbers(name, stream)
    header = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(header, np.ndarray):
        raise TargetError(f"{name}: not a single array; a .npy file of one tensor is needed")
    memory.require(header.nbytes + 40 * header.size, f"the tensor of {name}")
    return np.array(header)


def _from_entries(name: str, path: str) -> Target:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                with archive.open(member) as stream:
                    _require_numbers(name, stream)
    memory.require(4 * size, f"the tensor of {name}")
    with np.load(path, allow_pickle=False) as data:
        missing = {"indices", "values", "shape"} - set(data.files)
        if missing:
            raise TargetError(f"{name}: no array {sorted(missing)[0]!r}; .npz entries need indices, values and shape")
        sides = data["shape"]
        if sides.dtype.kind not in "iu":
            raise TargetError(f"{name}: shape of type {sides.dtype}; three integers are needed")
        shape = tuple(int(side) for side in sides.ravel())
        if any(side > memory.MOST_COORDINATES for side in shape):
            raise TargetError(f"{name}: a side of {max(shape)} coordinates; at most {memory.MOST_COORDINATES} are held")
        return from_entries(name, data["indices"], data["values"], shape)


def _names(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i}" for i in range(1, count + 1))


FAMILY = Family(
    USAGE, "any 3-way integer tensor: .npy dense, .npz with indices, values, shape; .csv, .txt or .json as text", build
)

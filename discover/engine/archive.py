"""Arrays and a JSON header as one .npz file, and back: no pickle, and no memory beyond the size of the file."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import files, memory
from bilinear.decompositions.errors import BilinearError

HEADER = "header"
KINDS = "biufcU"
"""Of the arrays: truth values, integers, floats, complex numbers, texts."""
MOST_LETTERS = 300
"""Of what a file says, in a message."""
MOST_MEMBERS = 1 << 12
MOST_ALONG = 1 << 48
"""Of a size of an array: one without entries may state any."""


class CheckpointError(BilinearError):
    """A checkpoint that is missing, cut short, of another version or of another search."""


def write(path: Path, data: bytes) -> None:
    """Write a checkpoint in one step.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    try:
        files.make_folder(path.parent)
        files.write_atomic(path, data)
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint cannot be written: {error.strerror or error}") from error


def read(path: Path) -> bytes:
    """The bytes of a checkpoint.

    Raises:
        CheckpointError: If there is none, or it cannot be read.
        TooLargeError: If it would not fit into memory.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: no checkpoint of this search; start it without --resume")
        memory.require(4 * path.stat().st_size, f"the checkpoint {path}")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: the checkpoint cannot be read: {error.strerror or error}") from error


def remove(path: Path) -> None:
    """Take a checkpoint away that nobody will go on from; one that cannot be taken away harms nobody."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def told(said: object) -> str:
    """What a file says, as a message shows it: nothing that a terminal obeys, and not too much."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(said)[:MOST_LETTERS])
    return text if len(text) < MOST_LETTERS else f"{text}..."


def archived(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A header and arrays, none of Python objects, as the bytes of a file."""
    buffer = io.BytesIO()
    np.savez(buffer, **{HEADER: np.array(json.dumps(header)), **arrays})  # type: ignore[arg-type]
    return buffer.getvalue()


def opened(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Undo `archived`.

    Raises:
        ValueError: If the bytes are no such file; no array that they state is larger than themselves.
    """
    try:
        members = _members(data)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(str(error) or "it is cut short") from error
    except (struct.error, zlib.error, OverflowError, KeyError, IndexError) as error:
        raise ValueError("it is no archive") from error
    arrays = {name.removesuffix(".npy"): _array(name, content) for name, content in members.items()}
    text = arrays.pop(HEADER, np.zeros(0))
    if text.shape != () or text.dtype.kind != "U":
        raise ValueError("it has no header")
    try:
        header = json.loads(str(text))
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header, arrays


def _members(data: bytes) -> dict[str, bytes]:
    """What the archive holds by name: nothing compressed, and together no more than the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        about = archive.infolist()
        if len(about) > MOST_MEMBERS or sum(max(one.file_size, one.compress_size) for one in about) > len(data):
            raise ValueError("its members are larger than itself")
        if any(one.compress_type != zipfile.ZIP_STORED for one in about):
            raise ValueError("its members are compressed")
        return {one.filename: archive.read(one) for one in about}


def _array(name: str, content: bytes) -> NDArray[Any]:
    """The array of a member, which is exactly as large as it states."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, by_columns, dtype = readers[version](stream)
        sound = dtype.kind in KINDS and dtype.itemsize > 0 and all(0 <= size <= MOST_ALONG for size in shape)
        if not sound or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise ValueError("of another size than it states")
    except (ValueError, TypeError, KeyError, OverflowError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"member {name[:40]!r} is no array, or of another size than it states") from error
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    return np.array(flat.reshape(shape, order="F" if by_columns else "C"))

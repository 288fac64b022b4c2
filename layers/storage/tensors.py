"""Safetensors files: their header is checked before a tensor is read, and every tensor before it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bilinear.layers.checks import dtype_name
from bilinear.layers.errors import LayerError

LENGTH: Final = 8  # bytes of the number that a file begins with, how long its header is
CHECKSUM_KEY: Final = "sha256"  # of the text that holds the checksum; files of older versions have none
ALIGNMENT: Final = 8  # bytes; the header is filled up with spaces


@dataclass(frozen=True)
class Words:
    """How errors say what is wrong with a file of one kind; in braces what they are about.

    Attributes:
        absent: There is no file. Empty where the words about a damaged file say it.
        damaged: It cannot be read; behind the reason.
        missing: It lacks the tensor `name`.
        unknown: It holds `name` too.
        shape: `name` has the shape `found`, not `wanted`.
        dtype: `name` has the dtype `found`, not `wanted`.
    """

    absent: str = "no such file"
    damaged: str = "the file is truncated or no safetensors file"
    missing: str = "no tensor {name!r}, which the model has"
    unknown: str = "a tensor {name!r} that the model does not have"
    shape: str = "{name} has shape {found}, the model needs {wanted}"
    dtype: str = "{name} is torch.{found}, the model's torch.{wanted}"


PLAIN: Final = Words()


@dataclass(frozen=True)
class TensorFile:
    """An open file; a `LayerError` in its words says what does not fit.

    Attributes:
        path: Where it lies; begins every error text.
        words: Of the errors.
        handle: Of `safetensors`.
    """

    path: Path
    words: Words
    handle: Any

    def names(self) -> list[str]:
        """Of its tensors."""
        return list(self.handle.keys())

    def metadata(self) -> dict[str, str]:
        """The texts that it carries beside the tensors."""
        return self.handle.metadata() or {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Of a tensor, which is not read."""
        return tuple(self.handle.get_slice(name).get_shape())

    def read(self, names: Collection[str]) -> dict[str, Tensor]:
        """The tensors of these names."""
        return {name: self.handle.get_tensor(name) for name in names}

    def require_names(self, expected: Collection[str]) -> None:
        """Refuse a file in which one of these tensors is missing, or that holds others."""
        found = set(self.names())
        for words, names in ((self.words.missing, set(expected) - found), (self.words.unknown, found - set(expected))):
            for name in sorted(names):
                raise LayerError(f"{self.path}: {words.format(name=name)}")

    def require_shapes(self, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse tensors of other shapes."""
        for name, wanted in expected.items():
            found = self.shape(name)
            if found != wanted:
                raise LayerError(f"{self.path}: {self.words.shape.format(name=name, found=found, wanted=wanted)}")


@contextmanager
def opened(path: Path, words: Words = PLAIN, device: torch.device | str = "cpu") -> Iterator[TensorFile]:
    """A file to read from.

    Args:
        path: The file.
        words: Of the errors.
        device: Where its tensors go.

    Raises:
        LayerError: If it is missing, truncated or of another kind.
    """
    if words.absent and not path.is_file():
        raise LayerError(f"{path}: {words.absent}")
    try:
        with safe_open(path, framework="pt", device=str(device)) as handle:
            yield TensorFile(path, words, handle)
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; {words.damaged}") from error


def serialized(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> tuple[bytes, memoryview]:
    """A safetensors file in two pieces, the same bytes for the same content; the library orders texts at random.

    Args:
        tensors: Each with memory of its own.
        texts: What the file carries beside them.

    Raises:
        SafetensorError: If they cannot be written.
    """
    data = save(dict(tensors))
    start = LENGTH + int.from_bytes(data[:LENGTH], "little")
    header = {"__metadata__": dict(sorted(texts.items()))} | json.loads(data[LENGTH:start])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(LENGTH, "little") + text, memoryview(data)[start:]


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors, in hexadecimal: of their names in order, their dtypes and shapes, and every bit of them."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        digest.update(repr((name, dtype_name(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).cpu().numpy().data)
    return digest.hexdigest()


def require_checksum(file: TensorFile, tensors: Mapping[str, Tensor], texts: Collection[str], noun: str) -> None:
    """Refuse tensors that are not those which were saved.

    Args:
        file: Where they were read.
        tensors: All of them.
        texts: Names of the texts that it carries beside the checksum.
        noun: What it holds, `layer` or `model`.

    Raises:
        LayerError: If a bit of them has changed, or the file carries texts of other names.
    """
    found = file.metadata()
    others = sorted(found.keys() - {*texts, CHECKSUM_KEY})
    if others:
        raise LayerError(f"{file.path}: a text {others[0][:40]!r} that no version writes; save the {noun} again")
    if CHECKSUM_KEY in found and found[CHECKSUM_KEY] != checksum(tensors):
        raise LayerError(
            f"{file.path}: the tensors are not those of its checksum; restore it, or save the {noun} again"
        )


def require_values(
    path: Path, tensors: Mapping[str, Tensor], dtypes: Mapping[str, torch.dtype], words: Words = PLAIN
) -> None:
    """Refuse tensors that were read from a file, but are of another dtype or not finite."""
    for name, tensor in tensors.items():
        found, wanted = dtype_name(tensor.dtype), dtype_name(dtypes[name])
        if found != wanted:
            raise LayerError(f"{path}: {words.dtype.format(name=name, found=found, wanted=wanted)}")
        if not torch.isfinite(tensor).all():
            raise LayerError(f"{path}: {name} holds a number that is not finite")

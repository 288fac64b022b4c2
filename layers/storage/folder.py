"""A folder of two files, the tensors and `config.json`, which says what they are; each is replaced whole or not at all.

Both are written beside their names and renamed, the tensors first; they carry a copy of the configuration, so that
files of two folders are never taken for one, and a checksum, so that a changed bit is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from torch import Tensor

from bilinear.decompositions import files
from bilinear.layers.errors import LayerError
from bilinear.layers.storage.tensors import CHECKSUM_KEY, checksum, serialized

CONFIG: Final = "config.json"
CONFIG_KEY: Final = "config"
"""Of the copy of the configuration among the texts of the tensors' file."""


@dataclass(frozen=True)
class Kind:
    """What folders of a kind hold.

    Attributes:
        noun: `layer` or `model`.
        tensors: Name of the file of tensors.
        require_ours: Takes the path of a configuration that is there already; a LayerError if it is of another kind.
    """

    noun: str
    tensors: str
    require_ours: Callable[[Path], object]


def write_folder(folder: Path, kind: Kind, tensors: Mapping[str, Tensor], config: str) -> None:
    """Write both files, in place of those of the same kind.

    Args:
        folder: Made if it does not exist.
        kind: What it will hold.
        tensors: Each with memory of its own.
        config: The text of `config.json`.

    Raises:
        LayerError: If the folder holds other files, or writing fails.
    """
    path = folder / kind.tensors
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_ours(folder, kind)
        data = serialized(tensors, {CONFIG_KEY: config, CHECKSUM_KEY: checksum(tensors)})
        files.write_together({path: data, folder / CONFIG: config.encode()})
    except OSError as error:
        raise LayerError(f"{folder}: {error.strerror or error}; the {kind.noun} was not saved") from error
    except SafetensorError as error:
        raise LayerError(f"{path}: {error}; the {kind.noun} was not saved") from error


def _require_ours(folder: Path, kind: Kind) -> None:
    """Refuse a folder whose files ours would stand among, or replace."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(files.TEMPORARY)}
    others = sorted(names - {CONFIG, kind.tensors})
    if others:
        raise LayerError(f"{folder}: holds other files ({others[0]}); choose an empty folder")
    if CONFIG in names:
        try:
            kind.require_ours(folder / CONFIG)
        except LayerError as error:
            raise LayerError(f"{folder}: holds no {kind.noun} of ours ({error}); choose an empty folder") from None

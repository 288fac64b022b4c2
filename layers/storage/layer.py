"""A layer as a folder: `layer.safetensors` holds every tensor, basis included, and `config.json` says what they are.

Loading needs no catalog, no command line and no pickle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from bilinear.layers.checks import dtype_name
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis, STLLinear
from bilinear.layers.storage.config import ADDED, LayerConfig
from bilinear.layers.storage.folder import CONFIG, CONFIG_KEY, Kind, write_folder
from bilinear.layers.storage.specs import fields_of
from bilinear.layers.storage.tensors import Words, opened, require_checksum, require_values

LAYER: Final = Kind("layer", "layer.safetensors", lambda path: LayerConfig.parse(path.read_bytes(), CONFIG))

WORDS: Final = Words(
    absent="no such file; a folder written by save_layer is needed",
    missing="no tensor {name!r}, which " + CONFIG + " promises",
    unknown="a tensor {name!r} that " + CONFIG + " does not know",
    shape="{name} has shape {found}, " + CONFIG + " says {wanted}",
    dtype="{name} is {found}, " + CONFIG + " says {wanted}",
)


def save_layer(layer: STLLinear, folder: str | Path) -> Path:
    """Write the layer into the folder, in place of one saved there before.

    Args:
        layer: On any device.
        folder: Made if it does not exist.

    Returns:
        The folder.

    Raises:
        LayerError: If the folder holds files that are no saved layer, the tensors do not share one dtype, or writing
            fails.
    """
    folder, config = Path(folder), config_of(layer)
    tensors = {name: tensor.detach().contiguous() for name, tensor in layer.state_dict().items()}
    for name, tensor in tensors.items():
        found = dtype_name(tensor.dtype)
        if found != config.dtype:
            raise LayerError(f"{name} is {found}, the basis is {config.dtype}; convert the layer to one dtype")
    write_folder(folder, LAYER, tensors, config.text())
    return folder


def load_layer(folder: str | Path, device: torch.device | str = "cpu") -> STLLinear:
    """The layer saved in the folder.

    Args:
        folder: Written by `save_layer`.
        device: Where its tensors go.

    Raises:
        LayerError: If a file is missing, truncated or not what it should be, or the two do not belong together.
    """
    folder = Path(folder)
    config = LayerConfig.parse(_config_text(folder), str(folder / CONFIG))
    tensors = _tensors(folder / LAYER.tensors, config, device)
    n, m, p = config.tile
    u, v, d = (_of_one_tile(tensors[name]).double().cpu().numpy() for name in ("encoder_x", "encoder_w", "decoder"))
    layer = STLLinear(
        config.in_features,
        config.out_features,
        Basis(config.target, (n, m, p), u, v, d.T, config.scheme_hash, config.entry_id),
        config.bias,
        config.encoded,
        learnable_basis=config.learnable_basis,
        sharing=config.sharing,
        dense_below=config.dense_below,
        pad=config.pad,
        device="meta",
        dtype=getattr(torch, config.dtype),
    )
    layer.load_state_dict(tensors, assign=True)
    return layer


def config_of(layer: STLLinear) -> LayerConfig:
    """What must be known of a layer to build it again, in the oldest version that can say it."""
    new = layer.sharing != "layer" or layer.dense_below > 0
    own = ("target", "in_features", "out_features", *(ADDED if new else ()))
    fields = fields_of(layer, own) | {"dtype": dtype_name(layer.decoder.dtype)}
    return LayerConfig(format_version=2 if new else 1, **fields)


def _of_one_tile(factor: Tensor) -> Tensor:
    return factor if factor.ndim == 2 else factor[0]


def _config_text(folder: Path) -> bytes:
    try:
        return (folder / CONFIG).read_bytes()
    except FileNotFoundError:
        raise LayerError(f"{folder}: no {CONFIG}; a folder written by save_layer is needed") from None
    except OSError as error:
        raise LayerError(f"{folder / CONFIG}: {error.strerror or error}") from error


def _tensors(path: Path, config: LayerConfig, device: torch.device | str) -> dict[str, Tensor]:
    """The tensors, their header checked against the configuration before they are read."""
    shapes = config.shapes()
    with opened(path, WORDS, device) as file:
        file.require_names(shapes)
        file.require_shapes(shapes)
        copy = file.metadata().get(CONFIG_KEY, "{}").encode()
        if LayerConfig.parse(copy, f"{path}: its copy of {CONFIG}") != config:
            raise LayerError(f"{path}: belongs to another {CONFIG}; restore the right one, or save the layer again")
        tensors = file.read(shapes)
        require_values(path, tensors, dict.fromkeys(shapes, getattr(torch, config.dtype)), WORDS)
        require_checksum(file, tensors, [CONFIG_KEY], LAYER.noun)
    return tensors

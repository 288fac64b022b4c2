"""A layer as a folder: `layer.safetensors` holds every tensor, basis included, and `config.json` says what they are.

Loading needs no catalog, no command line and no pickle. Both files are written beside their names and renamed, the
tensors first; they carry a copy of the configuration, so that files of two different layers are never taken for one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bilinear.decompositions import files
from bilinear.layers.config import VERSION, LayerConfig, parse_config
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis, STLLinear

CONFIG = "config.json"
TENSORS = "layer.safetensors"
CONFIG_KEY = "config"


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
    folder = Path(folder)
    config = _config_of(layer)
    text = config.text()
    tensors = {name: tensor.detach().contiguous() for name, tensor in layer.state_dict().items()}
    _check_dtypes(tensors, config.dtype)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_ours(folder)
        data = save(tensors, metadata={CONFIG_KEY: text})
        files.write_together({folder / TENSORS: data, folder / CONFIG: text.encode()})
    except OSError as error:
        raise LayerError(f"{folder}: {error.strerror or error}; the layer was not saved") from error
    except SafetensorError as error:
        raise LayerError(f"{folder / TENSORS}: {error}; the layer was not saved") from error
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
    config = parse_config(_config_text(folder), str(folder / CONFIG))
    tensors = _read_tensors(folder / TENSORS, config, device)
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


def _config_of(layer: STLLinear) -> LayerConfig:
    added: dict[str, Any] = {"sharing": layer.sharing, "dense_below": layer.dense_below, "format_version": VERSION}
    if layer.sharing == "layer" and not layer.dense_below:
        added = {"format_version": 1}
    return LayerConfig(
        layer_class="STLLinear",
        target=layer.target,
        tile=layer.tile,
        rank=layer.rank,
        scheme_hash=layer.scheme_hash,
        entry_id=layer.entry_id,
        in_features=layer.in_features,
        out_features=layer.out_features,
        bias=layer.bias is not None,
        encoded=layer.encoded,
        learnable_basis=layer.learnable_basis,
        pad=layer.pad,
        dtype=_dtype_name(layer.decoder),  # type: ignore[arg-type]  # validated by the model
        **added,
    )


def _of_one_tile(factor: Tensor) -> Tensor:
    return factor if factor.ndim == 2 else factor[0]


def _dtype_name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _check_dtypes(tensors: dict[str, Tensor], dtype: str) -> None:
    for name, tensor in tensors.items():
        if _dtype_name(tensor) != dtype:
            raise LayerError(f"{name} is {_dtype_name(tensor)}, the basis is {dtype}; convert the layer to one dtype")


def _require_ours(folder: Path) -> None:
    """Refuse a folder whose files a layer would stand among, or replace."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(files.TEMPORARY)}
    others = sorted(names - {CONFIG, TENSORS})
    if others:
        raise LayerError(f"{folder}: holds other files ({others[0]}); choose an empty folder")
    if CONFIG in names:
        try:
            parse_config((folder / CONFIG).read_bytes(), CONFIG)
        except LayerError as error:
            raise LayerError(f"{folder}: holds no layer of ours ({error}); choose an empty folder") from None


def _config_text(folder: Path) -> bytes:
    try:
        return (folder / CONFIG).read_bytes()
    except FileNotFoundError:
        raise LayerError(f"{folder}: no {CONFIG}; a folder written by save_layer is needed") from None
    except OSError as error:
        raise LayerError(f"{folder / CONFIG}: {error.strerror or error}") from error


def _read_tensors(path: Path, config: LayerConfig, device: torch.device | str) -> dict[str, Tensor]:
    """The tensors, their header checked against the configuration before they are read."""
    if not path.is_file():
        raise LayerError(f"{path}: no such file; a folder written by save_layer is needed")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            _check_names(set(file.keys()), config, path)
            for name, shape in config.shapes().items():
                found = tuple(file.get_slice(name).get_shape())
                if found != shape:
                    raise LayerError(f"{path}: {name} has shape {found}, {CONFIG} says {shape}")
            _check_metadata(file.metadata() or {}, config, path)
            tensors = {name: file.get_tensor(name) for name in config.shapes()}
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; the file is truncated or no safetensors file") from error
    _check_values(tensors, config, path)
    return tensors


def _check_metadata(metadata: dict[str, str], config: LayerConfig, path: Path) -> None:
    copy = metadata.get(CONFIG_KEY, "{}").encode()
    if parse_config(copy, f"{path}: its copy of {CONFIG}") != config:
        raise LayerError(f"{path}: belongs to another {CONFIG}; restore the right one, or save the layer again")


def _check_names(names: set[str], config: LayerConfig, path: Path) -> None:
    expected = set(config.shapes())
    for name in sorted(expected - names):
        raise LayerError(f"{path}: no tensor {name!r}, which {CONFIG} promises")
    for name in sorted(names - expected):
        raise LayerError(f"{path}: a tensor {name!r} that {CONFIG} does not know")


def _check_values(tensors: dict[str, Tensor], config: LayerConfig, path: Path) -> None:
    for name, tensor in tensors.items():
        if _dtype_name(tensor) != config.dtype:
            raise LayerError(f"{path}: {name} is {_dtype_name(tensor)}, {CONFIG} says {config.dtype}")
        if not torch.isfinite(tensor).all():
            raise LayerError(f"{path}: {name} holds a number that is not finite")

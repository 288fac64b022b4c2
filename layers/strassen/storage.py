"""A model with frozen StrassenNets layers as one safetensors file, their ternary matrices in two bits a number."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bilinear.decompositions import files
from bilinear.layers.errors import LayerError
from bilinear.layers.strassen.packing import pack, packed_length, unpack
from bilinear.layers.strassen.weights import LATENT, Phase, SumProduct

FORMAT: Final = "bilinear-ternary"
VERSION: Final = "1"
PACKED: Final = ".packed"


def save_ternary(model: nn.Module, path: str | Path) -> Path:
    """Write every tensor of a model, or of a single layer, the ternary matrices packed under `NAME.packed`.

    Args:
        model: All of its StrassenNets layers frozen; other modules may be among them.
        path: The file, replaced if it exists.

    Returns:
        The path.

    Raises:
        LayerError: If a layer is not frozen, there is none, or writing fails.
    """
    path = Path(path)
    ternary = _ternary_names(model)
    for module in _layers(model):
        module.ternary()
    tensors = {
        name + PACKED if name in ternary else name: pack(tensor) if name in ternary else tensor.detach().clone()
        for name, tensor in model.state_dict().items()
    }
    try:
        data = save({name: t.contiguous() for name, t in tensors.items()}, {"format": FORMAT, "version": VERSION})
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_together({path: data})
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; the model was not saved") from error
    return path


def load_ternary(model: nn.Module, path: str | Path) -> None:
    """Fill a model of the same structure from a file of `save_ternary`, and freeze its StrassenNets layers.

    Nothing is changed unless the whole file fits.

    Args:
        model: Built as the saved one was, in any phase.
        path: The file.

    Raises:
        LayerError: If the file is missing, damaged, of another format or version, or does not fit the model.
    """
    path = Path(path)
    state = model.state_dict()
    tensors = _read(path, state, _ternary_names(model))
    for module in _layers(model):
        module.phase = Phase.FROZEN
        for latent in module.ternary().values():
            latent.requires_grad_(False)
    model.load_state_dict(tensors)


def _layers(model: nn.Module) -> list[SumProduct]:
    found = [module for module in model.modules() if isinstance(module, SumProduct)]
    if not found:
        raise LayerError(f"{type(model).__name__}: no StrassenNets layer in it; use safetensors' own functions")
    return found


def _ternary_names(model: nn.Module) -> set[str]:
    """Names in `state_dict` of the matrices that are ternary once frozen."""
    return {
        f"{prefix}.{name}".lstrip(".")
        for prefix, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, SumProduct)
        for name in LATENT
        if getattr(module, name) is not None
    }


def _read(path: Path, state: dict[str, Tensor], ternary: set[str]) -> dict[str, Tensor]:
    if not path.is_file():
        raise LayerError(f"{path}: no such file; one written by save_ternary is needed")
    stored = {name + PACKED if name in ternary else name: name for name in state}
    try:
        with safe_open(path, framework="pt") as file:
            _check_header(path, file.metadata() or {}, set(file.keys()), set(stored))
            for key, name in stored.items():
                found, wanted = tuple(file.get_slice(key).get_shape()), tuple(state[name].shape)
                wanted = (packed_length(state[name].numel()),) if name in ternary else wanted
                if found != wanted:
                    raise LayerError(f"{path}: {key} has shape {found}, the model needs {wanted}")
            return {name: _tensor(path, key, file.get_tensor(key), state[name]) for key, name in stored.items()}
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; the file is truncated or no safetensors file") from error


def _check_header(path: Path, metadata: dict[str, str], found: set[str], wanted: set[str]) -> None:
    if metadata.get("format") != FORMAT:
        raise LayerError(f"{path}: no file of save_ternary; load it with safetensors' own functions")
    if metadata.get("version") != VERSION:
        version = metadata.get("version", "")[:20]
        raise LayerError(f"{path}: version {version!r}; this version of bilinear reads {VERSION}, install another")
    for name in sorted(wanted - found):
        raise LayerError(f"{path}: no tensor {name!r}, which the model has; build the model as it was saved")
    for name in sorted(found - wanted):
        raise LayerError(f"{path}: a tensor {name!r} that the model does not have; build the model as it was saved")


def _tensor(path: Path, key: str, tensor: Tensor, like: Tensor) -> Tensor:
    if key.endswith(PACKED):
        try:
            return unpack(tensor, tuple(like.shape), like.dtype)
        except LayerError as error:
            raise LayerError(f"{path}: {key}: {error}") from None
    if tensor.dtype != like.dtype:
        raise LayerError(f"{path}: {key} is {tensor.dtype}, the model's {like.dtype}; convert the model")
    if not torch.isfinite(tensor).all():
        raise LayerError(f"{path}: {key} holds a number that is not finite")
    return tensor

"""A model with frozen StrassenNets layers as one safetensors file, their ternary matrices in two bits a number."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from torch import Tensor, nn

from bilinear.decompositions import files
from bilinear.layers.errors import LayerError
from bilinear.layers.storage.packing import pack, packed_length, unpack
from bilinear.layers.storage.tensors import (
    CHECKSUM_KEY,
    PLAIN,
    TensorFile,
    Words,
    checksum,
    opened,
    require_checksum,
    require_values,
    serialized,
)
from bilinear.layers.strassen.sum_product import LATENT, Phase, SumProduct

FORMAT: Final = "bilinear-ternary"
VERSION: Final = "1"
PACKED: Final = ".packed"

WORDS: Final = Words(
    absent="no such file; one written by save_ternary is needed",
    missing=PLAIN.missing + "; build the model as it was saved",
    unknown=PLAIN.unknown + "; build the model as it was saved",
    dtype=PLAIN.dtype + "; convert the model",
)


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
        texts = {"format": FORMAT, "version": VERSION, CHECKSUM_KEY: checksum(tensors)}
        data = serialized({name: t.contiguous() for name, t in tensors.items()}, texts)
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


def _read(path: Path, state: dict[str, Tensor], ternary: Collection[str]) -> dict[str, Tensor]:
    """The state in the file, the ternary matrices unpacked."""
    stored = {name: name + PACKED if name in ternary else name for name in state}
    shapes = {
        key: (packed_length(state[name].numel()),) if name in ternary else tuple(state[name].shape)
        for name, key in stored.items()
    }
    with opened(path, WORDS) as file:
        _check_header(file)
        file.require_names(shapes)
        file.require_shapes(shapes)
        found = file.read(shapes)
        require_checksum(file, found, ["format", "version"], "model")
    plain = {name: found[name] for name in state if name not in ternary}
    require_values(path, plain, {name: state[name].dtype for name in plain}, WORDS)
    return {
        name: plain[name] if name in plain else _unpacked(path, key, found[key], state[name])
        for name, key in stored.items()
    }


def _check_header(file: TensorFile) -> None:
    metadata = file.metadata()
    if metadata.get("format") != FORMAT:
        raise LayerError(f"{file.path}: no file of save_ternary; load it with safetensors' own functions")
    if metadata.get("version") != VERSION:
        version = metadata.get("version", "")[:20]
        raise LayerError(f"{file.path}: version {version!r}; this version of bilinear reads {VERSION}, install another")


def _unpacked(path: Path, key: str, packed: Tensor, like: Tensor) -> Tensor:
    try:
        return unpack(packed, tuple(like.shape), like.dtype)
    except LayerError as error:
        raise LayerError(f"{path}: {key}: {error}") from None

"""Converting a file of weights without the code of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.checks import FLOATS
from bilinear.layers.convert.changes import Report, Row
from bilinear.layers.convert.stl import STLConfig
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import STL, Basis
from bilinear.layers.storage.model import write_state
from bilinear.layers.storage.specs import LayerSpec
from bilinear.layers.storage.tensors import Words, opened
from bilinear.layers.weights import PICKLES

EMBEDDINGS: Final = ("emb", "wte", "wpe")
"""Parts of the names of matrices that are looked up, not multiplied by."""


@dataclass(frozen=True)
class Converted:
    """A file of weights that was converted.

    Attributes:
        folder: Where the model lies.
        report: What was converted, and why the rest was not.
    """

    folder: Path
    report: Report


def convert_file(path: str | Path, config: STLConfig, out: str | Path) -> Converted:
    """Convert the matrices and kernels `NAME.weight` of a .safetensors file to STL layers; write the model's folder.

    What a matrix is used for is not in the file: one whose name sounds like an embedding is left, unless a pattern of
    `include` other than `*` takes it. How a convolution moves is not in the file either: its kernel, shape
    (out_channels, in_channels, height, width), is converted if `convolutions` says it. `load_model_` refuses a model
    whose convolution moves in another way, or has groups.

    Args:
        path: The file; layers are named as in it, matrices have output features first.
        config: What the layers become. With `sharing="model"` every layer stores the basis.
        out: The folder, read by `load_model_`.

    Raises:
        LayerError: If the file is missing, no safetensors file, or a weight in question is not finite.
        BilinearError: If the initialisation cannot take the tile or the rank.
    """
    state, basis = _state_of(Path(path)), config.basis()
    layers: dict[str, LayerSpec] = {}
    rows: list[Row] = []
    written = dict(state)
    for key, tensor in state.items():
        name, _, kind = key.rpartition(".")
        if kind != "weight" or not name or tensor.ndim < 2:
            continue
        reason = _reason(name, tensor, config)
        after = tensor.numel()
        if not reason:
            layer = _layer_of(f"{path}: {name}", name, tensor, state.get(f"{name}.bias"), config, basis)
            reason = _taken(name, layer, state)
        if not reason:
            layers[name], after = (
                LayerSpec.of(layer),
                sum(p.numel() for n, p in layer.named_parameters() if n != "bias"),
            )
            del written[key]
            written |= {f"{name}.{own}": value for own, value in layer.state_dict().items()}
        rows.append(
            Row(name, "matrix" if tensor.ndim == 2 else "kernel", tuple(tensor.shape), reason, (tensor.numel(), after))
        )
    change = sum(row.parameters[1] - row.parameters[0] for row in rows)
    total = sum(tensor.numel() for tensor in state.values())
    folder = write_state(layers, written, out)
    return Converted(folder, Report(tuple(rows), (total, total + change)))


def _state_of(path: Path) -> dict[str, Tensor]:
    if path.suffix.lower() in PICKLES:
        raise LayerError(f"{path}: a pickle, which may run code when it is read; save it as .safetensors")
    with opened(path, Words(absent="no such file; a .safetensors file is needed")) as file:
        return file.read(file.names())


def _reason(name: str, tensor: Tensor, config: STLConfig) -> str:
    if not config.names(name):
        return "left out by the configuration"
    if tensor.ndim not in (2, 4):
        return f"{tensor.ndim} axes"
    if tensor.ndim == 4 and config.convolution(name) is None:
        return "a convolution; give its stride and padding in convolutions"
    if tensor.dtype not in FLOATS:
        return f"of {tensor.dtype}"
    named = STLConfig(include=tuple(p for p in config.include if p != "*")).names(name)
    if any(part in name.lower() for part in EMBEDDINGS) and not named:
        return "sounds like an embedding; name it in include if it is a linear layer"
    return config.unpadded(tensor.shape[1], tensor.shape[0])


def _taken(name: str, layer: STL, state: Mapping[str, Tensor]) -> str:
    """Why a layer cannot stand where it would: the file has a tensor of the name of one of its own."""
    own = layer.state_dict().keys() - {"weight", "bias"}
    others = sorted(f"{name}.{tensor}" for tensor in own if f"{name}.{tensor}" in state)
    return f"the file has a tensor {others[0]} already" if others else ""


def _layer_of(owner: str, name: str, weight: Tensor, bias: Tensor | None, config: STLConfig, basis: Basis) -> STL:
    try:
        if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != weight.dtype):
            raise LayerError(f"bias of shape {tuple(bias.shape)} and {bias.dtype} does not fit the weight")
        dense = _dense(name, weight, bias is not None, config)
        dense.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}), assign=True)
        return config.layer(dense, basis)
    except BilinearError as error:
        raise LayerError(f"{owner}: {error}") from error


def _dense(name: str, weight: Tensor, biased: bool, config: STLConfig) -> nn.Linear | nn.Conv2d:
    """The layer that a weight belongs to, without its tensors."""
    out_features, in_features, *kernel = weight.shape
    moves = config.convolution(name)
    if not kernel or moves is None:
        return nn.Linear(in_features, out_features, biased, "meta", weight.dtype)
    size = kernel[0], kernel[1]
    options: dict[str, Any] = {"bias": biased, "device": "meta", "dtype": weight.dtype}
    return nn.Conv2d(in_features, out_features, size, moves.stride, moves.padding, moves.dilation, **options)

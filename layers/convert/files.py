"""Converting a file of weights without the code of its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from decompositions.errors import BilinearError
from layers.convert.config import STLConfig
from layers.convert.report import Report, Row
from layers.convert.storage import LayerSpec, spec_of, write_state
from layers.errors import LayerError
from layers.stl import Basis, STLLinear
from layers.weights import FLOATS, PICKLES

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
    """Convert the matrices `NAME.weight` of a .safetensors file to linear STL layers, and write the model's folder.

    What a matrix is used for is not in the file: one whose name sounds like an embedding is left, unless a pattern of
    `include` other than `*` takes it. Kernels of convolutions are left, since their stride is not in the file.

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
            layer = _layer_of(f"{path}: {name}", tensor, state.get(f"{name}.bias"), config, basis)
            layers[name], after = spec_of(layer), sum(p.numel() for n, p in layer.named_parameters() if n != "bias")
            del written[key]
            written |= {f"{name}.{own}": value for own, value in layer.state_dict().items()}
        rows.append(Row(name, "matrix", tuple(tensor.shape), reason, (tensor.numel(), after)))
    change = sum(row.parameters[1] - row.parameters[0] for row in rows)
    total = sum(tensor.numel() for tensor in state.values())
    folder = write_state(layers, written, out)
    return Converted(folder, Report(tuple(rows), (total, total + change)))


def _state_of(path: Path) -> dict[str, Tensor]:
    if path.suffix.lower() in PICKLES:
        raise LayerError(f"{path}: a pickle, which may run code when it is read; save it as .safetensors")
    if not path.is_file():
        raise LayerError(f"{path}: no such file; a .safetensors file is needed")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; the file is truncated or no safetensors file") from error


def _reason(name: str, tensor: Tensor, config: STLConfig) -> str:
    if not config.names(name):
        return "left out by the configuration"
    if tensor.ndim != 2:
        return f"{tensor.ndim} axes; convert convolutions in Python"
    if tensor.dtype not in FLOATS:
        return f"of {tensor.dtype}"
    named = STLConfig(include=tuple(p for p in config.include if p != "*")).names(name)
    if any(part in name.lower() for part in EMBEDDINGS) and not named:
        return "sounds like an embedding; name it in include if it is a linear layer"
    for size, side in zip(reversed(tensor.shape), config.sides[1:], strict=True):
        if not config.pad and size % side:
            return f"{size} is not a multiple of the tile size {side}; pass pad=True"
    return ""


def _layer_of(owner: str, weight: Tensor, bias: Tensor | None, config: STLConfig, basis: Basis) -> STLLinear:
    out_features, in_features = weight.shape
    linear = nn.Linear(in_features, out_features, bias is not None, "meta", weight.dtype)
    try:
        if bias is not None and (bias.shape != (out_features,) or bias.dtype != weight.dtype):
            raise LayerError(f"bias of shape {tuple(bias.shape)} and {bias.dtype} does not fit the weight")
        linear.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}), assign=True)
        return STLLinear.from_linear(
            linear,
            basis,
            config.encoded,
            learnable_basis=config.learnable_basis,
            sharing=config.layer_sharing(),
            dense_below=config.threshold(in_features, out_features, weight.itemsize, "cpu"),
            pad=config.pad,
        )
    except BilinearError as error:
        raise LayerError(f"{owner}: {error}") from error

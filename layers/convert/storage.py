"""A converted model as a folder: `model.safetensors` holds its state, `config.json` says which layers are which.

The model's own code builds the dense model; `load_model_` makes the layers of the file in it and loads the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bilinear.decompositions import files
from bilinear.decompositions.errors import BilinearError
from bilinear.layers.butterfly import StructuredLinear
from bilinear.layers.convert.places import swap
from bilinear.layers.convert.structured_spec import StructuredSpec, spec_of_structured
from bilinear.layers.convert.swap import STL
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis, STLConv2d, STLLinear
from bilinear.layers.stl.conv import unsupported

FORMAT: Final = "bilinear-model"
VERSION: Final = 1
CONFIG, TENSORS = "config.json", "model.safetensors"
CONVOLUTION: Final = ("kernel_size", "stride", "padding", "dilation")
Size = Annotated[int, Field(ge=1)]


class _Header(BaseModel):
    """What every version of the file holds."""

    model_config = ConfigDict(strict=True)

    format: Literal["bilinear-model"]
    format_version: int


class LayerSpec(BaseModel):
    """One STL layer of a model, without its tensors; the fields of a convolution are empty in a linear layer."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    layer_class: Literal["STLLinear", "STLConv2d"] = Field(alias="class")
    tile: tuple[Size, Size, Size]
    rank: Size
    scheme_hash: str = Field(pattern="^[0-9a-f]{64}$")
    entry_id: str | None
    features: tuple[Size, Size]
    bias: bool
    encoded: bool
    learnable_basis: bool
    sharing: Literal["layer", "column"]
    pad: bool
    dense_below: int = Field(default=0, ge=0)
    kernel_size: tuple[Size, Size] | None = None
    stride: tuple[Size, Size] | None = None
    padding: tuple[int, int] | None = None
    dilation: tuple[Size, Size] | None = None

    @model_validator(mode="after")
    def _fields_are_the_classs(self) -> LayerSpec:
        given = [name for name in CONVOLUTION if getattr(self, name) is not None]
        if len(given) != (len(CONVOLUTION) if self.layer_class == "STLConv2d" else 0):
            raise ValueError(f"{self.layer_class} with {given or 'no sizes of a kernel'}")
        return self


class ModelConfig(BaseModel):
    """A saved model.

    Attributes:
        format: Marks the file as one of ours.
        format_version: Of this file.
        layers: The STL layers by name.
        aliases: Names in the state whose tensor is stored under another name.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["bilinear-model"] = FORMAT
    format_version: Literal[1] = VERSION
    layers: dict[str, LayerSpec | StructuredSpec]
    aliases: dict[str, str] = Field(default_factory=dict)


def save_model(model: nn.Module, folder: str | Path) -> Path:
    """Write a model with its STL layers into the folder, in place of one saved there before.

    Args:
        model: On any device; tied tensors are stored once.
        folder: Made if it does not exist.

    Returns:
        The folder.

    Raises:
        LayerError: If the folder holds other files, or writing fails.
    """
    return write_state(spec_of_layers(model), model.state_dict(), folder)


def spec_of_layers(model: nn.Module) -> dict[str, LayerSpec | StructuredSpec]:
    """The converted layers of a model by name; one that has several names is listed under each."""
    named = list(model.named_modules(remove_duplicate=False))
    structured = {name: spec_of_structured(module) for name, module in named if isinstance(module, StructuredLinear)}
    return structured | {name: spec_of(module) for name, module in named if isinstance(module, STL)}


def spec_of(layer: STL) -> LayerSpec:
    """What must be known of a layer to build it again."""
    if isinstance(layer, STLLinear):
        features, own = (layer.in_features, layer.out_features), {"dense_below": layer.dense_below}
    else:
        features, own = (layer.in_channels, layer.out_channels), {}
    shape = CONVOLUTION if isinstance(layer, STLConv2d) else ()
    fields: dict[str, Any] = own | {name: getattr(layer, name) for name in shape}
    return LayerSpec(
        layer_class="STLLinear" if isinstance(layer, STLLinear) else "STLConv2d",
        tile=layer.tile,
        rank=layer.rank,
        scheme_hash=layer.scheme_hash,
        entry_id=layer.entry_id,
        features=features,
        bias=layer.bias is not None,
        encoded=layer.encoded,
        learnable_basis=layer.learnable_basis,
        sharing=layer.sharing,  # type: ignore[arg-type]  # validated by the model
        pad=layer.pad,
        **fields,
    )


def write_state(
    layers: Mapping[str, LayerSpec | StructuredSpec], state: Mapping[str, Tensor], folder: str | Path
) -> Path:
    """Write a state and the layers it belongs to; see `save_model`."""
    folder, (tensors, aliases) = Path(folder), _once(state)
    text = ModelConfig(layers=dict(layers), aliases=aliases).model_dump_json(indent=1, exclude_none=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _require_ours(folder)
        data = save(tensors, metadata={"config": text})
        files.write_together({folder / TENSORS: data, folder / CONFIG: text.encode()})
    except OSError as error:
        raise LayerError(f"{folder}: {error.strerror or error}; the model was not saved") from error
    return folder


def _once(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors without doubles, and the names that were left out."""
    tensors: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device)
        if tensor.numel() and key in first:
            aliases[name] = first[key]
        else:
            first[key] = name
            tensors[name] = tensor.detach().contiguous().cpu().clone()
    return tensors, aliases


def _require_ours(folder: Path) -> None:
    names = {path.name for path in folder.iterdir() if not path.name.startswith(files.TEMPORARY)}
    others = sorted(names - {CONFIG, TENSORS})
    if others:
        raise LayerError(f"{folder}: holds other files ({others[0]}); choose an empty folder")
    if CONFIG in names:
        try:
            read_model_config(folder / CONFIG)
        except LayerError as error:
            raise LayerError(f"{folder}: holds no model of ours ({error}); choose an empty folder") from None


def read_model_config(path: Path) -> ModelConfig:
    """The configuration of a saved model.

    Raises:
        LayerError: If it is missing, no configuration of a model, or of another version.
    """
    try:
        text = path.read_bytes()
        version = _Header.model_validate_json(text).format_version
        if version > VERSION:
            raise LayerError(f"{path}: format version {version}; this version of bilinear reads {VERSION}")
        return ModelConfig.model_validate_json(text)
    except OSError as error:
        raise LayerError(f"{path}: {error.strerror or error}; a folder written by save_model is needed") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise LayerError(f"{path}: {field}{': ' if field else ''}{first['msg']}") from None


def load_model_(model: nn.Module, folder: str | Path) -> nn.Module:
    """Give a dense model the converted layers and the state of a saved one.

    Args:
        model: Built by its own code, with the layers that were converted still dense; changed in place.
        folder: Written by `save_model`, or by `bilinear convert`.

    Returns:
        The model.

    Raises:
        LayerError: If a file is missing, truncated or not what it should be, a layer is not what the file says, or a
            tensor is missing, not known, of another shape or dtype, or not finite. The model is then as it was.
    """
    folder = Path(folder)
    config = read_model_config(folder / CONFIG)
    replacements: dict[nn.Module, nn.Module] = {}
    for name, spec in config.layers.items():
        dense = _dense_at(model, name, spec, folder)
        if dense not in replacements:
            replacements[dense] = _made(spec, dense, f"{folder}: layer {name}")
    swap(model, replacements)
    try:
        state = model.state_dict()
        tensors = _read(folder / TENSORS, config, state)
        _tie(model, config.aliases)
        model.load_state_dict(tensors)
    except BaseException:
        swap(model, {new: old for old, new in replacements.items()})
        raise
    return model


def _dense_at(model: nn.Module, name: str, spec: LayerSpec | StructuredSpec, folder: Path) -> nn.Linear | nn.Conv2d:
    kind = nn.Conv2d if spec.layer_class == "STLConv2d" else nn.Linear
    try:
        module = model.get_submodule(name)
    except AttributeError:
        raise LayerError(f"{folder}: layer {name}: the model has none of that name; build the one it was") from None
    if not isinstance(module, kind):
        raise LayerError(f"{folder}: layer {name}: a {type(module).__name__}, must be a {kind.__name__}")
    found = tuple(module.weight.shape[1::-1])
    if found != spec.features:
        raise LayerError(f"{folder}: layer {name}: {found} features in and out, must be {spec.features}")
    if (module.bias is not None) != spec.bias:
        raise LayerError(f"{folder}: layer {name}: the model and the file differ in whether there is a bias")
    if isinstance(module, nn.Conv2d) and isinstance(spec, LayerSpec):
        _check_convolution(module, name, spec, folder)
    return module


def _check_convolution(conv: nn.Conv2d, name: str, spec: LayerSpec, folder: Path) -> None:
    """Refuse a convolution that steps or pads in another way than the layer of the file."""
    reason = unsupported(conv)
    if reason:
        raise LayerError(f"{folder}: layer {name}: {reason}; such a convolution cannot be an STL layer")
    for field in CONVOLUTION:
        found, wanted = getattr(conv, field), getattr(spec, field)
        if tuple(found) != tuple(wanted):
            raise LayerError(f"{folder}: layer {name}: {field} {tuple(found)}, must be {wanted}; convert it with that")


def _tie(model: nn.Module, aliases: Mapping[str, str]) -> None:
    """Let names whose tensor is stored once hold one tensor again."""
    for name, other in aliases.items():
        (owner, own), (source, its) = name.rpartition(".")[::2], other.rpartition(".")[::2]
        setattr(model.get_submodule(owner), own, getattr(model.get_submodule(source), its))


def _made(spec: LayerSpec | StructuredSpec, dense: nn.Linear | nn.Conv2d, owner: str) -> nn.Module:
    """A layer in place of the dense one, its tensors to be loaded."""
    if isinstance(spec, LayerSpec):
        return _empty(spec, dense)
    assert isinstance(dense, nn.Linear)
    try:
        return spec.empty(dense)
    except BilinearError as error:
        raise LayerError(f"{owner}: {error}") from error


def _empty(spec: LayerSpec, dense: nn.Linear | nn.Conv2d) -> STL:
    """A layer of that kind beside the dense one, its tensors to be loaded."""
    (n, m, p), rank = spec.tile, spec.rank
    u, v, w = (np.zeros((rank, width)) for width in (n * m, m * p, n * p))
    basis = Basis(f"matmul:{n}x{m}x{p}", spec.tile, u, v, w, spec.scheme_hash, spec.entry_id)
    options: dict[str, Any] = spec.model_dump(include={"learnable_basis", "sharing", "pad"})
    options |= {"device": dense.weight.device, "dtype": dense.weight.dtype}
    layer: STL
    if spec.layer_class == "STLLinear":
        layer = STLLinear(*spec.features, basis, spec.bias, spec.encoded, dense_below=spec.dense_below, **options)
    else:
        shape: dict[str, Any] = spec.model_dump(include=set(CONVOLUTION), exclude_none=True)
        shape |= {"bias": spec.bias, "encoded": spec.encoded, "scheme": basis}
        layer = STLConv2d(in_channels=spec.features[0], out_channels=spec.features[1], **shape, **options)
    if not spec.encoded:
        layer.weight = dense.weight
    layer._parameters["bias"] = dense._parameters["bias"]
    return layer.train(dense.training)


def _read(path: Path, config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a state, checked against it before they are read."""
    expected = set(state) - set(config.aliases)
    _refuse(f"{path}: a tensor {{!r}} that the model does not have", set(config.aliases) - set(state))
    for name, other in config.aliases.items():
        if other not in expected or state[name].shape != state[other].shape:
            raise LayerError(f"{path}: {name} cannot be the same as {other[:80]!r}; save the model again")
    try:
        with safe_open(path, framework="pt") as file:
            _check_names(path, set(file.keys()), expected, config.aliases)
            if read_copy(file.metadata()) != config:
                raise LayerError(f"{path}: belongs to another {CONFIG}; restore the right one, or save the model again")
            for name in expected:
                found, wanted = tuple(file.get_slice(name).get_shape()), tuple(state[name].shape)
                if found != wanted:
                    raise LayerError(f"{path}: {name} has shape {found}, the model needs {wanted}")
            tensors = {name: file.get_tensor(name) for name in expected}
    except (OSError, SafetensorError) as error:
        raise LayerError(f"{path}: {error}; the file is missing, truncated or no safetensors file") from error
    for name, tensor in tensors.items():
        if tensor.dtype != state[name].dtype:
            raise LayerError(f"{path}: {name} is {tensor.dtype}, the model's {state[name].dtype}")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise LayerError(f"{path}: {name} holds a number that is not finite")
    return tensors | {name: tensors[other] for name, other in config.aliases.items()}


def read_copy(metadata: Mapping[str, str] | None) -> ModelConfig | None:
    """The configuration that the tensors carry; None if they carry none."""
    try:
        return ModelConfig.model_validate_json((metadata or {}).get("config", ""))
    except ValidationError:
        return None


def _check_names(path: Path, found: set[str], expected: set[str], aliases: Mapping[str, str]) -> None:
    _refuse(f"{path}: no tensor {{!r}}, which the model has", (expected | set(aliases.values())) - found)
    _refuse(f"{path}: a tensor {{!r}} that the model does not have", found - expected)


def _refuse(text: str, names: Iterable[str]) -> None:
    for name in sorted(names):
        raise LayerError(text.format(name))

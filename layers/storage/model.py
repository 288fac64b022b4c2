"""A converted model as a folder: `model.safetensors` holds its state, `config.json` says which layers are which.

The model's own code builds the dense model; `load_model_` makes the layers of the file in it and loads the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from torch import Tensor, nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.butterfly import StructuredLinear
from bilinear.layers.errors import LayerError
from bilinear.layers.places import as_dense, is_dense, swap
from bilinear.layers.stl import STL
from bilinear.layers.stl.conv import unsupported
from bilinear.layers.storage.config import ModelConfig
from bilinear.layers.storage.folder import CONFIG, CONFIG_KEY, Kind, write_folder
from bilinear.layers.storage.specs import CONVOLUTION, LayerSpec, Spec, StructuredSpec
from bilinear.layers.storage.tensors import PLAIN, TensorFile, opened, require_checksum, require_values

WORDS: Final = replace(PLAIN, absent="", damaged="the file is missing, truncated or no safetensors file")


def save_model(model: nn.Module, folder: str | Path) -> Path:
    """Write a model with its converted layers into the folder, in place of one saved there before.

    Args:
        model: On any device; tied tensors are stored once.
        folder: Made if it does not exist.

    Returns:
        The folder.

    Raises:
        LayerError: If the folder holds other files, or writing fails.
    """
    return write_state(specs_of(model), model.state_dict(), folder)


def specs_of(model: nn.Module) -> dict[str, Spec]:
    """Those of the converted layers of a model by name; one that has several names is listed under each."""
    named = list(model.named_modules(remove_duplicate=False))
    structured = {name: StructuredSpec.of(module) for name, module in named if isinstance(module, StructuredLinear)}
    return structured | {name: LayerSpec.of(module) for name, module in named if isinstance(module, STL)}


def write_state(layers: Mapping[str, Spec], state: Mapping[str, Tensor], folder: str | Path) -> Path:
    """Write a state and the layers it belongs to; see `save_model`."""
    folder, (tensors, aliases) = Path(folder), _once(state)
    write_folder(folder, MODEL, tensors, ModelConfig(layers=dict(layers), aliases=aliases).text())
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
    config = _config_at(folder / CONFIG)
    replacements = put(model, config.layers, str(folder))
    try:
        tensors = _read(folder / MODEL.tensors, config, model.state_dict())
        _tie(model, config.aliases)
        model.load_state_dict(tensors)
    except BaseException:
        swap(model, {new: old for old, new in replacements.items()})
        raise
    return model


def put(model: nn.Module, specs: Mapping[str, Spec], where: str) -> dict[nn.Module, nn.Module]:
    """Put layers in the place of the dense ones of a model, their tensors to be loaded.

    Args:
        model: Changed in place.
        specs: Of the layers by name.
        where: They are from, as error texts name it.

    Returns:
        Which layer stands in the place of which.

    Raises:
        LayerError: If a layer is not what its spec says.
    """
    replacements: dict[nn.Module, nn.Module] = {}
    for name, spec in specs.items():
        owner, dense = _dense_at(model, name, spec, where)
        if owner not in replacements:
            replacements[owner] = _made(spec, dense, f"{where}: layer {name}")
    swap(model, replacements)
    return replacements


def _config_at(path: Path) -> ModelConfig:
    try:
        return ModelConfig.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise LayerError(f"{path}: {error.strerror or error}; a folder written by save_model is needed") from error


MODEL: Final = Kind("model", "model.safetensors", _config_at)


def _dense_at(model: nn.Module, name: str, spec: Spec, folder: str) -> tuple[nn.Module, nn.Linear | nn.Conv2d]:
    """The module of that name, and the dense layer that it is."""
    kind = nn.Conv2d if spec.layer_class == "STLConv2d" else nn.Linear
    try:
        module = model.get_submodule(name)
    except AttributeError:
        raise LayerError(f"{folder}: layer {name}: the model has none of that name; build the one it was") from None
    if not is_dense(module, (kind,)):
        raise LayerError(f"{folder}: layer {name}: a {type(module).__name__}, must be a {kind.__name__}")
    owner, module = module, as_dense(module)
    assert isinstance(module, kind)
    found = tuple(module.weight.shape[1::-1])
    if found != spec.features:
        raise LayerError(f"{folder}: layer {name}: {found} features in and out, must be {spec.features}")
    if (module.bias is not None) != spec.bias:
        raise LayerError(f"{folder}: layer {name}: the model and the file differ in whether there is a bias")
    if isinstance(module, nn.Conv2d) and isinstance(spec, LayerSpec):
        _check_convolution(module, name, spec, folder)
    return owner, module


def _check_convolution(conv: nn.Conv2d, name: str, spec: LayerSpec, folder: str) -> None:
    """Refuse a convolution that steps or pads in another way than the layer of the file."""
    reason = unsupported(conv)
    if reason:
        raise LayerError(f"{folder}: layer {name}: {reason}; such a convolution cannot be an STL layer")
    for field in CONVOLUTION:
        found, wanted = getattr(conv, field), getattr(spec, field)
        if tuple(found) != tuple(wanted):
            raise LayerError(f"{folder}: layer {name}: {field} {tuple(found)}, must be {wanted}; convert it with that")


def _made(spec: Spec, dense: nn.Linear | nn.Conv2d, owner: str) -> nn.Module:
    """A layer in place of the dense one, its tensors to be loaded."""
    if isinstance(spec, LayerSpec):
        return spec.empty(dense)
    assert isinstance(dense, nn.Linear)
    try:
        return spec.empty(dense)
    except BilinearError as error:
        raise LayerError(f"{owner}: {error}") from error


def _tie(model: nn.Module, aliases: Mapping[str, str]) -> None:
    """Let names whose tensor is stored once hold one tensor again."""
    for name, other in aliases.items():
        (owner, own), (source, its) = name.rpartition(".")[::2], other.rpartition(".")[::2]
        setattr(model.get_submodule(owner), own, getattr(model.get_submodule(source), its))


def _read(path: Path, config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a state, checked against it before they are read."""
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if name not in config.aliases}
    with opened(path, WORDS) as file:
        _check_aliases(file, config.aliases, state)
        file.require_names(shapes)
        if _copy_in(file) != config:
            raise LayerError(f"{path}: belongs to another {CONFIG}; restore the right one, or save the model again")
        file.require_shapes(shapes)
        tensors = file.read(shapes)
        require_values(path, tensors, {name: state[name].dtype for name in tensors}, WORDS)
        require_checksum(file, tensors, [CONFIG_KEY], MODEL.noun)
    return tensors | {name: tensors[other] for name, other in config.aliases.items()}


def _copy_in(file: TensorFile) -> ModelConfig | None:
    """The configuration that the tensors carry; None if that is none."""
    try:
        return ModelConfig.model_validate_json(file.metadata().get(CONFIG_KEY, ""))
    except ValidationError:
        return None


def _check_aliases(file: TensorFile, aliases: Mapping[str, str], state: Mapping[str, Tensor]) -> None:
    """Refuse names that the model does not have, or whose tensors cannot be one."""
    for name in sorted(set(aliases) - set(state)):
        raise LayerError(f"{file.path}: {WORDS.unknown.format(name=name)}")
    for name, other in aliases.items():
        if other in aliases or other not in state or state[name].shape != state[other].shape:
            raise LayerError(f"{file.path}: {name} cannot be the same as {other[:80]!r}; save the model again")

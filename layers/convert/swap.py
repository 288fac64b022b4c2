"""`convert_`: the linear layers and convolutions of a model become STL layers, in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.convert import measure
from bilinear.layers.convert.config import STLConfig
from bilinear.layers.convert.filters import FilterFn
from bilinear.layers.convert.measure import Example
from bilinear.layers.convert.places import count, swap
from bilinear.layers.convert.report import Report, Row
from bilinear.layers.convert.structured import StructuredConfig, convert_structured_
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis, STLConv2d, STLLinear
from bilinear.layers.stl.conv import unsupported

Dense = nn.Linear | nn.Conv2d
STL = STLLinear | STLConv2d
Pair = tuple[Tensor, Tensor]
"""Inputs of a layer, and the outputs that it should give."""


@torch.inference_mode(False)
def convert_(
    model: nn.Module,
    config: STLConfig | StructuredConfig,
    filter_fn: FilterFn | None = None,
    *,
    example: Example | None = None,
    calibration: Example | None = None,
) -> Report:
    """Replace the linear layers and convolutions that the filter takes by STL layers with their weights.

    Either all of them are replaced, or an error is raised and the model is as it was. A weight that several layers
    share stays shared; one that is shared with another kind of module, such as an embedding, is only converted with
    `encoded=False`. Optimisers hold parameters, so make them afterwards.

    Args:
        model: Changed in place. Not itself a linear layer or a convolution.
        config: What the layers become; with `ButterflyConfig` or `MonarchConfig` linear layers only.
        filter_fn: Takes a module and its full name, like torchao's; all linear layers and convolutions if None.
        example: What the model is fed to count flops for the report.
        calibration: What it is fed to find the weights that suit its activations, see `STLLinear.from_linear`. The
            model runs twice for each layer: with those before it converted already, for what the layer will be fed,
            and as it was, for what it should answer, so that a layer makes up for errors of those before it.

    Raises:
        LayerError: If the model is itself a layer, a weight is not finite, or the calibration does not fit.
        BilinearError: If the initialisation cannot take the tile or the rank.
    """
    if isinstance(config, StructuredConfig):
        if calibration is not None:
            raise LayerError(f"{type(config).__name__}: its layers are not calibrated; leave calibration out")
        return convert_structured_(model, config, filter_fn, example)
    if isinstance(model, Dense | STL):
        raise LayerError(f"{type(model).__name__}: the model is itself a layer; use from_linear or from_conv")
    parameters = count(model)
    reasons = {
        name: _reason(model, name, module, config, filter_fn)
        for name, module in model.named_modules()
        if isinstance(module, Dense | STL)
    }
    modules: dict[str, Any] = {name: model.get_submodule(name) for name in reasons}
    chosen: dict[str, Dense] = {name: modules[name] for name, reason in reasons.items() if not reason}
    _leave_half_tied(model, chosen, reasons, config)
    shapes = None if example is None else measure.input_shapes(model, modules, example)
    before = None if example is None else measure.counted_flops(model, example)
    old = {name: count(module) for name, module in modules.items()}
    layers = _replaced(model, chosen, config, calibration)
    rows = [_row(name, modules[name], layers.get(name), reasons[name], old[name], shapes) for name in modules]
    after = None if example is None else measure.counted_flops(model, example)
    counted = None if before is None or after is None else (before, after)
    return Report(tuple(rows), (parameters, count(model)), counted)


def _reason(model: nn.Module, name: str, module: nn.Module, config: STLConfig, filter_fn: FilterFn | None) -> str:
    """Why a layer is left as it is; empty if it is converted."""
    if isinstance(module, STL):
        return "an STL layer already"
    if not config.names(name) or (filter_fn is not None and not filter_fn(module, name)):
        return "left out by the filter"
    if type(module) not in (nn.Linear, nn.Conv2d):
        return f"a subclass {type(module).__name__}, whose owner may use its weight"
    if module._forward_hooks or module._forward_pre_hooks:
        return "has hooks, which would be lost"
    if isinstance(module, nn.Conv2d):
        return unsupported(module) or _unpadded(config, module.in_channels, module.out_channels)
    assert isinstance(module, nn.Linear)
    return _unpadded(config, module.in_features, module.out_features)


def _unpadded(config: STLConfig, in_features: int, out_features: int) -> str:
    """Which size is no multiple of the tile, where that matters."""
    for size, side in zip((in_features, out_features), config.sides[1:], strict=True):
        if not config.pad and size % side:
            return f"{size} is not a multiple of the tile size {side}; pass pad=True"
    return ""


def _leave_half_tied(model: nn.Module, chosen: dict[str, Dense], reasons: dict[str, str], config: STLConfig) -> None:
    """Take layers out whose weight belongs to a module that keeps it dense."""
    if config.encoded:
        taken = set(chosen.values())
        for parameter, owners in _owners(model).items():
            others = [name for name, module in owners if module not in taken]
            for name, _ in owners:
                if others and name in chosen and chosen[name].weight is parameter:
                    reasons[name] = f"its weight is tied to that of {others[0]}; pass encoded=False"
                    del chosen[name]


def _owners(model: nn.Module) -> dict[nn.Parameter, list[tuple[str, nn.Module]]]:
    """The modules that hold each parameter, by name."""
    owners: dict[nn.Parameter, list[tuple[str, nn.Module]]] = defaultdict(list)
    for name, module in model.named_modules():
        for _, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            owners[parameter].append((name, module))
    return owners


def _replaced(
    model: nn.Module, chosen: Mapping[str, Dense], config: STLConfig, calibration: Example | None
) -> dict[str, STL]:
    """Convert one layer after the other; if one cannot be, all are put back."""
    layers: dict[str, STL] = {}
    tied: dict[Tensor, STL] = {}
    shared: dict[tuple[torch.device, torch.dtype], STL] = {}
    basis = config.basis()
    try:
        for name, module in chosen.items():
            pair = None if calibration is None else _calibration(model, name, chosen, layers, calibration)
            layer = _layer_of(name, module, config, basis, pair)
            _keep_parameters(layer, module, tied.setdefault(module.weight, layer))
            if config.sharing == "model":
                layer.share_basis_(shared.setdefault((module.weight.device, module.weight.dtype), layer))
            layers[name] = layer
            swap(model, {module: layer})
    except BaseException:
        swap(model, {layer: chosen[name] for name, layer in layers.items()})
        raise
    return layers


def _calibration(
    model: nn.Module, name: str, chosen: Mapping[str, Dense], layers: Mapping[str, STL], calibration: Example
) -> Pair:
    """What a layer will be fed behind those that are converted already, and what it answered before they were."""
    x = measure.inputs(model, name, chosen[name], calibration)
    swap(model, {layer: chosen[done] for done, layer in layers.items()})
    try:
        return x, measure.outputs(model, name, chosen[name], calibration)
    finally:
        swap(model, {chosen[done]: layer for done, layer in layers.items()})


def _layer_of(name: str, module: Dense, config: STLConfig, basis: Basis, calibration: Pair | None) -> STL:
    x, wanted = calibration or (None, None)
    options: dict[str, Any] = {
        "encoded": config.encoded,
        "learnable_basis": config.learnable_basis,
        "sharing": config.layer_sharing(),
        "pad": config.pad,
        "calibration": x,
        "wanted": wanted,
    }
    try:
        if isinstance(module, nn.Conv2d):
            return STLConv2d.from_conv(module, basis, **options)
        weight = module.weight
        below = config.threshold(module.in_features, module.out_features, weight.itemsize, weight.device.type)
        return STLLinear.from_linear(module, basis, dense_below=below, **options)
    except BilinearError as error:
        raise LayerError(f"{name}: {error}; the model was not changed") from error


@torch.no_grad()
def _keep_parameters(layer: STL, module: Dense, first: STL) -> None:
    """Keep the very bias and dense weight, so that what is tied to them stays so; `first` has the same weight."""
    for name in ("weight", "bias"):
        old, new = getattr(module, name), layer._parameters.get(name)
        if new is not None and torch.equal(old, new):
            setattr(layer, name, old)
    if layer.encoded:
        layer.encoded_weight = first.encoded_weight
        layer.encoded_weight.requires_grad_(module.weight.requires_grad)


def _row(
    name: str,
    module: Dense | STL,
    layer: STL | None,
    reason: str,
    parameters: int,
    shapes: Mapping[str, list[torch.Size]] | None,
) -> Row:
    flops = None if shapes is None or layer is None else measure.formula(layer, shapes[name])
    after = parameters if layer is None else count(layer)
    return Row(name, type(module).__name__, shape_of(module), reason, (parameters, after), flops)


def shape_of(module: Dense | STL) -> tuple[int, ...]:
    """Of the dense weight."""
    if isinstance(module, nn.Linear | STLLinear):
        return module.out_features, module.in_features
    return module.out_channels, module.in_channels, module.kernel_size[0], module.kernel_size[1]

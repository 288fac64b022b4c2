"""The ways back: `merge_` takes the weight's encoding into the weight, `revert_` makes layers dense again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import UnionType
from typing import Any

import torch
from torch import nn

from bilinear.layers.butterfly import StructuredLinear
from bilinear.layers.convert.changes import Report, Row
from bilinear.layers.convert.measure import shape_of
from bilinear.layers.convert.telling import told
from bilinear.layers.places import count, swap
from bilinear.layers.stl import STL, STLConv2d, STLLinear
from bilinear.layers.stl.functional import is_kept

Layer = STL | StructuredLinear

ROUNDING = 64.0
"""Times the eps of the dtype: how far from exact a basis and a weight may be."""


@torch.inference_mode(False)
def merge_(model: nn.Module) -> Report:
    """Give layers with a dense weight the encoded one instead, so that no forward pass encodes it. Always exact.

    The layers stay STL layers, whose outputs are the same up to rounding; `revert_` is what makes layers dense.

    A weight that another module holds too stays dense. Optimisers hold parameters, so make them afterwards.

    Args:
        model: Changed in place. Not itself a layer.
    """
    shared = _shared(model)

    def reason(layer: Layer) -> str:
        assert isinstance(layer, STL)
        if layer.encoded:
            return "its weight is encoded already"
        return "its weight is tied to another" if layer.weight in shared else ""

    report = _changed(model, STL, reason, _merged)
    said = "an encoded weight has rank / (m p) numbers for one of the dense weight, which it was made from and replaces"
    return replace(report, done="merged", notes=(said,) if report.replaced else ())


@torch.inference_mode(False)
def revert_(model: nn.Module) -> Report:
    """Make layers dense again where the dense layer computes the same, up to rounding.

    That is where the changes of basis are still those of an exact scheme, and the encoded weight still that of a dense
    one: never with an approximation, and with a basis or an encoded weight only until they are trained. Butterfly and
    Monarch layers always are some dense layer.

    Args:
        model: Changed in place. Not itself a layer.
    """
    return replace(_changed(model, Layer, _why_not_dense, _dense), done="made dense again")


def _shared(model: nn.Module) -> set[nn.Parameter]:
    """Parameters that several modules hold."""
    seen: set[nn.Parameter] = set()
    twice: set[nn.Parameter] = set()
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            (twice if parameter in seen else seen).add(parameter)
    return twice


def _changed(
    model: nn.Module,
    kinds: UnionType,
    reason: Callable[[Layer], str],
    change: Callable[[Layer], nn.Module],
) -> Report:
    """Put other layers in the place of those of some kinds that there is no reason to leave."""
    total = count(model)
    layers = {name: module for name, module in model.named_modules() if isinstance(module, kinds) and name}
    before = {name: count(layer) for name, layer in layers.items()}
    reasons = {name: reason(layer) for name, layer in layers.items()}
    new = {name: change(layer) for name, layer in layers.items() if not reasons[name]}
    rows = [
        Row(name, type(layer).__name__, shape_of(layer), reasons[name], (before[name], count(new.get(name, layer))))
        for name, layer in layers.items()
    ]
    swap(model, {layers[name]: module for name, module in new.items()})
    told(model)
    return Report(tuple(rows), (total, count(model)))


@torch.no_grad()
def _merged(layer: Layer) -> nn.Module:
    assert isinstance(layer, STL)
    dense = layer.weight
    weight = nn.Parameter(layer.current_weight(), dense.requires_grad)
    del layer.weight
    if isinstance(layer, STLLinear) and layer.dense_below:
        layer._buffers["weight"] = dense.detach()
    layer.encoded = True
    layer.register_parameter("encoded_weight", weight)
    return layer


@torch.no_grad()
def _why_not_dense(layer: Layer) -> str:
    if isinstance(layer, StructuredLinear):
        return ""
    weight = layer.current_weight()
    tolerance = ROUNDING * torch.finfo(weight.dtype).eps
    exact = is_kept(weight, layer.encoders(), tolerance)
    return "" if exact else "it computes what no dense layer does"


@torch.no_grad()
def _dense(layer: Layer) -> nn.Module:
    own = None if isinstance(layer, StructuredLinear) else layer.encoded_weight if layer.encoded else layer.weight
    weight = layer.dense_weight()
    dense = _without_tensors(layer, weight.dtype)
    dense.weight = own if own is weight else nn.Parameter(weight.contiguous(), own is None or own.requires_grad)
    dense._parameters["bias"] = layer.bias
    return dense.train(layer.training)


def _without_tensors(layer: Layer, dtype: torch.dtype) -> nn.Linear | nn.Conv2d:
    """The dense layer in whose place one stands, on `meta`."""
    options: dict[str, Any] = {"bias": layer.bias is not None, "device": "meta", "dtype": dtype}
    if not isinstance(layer, STLConv2d):
        return nn.Linear(layer.in_features, layer.out_features, **options)
    shape = layer.kernel_size, layer.stride, layer.padding, layer.dilation
    return nn.Conv2d(layer.in_channels, layer.out_channels, *shape, **options)

"""The ways back: `merge_` takes the weight's encoding into the weight, `revert_` makes layers dense again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from bilinear.layers.convert.places import count, swap
from bilinear.layers.convert.report import Report, Row
from bilinear.layers.convert.structured import dense_instead
from bilinear.layers.convert.swap import STL, shape_of
from bilinear.layers.stl import STLConv2d, STLLinear
from bilinear.layers.stl.functional import encode_weight, is_kept

ROUNDING = 64.0
"""Times the eps of the dtype: how far from exact a basis and a weight may be."""


@torch.inference_mode(False)
def merge_(model: nn.Module) -> Report:
    """Give layers with a dense weight the encoded one instead, so that no forward pass encodes it. Always exact.

    A weight that another module holds too stays dense. Optimisers hold parameters, so make them afterwards.

    Args:
        model: Changed in place. Not itself a layer.
    """
    shared = _shared(model)

    def reason(layer: STL) -> str:
        if layer.encoded:
            return "its weight is encoded already"
        return "its weight is tied to another" if layer.weight in shared else ""

    return _changed(model, reason, _merged)


@torch.inference_mode(False)
def revert_(model: nn.Module) -> Report:
    """Make layers dense again where the dense layer computes the same, up to rounding.

    That is where the changes of basis are still those of an exact scheme, and the encoded weight still that of a dense
    one: never with an approximation, and with a basis or an encoded weight only until they are trained. Butterfly and
    Monarch layers always are some dense layer.

    Args:
        model: Changed in place. Not itself a layer.
    """
    structured = dense_instead(model)
    before = count(model)
    report = _changed(model, _why_not_dense, _dense)
    swap(model, {layer: dense for _, layer, dense in structured})
    return Report((*report.rows, *(row for row, _, _ in structured)), (before, count(model)))


def _shared(model: nn.Module) -> set[nn.Parameter]:
    """Parameters that several modules hold."""
    seen: set[nn.Parameter] = set()
    twice: set[nn.Parameter] = set()
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            (twice if parameter in seen else seen).add(parameter)
    return twice


def _changed(model: nn.Module, reason: Callable[[STL], str], change: Callable[[STL], nn.Module]) -> Report:
    before = count(model)
    layers = {name: module for name, module in model.named_modules() if isinstance(module, STL) and name}
    reasons = {name: reason(layer) for name, layer in layers.items()}
    new = {name: change(layer) for name, layer in layers.items() if not reasons[name]}
    rows = [
        Row(name, type(layer).__name__, shape_of(layer), reasons[name], (count(layer), count(new.get(name, layer))))
        for name, layer in layers.items()
    ]
    swap(model, {layers[name]: module for name, module in new.items()})
    return Report(tuple(rows), (before, count(model)))


@torch.no_grad()
def _why_not_dense(layer: STL) -> str:
    weight = layer.encoded_weight if layer.encoded else _encoded(layer)
    tolerance = ROUNDING * torch.finfo(weight.dtype).eps
    exact = is_kept(weight, layer.encoders(), tolerance)
    return "" if exact else "it computes what no dense layer does"


def _encoded(layer: STL) -> torch.Tensor:
    matrix = layer._as_matrix(layer.weight) if isinstance(layer, STLConv2d) else layer.weight.mT
    return encode_weight(matrix, layer.encoders())


@torch.no_grad()
def _merged(layer: STL) -> nn.Module:
    weight = nn.Parameter(_encoded(layer), layer.weight.requires_grad)
    del layer.weight
    layer.encoded = True
    layer.register_parameter("encoded_weight", weight)
    return layer


@torch.no_grad()
def _dense(layer: STL) -> nn.Module:
    like = layer.decoder
    dense: nn.Linear | nn.Conv2d
    if isinstance(layer, STLLinear):
        dense = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, "meta", like.dtype)
    else:
        dense = nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            bias=layer.bias is not None,
            device="meta",
            dtype=like.dtype,
        )
    own = layer.encoded_weight if layer.encoded else layer.weight
    weight = layer.dense_weight()
    dense.weight = own if own is weight else nn.Parameter(weight.contiguous(), own.requires_grad)
    dense.bias = layer.bias
    return dense.train(layer.training)

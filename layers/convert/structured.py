"""Whole models with butterfly or Monarch layers in place of linear ones: what `convert_` and `revert_` do for them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from torch import nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear, StructuredLinear
from bilinear.layers.convert import measure
from bilinear.layers.convert.filters import FilterFn
from bilinear.layers.convert.measure import Example
from bilinear.layers.convert.places import count, swap
from bilinear.layers.convert.report import Report, Row
from bilinear.layers.errors import LayerError


@dataclass(frozen=True)
class _Chosen:
    """Which layers are converted, and what from.

    Attributes:
        init: `project`: the dense weight, truncated; `fresh`: random, to be trained.
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
    """

    init: Literal["project", "fresh"] = "project"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.init not in ("project", "fresh"):
            raise LayerError(f"init {str(self.init)[:20]!r}; choose project or fresh")

    def names(self, name: str) -> bool:
        """Whether the patterns take a layer of that name."""
        return any(fnmatchcase(name, pattern) for pattern in self.include) and not any(
            fnmatchcase(name, pattern) for pattern in self.exclude
        )


@dataclass(frozen=True)
class ButterflyConfig(_Chosen):
    """What butterfly layers a model gets.

    Attributes:
        rank: Rank of the blocks between two levels.
    """

    rank: int = 1

    def layer(self, linear: nn.Linear) -> StructuredLinear:
        """The layer in place of a dense one."""
        if self.init == "project":
            return ButterflyLinear.from_linear(linear, rank=self.rank)
        return ButterflyLinear(*_sizes(linear), rank=self.rank, **_like(linear))


@dataclass(frozen=True)
class MonarchConfig(_Chosen):
    """What Monarch layers a model gets.

    Attributes:
        blocks: The grid, see `MonarchLinear`.
        rank: Of each block.
    """

    blocks: int | tuple[int, int] | None = None
    rank: int = 1

    def layer(self, linear: nn.Linear) -> StructuredLinear:
        """The layer in place of a dense one."""
        if self.init == "project":
            return MonarchLinear.from_linear(linear, blocks=self.blocks, rank=self.rank)
        return MonarchLinear(*_sizes(linear), blocks=self.blocks, rank=self.rank, **_like(linear))


StructuredConfig = ButterflyConfig | MonarchConfig


def _sizes(linear: nn.Linear) -> tuple[int, int, bool]:
    return linear.in_features, linear.out_features, linear.bias is not None


def _like(linear: nn.Linear) -> dict[str, Any]:
    return {"device": linear.weight.device, "dtype": linear.weight.dtype}


def convert_structured_(
    model: nn.Module, config: StructuredConfig, filter_fn: FilterFn | None, example: Example | None
) -> Report:
    """What `convert_` does with one of these configurations; a weight that another module holds too stays dense.

    Raises:
        LayerError: If the model is itself a layer, or one of its layers cannot be converted; the model is as it was.
    """
    if isinstance(model, nn.Linear | StructuredLinear):
        raise LayerError(f"{type(model).__name__}: the model is itself a layer; use from_linear")
    named: dict[str, Any] = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear | StructuredLinear)}
    reasons = {name: _reason(model, name, module, config, filter_fn) for name, module in named.items()}
    chosen = {name: module for name, module in named.items() if not reasons[name]}
    shapes = None if example is None else measure.input_shapes(model, chosen, example)
    counted = None if example is None else measure.counted_flops(model, example)
    total, new = count(model), dict[str, nn.Module]()
    for name, module in chosen.items():
        try:
            new[name] = config.layer(module).train(module.training)
        except BilinearError as error:
            raise LayerError(f"{name}: {error}; the model was not changed") from error
    rows = [_row(name, module, new.get(name), reasons[name], shapes) for name, module in named.items()]
    swap(model, {named[name]: layer for name, layer in new.items()})
    after = None if example is None else measure.counted_flops(model, example)
    return Report(tuple(rows), (total, count(model)), None if counted is None or after is None else (counted, after))


def _reason(
    model: nn.Module, name: str, module: nn.Module, config: StructuredConfig, filter_fn: FilterFn | None
) -> str:
    """Why a layer is left as it is; empty if it is converted."""
    if isinstance(module, StructuredLinear):
        return f"a {type(module).__name__} already"
    if not config.names(name) or (filter_fn is not None and not filter_fn(module, name)):
        return "left out by the filter"
    if type(module) is not nn.Linear:
        return f"a subclass {type(module).__name__}, whose owner may use its weight"
    if module._forward_hooks or module._forward_pre_hooks:
        return "has hooks, which would be lost"
    owners = [owner for owner in model.modules() if any(p is module.weight for p in owner.parameters(recurse=False))]
    return "its weight is tied to another" if len(owners) > 1 else ""


def _row(name: str, module: Any, layer: Any, reason: str, shapes: dict[str, list[torch.Size]] | None) -> Row:
    flops = None
    if shapes is not None and layer is not None:
        tokens = sum(shape[:-1].numel() for shape in shapes[name])
        flops = layer.dense_flops(tokens), layer.flops(tokens)
    sizes = (module.out_features, module.in_features)
    return Row(name, type(module).__name__, sizes, reason, (count(module), count(layer or module)), flops)


def dense_instead(model: nn.Module) -> list[tuple[Row, nn.Module, nn.Module]]:
    """The rows of a report, and each butterfly or Monarch layer with the dense one that computes the same.

    Every product of factors is a dense weight, so that this always holds, up to rounding.
    """
    found: list[tuple[Row, nn.Module, nn.Module]] = []
    for name, layer in model.named_modules():
        if isinstance(layer, StructuredLinear) and name:
            dense = _dense(layer)
            sizes = (layer.out_features, layer.in_features)
            found.append((Row(name, type(layer).__name__, sizes, "", (count(layer), count(dense))), layer, dense))
    return found


@torch.no_grad()
def _dense(layer: StructuredLinear) -> nn.Linear:
    weight = layer.dense_weight().contiguous()
    dense = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, "meta", weight.dtype)
    dense.weight = nn.Parameter(weight)
    dense._parameters["bias"] = layer.bias
    return dense.train(layer.training)

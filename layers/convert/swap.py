"""`convert_`: the layers of a model become others, in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from bilinear.decompositions.errors import BilinearError
from bilinear.layers.convert import measure
from bilinear.layers.convert.causal import leaks
from bilinear.layers.convert.changes import Report, Row
from bilinear.layers.convert.conversion import Conversion, Maker, Pair, Shapes, Verdict
from bilinear.layers.convert.filters import FilterFn
from bilinear.layers.convert.measure import Example
from bilinear.layers.convert.owners import claimed, unfit
from bilinear.layers.convert.telling import told
from bilinear.layers.errors import LayerError
from bilinear.layers.places import as_dense, count, is_dense, is_transposed, swap

Modules = dict[str, nn.Module]
"""By name."""


@torch.inference_mode(False)
def convert_(
    model: nn.Module,
    config: Conversion,
    filter_fn: FilterFn | None = None,
    *,
    example: Example | None = None,
    calibration: Example | None = None,
) -> Report:
    """Replace the linear layers and convolutions that the filter takes by others with their weights.

    Either all of them are replaced, or an error is raised and the model is as it was. STL layers that would get neither
    faster nor smaller on their device, with the tokens of the example, are left, and the report says why, unless the
    configuration says `force`. A weight that several layers
    share stays shared by STL layers; one that is shared with another kind of module, such as an embedding, is only
    converted with `encoded=False`. Optimisers hold parameters, so make them afterwards.

    Args:
        model: Changed in place. Not itself a linear layer or a convolution.
        config: What the layers become: an `STLConfig`; or a `ButterflyConfig` or `MonarchConfig`, for linear layers;
            or a `WinogradConfig`, for convolutions.
        filter_fn: Takes a module and its full name, like torchao's; all linear layers and convolutions if None.
        example: What the model is fed to count flops for the report, and to see how many tokens each layer is fed;
            without it what calibrates it says that.
        calibration: What it is fed to find the weights that suit its activations, see `STLLinear.from_linear`. The
            model runs twice for each layer: with those before it converted already, for what the layer will be fed,
            and as it was, for what it should answer, so that a layer makes up for errors of those before it.

    Raises:
        LayerError: If the model is itself a layer, a weight is not finite, or the calibration does not fit.
        BilinearError: If the initialisation cannot take the tile or the rank.
    """
    if calibration is not None and not config.calibrated:
        raise LayerError(f"{type(config).__name__}: its layers are not calibrated; leave calibration out")
    if isinstance(model, config.dense) or config.already(model):
        raise LayerError(f"{type(model).__name__}: the model is itself a layer; use {config.alone}")
    plan = plan_of(model, config, filter_fn, calibration if example is None else example)
    modules, reasons, maker = plan.modules, plan.reasons, plan.maker
    chosen = {name: module for name, module in modules.items() if not reasons[name]}
    parameters, before = count(model), _counted(model, example)
    layers: Modules = {}
    try:
        _replace(model, chosen, layers, maker, calibration)
        after = _counted(model, example)
        told(model)
    except BaseException:
        swap(model, {layer: chosen[name] for name, layer in layers.items()})
        raise
    rows = []
    for name, module in modules.items():
        layer = layers.get(name)
        flops = None if example is None or layer is None else measure.formula(layer, plan.verdicts.shapes[name])
        change = count(module), count(module if layer is None else layer)
        kind, note = type(module).__name__, "" if layer is None else plan.verdicts.of(name, module).note
        rows.append(Row(name, kind, measure.shape_of(module), reasons[name], change, flops, note))
    counted = None if before is None or after is None else (before, after)
    return Report(tuple(rows), (parameters, count(model)), counted, plan.notes)


@dataclass(frozen=True)
class Plan:
    """What is to become of the layers of a model.

    Attributes:
        modules: Those that came into question, by name.
        reasons: Why each is left as it is; empty where it is converted.
        maker: Of the layers.
        verdicts: What their speed says.
        notes: What is to be said of the whole.
    """

    modules: Modules
    reasons: dict[str, str]
    maker: Maker
    verdicts: _Verdicts
    notes: tuple[str, ...]


def plan_of(model: nn.Module, config: Conversion, filter_fn: FilterFn | None, fed: Example | None) -> Plan:
    """What `convert_` does to a model that is fed such an example, if one is known."""
    modules = {n: m for n, m in model.named_modules() if is_dense(m, config.dense) or config.already(m)}
    maker = config.maker()
    verdicts = _Verdicts(maker, {} if fed is None else measure.input_shapes(model, modules, fed))
    reasons = _reasons(model, modules, config, filter_fn, verdicts)
    warned = leaks(model, maker.mixed if "" in reasons.values() else 1, fed)
    return Plan(modules, reasons, maker, verdicts, (*maker.notes, *warned))


@dataclass
class _Verdicts:
    """What the speed says of the layers of a model; each is asked once."""

    maker: Maker
    shapes: Mapping[str, Shapes]
    found: dict[str, Verdict] = field(default_factory=dict)

    def of(self, name: str, module: nn.Module) -> Verdict:
        """That of one layer."""
        if name not in self.found:
            self.found[name] = self.maker.verdict(as_dense(module), self.shapes.get(name))
        return self.found[name]


def _counted(model: nn.Module, example: Example | None) -> int | None:
    return None if example is None else measure.counted_flops(model, example)


def _reasons(
    model: nn.Module, modules: Modules, config: Conversion, filter_fn: FilterFn | None, verdicts: _Verdicts
) -> dict[str, str]:
    """Why each layer is left as it is; empty where it is converted."""
    claims = claimed(model)
    reasons = {
        name: _reason(name, module, config, filter_fn) or claims.get(name, "") for name, module in modules.items()
    }
    for name, module in modules.items():
        reasons[name] = reasons[name] or verdicts.of(name, module).against
    taken = {module for name, module in modules.items() if not reasons[name]}
    owners = _owners(model)
    for name, module in modules.items():
        if module in taken:
            others = [(other, owner) for other, owner in owners[module.get_parameter("weight")] if owner is not module]
            dense = [other for other, owner in others if owner not in taken]
            reasons[name] = config.tied([other for other, _ in others], dense)
            if others and is_transposed(module):
                reasons[name] = "a Conv1D whose weight is tied to another"
    return reasons


def _reason(name: str, module: nn.Module, config: Conversion, filter_fn: FilterFn | None) -> str:
    """Why a layer is left, whatever becomes of the others."""
    if already := config.already(module):
        return already
    if not config.names(name) or (filter_fn is not None and not filter_fn(module, name)):
        return "left out by the filter"
    if type(module) not in config.dense and not is_transposed(module):
        return f"a subclass {type(module).__name__}, whose owner may use its weight"
    return unfit(module) or config.reason(as_dense(module))


def _owners(model: nn.Module) -> dict[nn.Parameter, list[tuple[str, nn.Module]]]:
    """The modules that hold each parameter, by name."""
    owners: dict[nn.Parameter, list[tuple[str, nn.Module]]] = defaultdict(list)
    for name, module in model.named_modules():
        for _, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            owners[parameter].append((name, module))
    return owners


def _replace(model: nn.Module, chosen: Modules, layers: Modules, maker: Maker, calibration: Example | None) -> None:
    """Convert one layer after the other; `layers` are those that have been."""
    for name, module in chosen.items():
        pair = None if calibration is None else _calibration(model, name, chosen, layers, calibration)
        try:
            layer = maker.make(as_dense(module), pair)
        except BilinearError as error:
            raise LayerError(f"{name}: {error}; the model was not changed") from error
        layers[name] = layer
        swap(model, {module: layer})


def _calibration(
    model: nn.Module, name: str, chosen: Mapping[str, nn.Module], layers: Mapping[str, nn.Module], calibration: Example
) -> Pair:
    """What a layer will be fed behind those that are converted already, and what it answered before they were."""
    x = measure.inputs(model, name, chosen[name], calibration)
    swap(model, {layer: chosen[done] for done, layer in layers.items()})
    try:
        return x, measure.outputs(model, name, chosen[name], calibration)
    finally:
        swap(model, {chosen[done]: layer for done, layer in layers.items()})

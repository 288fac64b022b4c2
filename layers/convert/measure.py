"""What a model's layers are fed, and what it costs: by one pass over an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bilinear.layers.butterfly import StructuredLinear
from bilinear.layers.errors import LayerError
from bilinear.layers.places import is_transposed
from bilinear.layers.stl import STL, STLConv2d, STLLinear
from bilinear.layers.winograd import WinogradConv1d, WinogradConv2d

Example = Tensor | Sequence[Any] | Mapping[str, Any]
"""The only argument of the model, or all of them, in order or by name."""


def run(model: nn.Module, example: Example) -> Any:
    """One forward pass in evaluation mode without gradients; the mode of every module is as before afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            if isinstance(example, Mapping):
                return model(**example)
            return model(*((example,) if isinstance(example, Tensor) else example))
    finally:
        for module, mode in modes.items():
            module.training = mode


def answered(model: nn.Module, example: Example) -> Tensor | None:
    """The tensor that a model answers, the first of several; None if there is none."""
    answer = run(model, example)
    while not isinstance(answer, Tensor):
        if isinstance(answer, Mapping):
            answer = list(answer.values())
        if not isinstance(answer, list | tuple) or not answer:
            return None
        answer = answer[0]
    return answer


def counted_flops(model: nn.Module, example: Example) -> int:
    """Multiplications and additions of a forward pass by torch's counter."""
    with FlopCounterMode(display=False) as counter:
        run(model, example)
    return int(counter.get_total_flops())


def input_shapes(model: nn.Module, modules: Mapping[str, nn.Module], example: Example) -> dict[str, list[torch.Size]]:
    """The shapes of what each module is fed on the example, one for each call."""
    found: dict[str, list[torch.Size]] = {name: [] for name in modules}
    with _watched(modules, lambda name, x: found[name].append(x.shape)):
        run(model, example)
    return found


def inputs(model: nn.Module, name: str, module: nn.Module, example: Example) -> Tensor:
    """What one module is fed on the example; those of several calls one after the other.

    Raises:
        LayerError: If it is not called.
    """
    found: list[Tensor] = []
    with _watched({name: module}, lambda _, x: found.append(x.detach())):
        run(model, example)
    return _joined(name, found)


def outputs(model: nn.Module, name: str, module: nn.Module, example: Example) -> Tensor:
    """What one module answers, likewise.

    Raises:
        LayerError: If it is not called.
    """
    found: list[Tensor] = []
    handle = module.register_forward_hook(lambda _, given, answer: found.append(answer.detach()))
    try:
        run(model, example)
    finally:
        handle.remove()
    return _joined(name, found)


def _joined(name: str, found: list[Tensor]) -> Tensor:
    if not found:
        raise LayerError(f"{name}: not called on the calibration example; leave it out, or give another")
    same = found[0].ndim == 4
    return torch.cat(found if same else [x.reshape(-1, x.shape[-1]) for x in found])


@contextmanager
def _watched(modules: Mapping[str, nn.Module], see: Callable[[str, Tensor], None]) -> Iterator[None]:
    handles = [
        module.register_forward_pre_hook(
            lambda _, given, named, name=name: see(name, given[0] if given else next(iter(named.values()))),
            with_kwargs=True,
        )
        for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def formula(layer: nn.Module, shapes: Sequence[torch.Size]) -> tuple[int, int]:
    """Multiplications and additions of the dense layer and of this one, over all calls."""
    assert isinstance(layer, STL | StructuredLinear | WinogradConv1d | WinogradConv2d)
    dense = own = 0
    for shape in shapes:
        is_image = isinstance(layer, STLConv2d | WinogradConv1d | WinogradConv2d)
        sizes = (shape[0], *shape[2:]) if is_image else (shape[:-1].numel(),)
        dense += layer.dense_flops(*sizes)
        own += layer.flops(*sizes)
    return dense, own


def shape_of(module: nn.Module) -> tuple[int, ...]:
    """Of the dense weight of a layer, or of the one in whose place it stands."""
    if is_transposed(module):
        inputs, outputs = module.get_parameter("weight").shape
        return outputs, inputs
    if isinstance(module, nn.Linear | STLLinear | StructuredLinear):
        return module.out_features, module.in_features
    if isinstance(module, nn.Conv1d):
        return module.out_channels, module.in_channels, module.kernel_size[0]
    assert isinstance(module, nn.Conv2d | STLConv2d)
    return module.out_channels, module.in_channels, module.kernel_size[0], module.kernel_size[1]

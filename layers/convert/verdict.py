"""Whether a layer gains by being converted: by timings on its device, or by the roofline where nothing can be timed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from bilinear.layers.convert.conversion import Shapes, Verdict
from bilinear.layers.stl import MACHINES, fewest_tokens
from bilinear.layers.stl.speed import Shape, fewest_measured, seconds, speed
from bilinear.layers.stl.threshold import NEVER, dense_seconds, stl_seconds
from bilinear.layers.stl.tiles import tiles_of

CAN_BE_TIMED = ("cpu", "cuda")


def judged(shape: Shape, below: int, shapes: Shapes | None) -> Verdict:
    """What the speed of a linear layer says.

    It is converted if it is faster at the number of tokens that it is fed, or, where that is not known, at any; and if
    it has fewer numbers than the dense layer, whatever its speed.

    Args:
        shape: Of the layer.
        below: Fewer tokens than this would go through its dense weight.
        shapes: Of its inputs; their largest number of tokens counts.
    """
    inner, outer = tiles_of(shape.in_features, shape.tile[1]), tiles_of(shape.out_features, shape.tile[2])
    smaller = shape.encoded and not below and shape.rank * inner * outer < shape.in_features * shape.out_features
    note = f"fewer than {below} tokens go dense" if below else ""
    if smaller:
        return Verdict(note="smaller")
    fewest = fewest_of(shape)
    if fewest == NEVER:
        return Verdict(
            f"slower than the dense layer at any number of tokens, {_ratio(shape, NEVER)}; force converts it"
        )
    tokens = max((given[:-1].numel() for given in shapes or ()), default=0)
    if tokens and tokens < fewest:
        at = f"{tokens} token{'s' * (tokens > 1)}, {_ratio(shape, tokens)}"
        return Verdict(f"slower than the dense layer at {at}, faster from {fewest}; force converts it")
    return Verdict(note=", ".join(filter(None, (_ratio(shape, tokens) if tokens else "", note))))


def fewest_of(shape: Shape) -> int:
    """From how many tokens on the layer is faster; `NEVER` if it is not."""
    if _is_timed(shape.device):
        return fewest_measured(shape)
    sizes = shape.in_features, shape.out_features
    return fewest_tokens(*sizes, shape.tile, shape.rank, shape.dtype.itemsize, MACHINES["cpu"])


def judged_convolution(conv: nn.Conv1d | nn.Conv2d, make: Callable[[], nn.Module], shapes: Shapes | None) -> Verdict:
    """Likewise of a convolution, timed on the largest of its inputs; without any nothing is known."""
    if not shapes:
        return Verdict("its speed depends on the image; give an example, or force")
    largest, weight = max(shapes, key=math.prod), conv.weight
    if not _is_timed(str(weight.device)):
        return Verdict(f"nothing can be timed on {weight.device}; force converts it")
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        x = torch.randn(largest, device=weight.device, dtype=weight.dtype)
        layer = make()
        ratio = seconds(lambda: conv(x), x) / seconds(lambda: layer(x), x)
    image = "x".join(map(str, largest))
    if ratio <= 1:
        return Verdict(f"slower than the dense layer on {image}, {ratio:.2f} times its speed; force converts it")
    return Verdict(note=f"{ratio:.2f} times the dense layer's speed")


def _is_timed(device: str) -> bool:
    return torch.device(device).type in CAN_BE_TIMED


def _ratio(shape: Shape, tokens: int) -> str:
    """`0.41 times its speed`, measured or modelled."""
    if _is_timed(shape.device):
        return f"{speed(shape, tokens):.2f} times its speed"
    sizes, machine, size = (tokens, shape.in_features, shape.out_features), MACHINES["cpu"], shape.dtype.itemsize
    ratio = dense_seconds(sizes, size, machine) / stl_seconds(sizes, shape.tile, shape.rank, size, machine)
    return f"{ratio:.2f} times its speed by the roofline"

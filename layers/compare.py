"""How far a layer is from the dense layer it stands for, on random input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from bilinear.layers.checks import dtype_name
from bilinear.layers.errors import LayerError


@dataclass(frozen=True)
class Comparison:
    """The outputs of a layer against those of `torch.nn.Linear` in the same dtype; `str` gives one line.

    Attributes:
        max_relative_error: Largest `|y - y0|` over largest `|y0|`.
        max_absolute_error: Largest `|y - y0|`.
        in_features: Length of an input vector.
        out_features: Length of an output vector.
        tokens: Number of standard normal input vectors.
        dtype: Of weights and input.
        seed: Of the input.
    """

    max_relative_error: float
    max_absolute_error: float
    in_features: int
    out_features: int
    tokens: int
    dtype: str
    seed: int

    def __str__(self) -> str:
        return (
            f"largest relative error against torch.nn.Linear({self.in_features} -> {self.out_features}), "
            f"{self.dtype}, {self.tokens} random tokens: {self.max_relative_error:.2e}"
        )


@torch.no_grad()
def compare_with_linear(layer: nn.Module, linear: nn.Linear, tokens: int = 256, seed: int = 0) -> Comparison:
    """Feed both the same standard normal input.

    Args:
        layer: Takes what `linear` takes.
        linear: On the same device, in the same dtype.
        tokens: Number of input vectors.
        seed: Of the input; torch's own generator is left as it was.

    Raises:
        LayerError: If there is no token, or the outputs differ in shape or dtype.
    """
    if tokens < 1:
        raise LayerError(f"a comparison on {tokens} tokens; at least one is needed")
    weight = linear.weight
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(tokens, linear.in_features, generator=generator).to(weight.device, weight.dtype)
    expected, found = linear(x), layer(x)
    if found.shape != expected.shape or found.dtype != expected.dtype:
        raise LayerError(
            f"outputs {tuple(found.shape)} of {found.dtype} and {tuple(expected.shape)} of {expected.dtype} "
            "cannot be compared; build the layer from this linear layer"
        )
    error = (found.double() - expected.double()).abs().max().item()
    scale = expected.double().abs().max().item()
    return Comparison(
        max_relative_error=error / scale if scale else (float("inf") if error else 0.0),
        max_absolute_error=error,
        in_features=linear.in_features,
        out_features=linear.out_features,
        tokens=tokens,
        dtype=dtype_name(weight.dtype),
        seed=seed,
    )

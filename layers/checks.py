"""What every layer asks of its sizes, its dtype and its input: a `LayerError` says what does not fit."""

from __future__ import annotations

from typing import Final, Protocol

import torch
from torch import Tensor

from bilinear.layers.errors import LayerError

FLOATS: Final = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
"""The numbers that layers compute with."""


class Named(Protocol):
    """A layer, as error texts name it."""

    def name(self) -> str:
        """`STLLinear(512 -> 512)`."""


def require_sizes(owner: str, *sizes: int) -> None:
    """Refuse a layer, named as error texts do, with a size below 1."""
    if min(sizes) < 1:
        raise LayerError(f"layer {owner}: a size is below 1; every size must be at least 1")


def require_float(what: str, dtype: torch.dtype) -> None:
    """Refuse a dtype that is none of `FLOATS`; `what` begins the error text: a layer, or a function's argument."""
    if dtype not in FLOATS:
        raise LayerError(f"{what} {dtype}; float32, float64, bfloat16 or float16 is needed")


def require_features(layer: Named, x: Tensor, features: int) -> None:
    """Refuse input whose last axis has another length, or that has none."""
    if x.ndim == 0 or x.shape[-1] != features:
        raise LayerError(f"layer {layer.name()}: input of shape {tuple(x.shape)}; the last axis must be {features}")


def require_like(layer: Named, x: Tensor, own: Tensor) -> None:
    """Refuse input of another device, or dtype where torch converts none, than one of the layer's own tensors."""
    if x.dtype != own.dtype and not torch.is_autocast_enabled(x.device.type):
        raise LayerError(f"layer {layer.name()}: input of {x.dtype}, the layer is {own.dtype}; convert one")
    if x.device != own.device:
        raise LayerError(f"layer {layer.name()}: input on {x.device}, the layer on {own.device}; move one")


def dtype_name(dtype: torch.dtype) -> str:
    """`float32`, as files and tables have it."""
    return str(dtype).removeprefix("torch.")

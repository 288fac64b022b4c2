"""Which layers are converted."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

FilterFn = Callable[[nn.Module, str], bool]
"""From a module and its full name in the model."""


def wide_linear(size: int) -> FilterFn:
    """Linear layers with at least so many input and output features; small ones gain nothing."""

    def is_wide(module: nn.Module, name: str) -> bool:
        return isinstance(module, nn.Linear) and min(module.in_features, module.out_features) >= size

    return is_wide

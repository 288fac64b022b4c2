"""Modules in their places of a model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn


def swap(model: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> None:
    """Put modules in the place of others, wherever these are."""
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in replacements:
                setattr(parent, name, replacements[child])


def count(module: nn.Module) -> int:
    """Learned numbers; tied ones count once."""
    return sum(parameter.numel() for parameter in module.parameters())

"""Modules in their places of a model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.nn import functional

NESTED = "_nested_before"
"""Where a `nn.TransformerEncoder` keeps whether it nested its input before one of its layers was replaced."""


def swap(model: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> None:
    """Put modules in the place of others, wherever these are.

    torch's Transformer encoders read the weights of dense layers in evaluation mode, instead of calling them; those
    whose layers are replaced call them from now on.
    """
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in replacements:
                setattr(parent, name, replacements[child])
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = _fast(module) if _is_dense(module) else 0
        elif isinstance(module, nn.TransformerEncoder):
            _nest(module, all(_is_dense(layer) for layer in module.layers))


def _is_dense(layer: nn.Module) -> bool:
    """Whether an encoder layer has the feed-forward layers that torch made it with."""
    return all(isinstance(getattr(layer, name, None), nn.Linear) for name in ("linear1", "linear2"))


def _fast(layer: nn.TransformerEncoderLayer) -> int:
    """Which activation the fast path takes, as torch numbers them; 0 for one that it does not know."""
    own: Any = layer.activation
    if own is functional.relu or isinstance(own, nn.ReLU):
        return 1
    return 2 if own is functional.gelu or isinstance(own, nn.GELU) else 0


def _nest(encoder: nn.TransformerEncoder, dense: bool) -> None:
    """Let an encoder hand on nested tensors, which only the fast path takes, as before if its layers are dense."""
    if not hasattr(encoder, NESTED):
        if dense:
            return
        setattr(encoder, NESTED, encoder.use_nested_tensor)
    encoder.use_nested_tensor = dense and getattr(encoder, NESTED)


def count(module: nn.Module) -> int:
    """Learned numbers; tied ones count once."""
    return sum(parameter.numel() for parameter in module.parameters())


def is_transposed(module: nn.Module) -> bool:
    """Whether a module is the linear layer of GPT-2, `Conv1D` of the library transformers: its weight is (in, out)."""
    return type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"


def is_dense(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether a module is a dense layer of one of these kinds; a `Conv1D` is a linear layer."""
    return isinstance(module, kinds) or (nn.Linear in kinds and is_transposed(module))


def as_dense(module: nn.Module) -> nn.Module:
    """The module itself, or of a `Conv1D` the linear layer with its weight and its very bias."""
    if not is_transposed(module):
        return module
    weight, bias = module.get_parameter("weight"), module.get_parameter("bias")
    inputs, outputs = weight.shape
    linear = nn.Linear(inputs, outputs, device="meta", dtype=weight.dtype)
    linear.weight = nn.Parameter(weight.detach().mT.contiguous(), weight.requires_grad)
    linear.bias = bias
    return linear.train(module.training)


def is_pretrained(model: nn.Module) -> bool:
    """Whether a model is one of the library transformers, which is not imported to tell."""
    library: Any = sys.modules.get("transformers.modeling_utils")
    return library is not None and isinstance(model, library.PreTrainedModel)

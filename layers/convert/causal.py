"""Whether a model lets no place see a later one, which tiles of several tokens would break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bilinear.layers.convert.measure import Example, answered

CAUSAL = ("ForCausalLM", "LMHeadModel")
"""What the names of decoders end with in the library transformers."""


def leaks(model: nn.Module, mixed: int, example: Example | None) -> tuple[str, ...]:
    """A warning, if tiles of an approximation would let a causal model look ahead.

    Args:
        model: With its dense layers.
        mixed: Tokens that a layer would mix, 1 if none.
        example: Of its input; None if there is none.
    """
    if mixed == 1 or not is_causal(model, example):
        return ()
    return (
        f"warning: the model is causal, and its tiles mix {mixed} tokens: a place sees up to {mixed - 1} later ones; "
        "tile=(1, m, p) keeps a token to itself",
    )


def is_causal(model: nn.Module, example: Example | None) -> bool:
    """Whether a model says so, by its class or attributes of its layers, or shows it on the example.

    It shows it if a change of the last place of whole numbers (batch, length) changes no answer at an earlier one.
    """
    config = getattr(model, "config", None)
    if type(model).__name__.endswith(CAUSAL) or getattr(config, "is_decoder", False) is True:
        return True
    if any(getattr(module, "is_causal", False) is True for module in model.modules()):
        return True
    return example is not None and any(_shows(model, *pair) for pair in _changed(example))


def _changed(example: Example) -> Iterator[tuple[Example, Example]]:
    """The example with tokens, and with another last one."""
    tokens = _tokens(example)
    if tokens is None:
        return
    other = tokens.clone()
    other[:, -1] = torch.where(tokens[:, -1] == tokens[:, 0], tokens[:, -1] ^ 1, tokens[:, 0])
    yield example, _with(example, tokens, other)


def _tokens(example: Example) -> Tensor | None:
    parts = [example] if isinstance(example, Tensor) else list(_values(example))
    return next((part for part in parts if _is_text(part)), None)


def _values(example: Any) -> Any:
    return example.values() if isinstance(example, Mapping) else example


def _is_text(part: Any) -> bool:
    return (
        isinstance(part, Tensor) and part.ndim == 2 and part.shape[1] > 1 and part.dtype in (torch.int32, torch.int64)
    )


def _with(example: Any, old: Tensor, new: Tensor) -> Any:
    if isinstance(example, Tensor):
        return new
    if isinstance(example, Mapping):
        return {name: new if part is old else part for name, part in example.items()}
    return [new if part is old else part for part in example]


def _shows(model: nn.Module, example: Example, other: Example) -> bool:
    first, second = answered(model, example), answered(model, other)
    if first is None or second is None or first.ndim < 2 or first.shape != second.shape or first.shape[1] < 2:
        return False
    return torch.allclose(first[:, :-1], second[:, :-1], atol=1e-5) and not torch.equal(first[:, -1], second[:, -1])

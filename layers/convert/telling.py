"""Models that write down themselves which of their layers are converted."""

from __future__ import annotations

from torch import nn

from bilinear.layers.places import is_pretrained


def told(model: nn.Module) -> None:
    """Tell a model of transformers what its layers are now, so that its `save_pretrained` writes it down."""
    if is_pretrained(model):
        from bilinear.layers.huggingface import attach_

        attach_(model)

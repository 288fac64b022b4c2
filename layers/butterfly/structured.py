"""The base of linear layers whose weight is a product of sparse factors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bilinear.layers.checks import FLOATS, require_features, require_float, require_like, require_sizes
from bilinear.layers.errors import LayerError


class StructuredLinear(nn.Module):
    """`y = x W^T + b` with a weight that is never formed.

    Attributes:
        in_features: Length of an input vector.
        out_features: Length of an output vector.
        bias: Shape (out_features,), or None.
    """

    bias: nn.Parameter | None

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        require_sizes(self.name(), in_features, out_features)

    def name(self) -> str:
        """The layer, as error texts name it."""
        return f"{type(self).__name__}({self.in_features} -> {self.out_features})"

    def factors(self) -> Sequence[Tensor]:
        """The learned blocks."""
        raise NotImplementedError

    def product(self, x: Tensor) -> Tensor:
        """The weight times each token, shape (tokens, in_features) to (tokens, out_features)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: Shape (..., in_features).

        Returns:
            Shape (..., out_features).

        Raises:
            LayerError: If the last axis, the dtype or the device does not fit.
        """
        require_features(self, x, self.in_features)
        require_like(self, x, self.factors()[0])
        y = self.product(x.reshape(-1, self.in_features))
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)
        return y.reshape(*x.shape[:-1], self.out_features)

    def dense_weight(self) -> Tensor:
        """The weight, shape (out_features, in_features)."""
        like = self.factors()[0]
        return self.product(torch.eye(self.in_features, dtype=like.dtype, device=like.device)).mT

    def weight_parameters(self) -> int:
        """Learned numbers, bias left out."""
        return sum(blocks.numel() for blocks in self.factors())

    def flops(self, tokens: int) -> int:
        """Multiplications and additions of a forward pass without bias, factor by factor: two for each number."""
        return 2 * tokens * self.weight_parameters()

    def dense_flops(self, tokens: int) -> int:
        """Multiplications and additions of `torch.nn.Linear` without bias."""
        return 2 * tokens * self.in_features * self.out_features

    def _make_bias(self, bias: bool, device: torch.device | str | None, dtype: torch.dtype) -> None:
        """A bias drawn as `torch.nn.Linear` draws it, or None."""
        self.register_parameter(
            "bias", nn.Parameter(torch.empty(self.out_features, device=device, dtype=dtype)) if bias else None
        )
        if self.bias is not None:
            bound = self.in_features**-0.5
            nn.init.uniform_(self.bias, -bound, bound)

    def _checked(self, dtype: torch.dtype | None) -> torch.dtype:
        """The dtype, or torch's default.

        Raises:
            LayerError: If it is no real floating type.
        """
        dtype = dtype or torch.get_default_dtype()
        require_float(f"layer {self.name()}:", dtype)
        return dtype


def require_linear(linear: nn.Module, kind: str) -> nn.Linear:
    """The dense layer that another is made from.

    Raises:
        LayerError: If it is none, or its weight is complex or not finite.
    """
    if not isinstance(linear, nn.Linear):
        raise LayerError(f"{kind}: {type(linear).__name__}; a torch.nn.Linear is needed")
    name = f"layer Linear({linear.in_features} -> {linear.out_features})"
    if linear.weight.dtype not in FLOATS:
        raise LayerError(f"{name}: a weight of {linear.weight.dtype}; {kind} holds real numbers, a real one is needed")
    if not bool(torch.isfinite(linear.weight).all()):
        raise LayerError(f"{name}: its weight holds a number that is not finite; no factors are near it")
    return linear

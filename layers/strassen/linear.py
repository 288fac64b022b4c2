"""Linear and highway layers with a budget of products."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.checks import require_features, require_like, require_sizes
from bilinear.layers.strassen.budget import Operations, linear_operations
from bilinear.layers.strassen.sum_product import SumProduct, Weights

CARRY = -2.0
"""Bias of a fresh highway's gate, so that it begins by letting the input through (Srivastava et al. 2015)."""


class StrassenLinear(SumProduct):
    """`y = D ((E_w vec A) * norm(E_x x)) + b`: `rank` multiplications for each input vector.

    Attributes:
        encoder_x: Shape (rank, in_features).
        decoder: Shape (out_features, rank).
        norm: Batch normalisation of the encoded input without a scale, or None.
        bias: Shape (out_features,), or None.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int,
        bias: bool = True,
        *,
        weights: Weights = "free",
        normalise: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights at full precision.

        Args:
            in_features: Length of an input vector.
            out_features: Length of an output vector.
            rank: Number of products.
            bias: Whether to add a bias.
            weights: `free` numbers, or a dense weight `encoded` by a third ternary matrix, of rank * in * out numbers.
            normalise: Whether the encoded input is batch-normalised, as in the paper's convolutional networks.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a size is below 1, or the dtype is not floating.
        """
        super().__init__(rank, weights)
        self.in_features, self.out_features = in_features, out_features
        require_sizes(self.name(), in_features, out_features)
        self._make((rank, in_features), (out_features, rank), (out_features, in_features), device, dtype)
        self.norm = normalisation(nn.BatchNorm1d, rank, device, dtype) if normalise else None
        self.bias = nn.Parameter(torch.zeros(out_features, device=device, dtype=dtype)) if bias else None

    def name(self) -> str:
        """`StrassenLinear(in -> out)`."""
        return f"StrassenLinear({self.in_features} -> {self.out_features})"

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
        require_like(self, x, self.decoder)
        encoded = functional.linear(x, self._used(self.encoder_x))
        if self.norm is not None and encoded.numel():
            encoded = self.norm(encoded.reshape(-1, self.rank)).reshape(encoded.shape)
        return functional.linear(encoded * self.products(), self._used(self.decoder), self.bias)

    def operations(self) -> Operations:
        """Multiplications and additions for one input vector, all ternary numbers taken as nonzero."""
        return linear_operations(self.in_features, self.out_features, self.rank)

    def extra_repr(self) -> str:
        """What `print(layer)` shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, rank={self.rank}"


class StrassenHighway(nn.Module):
    """`gate * relu(transform(x)) + (1 - gate) * x`, `gate` the sigmoid of a layer too; both are `StrassenLinear`.

    Source:
        R. K. Srivastava, K. Greff and J. Schmidhuber, "Highway networks", 2015 (arXiv 1505.00387).
    """

    def __init__(
        self,
        features: int,
        rank: int,
        *,
        weights: Weights = "free",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer whose gate begins nearly closed.

        Args:
            features: Length of input and output vectors.
            rank: Number of products of each of the two layers.
            weights: As for `StrassenLinear`.
            device: Likewise.
            dtype: Likewise.

        Raises:
            LayerError: As `StrassenLinear`.
        """
        super().__init__()
        self.transform, self.gate = (
            StrassenLinear(features, features, rank, weights=weights, device=device, dtype=dtype) for _ in range(2)
        )
        assert self.gate.bias is not None
        nn.init.constant_(self.gate.bias, CARRY)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of shape (..., features)."""
        gate = torch.sigmoid(self.gate(x))
        return gate * functional.relu(self.transform(x)) + (1 - gate) * x


def normalisation(
    kind: type[nn.Module], rank: int, device: torch.device | str | None, dtype: torch.dtype | None
) -> nn.Module:
    """A batch normalisation whose scale is fixed at 1: the products' numbers scale already."""
    norm = kind(rank, device=device, dtype=dtype)
    norm.get_parameter("weight").requires_grad_(False)
    return norm

"""Convolutions with a budget of products: a ternary convolution, numbers, a ternary transposed convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.checks import require_like
from bilinear.layers.errors import LayerError
from bilinear.layers.strassen.budget import Operations, conv_operations
from bilinear.layers.strassen.linear import normalisation
from bilinear.layers.strassen.sum_product import SumProduct, Weights

Size = int | Sequence[int]


class StrassenConv(SumProduct):
    """A convolution in `rank` multiplications for each patch of `patch`^d outputs.

    The encoder is a convolution with kernel `(patch - 1) stride + kernel` and stride `patch stride`, the decoder a
    transposed one with kernel and stride `patch`. Where patches do not cover the output exactly, the input is padded
    with zeros and the output cut, so that its shape is the dense convolution's.

    Attributes:
        encoder_x: Shape (rank, in_channels / groups, *span).
        decoder: Shape (rank, out_channels, patch, ...).
        norm: Batch normalisation of the encoded input without a scale, or None.
        bias: Shape (out_channels,), or None.
    """

    axes: ClassVar[int]
    _conv: ClassVar[Callable[..., Tensor]]
    _transposed: ClassVar[Callable[..., Tensor]]
    _norm: ClassVar[type[nn.Module]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        rank: int,
        *,
        stride: Size = 1,
        padding: Size = 0,
        patch: int = 1,
        groups: int = 1,
        bias: bool = True,
        weights: Weights = "free",
        normalise: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights at full precision.

        Args:
            in_channels: Number of input channels.
            out_channels: Number of output channels.
            kernel_size: Of the dense convolution it stands for.
            rank: Number of products for each patch.
            stride: Of the dense convolution.
            padding: Zeros on both sides of each axis.
            patch: Outputs computed at once along each axis, the paper's p.
            groups: Of the encoder; divides in_channels and rank.
            bias: Whether to add a bias.
            weights: `free` numbers, or a dense kernel `encoded` by a third ternary matrix.
            normalise: Whether the encoded input is batch-normalised, as in the paper's networks.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a size is below 1, groups do not divide, or the dtype is not floating.
        """
        super().__init__(rank, weights)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = map(self._sizes, (kernel_size, stride, padding))
        self.patch, self.groups = patch, groups
        self._check()
        span = tuple((patch - 1) * s + k for s, k in zip(self.stride, self.kernel_size, strict=True))
        self._make(
            (rank, in_channels // groups, *span),
            (rank, out_channels, *(patch,) * self.axes),
            (out_channels, in_channels // groups, *self.kernel_size),
            device,
            dtype,
        )
        self.norm = normalisation(type(self)._norm, rank, device, dtype) if normalise else None
        self.bias = nn.Parameter(torch.zeros(out_channels, device=device, dtype=dtype)) if bias else None

    def _sizes(self, size: Size) -> tuple[int, ...]:
        sizes = (size,) * self.axes if isinstance(size, int) else tuple(size)
        if len(sizes) != self.axes:
            raise LayerError(f"{type(self).__name__}: {len(sizes)} sizes {sizes}; one or {self.axes} are needed")
        return sizes

    def _check(self) -> None:
        positive = (self.in_channels, self.out_channels, *self.kernel_size, *self.stride, self.patch, self.groups)
        if min(positive) < 1 or min(self.padding) < 0:
            raise LayerError(f"layer {self.name()}: a size is below 1, or a padding below 0; give larger ones")
        if self.in_channels % self.groups or self.rank % self.groups:
            raise LayerError(
                f"layer {self.name()}: {self.groups} groups do not divide {self.in_channels} channels and rank "
                f"{self.rank}; choose another number"
            )

    def name(self) -> str:
        """`StrassenConv2d(in -> out)`."""
        return f"{type(self).__name__}({self.in_channels} -> {self.out_channels})"

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        """Outputs along each axis for inputs of that size.

        Raises:
            LayerError: If the input is smaller than the kernel, or has another number of axes.
        """
        if len(size) != self.axes:
            raise LayerError(f"layer {self.name()}: {len(size)} sizes {tuple(size)}; {self.axes} are needed")
        found = tuple(
            (side + 2 * pad - kernel) // step + 1
            for side, pad, kernel, step in zip(size, self.padding, self.kernel_size, self.stride, strict=True)
        )
        if min(found) < 1:
            raise LayerError(
                f"layer {self.name()}: input of size {tuple(size)} is smaller than the kernel {self.kernel_size}; "
                "pad it"
            )
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: Shape (batch, in_channels, *sizes).

        Returns:
            Shape (batch, out_channels, *output_size(sizes)).

        Raises:
            LayerError: If the shape, the dtype or the device does not fit.
        """
        if x.ndim != self.axes + 2 or x.shape[1] != self.in_channels:
            raise LayerError(
                f"layer {self.name()}: input of shape {tuple(x.shape)}; {self.axes + 2} axes are needed, "
                f"the second of {self.in_channels}"
            )
        require_like(self, x, self.decoder)
        output = self.output_size(x.shape[2:])
        if not len(x):
            return x.new_empty(0, self.out_channels, *output)
        own = type(self)
        step = tuple(self.patch * s for s in self.stride)
        encoded = own._conv(self._padded(x, output), self._used(self.encoder_x), None, step, 0, 1, self.groups)
        encoded = encoded if self.norm is None else self.norm(encoded)
        scaled = encoded * self.products().reshape(-1, *(1,) * self.axes)
        y = own._transposed(scaled, self._used(self.decoder), self.bias, self.patch)
        for axis, size in enumerate(output, start=2):
            y = y.narrow(axis, 0, size)
        return y

    def _padded(self, x: Tensor, output: tuple[int, ...]) -> Tensor:
        """The input with zeros around it, so that whole patches are computed."""
        margins: list[int] = []
        for axis in reversed(range(self.axes)):
            patches = -(-output[axis] // self.patch)
            needed = (patches * self.patch - 1) * self.stride[axis] + self.kernel_size[axis]
            before = self.padding[axis]
            margins += [before, needed - before - x.shape[2 + axis]]
        return functional.pad(x, margins) if any(margins) else x

    def operations(self, size: Sequence[int]) -> Operations:
        """Multiplications and additions for one input of that size, all ternary numbers taken as nonzero."""
        return conv_operations(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.output_size(size),
            self.rank,
            patch=self.patch,
            stride=self.stride,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        """What `print(layer)` shows."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, rank={self.rank}, "
            f"stride={self.stride}, patch={self.patch}, groups={self.groups}"
        )


class StrassenConv1d(StrassenConv):
    """Along one axis."""

    axes = 1
    _conv: ClassVar[Any] = staticmethod(functional.conv1d)
    _transposed: ClassVar[Any] = staticmethod(functional.conv_transpose1d)
    _norm = nn.BatchNorm1d


class StrassenConv2d(StrassenConv):
    """Along two axes."""

    axes = 2
    _conv: ClassVar[Any] = staticmethod(functional.conv2d)
    _transposed: ClassVar[Any] = staticmethod(functional.conv_transpose2d)
    _norm = nn.BatchNorm2d


class StrassenConv3d(StrassenConv):
    """Along three axes."""

    axes = 3
    _conv: ClassVar[Any] = staticmethod(functional.conv3d)
    _transposed: ClassVar[Any] = staticmethod(functional.conv_transpose3d)
    _norm = nn.BatchNorm3d

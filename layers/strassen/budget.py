"""Multiplications and additions of StrassenNets layers and of dense layers, by the paper's formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Operations:
    """A number of scalar operations for one sample.

    Attributes:
        multiplications: Of real numbers; those by -1, 0 and 1 are none.
        additions: Or subtractions; one for each ternary number, taken as nonzero.
    """

    multiplications: int
    additions: int

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.multiplications + other.multiplications, self.additions + other.additions)


def linear_operations(in_features: int, out_features: int, rank: int) -> Operations:
    """A sum-product layer: `rank` products, `rank * in` additions before them and `out * rank` behind."""
    return Operations(rank, rank * (in_features + out_features))


def dense_linear_operations(in_features: int, out_features: int) -> Operations:
    """A dense layer without bias."""
    return Operations(in_features * out_features, in_features * out_features)


def conv_operations(
    in_channels: int,
    out_channels: int,
    kernel: Sequence[int],
    output: Sequence[int],
    rank: int,
    *,
    patch: int = 1,
    stride: Sequence[int] | None = None,
    groups: int = 1,
) -> Operations:
    """A convolution that computes `patch`^d outputs at once: `rank` products for each patch.

    The encoder's kernel spans the inputs of a patch, `(patch - 1) stride + kernel` along each axis; the decoder writes
    `patch`^d outputs of each channel. Against the dense convolution's, the multiplications are fewer by
    `in out kernel^d patch^d / rank` (and by 1 / groups of that, where it is grouped).

    Args:
        in_channels: Number of input channels.
        out_channels: Number of output channels.
        kernel: Of the dense convolution, along each axis.
        output: Outputs along each axis.
        rank: Number of products.
        patch: Outputs computed at once, along each axis.
        stride: Of the dense convolution; ones if None.
        groups: Of the encoder.

    Source:
        M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets", ICML 2018, section 3.
    """
    steps = stride or [1] * len(kernel)
    patches = math.prod(-(-size // patch) for size in output)
    span = math.prod((patch - 1) * step + side for step, side in zip(steps, kernel, strict=True))
    encoding = rank * (in_channels // groups) * span
    decoding = rank * out_channels * patch ** len(kernel)
    return Operations(rank * patches, patches * (encoding + decoding))


def dense_conv_operations(
    in_channels: int, out_channels: int, kernel: Sequence[int], output: Sequence[int], groups: int = 1
) -> Operations:
    """A dense convolution without bias."""
    count = in_channels // groups * out_channels * math.prod(kernel) * math.prod(output)
    return Operations(count, count)

"""The convolution by torch's own operations: any device and dtype, seen by autograd, the compiler and counters."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bilinear.layers.winograd.schemes import Axes, Padding, matrix, output_size, tiles, widened


def convolve(x: Tensor, filters: Tensor, axes: Axes, padding: Padding, groups: int) -> Tensor:
    """The convolution without bias.

    Args:
        x: Shape (batch, channels, height, width).
        filters: See `schemes.transformed`.
        axes: Of height and width.
        padding: Zeros on both sides.
        groups: Of channels.

    Returns:
        Shape (batch, out channels, height', width').
    """
    (batch, channels), size = x.shape[:2], output_size(x, axes, padding)
    (down, across), (first, second) = tiles(size, axes), axes
    below, right = (
        count * axis.outputs + axis.taps - 1 - length - before
        for count, axis, length, before in zip((down, across), axes, x.shape[2:], padding, strict=True)
    )
    wide = widened(x.dtype)
    image = functional.pad(x, (padding[1], right, padding[0], below)).to(wide)
    data = image.unfold(2, first.reach, first.outputs).unfold(3, second.reach, second.outputs)
    into, across_into = matrix(first.data, x, wide), matrix(second.data, x, wide)
    forms = into @ data @ across_into.mT
    rank = first.rank * second.rank
    lefts = forms.permute(4, 5, 1, 0, 2, 3).reshape(rank * groups, channels // groups, -1).to(x.dtype)
    products = torch.bmm(filters.reshape(rank * groups, -1, channels // groups), lefts)
    forms = products.reshape(first.rank, second.rank, -1, batch, down, across).permute(3, 2, 4, 5, 0, 1).to(wide)
    found = matrix(first.result, x, wide) @ forms @ matrix(second.result, x, wide).mT
    whole = found.permute(0, 1, 2, 4, 3, 5).reshape(batch, -1, down * first.outputs, across * second.outputs)
    return whole[:, :, : size[0], : size[1]].to(x.dtype)

"""The convolution by Triton's kernels on CUDA; on the CPU where Triton interprets them. Imported on first use."""

from __future__ import annotations

# mypy: disable-error-code="import-untyped, import-not-found"
from functools import lru_cache
from types import ModuleType
from typing import Final

import torch
import triton
import triton.language as tl
from torch import Tensor

from bilinear.layers.winograd.generated import module_of
from bilinear.layers.winograd.schemes import Axes, Padding, output_size, tiles
from bilinear.layers.winograd.source import triton_source

BLOCK: Final = 128
"""Channels that a program transforms."""
WARPS: Final = 4

NUMBERS: Final = {torch.float32: tl.float32, torch.bfloat16: tl.float32, torch.float16: tl.float32}


@lru_cache(maxsize=64)
def kernels(axes: Axes) -> ModuleType:
    """The kernels of two axes."""
    first, second = axes
    return module_of(triton_source((first.into, second.into), (first.out, second.out)))


def convolve(x: Tensor, filters: Tensor, bias: Tensor | None, axes: Axes, padding: Padding, groups: int) -> Tensor:
    """The convolution, without gradients.

    Args:
        x: Shape (batch, channels, height, width).
        filters: See `schemes.transformed`.
        bias: Shape (out channels,), or None.
        axes: Of height and width.
        padding: Zeros on both sides.
        groups: Of channels.

    Returns:
        Shape (batch, out channels, height', width'), in the memory order of x.
    """
    (batch, channels), size = x.shape[:2], output_size(x, axes, padding)
    down, across = tiles(size, axes)
    (rank, count, inner), planes = filters.shape, batch * down * across
    code, number = kernels(axes), NUMBERS[x.dtype]
    steps = axes[0].outputs, axes[1].outputs
    image = x.permute(0, 2, 3, 1).contiguous()
    forms = x.new_empty((rank, planes, channels))
    grid = (planes, triton.cdiv(channels, BLOCK))
    code.into_kernel[grid](
        image, forms, *x.shape[2:], channels, down, across, *padding, *steps, planes * channels, number, BLOCK,
        num_warps=WARPS,
    )  # fmt: skip
    lefts = forms.view(rank, planes, groups, inner).transpose(1, 2).reshape(rank * groups, planes, inner)
    products = torch.bmm(lefts, filters.reshape(rank * groups, -1, inner).mT)
    products = products.view(rank, groups, planes, -1).transpose(1, 2).reshape(rank, planes, count)
    y = x.new_empty((batch, *size, count))
    given = products if bias is None else bias.contiguous()
    grid = (planes, triton.cdiv(count, BLOCK))
    code.out_kernel[grid](
        y, products, given, *size, count, down, across, *steps, planes * count, number, BLOCK, bias is not None,
        num_warps=WARPS,
    )  # fmt: skip
    found = y.permute(0, 3, 1, 2)
    return found if x.is_contiguous(memory_format=torch.channels_last) else found.contiguous()

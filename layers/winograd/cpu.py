"""The convolution on the CPU: transforms by compiled programs, products by oneDNN where torch has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.layers.checks import dtype_name
from bilinear.layers.kernels.cpu import DTYPES
from bilinear.layers.kernels.crew import share
from bilinear.layers.winograd.schemes import Axes, Padding, output_size, tiles

WORKSPACE: Final = 1 << 18
"""Forms that a thread holds at once: in the caches, and enough for the products to run at full speed (measured)."""
FEWEST_TILES: Final = 48
"""Tiles whose products are computed together at least: with fewer the filters are read for too little (measured)."""
LANES: Final = (32, 16, 8, 4, 2, 1)
"""Channels that a transform handles at a time."""


@dataclass(frozen=True, eq=False)
class Filters:
    """Transformed filters, and what multiplies with them.

    Attributes:
        plain: See `schemes.transformed`, shape (rank, out channels, channels of a group).
        groups: Of channels.
        packed: In the order of oneDNN; None where torch has none of it for them.
    """

    plain: Tensor
    groups: int
    packed: Tensor | None


def packed(filters: Tensor, groups: int, tile_count: int) -> Filters:
    """Filters in the order in which they are read; made once for a weight."""
    rank, out, inner = filters.shape
    kernels = filters.reshape(rank * out, inner, 1, 1)
    usable = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if filters.dtype != torch.float32 or _reordered is None or not usable:
        return Filters(filters, groups, None)
    shape = [1, rank * groups * inner, tile_count, 1]
    return Filters(filters, groups, _reordered(kernels, [0, 0], [1, 1], [1, 1], rank * groups, shape))


def _operator(name: str) -> Callable[..., Tensor] | None:
    """An operator of oneDNN that torch's own compiler uses; None where torch is built without it."""
    found: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, name, None)
    return found


_reordered, _pointwise = _operator("_reorder_convolution_weight"), _operator("_convolution_pointwise")


def computes(x: Tensor) -> bool:
    """Whether this code takes such input."""
    return x.device.type == "cpu" and x.dtype in DTYPES


def convolve(x: Tensor, filters: Filters, bias: Tensor | None, axes: Axes, padding: Padding) -> Tensor:
    """The convolution, some rows of tiles at a time; each thread goes through all steps of its own.

    Args:
        x: Shape (batch, channels, height, width), float32 or float64.
        filters: See `packed`.
        bias: Shape (out channels,), or None.
        axes: Of height and width.
        padding: Zeros on both sides.

    Returns:
        Shape (batch, out channels, height', width'), in the memory order of x.
    """
    (batch, channels), size = x.shape[:2], output_size(x, axes, padding)
    down, across = tiles(size, axes)
    count = filters.plain.shape[1]
    y = x.new_empty((batch, *size, count))
    images, found = _blocked(x.permute(0, 2, 3, 1).contiguous()), _blocked(y)
    shift = x.new_zeros(count) if bias is None else bias.detach().contiguous()
    into = _kernel(axes, images.shape[-1], x.dtype, "into")
    out = _kernel(axes, found.shape[-1], x.dtype, "out")
    rows, every = rows_at_once(axes, across, channels, batch * down), batch * down
    rank, steps = (axes[0].rank, axes[1].rank), (axes[0].outputs, axes[1].outputs)

    def compute(begin: int) -> None:
        end = min(begin + rows, every)
        forms = _held((end - begin) * across, rank[0] * rank[1] * channels, x.dtype)
        into(images, _forms(forms, rank, images.shape[-1]), begin, end, down, across, *steps, *padding)
        products = _forms(_multiplied(forms, filters), rank, found.shape[-1])
        out(products, found, shift.numpy().reshape(found.shape[-2:]), begin, end, down, across)

    share(compute, range(0, every, rows))
    planes = y.permute(0, 3, 1, 2)
    return planes if x.is_contiguous(memory_format=torch.channels_last) else planes.contiguous()


def rows_at_once(axes: Axes, across: int, channels: int, every: int) -> int:
    """Rows of tiles that a thread handles together, of all there are: none waits while another has much to do."""
    numbers = across * axes[0].rank * axes[1].rank * channels
    most = max(WORKSPACE // numbers, -(-FEWEST_TILES // across), 1)
    threads = torch.get_num_threads()
    return -(-every // max(threads * -(-every // (threads * most)), 1))


def _held(rows: int, columns: int, dtype: torch.dtype) -> Tensor:
    """Memory of this thread, kept for the next time: new pages cost more than what is computed in them (measured)."""
    kept: Tensor | None = getattr(_OWN, "forms", None)
    if kept is None or kept.numel() < rows * columns or kept.dtype != dtype:
        _OWN.forms = kept = torch.empty(rows * columns, dtype=dtype)
    return kept[: rows * columns].view(rows, columns)


_OWN = threading.local()


def _multiplied(forms: Tensor, filters: Filters) -> Tensor:
    """The products of every tile: shape (tiles, rank channels) to (tiles, rank out channels)."""
    count, (rank, out, inner) = len(forms), filters.plain.shape
    if filters.packed is not None:
        assert _pointwise is not None
        planes = forms.view(1, count, 1, -1).permute(0, 3, 1, 2)
        move = [0, 0], [1, 1], [1, 1], rank * filters.groups
        found = _pointwise(planes, filters.packed, None, *move, "none", [], "")
        return found.permute(0, 2, 3, 1).reshape(count, -1)
    products = forms.new_empty((count, rank * out))
    each = rank * filters.groups
    lefts = forms.view(count, each, inner).transpose(0, 1)
    torch.bmm(lefts, filters.plain.view(each, -1, inner).mT, out=products.view(count, each, -1).transpose(0, 1))
    return products


def _forms(forms: Tensor, rank: tuple[int, int], lanes: int) -> NDArray[Any]:
    """By tile, product of each axis, block of channels and lane."""
    array: NDArray[Any] = forms.view(len(forms), *rank, -1, lanes).numpy()
    return array


def _blocked(images: Tensor) -> NDArray[Any]:
    """Images (batch, height, width, channels) with channels in blocks of lanes."""
    channels = images.shape[-1]
    lanes = next(size for size in LANES if channels % size == 0)
    array: NDArray[Any] = images.detach().view(*images.shape[:3], -1, lanes).numpy()
    return array


@lru_cache(maxsize=64)
def _kernel(axes: Axes, lanes: int, dtype: torch.dtype, name: str) -> Callable[..., None]:
    """The driver `into` or `out`, compiled at its first call."""
    from bilinear.layers.winograd.generated import module_of
    from bilinear.layers.winograd.source import INTO, OUT, numba_source

    first, second = (axis.into if name == "into" else axis.out for axis in axes)
    source = numba_source(first, second, lanes, dtype_name(dtype), INTO if name == "into" else OUT)
    found: Callable[..., None] = getattr(module_of(source), name)
    return found

"""Matrices in tiles, and their padding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bilinear.layers.errors import LayerError
from bilinear.layers.kernels.dispatch import is_recorded

COMMON_TILES = range(2, 7)
"""The tile sizes that an error text may suggest."""


def tiles_of(size: int, side: int) -> int:
    """Number of tiles of length `side` that cover `size`."""
    return (size + side - 1) // side


def require_multiple(owner: str, size: int, side: int, unit: str = "") -> None:
    """Refuse a size that tiles do not cover exactly.

    Args:
        owner: The layer, as the error text names it.
        size: The size of the matrix along one axis.
        side: The side of the tile along it.
        unit: What is counted, if the layer's name does not say so.

    Raises:
        LayerError: If `size` is no multiple of `side`.
    """
    if size % side:
        fitting = [str(t) for t in COMMON_TILES if size % t == 0]
        choice = f", or choose tile {' or '.join(fitting)}" if fitting else ""
        counted = f"{size} {unit} are" if unit else f"{size} is"
        raise LayerError(f"{owner}: {counted} not a multiple of the tile size {side}; pass pad=True{choice}")


def pad_to_tiles(matrix: Tensor, tile: tuple[int, int]) -> Tensor:
    """The matrix with zeros below and to the right, so that tiles cover it; itself where they do.

    An exported or traced program, whose number of tokens may be open, pads without asking whether it must.
    """
    rows, columns = (tiles_of(size, side) * side - size for size, side in zip(matrix.shape, tile, strict=True))
    if is_recorded() or rows or columns:
        return functional.pad(matrix, (0, columns, 0, rows))
    return matrix


def cut(matrix: Tensor, shape: tuple[int, int]) -> Tensor:
    """The first rows and columns of a matrix that was padded.

    An exported program picks the rows: a slice would ask whether an open number of them is within the matrix.
    """
    if is_recorded():
        return matrix.index_select(0, torch.arange(shape[0], device=matrix.device))[:, : shape[1]]
    return matrix[: shape[0], : shape[1]]

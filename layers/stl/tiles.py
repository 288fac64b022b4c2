"""Matrices in tiles: padding, the encoding of every tile, and the way back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from layers.errors import LayerError

COMMON_TILES = range(2, 7)
"""The tile sizes that an error text may suggest."""


def tiles_of(size: int, side: int) -> int:
    """Number of tiles of length `side` that cover `size`."""
    return -(-size // side)


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
    """The matrix with zeros below and to the right, so that tiles cover it; itself where they do."""
    rows, columns = (-size % side for size, side in zip(matrix.shape, tile, strict=True))
    return functional.pad(matrix, (0, columns, 0, rows)) if rows or columns else matrix


def encode(matrix: Tensor, encoder: Tensor, tile: tuple[int, int]) -> Tensor:
    """Every tile, flattened row by row, in the encoder's basis.

    Args:
        matrix: Shape (I a, J b).
        encoder: Shape (rank, a b), or one for each column of tiles, (J, rank, a b).
        tile: (a, b).

    Returns:
        One matrix for each product, contiguous, shape (rank, I, J).
    """
    (a, b), (rows, columns) = tile, matrix.shape
    grid = (rows // a, columns // b)
    tiles = matrix.reshape(grid[0], a, grid[1], b)
    if encoder.ndim == 2:
        flat = tiles.permute(1, 3, 0, 2).reshape(a * b, grid[0] * grid[1])
        return torch.mm(encoder, flat).reshape(len(encoder), *grid)
    by_column = tiles.permute(2, 1, 3, 0).reshape(grid[1], a * b, grid[0])
    return torch.bmm(encoder, by_column).permute(1, 2, 0).contiguous()


def decode(products: Tensor, decoder: Tensor, tile: tuple[int, int]) -> Tensor:
    """The matrix whose tiles are the decoded products.

    Args:
        products: One matrix for each product, shape (rank, I, J).
        decoder: Shape (a b, rank), or one for each column of tiles, (J, a b, rank).
        tile: (a, b).

    Returns:
        Shape (I a, J b).
    """
    (a, b), (rank, rows, columns) = tile, products.shape
    if decoder.ndim == 2:
        tiles = torch.mm(decoder, products.reshape(rank, rows * columns)).reshape(a, b, rows, columns)
        return tiles.permute(2, 0, 3, 1).reshape(rows * a, columns * b)
    tiles = torch.bmm(decoder, products.permute(2, 0, 1)).reshape(columns, a, b, rows)
    return tiles.permute(3, 1, 0, 2).reshape(rows * a, columns * b)

"""Encoding and decoding by torch's own operations, on every device and in every dtype; what the kernels must equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

Tile = tuple[int, int]

ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "none": lambda y: y,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
}
"""What may follow a decoding; each takes 0 to 0."""


def encode(matrix: Tensor, encoder: Tensor, tile: Tile) -> Tensor:
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
    if encoder.ndim == 2:
        return torch.mm(encoder, flat_tiles(matrix, tile)).reshape(len(encoder), *grid)
    by_column = matrix.reshape(grid[0], a, grid[1], b).permute(2, 1, 3, 0).reshape(grid[1], a * b, grid[0])
    return torch.bmm(encoder, by_column).permute(1, 2, 0).contiguous()


def decode(
    products: Tensor, decoder: Tensor, tile: Tile, bias: Tensor | None = None, activation: str = "none"
) -> Tensor:
    """The matrix whose tiles are the decoded products, with the bias added, and the activation taken of it.

    Args:
        products: One matrix for each product, shape (rank, I, J).
        decoder: Shape (a b, rank), or one for each column of tiles, (J, a b, rank).
        tile: (a, b).
        bias: Shape (J b,), or None.
        activation: One of `ACTIVATIONS`.

    Returns:
        Shape (I a, J b).
    """
    (a, b), (rank, rows, columns) = tile, products.shape
    if decoder.ndim == 2:
        tiles = torch.mm(decoder, products.reshape(rank, rows * columns)).reshape(a, b, rows, columns)
        y = tiles.permute(2, 0, 3, 1).reshape(rows * a, columns * b)
    else:
        tiles = torch.bmm(decoder, products.permute(2, 0, 1)).reshape(columns, a, b, rows)
        y = tiles.permute(3, 1, 0, 2).reshape(rows * a, columns * b)
    return ACTIVATIONS[activation](y if bias is None else y + bias.to(y.dtype))


def recode(
    products: Tensor,
    decoder: Tensor,
    tile: Tile,
    bias: Tensor | None,
    activation: str,
    encoder: Tensor,
    shape: tuple[int, int],
) -> Tensor:
    """Decode, and encode the result for the next layer, whose input tiles are this one's output tiles.

    Args:
        products: As for `decode`, and so are the next four.
        decoder: Shape (a b, rank).
        tile: (a, b).
        bias: Shape (J b,), or None.
        activation: One of `ACTIVATIONS`.
        encoder: Of the next layer, shape (its rank, a b).
        shape: Rows and columns of the decoded matrix that are not padding; the others become 0.

    Returns:
        Shape (its rank, I, J).
    """
    return encode(cleared(decode(products, decoder, tile, bias, activation), shape), encoder, tile)


def flat_tiles(matrix: Tensor, tile: Tile) -> Tensor:
    """The tiles (I, J) of a matrix, each flattened row by row to a column, shape (a b, I J)."""
    (a, b), (rows, columns) = tile, matrix.shape
    grid = (rows // a, columns // b)
    return matrix.reshape(grid[0], a, grid[1], b).permute(1, 3, 0, 2).reshape(a * b, grid[0] * grid[1])


def cleared(matrix: Tensor, shape: tuple[int, int]) -> Tensor:
    """The matrix with zeros beyond `shape`; itself where nothing is beyond."""
    if tuple(matrix.shape) == tuple(shape):
        return matrix
    below, right = (size - kept for size, kept in zip(matrix.shape, shape, strict=True))
    return functional.pad(matrix[: shape[0], : shape[1]], (0, right, 0, below))

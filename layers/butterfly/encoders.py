"""Fast encoders: the changes of basis of a Kronecker product of schemes, applied one small factor after the other.

The encoder of a scheme with r products on tiles of n x m numbers is a matrix (r, n m), and encoding a tile costs r n m
multiplications by it. That of a Kronecker product is the Kronecker product of smaller ones, a transform with a fast
algorithm of one step for each: 343 x 64 entries for Strassen's scheme applied three times, but 3 steps of 7 x 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis
from bilinear.layers.stl.basis import Floats, Source
from bilinear.layers.stl.tiles import pad_to_tiles

EXACT = 1e-12
"""Relative Frobenius residual below which a matrix is a Kronecker product."""

Sides = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Part:
    """One of the factors of a Kronecker product of encoders.

    Attributes:
        matrix: Shape (products, rows * columns of a tile).
        sides: (rows, columns) of a tile.
    """

    matrix: Floats
    sides: Sides


def kronecker_parts(matrix: Floats, sides: Sides) -> list[Part]:
    """The factors of an encoder, outermost first: tiles of tiles, products in the order of the Kronecker product.

    Args:
        matrix: Shape (rank, rows * columns), tiles flattened row by row.
        sides: (rows, columns) of a tile.

    Returns:
        The matrix alone if it is no Kronecker product.
    """
    for rank, outer in _splits(len(matrix), sides):
        found = _divided(matrix, sides, rank, outer)
        if found is not None:
            return [found[0], *kronecker_parts(found[1].matrix, found[1].sides)]
    return [Part(matrix, sides)]


def _splits(rank: int, sides: Sides) -> Iterator[tuple[int, Sides]]:
    """Products and sides of the outer factor, small ones first; neither factor is a single number."""
    grids = [(n, m) for n in _divisors(sides[0]) for m in _divisors(sides[1])]
    for outer in sorted(grids, key=math.prod):
        if 1 < math.prod(outer) < math.prod(sides):
            yield from ((products, outer) for products in _divisors(rank))


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _divided(matrix: Floats, sides: Sides, rank: int, outer: Sides) -> tuple[Part, Part] | None:
    """Outer and inner factor of these sizes: the rearranged matrix has rank 1 (Van Loan and Pitsianis 1993)."""
    (n, m), inner = outer, (sides[0] // outer[0], sides[1] // outer[1])
    grid = matrix.reshape(rank, len(matrix) // rank, n, inner[0], m, inner[1]).transpose(0, 2, 4, 1, 3, 5)
    table = grid.reshape(rank * n * m, -1)
    row, column = np.unravel_index(np.abs(table).argmax(), table.shape)
    left, right = table[:, column] / table[row, column], table[row]
    if np.linalg.norm(table - np.outer(left, right)) > EXACT * np.linalg.norm(table):
        return None
    return Part(left.reshape(rank, n * m), outer), Part(right.reshape(-1, math.prod(inner)), inner)


def multiplications(parts: Sequence[Part]) -> int:
    """Multiplications by entries, zero or not, to encode one tile step by step."""
    return sum(part.matrix.size * times for part, times in zip(parts, _times(parts), strict=True))


def additions(parts: Sequence[Part]) -> int:
    """Additions to encode one tile step by step, of nonzero entries."""
    own = [int(np.count_nonzero(part.matrix)) - len(part.matrix) for part in parts]
    return sum(count * times for count, times in zip(own, _times(parts), strict=True))


def _times(parts: Sequence[Part]) -> list[int]:
    """How often each part is applied, the outermost first: for products made before it and numbers still to come."""
    shapes = [part.matrix.shape for part in parts]
    return [math.prod(r for r, _ in shapes[:k]) * math.prod(c for _, c in shapes[k + 1 :]) for k in range(len(parts))]


@dataclass(frozen=True, eq=False)
class FastEncoders:
    """The changes of basis of a scheme by parts, as tensors.

    Attributes:
        x: Encoders of activation tiles, outermost first, each (products, n m).
        x_sides: (n, m) of each.
        decoder: Each (n p, products); there may be more or fewer than encoders.
        decoder_sides: (n, p) of each.
    """

    x: tuple[Tensor, ...]
    x_sides: tuple[Sides, ...]
    decoder: tuple[Tensor, ...]
    decoder_sides: tuple[Sides, ...]

    @classmethod
    def of(
        cls, source: Source, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
    ) -> FastEncoders:
        """Those of a scheme that is a Kronecker product of others.

        Raises:
            LayerError: If neither its encoder nor its decoder is a Kronecker product.
        """
        basis = Basis.of(source)
        n, m, p = basis.tile
        left, right = kronecker_parts(basis.u, (n, m)), kronecker_parts(basis.w, (n, p))
        if len(left) == len(right) == 1:
            raise LayerError(
                f"{basis.target}: its {basis.rank} products are no Kronecker product of schemes; multiply_encoded "
                "takes every scheme"
            )

        def tensor(matrix: Floats) -> Tensor:
            return torch.tensor(matrix, dtype=dtype, device=device)

        return cls(
            tuple(tensor(part.matrix) for part in left),
            tuple(part.sides for part in left),
            tuple(tensor(part.matrix.T) for part in right),
            tuple(part.sides for part in right),
        )


def multiply_by_parts(rows: Tensor, weight: Tensor, encoders: FastEncoders) -> Tensor:
    """What `bilinear.layers.stl.multiply_encoded` computes, in as many small changes of basis as there are factors.

    Args:
        rows: Shape (M, K).
        weight: Encoded by the whole scheme, shape (rank, ceil(K / m), J).
        encoders: In their dtype and on their device.

    Returns:
        Shape (ceil(M / n) n, J p).
    """
    n, m = zip(*encoders.x_sides, strict=True)
    padded = pad_to_tiles(rows, (math.prod(n), math.prod(m)))
    high, wide, count = padded.shape[0] // math.prod(n), padded.shape[1] // math.prod(m), len(n)
    inside = [axis for k in range(count) for axis in (1 + k, 2 + count + k)]
    tiles = padded.reshape(high, *n, wide, *m).permute(*inside, 0, 1 + count)
    products = torch.bmm(_stepwise(tiles, encoders.x).reshape(len(weight), high, wide), weight)
    sides, count = encoders.decoder_sides, len(encoders.decoder_sides)
    found = _stepwise(products, encoders.decoder).reshape(*(side for pair in sides for side in pair), high, -1)
    back = [2 * count, *range(0, 2 * count, 2), 2 * count + 1, *range(1, 2 * count, 2)]
    return found.permute(back).reshape(high * math.prod(n), -1)


def _stepwise(x: Tensor, steps: Sequence[Tensor]) -> Tensor:
    """The Kronecker product of matrices times x, on whose leading axes they act, outermost first."""
    made = 1
    for step in steps:
        x = torch.matmul(step, x.reshape(made, step.shape[1], -1))
        made *= step.shape[0]
    return x

"""`MonarchLinear`: a linear layer whose weight is a product of two block-diagonal factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.butterfly.factors import orthogonal
from bilinear.layers.butterfly.linear import LINEAR_GAIN
from bilinear.layers.butterfly.structured import StructuredLinear, require_linear
from bilinear.layers.errors import LayerError

Blocks = int | tuple[int, int] | None


class MonarchLinear(StructuredLinear):
    """`y = x W^T + b`; W falls into a grid of blocks, each of at most the rank.

    Inputs are cut into `column_blocks` runs of neighbours, outputs into `row_blocks` sets of every so-many-th; a block
    belongs to a pair of these. Sizes that are no multiples are padded with zeros, and outputs cut.

    Attributes:
        right: Applied first; takes each run to `rank` numbers for each set of outputs, shape
            (column_blocks, row_blocks * rank, inputs of a run).
        left: Applied second, shape (row_blocks, outputs of a set, column_blocks * rank).

    Source:
        T. Dao et al., "Monarch: expressive structured matrices for efficient and accurate training", ICML 2022, for
        M = P L P^T R and its projection, square and of rank 1; rectangular sizes, grids and ranks are ours.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        blocks: Blocks = None,
        rank: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random orthogonal blocks.

        Args:
            in_features: Length of an input vector.
            out_features: Length of an output vector.
            bias: Whether to add a bias.
            blocks: The grid (row_blocks, column_blocks), one number for both, or the square roots of the sizes.
            rank: Of each block.
            device: Where the tensors live.
            dtype: A real floating type; torch's default if None.

        Raises:
            LayerError: If a size, the rank or the grid does not fit, or the dtype is not real and floating.
        """
        super().__init__(in_features, out_features)
        dtype = self._checked(dtype)
        self.row_blocks, self.column_blocks = self._grid(blocks)
        self.rank = rank
        self.run, self.set = -(-in_features // self.column_blocks), -(-out_features // self.row_blocks)
        most = min(self.run, self.set)
        if not 1 <= rank <= most:
            raise LayerError(
                f"layer {self.name()}: rank {rank} of blocks of {self.set} x {self.run}; 1 to {most} is needed"
            )
        shapes = (
            (self.column_blocks, self.row_blocks * rank, self.run),
            (self.row_blocks, self.set, self.column_blocks * rank),
        )
        self.right, self.left = (nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) for shape in shapes)
        self._make_bias(bias, device, dtype)
        self.reset_parameters()

    def _grid(self, blocks: Blocks) -> tuple[int, int]:
        if blocks is None:
            return math.isqrt(self.out_features), math.isqrt(self.in_features)
        rows, columns = (blocks, blocks) if isinstance(blocks, int) else blocks
        if not (1 <= rows <= self.out_features and 1 <= columns <= self.in_features):
            raise LayerError(
                f"layer {self.name()}: a grid of {rows} x {columns} blocks; from 1 x 1 to "
                f"{self.out_features} x {self.in_features} is needed"
            )
        return rows, columns

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw orthogonal blocks; the outputs have the variance of those of a fresh `torch.nn.Linear`."""
        padding = (self.run * self.column_blocks / self.in_features) ** 0.5
        for factor, gain in ((self.right, LINEAR_GAIN * padding), (self.left, 1.0)):
            count, rows, columns = factor.shape
            if not factor.is_meta:
                factor.copy_(orthogonal((count, rows, 1, 1, columns, 1), factor.device).reshape(factor.shape) * gain)

    @classmethod
    @torch.no_grad()
    def from_linear(cls, linear: nn.Linear, *, blocks: Blocks = None, rank: int = 1) -> Self:
        """The nearest layer of this grid and rank to a dense one, with its bias, dtype and device.

        Each block of the weight keeps its first singular vectors, which is the least Frobenius error (Eckart, Young):
        the blocks share no numbers.

        Args:
            linear: The dense layer.
            blocks: The grid.
            rank: Of each block.

        Raises:
            LayerError: If the weight is complex or not finite, or the grid or the rank does not fit.
        """
        require_linear(linear, cls.__name__)
        like = linear.weight
        layer = cls(
            linear.in_features,
            linear.out_features,
            linear.bias is not None,
            blocks=blocks,
            rank=rank,
            device=like.device,
            dtype=like.dtype,
        )
        layer._project(like.double())
        if layer.bias is not None:
            layer.bias.copy_(linear.bias)
        return layer

    def _project(self, weight: Tensor) -> None:
        """Set both factors from a dense weight."""
        rows, columns = self.row_blocks, self.column_blocks
        padding = (0, columns * self.run - self.in_features, 0, rows * self.set - self.out_features)
        grid = functional.pad(weight, padding).reshape(self.set, rows, columns, self.run).permute(1, 2, 0, 3)
        u, values, v = torch.linalg.svd(grid, full_matrices=False)
        root = values[..., : self.rank].sqrt()
        left, right = u[..., : self.rank] * root[..., None, :], v[..., : self.rank, :] * root[..., None]
        self.left.copy_(left.permute(0, 2, 1, 3).reshape(self.left.shape))
        self.right.copy_(right.permute(1, 0, 2, 3).reshape(self.right.shape))

    def factors(self) -> Sequence[Tensor]:
        """Both factors, in the order in which they are applied."""
        return [self.right, self.left]

    def product(self, x: Tensor) -> Tensor:
        """The weight times each token, shape (tokens, in_features) to (tokens, out_features)."""
        rows, columns, rank = self.row_blocks, self.column_blocks, self.rank
        wide = functional.pad(x, (0, columns * self.run - self.in_features))
        inner = torch.bmm(wide.reshape(-1, columns, self.run).transpose(0, 1), self.right.mT)
        inner = inner.reshape(columns, -1, rows, rank).permute(2, 1, 0, 3).reshape(rows, -1, columns * rank)
        y = torch.bmm(inner, self.left.mT)
        return y.permute(1, 2, 0).reshape(-1, rows * self.set)[:, : self.out_features]

    def extra_repr(self) -> str:
        """What `print(layer)` shows."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"blocks=({self.row_blocks}, {self.column_blocks}), rank={self.rank}, bias={self.bias is not None}, "
            f"weight_parameters={self.weight_parameters()}"
        )

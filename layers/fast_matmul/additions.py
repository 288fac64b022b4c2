"""The additions of a scheme on blocks of torch matrices: compiled in one pass on the CPU, by torch elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from layers.fast_matmul.plan import Rows
from layers.kernels.cpu import threads_of_torch

COMPILED = (torch.float32, torch.float64)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Equal blocks of a matrix, or a stack of matrices, counted row by row.

    Attributes:
        memory: Holds them, shape (matrices, rows, columns); columns are adjacent.
        grid: Blocks of one matrix, down and across.
    """

    memory: Tensor
    grid: tuple[int, int] = (1, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Of a block."""
        return self.memory.shape[1] // self.grid[0], self.memory.shape[2] // self.grid[1]

    def __getitem__(self, index: int) -> Tensor:
        height, width = self.shape
        matrix, place = divmod(index, self.grid[0] * self.grid[1])
        i, j = divmod(place, self.grid[1])
        return self.memory[matrix, i * height : (i + 1) * height, j * width : (j + 1) * width]

    def flat(self) -> NDArray[Any]:
        """The memory from the first number to the last."""
        last = sum((size - 1) * stride for size, stride in zip(self.memory.shape, self.memory.stride(), strict=True))
        array: NDArray[Any] = self.memory.as_strided((last + 1,), (1,)).numpy()
        return array

    def starts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where blocks begin in `flat()`."""
        height, width = self.shape
        matrix, place = np.divmod(indices, self.grid[0] * self.grid[1])
        i, j = np.divmod(place, self.grid[1])
        outer, row, _ = self.memory.stride()
        return np.asarray(matrix * outer + i * (height * row) + j * width, np.int64)


def combine(source: Blocks, target: Blocks, rows: Rows) -> None:
    """Write the linear combinations of source blocks that `rows` names into target blocks.

    Args:
        source: Float blocks.
        target: Of the same block shape, dtype and device; not the same memory.
        rows: Which blocks, with which coefficients.
    """
    if source.memory.device.type == "cpu" and source.memory.dtype in COMPILED:
        _compiled(source, target, rows)
    else:
        _by_torch(source, target, rows)


def _compiled(source: Blocks, target: Blocks, rows: Rows) -> None:
    from layers.fast_matmul import kernel

    read, written = source.flat(), target.flat()
    with threads_of_torch():
        kernel.combine(
            read,
            source.starts(rows.indices),
            source.memory.stride(1),
            written,
            target.starts(rows.targets),
            target.memory.stride(1),
            *source.shape,
            rows.gains,
            rows.starts,
            rows.coefficients.astype(read.dtype),
        )


def _by_torch(source: Blocks, target: Blocks, rows: Rows) -> None:
    for t, block in enumerate(rows.targets.tolist()):
        out, gain = target[block], bool(rows.gains[t])
        terms = slice(rows.starts[t], rows.starts[t + 1])
        if not gain and terms.start == terms.stop:
            out.zero_()
        for index, coefficient in zip(rows.indices[terms].tolist(), rows.coefficients[terms].tolist(), strict=True):
            if gain:
                out.add_(source[index], alpha=coefficient)
            else:
                torch.mul(source[index], coefficient, out=out)
            gain = True

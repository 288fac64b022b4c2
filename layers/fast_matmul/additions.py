"""The additions of a scheme on blocks of torch matrices: compiled in one pass on the CPU, by torch elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.layers.checks import dtype_name
from bilinear.layers.errors import RangeError
from bilinear.layers.fast_matmul.rows import Rows, Source
from bilinear.layers.kernels.cpu import threads_of_torch

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

    Raises:
        RangeError: If the dtype does not hold one of them.
    """
    if not rows.largest <= (most := torch.finfo(source.memory.dtype).max):
        kind = dtype_name(source.memory.dtype)
        raise RangeError(
            f"fast_matmul in {kind}: a coefficient of {rows.largest:.4g}; it holds numbers up to {most:.4g}"
        )
    if source.memory.device.type == "cpu" and source.memory.dtype in COMPILED:
        _compiled(source, target, rows)
    else:
        _by_torch(source, target, rows)


def _compiled(source: Blocks, target: Blocks, rows: Rows) -> None:
    from bilinear.layers.fast_matmul import kernel

    read, written = source.flat(), target.flat()
    reads = [places(rows.indices) for places in (source.starts, _aside, target.starts)]
    with threads_of_torch():
        kernel.combine(
            read,
            np.choose(rows.sources, reads),
            rows.sources,
            source.memory.stride(1),
            written,
            np.where(rows.aside, _aside(rows.targets), target.starts(rows.targets)),
            rows.aside,
            target.memory.stride(1),
            *source.shape,
            rows.gains,
            rows.starts,
            rows.coefficients.astype(read.dtype),
            rows.temporaries * kernel.CHUNK,
        )


def _aside(places: NDArray[np.int64]) -> NDArray[np.int64]:
    from bilinear.layers.fast_matmul import kernel

    return places * kernel.CHUNK


def _by_torch(source: Blocks, target: Blocks, rows: Rows) -> None:
    aside = Blocks(target.memory.new_empty(rows.temporaries, *target.shape))
    blocks = {Source.SOURCE: source, Source.ASIDE: aside, Source.TARGET: target}
    for t, (block, is_aside) in enumerate(zip(rows.targets.tolist(), rows.aside.tolist(), strict=True)):
        part = slice(rows.starts[t], rows.starts[t + 1])
        terms = zip(rows.sources[part], rows.indices[part].tolist(), rows.coefficients[part].tolist(), strict=True)
        read = [(blocks[Source(where)][index], coefficient) for where, index, coefficient in terms]
        _sum_into((aside if is_aside else target)[block], read, bool(rows.gains[t]))


def _sum_into(out: Tensor, terms: list[tuple[Tensor, float]], gain: bool) -> None:
    """Each operation passes over memory once, so the first two terms are taken together where one is unscaled."""
    terms = sorted(terms, key=lambda term: term[1] != 1)
    if not gain and not terms:
        out.zero_()
    elif not gain and len(terms) > 1 and terms[0][1] == 1:
        torch.add(terms[0][0], terms[1][0], alpha=terms[1][1], out=out)
        terms = terms[2:]
    elif not gain:
        torch.mul(*terms[0], out=out)
        terms = terms[1:]
    for x, coefficient in terms:
        out.add_(x, alpha=coefficient)

"""Fast transforms: products of butterfly factors and selections, applied one after the other.

A butterfly factor has blocks; which blocks says what it is. With radix 2 and width 1 it is one level of a butterfly;
with width r of a block butterfly; two factors of radix sqrt(N) are a Monarch matrix; one with 1 x 1 blocks is diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.cyclotomic import Integers
from bilinear.decompositions.transforms.errors import TransformError

UNITS = (1, -1, 1j, -1j)
"""Coefficients that cost no multiplication."""

ROUNDING = 1e-12


class Sparse(NamedTuple):
    """A sparse matrix: its shape, and rows, columns and values of its entries, by rows."""

    shape: tuple[int, int]
    rows: Integers
    columns: Integers
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class ButterflyFactor:
    """A block of each group mixes the children of a column node into the children of a row node.

    `y[a, c, j, o] = sum_bs blocks[a, c, j, o, b, s] x[a, j, b, s]`, both vectors flattened in this order of indices.

    Attributes:
        blocks: Shape (row nodes a, row children c, column nodes j, width out o, column children b, width in s).
    """

    blocks: NDArray[Any]

    def __post_init__(self) -> None:
        if self.blocks.ndim != 6:
            raise TransformError(f"butterfly factor: blocks with {self.blocks.ndim} axes; six are needed")

    @property
    def shape(self) -> tuple[int, int]:
        """(outputs, inputs)."""
        a, c, j, o, b, s = self.blocks.shape
        return a * c * j * o, a * j * b * s

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """The product with the columns of x, shape (inputs, k)."""
        a, c, j, o, b, s = self.blocks.shape
        left = self.blocks.transpose(0, 2, 1, 3, 4, 5).reshape(a, j, c * o, b * s)
        y: NDArray[Any] = left @ x.reshape(a, j, b * s, -1)
        return y.reshape(a, j, c, o, -1).swapaxes(1, 2).reshape(self.shape[0], -1)

    def sparse(self) -> Sparse:
        """The nonzero entries."""
        _, c, j, o, b, s = self.blocks.shape
        at = np.nonzero(self.blocks)
        row, child, node, out, column_child, inner = at
        rows = ((row * c + child) * j + node) * o + out
        columns = ((row * j + node) * b + column_child) * s + inner
        order = np.lexsort((columns, rows))
        return Sparse(self.shape, rows[order], columns[order], self.blocks[at][order])


@dataclass(frozen=True, eq=False)
class Selection:
    """A permutation, or a part of one: `y[i] = x[indices[i]]`, 0 where the index is -1.

    Attributes:
        indices: Shape (outputs,).
        inputs: Length of x.
    """

    indices: Integers
    inputs: int

    def __post_init__(self) -> None:
        if len(self.indices) and not (self.indices.min() >= -1 and self.indices.max() < self.inputs):
            raise TransformError(f"selection: an index lies outside {self.inputs} inputs")

    @property
    def shape(self) -> tuple[int, int]:
        """(outputs, inputs)."""
        return len(self.indices), self.inputs

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """The selected rows of x, shape (inputs, k)."""
        chosen = x[self.indices]
        chosen[self.indices < 0] = 0
        return chosen

    def sparse(self) -> Sparse:
        """The ones."""
        rows = np.flatnonzero(self.indices >= 0)
        return Sparse(self.shape, rows, self.indices[rows], np.ones(len(rows)))


Factor = ButterflyFactor | Selection


class Operations(NamedTuple):
    """What one application costs, in the field of the entries.

    Attributes:
        multiplications: By entries other than 1, -1, i, -i.
        additions: Of two numbers.
        parameters: Nonzero entries of the butterfly factors.
    """

    multiplications: int
    additions: int
    parameters: int


@dataclass(frozen=True, eq=False)
class FastTransform:
    """A product of factors.

    Attributes:
        factors: In the order in which they are applied.

    Raises:
        TransformError: If the sizes of two neighbours disagree.
    """

    factors: tuple[Factor, ...]

    def __post_init__(self) -> None:
        for first, second in zip(self.factors, self.factors[1:], strict=False):
            if first.shape[0] != second.shape[1]:
                raise TransformError(f"factors of shapes {second.shape} and {first.shape} cannot be multiplied")

    @property
    def size(self) -> int:
        """Length of the input."""
        return self.factors[0].shape[1]

    @property
    def butterflies(self) -> tuple[ButterflyFactor, ...]:
        """The factors that hold numbers."""
        return tuple(factor for factor in self.factors if isinstance(factor, ButterflyFactor))

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """The transform of a vector, or of each column of a matrix."""
        columns = x.reshape(len(x), -1)
        for factor in self.factors:
            columns = factor.apply(columns)
        return columns.reshape(-1, *x.shape[1:])

    def dense(self) -> NDArray[Any]:
        """The matrix.

        Raises:
            TooLargeError: If it would not fit into memory.
        """
        widest = max(factor.shape[0] for factor in self.factors)
        memory.require(3 * 16 * widest * self.size, f"the matrix of a transform of {self.size}")
        return self.apply(np.eye(self.size))

    def operations(self) -> Operations:
        """Counted from the nonzero entries; a row of k entries takes k - 1 additions."""
        parts = [factor.sparse() for factor in self.butterflies]
        multiplications = sum(int(_costly(part.values).sum()) for part in parts)
        additions = sum(len(part.rows) - len(np.unique(part.rows)) for part in parts)
        return Operations(multiplications, additions, sum(len(part.rows) for part in parts))


def _costly(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are none of the four units, up to rounding."""
    return np.asarray((np.abs(values[:, None] - np.array(UNITS)) > ROUNDING).all(axis=1))


def diagonal(values: NDArray[Any]) -> ButterflyFactor:
    """The factor diag(values)."""
    return ButterflyFactor(values.reshape(-1, 1, 1, 1, 1, 1))


def relative_error(matrix: NDArray[Any], approximation: NDArray[Any]) -> float:
    """||matrix - approximation||_F / ||matrix||_F."""
    return float(np.linalg.norm(matrix - approximation) / np.linalg.norm(matrix))

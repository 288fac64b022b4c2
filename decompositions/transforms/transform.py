"""A linear transform: its matrix in floats and, where its entries are algebraic, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix
from bilinear.decompositions.transforms.errors import TransformError

MAX_SIZE = 1 << 14
BYTES_AN_ENTRY = 64
"""Of a matrix while it is built: exponents, complex values and their sums."""

Matrix = NDArray[Any]
"""Of float64 or complex128."""


@dataclass(frozen=True, eq=False)
class Transform:
    """The map x -> A x.

    Attributes:
        name: As users write it, `dft`, `circulant:1,2,3`, `file:map.npy`.
        matrix: A, float64 or complex128, shape (size, size).
        exact: A over its number field; None where it has none, as for random entries and files.

    Raises:
        TransformError: If the matrix is not square, empty, not finite, or zero.
    """

    name: str
    matrix: Matrix
    exact: CyclotomicMatrix | None = None

    def __post_init__(self) -> None:
        shape = self.matrix.shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise TransformError(f"{self.name}: shape {shape}; a square matrix is needed")
        if not np.isfinite(self.matrix).all():
            i, j = np.argwhere(~np.isfinite(self.matrix))[0].tolist()
            raise TransformError(f"{self.name}: entry [{i},{j}] is not finite; finite numbers are needed")
        if not self.matrix.any():
            raise TransformError(f"{self.name}: every entry is 0; there is nothing to factor")
        self.matrix.setflags(write=False)

    @property
    def size(self) -> int:
        """Length of the input."""
        return int(self.matrix.shape[0])

    @property
    def is_complex(self) -> bool:
        """Whether the matrix has complex entries."""
        return bool(np.iscomplexobj(self.matrix))


@dataclass(frozen=True)
class TransformFamily:
    """A family of transforms in the registry.

    Attributes:
        usage: How a member is written, `dft` or `circulant[:C0,C1,...]`.
        description: One line for people: the entry (k, n) of its matrix.
        build: From the text after the colon (empty if none), the size (None if not given) and a seed to the transform.
    """

    usage: str
    description: str
    build: Callable[[str, int | None, int], Transform]


def checked_size(name: str, size: int | None) -> int:
    """The size, once it is known that a matrix of it can be held.

    Raises:
        TransformError: If it is missing, below 2 or above 16384.
        TooLargeError: If the matrix would not fit into memory.
    """
    if size is None:
        raise TransformError(f"{name}: the size is missing; give --size, as in --size 64")
    if size < 2:
        raise TransformError(f"{name}: size {size}; a transform of one number is a scaling, sizes from 2 on are needed")
    if size > MAX_SIZE:
        raise TransformError(f"{name}: size {size}; at most {MAX_SIZE} is held as a matrix, choose a smaller size")
    memory.require(BYTES_AN_ENTRY * size * size, f"the matrix of {name}:{size}")
    return size


def from_cyclotomic(name: str, exact: CyclotomicMatrix) -> Transform:
    """The transform of an exact matrix."""
    index: Any = np.arange(exact.size)
    return Transform(name, exact.numeric(index[:, None], index[None, :]), exact)

"""The bilinear map itself: a sparse 3-way integer tensor with names for its coordinates."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError

_OTHER = re.compile(r"[^A-Za-z0-9 ._,:=+^*()~@-]")
"""What no name holds: quotes, slashes, brackets of code, what does not print, what other alphabets look alike in."""


@dataclass(frozen=True, eq=False)
class Target:
    """A bilinear map `f(x, y)[k] = sum_ij T[i,j,k] x[i] y[j]`.

    Attributes:
        name: As users write it, `matmul:2x2x2`.
        sizes: The family's parameters, (n, m, p) for `matmul`, one after the other for a Kronecker product; empty for
            a family that is not told apart by numbers, such as `file`.
        shape: (left, right, out), the lengths of x, y and f(x, y).
        indices: Positions of the nonzero entries, lexicographic, shape (nonzeros, 3).
        values: Their values, shape (nonzeros,).
        names: Names of the coordinates of x, y and f(x, y), for printing.

    Raises:
        TargetError: If an index lies outside the shape, a position occurs twice, an entry is zero, or the name holds
            more than letters, digits, spaces and a few signs.
    """

    name: str
    sizes: tuple[int, ...]
    shape: tuple[int, int, int]
    indices: NDArray[np.int64]
    values: NDArray[np.int64]
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    def __post_init__(self) -> None:
        _require_plain(self.name)
        indices, values = self.indices, self.values
        if indices.shape != (len(values), 3):
            raise TargetError(f"{self.name}: indices of shape {indices.shape} for {len(values)} values")
        if min(self.shape) < 1:
            raise TargetError(f"{self.name}: shape {self.shape}: every side needs at least one coordinate")
        if len(indices) and ((indices < 0).any() or (indices >= np.array(self.shape)).any()):
            raise TargetError(f"{self.name}: an index lies outside the shape {self.shape}")
        if (values == 0).any() or len(values) == 0:
            raise TargetError(f"{self.name}: the tensor needs nonzero entries only, and at least one")
        if not _strictly_increasing(indices):
            raise TargetError(f"{self.name}: entries must be sorted and each position given once")
        indices.setflags(write=False)
        values.setflags(write=False)

    @property
    def family(self) -> str:
        """`matmul`, `file`, `complex`, ..."""
        return self.name.split(":", 1)[0]

    @property
    def short(self) -> str:
        """The name people use: `2x2x2` for `matmul:2x2x2`, else the full name."""
        return self.name.removeprefix("matmul:")

    @cached_property
    def key(self) -> str:
        """SHA-256 of the tensor, in hexadecimal: the identity of the map, whatever its name."""
        digest = hashlib.sha256(repr(self.shape).encode())
        digest.update(self.indices.astype("<i8").tobytes())
        digest.update(self.values.astype("<i8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and (self is other or self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def dense(self) -> NDArray[np.int64]:
        """The tensor as an array, shape (left, right, out).

        Raises:
            TooLargeError: If it would not fit into memory.
        """
        memory.require(8 * self.entries, f"the dense tensor of {self.name}")
        tensor = np.zeros(self.shape, dtype=np.int64)
        tensor[tuple(self.indices.T)] = self.values
        return tensor

    @property
    def entries(self) -> int:
        """Number of tensor entries, zeros included."""
        left, right, out = self.shape
        return left * right * out


@dataclass(frozen=True)
class Family:
    """A family of targets in the registry.

    Attributes:
        usage: How a member is written, `matmul:NxMxP`.
        description: One line for people.
        build: From the text after the colon to the target.
    """

    usage: str
    description: str
    build: Callable[[str], Target]


def plain(text: str) -> str:
    """A text of others as it stands in comments and strings of every language: `<U+0022>` for a quotation mark."""
    return _OTHER.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def _require_plain(name: str) -> None:
    """Refuse a name that could be taken for anything but a name, in generated code, on a terminal or in a file."""
    other = _OTHER.search(name)
    if other is not None:
        signs = "letters a to z, digits, spaces and . _ , : = + ^ * ( ) ~ @ - are taken"
        raise TargetError(f"target {name[:60]!a}: a name with {other[0]!a}; {signs}")


def _strictly_increasing(indices: NDArray[np.int64]) -> bool:
    """Whether the rows are in lexicographic order without repetition."""
    step = np.diff(indices, axis=0)
    leading = np.where(step[:, 0] != 0, step[:, 0], np.where(step[:, 1] != 0, step[:, 1], step[:, 2]))
    return bool((leading > 0).all())

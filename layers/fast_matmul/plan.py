"""What a scheme at several levels does with the blocks of its three matrices, in groups of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from decompositions import Approximation, Scheme
from layers.errors import LayerError
from layers.stl.basis import Basis, Floats

MOST_PRODUCTS = 2**16
MOST_COEFFICIENTS = 2**26
WORKSPACE = 0.5
"""Of the size of the three matrices: measured, between one product at a time and all of them."""

Matrix = Literal["a", "b", "c"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Linear combinations: target `targets[t]` becomes, or gains, the sum of `coefficients[k] * source[indices[k]]`.

    Attributes:
        targets: Blocks written, shape (count,).
        gains: Whether the block keeps what it holds, shape (count,).
        starts: The terms of t are `starts[t]` up to `starts[t + 1]`, shape (count + 1,).
        indices: Blocks read, shape (terms,).
        coefficients: Shape (terms,).
    """

    targets: NDArray[np.int64]
    gains: NDArray[np.bool_]
    starts: NDArray[np.int64]
    indices: NDArray[np.int64]
    coefficients: Floats

    @classmethod
    def of(cls, factor: Floats, targets: NDArray[np.int64], gains: NDArray[np.bool_]) -> Rows:
        """The nonzeros of a factor, shape (count, blocks read)."""
        row, column = np.nonzero(factor)
        starts = np.searchsorted(row, np.arange(len(factor) + 1))
        return cls(targets, gains, starts.astype(np.int64), column.astype(np.int64), factor[row, column])


@dataclass(frozen=True, eq=False)
class Group:
    """Products computed together.

    Attributes:
        size: Number of products.
        left: Encodes the left operand, one row for each product.
        right: Encodes the right operand, likewise.
        out: Takes the products to the blocks of the result.
    """

    size: int
    left: Rows
    right: Rows
    out: Rows


@dataclass(frozen=True)
class Roles:
    """Which of the three matrices of C = A B are given, and which is computed.

    The trilinear form of a scheme, `sum_q (u_q . A) (v_q . B) (w_q . C)`, serves all three: leave one matrix out, and
    the other two give it. So the gradients use the scheme of the product itself.

    Attributes:
        left: The left operand.
        right: The right operand.
        out: The result.
        transpose_left: Whether the product of two blocks takes the left one transposed.
        transpose_right: Likewise the right one.
    """

    left: Matrix
    right: Matrix
    out: Matrix
    transpose_left: bool = False
    transpose_right: bool = False


PRODUCT = Roles("a", "b", "c")
LEFT_GRADIENT = Roles("c", "b", "a", transpose_right=True)
RIGHT_GRADIENT = Roles("a", "c", "b", transpose_left=True)


@dataclass(frozen=True, eq=False)
class Plan:
    """A scheme of n x m x p applied `levels` times, flattened to one scheme of n^levels x m^levels x p^levels.

    Attributes:
        factors: Of the matrices a, b and c, shapes (rank^levels, blocks).
        grids: Blocks of each matrix, down and across.
        rank: Products of one level.
    """

    factors: dict[Matrix, Floats]
    grids: dict[Matrix, tuple[int, int]]
    rank: int

    @property
    def products(self) -> int:
        """Products of all levels."""
        return len(self.factors["a"])

    def group_size(self, share: float) -> int:
        """Products that fit into the workspace, all products of some last levels where that is possible.

        Those read the same blocks, so that they are read once.

        Args:
            share: Size of the blocks of one product, of the size of the three matrices.
        """
        most = min(max(int(WORKSPACE / share), 1), self.products)
        whole = 1
        while self.rank > 1 and whole * self.rank <= most:
            whole *= self.rank
        return whole if whole > 1 else most


@lru_cache(maxsize=32)
def plan_of(scheme: Scheme, levels: int) -> Plan:
    """The plan of a scheme over `zt`, `z` or `q`.

    Raises:
        LayerError: If it is no such scheme of matrix multiplication, or has too many products at so many levels.
    """
    if isinstance(scheme, Approximation):
        raise LayerError(f"{scheme.target.short}: an approximation; fast_matmul needs an exact scheme")
    basis = Basis.of(scheme)
    n, m, p = basis.tile
    sizes = n * m, m * p, n * p
    if basis.rank**levels > MOST_PRODUCTS or (basis.rank * max(sizes)) ** levels > MOST_COEFFICIENTS:
        raise LayerError(
            f"{scheme.target.short} of rank {basis.rank} at {levels} levels: {basis.rank}^{levels} products are more "
            "than fast_matmul plans for; use fewer levels"
        )
    shapes: dict[Matrix, tuple[int, int]] = {"a": (n, m), "b": (m, p), "c": (n, p)}
    own = _balanced(basis)
    factors = {name: _flattened(own[name], shapes[name], levels) for name in shapes}
    grids = {name: (rows**levels, columns**levels) for name, (rows, columns) in shapes.items()}
    return Plan(factors, grids, basis.rank)


@lru_cache(maxsize=64)
def groups_of(plan: Plan, roles: Roles, size: int) -> tuple[Group, ...]:
    """The products in turn, `size` at a time; the first group writes every block of the result."""
    left, right, out = (plan.factors[name] for name in (roles.left, roles.right, roles.out))
    written = np.zeros(out.shape[1], np.bool_)
    groups = []
    for first in range(0, plan.products, size):
        part = slice(first, min(first + size, plan.products))
        taken = out[part].T
        live = np.flatnonzero(taken.any(axis=1)) if first else np.arange(out.shape[1])
        own = np.arange(part.stop - first)
        fresh = np.zeros(len(own), np.bool_)
        groups.append(
            Group(
                len(own),
                Rows.of(left[part], own, fresh),
                Rows.of(right[part], own, fresh),
                Rows.of(taken[live], live, written[live]),
            )
        )
        written[live] = True
    return tuple(groups)


def _balanced(basis: Basis) -> dict[Matrix, Floats]:
    """The factors with the largest coefficients of each product near 1, so that half precision does not overflow.

    They are scaled by powers of two, which rounds nothing; ternary factors stay as they are.
    """
    u, v, w = basis.u, basis.v, basis.w
    exponents = [np.frexp(np.abs(factor).max(axis=1, keepdims=True))[1] - 1 for factor in (u, v)]
    return {
        "a": np.ldexp(u, -exponents[0]),
        "b": np.ldexp(v, -exponents[1]),
        "c": np.ldexp(w, exponents[0] + exponents[1]),
    }


def _flattened(factor: Floats, shape: tuple[int, int], levels: int) -> Floats:
    """The Kronecker power of a factor whose rows are matrices of `shape`."""
    blocks = factor.reshape(len(factor), *shape)
    power: NDArray[Any] = np.ones((1, 1, 1))
    for _ in range(levels):
        power = np.kron(power, blocks)
    return power.reshape(len(power), -1)


def splits(roles: Roles, plan: Plan) -> Sequence[int]:
    """Numbers that the rows, the inner size and the columns of a product must be multiples of."""
    (n, m), (_, p) = plan.grids["a"], plan.grids["b"]
    return {"c": (n, m, p), "a": (n, p, m), "b": (m, n, p)}[roles.out]

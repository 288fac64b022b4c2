"""What a scheme at several levels does with the blocks of its three matrices, in groups of products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import Approximation, Scheme, winograd
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.operations import tightened
from bilinear.decompositions.programs import SchemeProgram, require_program, short_program
from bilinear.decompositions.rings import magnitude
from bilinear.layers.errors import LayerError
from bilinear.layers.fast_matmul.programs import Sides, decoder_at, encoder_at, rows_of, sides_of
from bilinear.layers.fast_matmul.rows import Rows
from bilinear.layers.stl.basis import Basis, Floats

MOST_PRODUCTS = 2**16
MOST_COEFFICIENTS = 2**26
LARGEST = 2**53
"""Coefficients above it are cancelled where they can be, so that the sums of the program stay within the floats."""
WORKSPACE = 0.5
"""Of the size of the three matrices: measured, between one product at a time and all of them."""

ALONE = 1 << 20
"""Numbers in a product from which the CPU multiplies the pairs of a group one after the other."""

Matrix = Literal["a", "b", "c"]


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
        levels: How often it is applied.
        sides: The programs of the matrices a, b and c for one level.
        is_winograd: Whether it is Winograd's form of Strassen's scheme, once, with no program asked for.
    """

    factors: dict[Matrix, Floats]
    grids: dict[Matrix, tuple[int, int]]
    rank: int
    levels: int
    sides: dict[Matrix, Sides]
    is_winograd: bool = False

    @property
    def products(self) -> int:
        """Products of all levels."""
        return len(self.factors["a"])

    def group_size(self, share: float, least: int = 1) -> int:
        """Products that fit into the workspace, all products of some last levels where that is possible.

        Those read the same blocks and share the sums of the program.

        Args:
            share: Size of the blocks of one product, of the size of the three matrices.
            least: Products that are computed together whatever they take.
        """
        most = min(max(int(WORKSPACE / share), least), self.products)
        whole = 1
        while self.rank > 1 and whole * self.rank <= most:
            whole *= self.rank
        return whole if whole > 1 else most


@lru_cache(maxsize=32)
def plan_of(scheme: Scheme, levels: int, program: SchemeProgram | None = None) -> Plan:
    """The plan of a scheme over `zt`, `z` or `q`.

    Args:
        scheme: Of n x m x p.
        levels: How often it is applied.
        program: How its sums are made; a short one is looked for if None.

    Raises:
        LayerError: If it is no such scheme of matrix multiplication, has too many products at so many levels, or the
            program is in an alternative basis.
        ProgramError: If the program is of another scheme.
    """
    if isinstance(scheme, Approximation):
        raise LayerError(f"{scheme.target.short}: an approximation; fast_matmul needs an exact scheme")
    if program is None and max(map(magnitude, (*scheme.factors, scheme.denominators))) > LARGEST:
        scheme = tightened(scheme)
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
    known = program is None and levels == 1 and _is_winograd(scheme)
    return Plan(factors, grids, basis.rank, levels, _sides(scheme, program, shapes), known)


def _is_winograd(scheme: Scheme) -> bool:
    """Up to the order of the products, and their signs."""
    return scheme.target.name == "matmul:2x2x2" and scheme.rank == 7 and content_hash(scheme) == _winograd_hash()


@cache
def _winograd_hash() -> str:
    return content_hash(winograd())


def _sides(scheme: Scheme, program: SchemeProgram | None, shapes: dict[Matrix, tuple[int, int]]) -> dict[Matrix, Sides]:
    if program is None:
        program = short_program(scheme)
    elif program.basis is not None:
        raise LayerError(f"{scheme.target.short}: a program in an alternative basis; give one in the scheme's own")
    else:
        require_program(program, scheme)
    left, right = _exponents(Basis.of(scheme))
    gains = [[Fraction(2) ** e for e in own.tolist()] for own in (-left, -right, left + right)]
    return dict(zip(shapes, sides_of(program, list(shapes.values()), gains), strict=True))


def group_size(blocks: Sequence[tuple[int, int]], matrices: Sequence[int], plan: Plan, device: str) -> int:
    """Products computed together, where the blocks of one have these shapes and the matrices so many numbers.

    On the CPU new memory costs more than the sums that are shared (measured); elsewhere a level is kept together, since
    torch passes over memory for every addition, and keeps the memory.
    """
    least = 1 if device == "cpu" else plan.rank
    return plan.group_size(sum(map(math.prod, blocks)) / sum(matrices), least)


@lru_cache(maxsize=64)
def groups_of(plan: Plan, roles: Roles, size: int) -> tuple[Group, ...]:
    """The products in turn, `size` at a time; the first group writes every block of the result."""
    written = np.zeros(plan.factors[roles.out].shape[1], np.bool_)
    encoders = [encoder_at(plan.sides[name], plan.levels) for name in (roles.left, roles.right)]
    groups = []
    for first in range(0, plan.products, size):
        part = range(first, min(first + size, plan.products))
        live = np.flatnonzero(plan.factors[roles.out][part.start : part.stop].any(axis=0))
        if not first:
            live = np.arange(len(written))
        own, fresh = range(len(part)), [False] * len(part)
        left, right = (rows_of(encoder, part, own, fresh) for encoder in encoders)
        decoder = decoder_at(plan.sides[roles.out], plan.levels, part)
        out = rows_of(decoder, live.tolist(), live.tolist(), written[live].tolist())
        groups.append(Group(len(part), left, right, out))
        written[live] = True
    return tuple(groups)


def _balanced(basis: Basis) -> dict[Matrix, Floats]:
    """The factors with the largest coefficients of each product near 1, so that half precision does not overflow.

    They are scaled by powers of two, which rounds nothing; ternary factors stay as they are.
    """
    left, right = (exponents[:, None] for exponents in _exponents(basis))
    return {
        "a": np.ldexp(basis.u, -left),
        "b": np.ldexp(basis.v, -right),
        "c": np.ldexp(basis.w, left + right),
    }


def _exponents(basis: Basis) -> list[NDArray[np.int64]]:
    """Of the largest coefficient of each product's two factors; 2^e is at most that."""
    return [np.frexp(np.abs(factor).max(axis=1))[1].astype(np.int64) - 1 for factor in (basis.u, basis.v)]


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

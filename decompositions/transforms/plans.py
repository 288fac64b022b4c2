"""Plans: how the factors of a transform follow from its entries, whatever the arithmetic.

A plan names pivots, orders and bases only. Carried out in floats it gives a fast transform; modulo primes, the same
factors exactly (`bilinear.decompositions.transforms.exact`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import modular
from bilinear.decompositions.transforms.cyclotomic import Integers, SplittingField
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import ButterflyFactor, FastTransform, Selection
from bilinear.decompositions.transforms.interpolative import Entries, Skeleton, interpolation, last_factor
from bilinear.decompositions.transforms.orders import Ordering
from bilinear.decompositions.transforms.transform import Transform

NEGLIGIBLE = 1e-13
"""Of a float coefficient, relative to the largest of its factor: smaller ones are rounding."""

Stage = NDArray[Any] | Selection
"""Blocks of a butterfly factor, with the leading axes of the arithmetic, or a selection."""


class Arithmetic(Protocol):
    """Where entries lie: in floats, or modulo a prime under every embedding along one leading axis."""

    def read(self, transform: Transform, rows: Integers, columns: Integers) -> NDArray[Any]:
        """Entries at index arrays."""

    def solve(self, matrices: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """X with matrices X = right, shapes (..., n, r, r) and (..., n, r, k)."""

    def product(self, matrix: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
        """Matrix times vector, shapes (..., n, k) and (..., k)."""

    def quotient(self, values: NDArray[Any], divisors: NDArray[Any]) -> NDArray[Any]:
        """Entry by entry."""


class Floats:
    """float64 and complex128."""

    def read(self, transform: Transform, rows: Integers, columns: Integers) -> NDArray[Any]:
        """The matrix's own entries."""
        return transform.matrix[rows, columns]

    def solve(self, matrices: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """By LAPACK."""
        return np.linalg.solve(matrices, right)

    def product(self, matrix: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
        """By BLAS."""
        product: NDArray[Any] = matrix @ vector
        return product

    def quotient(self, values: NDArray[Any], divisors: NDArray[Any]) -> NDArray[Any]:
        """Floating division."""
        quotient: NDArray[Any] = values / divisors
        return quotient


@dataclass(frozen=True)
class Residues:
    """Modulo a prime, under every embedding of the number field.

    Attributes:
        field: The prime field.
    """

    field: SplittingField

    def read(self, transform: Transform, rows: Integers, columns: Integers) -> NDArray[Any]:
        """Of an exact transform, shape (embeddings, ...)."""
        if transform.exact is None:
            raise TransformError(f"{transform.name}: no exact entries are known of it; only floats can be factored")
        return transform.exact.residues(rows, columns, self.field)

    def solve(self, matrices: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """By elimination; a ZeroDivisionError asks for another prime."""
        batch = right.shape[:-2]
        solved = modular.solutions(
            matrices.reshape(-1, *matrices.shape[-2:]), right.reshape(-1, *right.shape[-2:]), self.field.prime
        )
        return solved.reshape(*batch, *right.shape[-2:])

    def product(self, matrix: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
        """One embedding after the other."""
        pairs = zip(matrix, vector, strict=True)
        return np.stack([modular.product(m, v[:, None], self.field.prime)[:, 0] for m, v in pairs])

    def quotient(self, values: NDArray[Any], divisors: NDArray[Any]) -> NDArray[Any]:
        """By inverses; a divisor of 0 asks for another prime."""
        if not divisors.all():
            raise ZeroDivisionError("a divisor is 0 modulo the prime")
        return values * modular.inverses(divisors, self.field.prime) % self.field.prime


class Plan(Protocol):
    """A factorisation that any arithmetic can carry out."""

    @property
    def method(self) -> str:
        """How it was found, in a few words."""

    @property
    def block_rank(self) -> int:
        """The largest rank of a block."""

    @property
    def working_size(self) -> int:
        """Of the matrix that is really factored; larger than the transform where it is embedded."""

    def orders(self) -> list[int]:
        """Of the roots of unity that its factors need."""

    def stages(self, arithmetic: Arithmetic) -> list[Stage]:
        """The factors in the order in which they are applied."""


@dataclass(frozen=True, eq=False)
class ButterflyPlan:
    """A butterfly of interpolative factors between two permutations.

    Attributes:
        transform: What is factored.
        ordering: Row and column orders.
        levels: The skeletons.
    """

    transform: Transform
    ordering: Ordering
    levels: tuple[Skeleton, ...]

    @property
    def method(self) -> str:
        """`butterfly`."""
        return "butterfly"

    @property
    def block_rank(self) -> int:
        """The largest width of a level."""
        return max(level.width for level in self.levels)

    @property
    def working_size(self) -> int:
        """Of the transform."""
        return self.transform.size

    def orders(self) -> list[int]:
        """Of the transform."""
        return _orders(self.transform)

    def stages(self, arithmetic: Arithmetic) -> list[Stage]:
        """Columns in order, the levels, rows in order."""
        rows, columns = self.ordering.row_order, self.ordering.column_order
        size = self.transform.size
        entries = self._entries(arithmetic, rows, columns)
        blocks: list[Stage] = [interpolation(level, entries, arithmetic.solve) for level in self.levels]
        last = last_factor(self.levels[-1], entries)
        return [Selection(columns, size), *blocks, last, Selection(np.argsort(rows), size)]

    def _entries(self, arithmetic: Arithmetic, row_order: Integers, column_order: Integers) -> Entries:
        def entries(rows: Integers, columns: Integers) -> NDArray[Any]:
            return arithmetic.read(self.transform, row_order[rows], column_order[columns])

        return entries


@dataclass(frozen=True, eq=False)
class DiagonalPlan:
    """F^-1 D F for a fast transform F that diagonalises the matrix.

    Attributes:
        transform: What is factored.
        forward: The plan of F.
        backward: The plan of its inverse.
    """

    transform: Transform
    forward: ButterflyPlan
    backward: ButterflyPlan

    @property
    def method(self) -> str:
        """`product through NAME`."""
        return f"product through {self.forward.transform.name}"

    @property
    def block_rank(self) -> int:
        """The larger one of the two butterflies."""
        return max(self.forward.block_rank, self.backward.block_rank)

    @property
    def working_size(self) -> int:
        """Of the transform."""
        return self.transform.size

    def orders(self) -> list[int]:
        """Of all three."""
        return [*_orders(self.transform), *self.forward.orders(), *self.backward.orders()]

    def stages(self, arithmetic: Arithmetic) -> list[Stage]:
        """Of F, the diagonal, of its inverse; as F A = D F, the diagonal is the first column of F A over that of F."""
        index = np.arange(self.transform.size, dtype=np.int64)
        basis = self.forward.transform
        matrix = arithmetic.read(basis, index[:, None], index[None, :])
        column = arithmetic.read(self.transform, index, 0 * index)
        values = arithmetic.quotient(arithmetic.product(matrix, column), arithmetic.read(basis, index, 0 * index))
        middle = values.reshape(*values.shape, 1, 1, 1, 1, 1)
        return [*self.forward.stages(arithmetic), middle, *self.backward.stages(arithmetic)]


@dataclass(frozen=True, eq=False)
class ToeplitzPlan:
    """A Toeplitz matrix as a corner of a circulant.

    Attributes:
        circulant: The plan of a circulant of at least twice the size, less one.
        size: Of the Toeplitz matrix.
    """

    circulant: DiagonalPlan
    size: int

    @property
    def method(self) -> str:
        """Names the basis."""
        return f"corner of a circulant of size {self.circulant.transform.size}, {self.circulant.method}"

    @property
    def block_rank(self) -> int:
        """Of the circulant."""
        return self.circulant.block_rank

    @property
    def working_size(self) -> int:
        """Of the circulant."""
        return self.circulant.transform.size

    def orders(self) -> list[int]:
        """Of the circulant."""
        return self.circulant.orders()

    def stages(self, arithmetic: Arithmetic) -> list[Stage]:
        """Zeros behind the input, the circulant, the first half of the output."""
        index = np.arange(self.working_size, dtype=np.int64)
        padded = Selection(np.where(index < self.size, index, -1), self.size)
        return [padded, *self.circulant.stages(arithmetic), Selection(index[: self.size], self.working_size)]


@dataclass(frozen=True, eq=False)
class KroneckerPlan:
    """The Kronecker product of two transforms: `inner` on every run of the input, then `outer` across the runs.

    Attributes:
        transform: What is factored.
        outer: The plan of a matrix of every m-th row and column.
        inner: The plan of an m x m block.
        pivot: The row and column where the two meet; the product is divided by that entry.
    """

    transform: Transform
    outer: Plan
    inner: Plan
    pivot: tuple[int, int]

    @property
    def method(self) -> str:
        """Names both."""
        return f"Kronecker product of {self.outer.method} and {self.inner.method}"

    @property
    def block_rank(self) -> int:
        """The larger one."""
        return max(self.outer.block_rank, self.inner.block_rank)

    @property
    def working_size(self) -> int:
        """Of the transform."""
        return self.transform.size

    def orders(self) -> list[int]:
        """Of both."""
        return [*self.outer.orders(), *self.inner.orders()]

    def stages(self, arithmetic: Arithmetic) -> list[Stage]:
        """Inner, a shuffle, outer, the shuffle back, and the division where the pivot is not 1."""
        inner, outer = self.inner.stages(arithmetic), self.outer.stages(arithmetic)
        m, n = _inputs(inner[0]), _inputs(outer[0])
        shuffle = np.arange(n * m, dtype=np.int64).reshape(n, m).T.ravel()
        there, back = Selection(shuffle, n * m), Selection(np.argsort(shuffle), n * m)
        return [
            *(_repeated(stage, n) for stage in inner),
            there,
            *(_repeated(stage, m) for stage in outer),
            back,
            *self._scale(arithmetic, n * m),
        ]

    def _scale(self, arithmetic: Arithmetic, size: int) -> list[Stage]:
        row, column = self.pivot
        if self.transform.matrix[row, column] == 1:
            return []
        entry = arithmetic.read(self.transform, np.full(size, row), np.full(size, column))
        inverse = arithmetic.quotient(np.ones_like(entry), entry)
        return [inverse.reshape(*inverse.shape, 1, 1, 1, 1, 1)]


def _inputs(stage: Stage) -> int:
    """Length of a stage's input."""
    if isinstance(stage, Selection):
        return stage.inputs
    a, _, j, _, b, s = stage.shape[-6:]
    return int(a * j * b * s)


def _repeated(stage: Stage, times: int) -> Stage:
    """The block-diagonal matrix of so many copies."""
    if isinstance(stage, Selection):
        steps = np.arange(times)[:, None]
        indices = np.where(stage.indices < 0, -1, stage.indices + steps * stage.inputs)
        return Selection(indices.ravel(), stage.inputs * times)
    return np.concatenate([stage] * times, axis=-6)


def carried_out(plan: Plan) -> FastTransform:
    """The plan in floats."""
    stages = plan.stages(Floats())
    return FastTransform(tuple(s if isinstance(s, Selection) else ButterflyFactor(_clean(s)) for s in stages))


def _clean(blocks: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.abs(blocks) > NEGLIGIBLE * np.abs(blocks).max(), blocks, 0)


def _orders(transform: Transform) -> list[int]:
    return [] if transform.exact is None else [transform.exact.order]

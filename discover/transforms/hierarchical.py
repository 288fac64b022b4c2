"""The hierarchical solver: a fast algorithm from the matrix alone, without restarts.

Structures are tested in this order, each by ranks or residuals and never by the transform's name: a butterfly after
reordering rows and columns; a Kronecker product; a matrix that a fast transform diagonalises; a Toeplitz matrix. What
has none of these is approximated by truncated butterflies.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix, Integers, Terms, prime_factors
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import FastTransform, Selection, relative_error
from bilinear.decompositions.transforms.interpolative import TOLERANCE, skeletons, truncated
from bilinear.decompositions.transforms.orders import FOLDED_STRIDED, HALVES, STRIDED, Ordering, Split, uniform
from bilinear.decompositions.transforms.plans import (
    ButterflyPlan,
    DiagonalPlan,
    KroneckerPlan,
    Plan,
    ToeplitzPlan,
    carried_out,
)
from bilinear.decompositions.transforms.transform import Transform, from_cyclotomic
from bilinear.decompositions.transforms.trigonometric import dct_ii, dft, hadamard, idft
from bilinear.discover.transforms.found import RECOVERED_ERROR, RECOVERED_RANK, Found
from bilinear.discover.transforms.ordering import EVERY, PLAIN, Ranks, Search, orderings
from bilinear.discover.transforms.solver import Say, Task, silent

SMALL_PRIME = 3
DENSE_FACTOR = 6
NOISE = 1e-3
"""Part of the largest entry below which noise counts as 0, where no exact structure was found."""

BYTES = 80
"""Of memory for an entry of the matrix and each unit of width: blocks, and the product of the factors."""

EXACT_STRUCTURE = 1e-12
"""Relative residual below which a matrix has a structure."""

NO_TASK = Task()


@dataclass(frozen=True)
class Hierarchical:
    """Find a plan by testing structures; else the nearest truncated butterfly.

    Attributes:
        width: Block rank allowed.

    Source:
        Q.-T. Le, L. Zheng, E. Riccietti, R. Gribonval, "Fast learning of fast transforms, with guarantees",
        ICASSP 2022, for factors of known supports. Orders from ranks, and interpolative factors, are ours.
    """

    width: int = RECOVERED_RANK

    def require(self, size: int) -> None:
        """Refuse a size before anything of it is built.

        Raises:
            TooLargeError: If the matrix and its factors would not fit into memory.
        """
        memory.require(BYTES * self.width * size * size, f"factoring a transform of size {size}")

    def checkpoint(self, transform: Transform, seed: int) -> None:
        """None: no state is kept."""

    def solve(self, transform: Transform, task: Task = NO_TASK, say: Say = silent) -> Found:
        """The fast algorithm of a transform, or its best approximation found; Ctrl-C leaves what is there.

        Args:
            transform: The matrix; its name is not looked at.
            task: Nothing is drawn, and the search ends by itself: only one job can be asked for.
            say: Hears what is tried.

        Raises:
            TransformError: If several jobs, or a cluster, are asked for.
            KeyboardInterrupt: If the user stops it before there is anything.
        """
        if not task.is_alone:
            raise TransformError("--jobs, --cluster: hierarchical draws nothing; leave them out, or take gradient")
        start = time.perf_counter()
        exact = None
        try:
            for plan in self.plans(transform, say):
                found = _found(transform, plan, start)
                if found.recovered:
                    return found
                exact = exact or found
        except KeyboardInterrupt:
            if exact is None:
                raise
            return replace(exact, interrupted=True)
        if exact is not None and exact.error <= RECOVERED_ERROR:
            return exact
        say("approximating by truncated butterflies")
        return replace(self.approximation(transform), seconds=time.perf_counter() - start)

    def plans(self, transform: Transform, say: Say = silent) -> Iterator[Plan]:
        """Every plan whose structure the matrix has."""
        for name, method in _STRUCTURES.items():
            say(f"testing {name}")
            plan = method(self, transform)
            if plan is not None:
                yield plan

    def approximation(self, transform: Transform, orders: Iterable[Ordering] = ()) -> Found:
        """The nearest truncated butterfly among a few orders; padded with zeros where the size has large factors.

        Args:
            transform: What is approximated.
            orders: Those of `likely_orders`, if they are known already.

        Raises:
            KeyboardInterrupt: If the user stops it before the first.
        """
        matrix, note = padded(transform.matrix)
        best: Found | None = None
        try:
            for each in orders or likely_orders(transform):
                fast = _truncated(matrix, each, self.width, transform.size)
                error = relative_error(transform.matrix, fast.dense())
                if best is None or error < best.error:
                    best = Found(transform, fast, "a truncated butterfly", self.width, error, 0.0, None, note)
        except KeyboardInterrupt:
            if best is None:
                raise
            return replace(best, interrupted=True)
        assert best is not None
        return best


def likely_orders(transform: Transform) -> Iterator[Ordering]:
    """The natural orders, and those of least ranks, with and without noise, of the padded matrix; each once."""
    matrix, _ = padded(transform.matrix)
    radices = tuple(prime_factors(len(matrix)))
    natural = uniform(radices, HALVES, HALVES)
    found = {natural}
    yield natural
    for zero in (TOLERANCE, NOISE):
        orders = _orders_by_rank(Ranks(matrix, zero), radices)
        if orders not in found:
            found.add(orders)
            yield orders


def padded(matrix: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """The matrix, with zeros up to a power of two if its size has a factor that one dense block would have to hold."""
    size = len(matrix)
    largest = prime_factors(size)[-1]
    if not is_rough(size):
        return matrix, ""
    longer = 1 << (size - 1).bit_length()
    fact = "is prime" if largest == size else f"has the prime factor {largest}"
    wide = np.zeros((longer, longer), dtype=matrix.dtype)
    wide[:size, :size] = matrix
    return wide, f"size {size} {fact}, so a butterfly would hold a dense block: padded with zeros to {longer}"


def is_rough(size: int) -> bool:
    """Whether the size is a prime above 3, or its prime factors make more than 6 N log2 N entries of dense blocks."""
    factors = prime_factors(size)
    return (factors == [size] and size > SMALL_PRIME) or sum(factors) > DENSE_FACTOR * math.log2(size)


def _found(transform: Transform, plan: Plan, start: float) -> Found:
    fast = carried_out(plan)
    error = relative_error(transform.matrix, fast.dense())
    return Found(transform, fast, plan.method, plan.block_rank, error, time.perf_counter() - start, plan)


def butterfly(solver: Hierarchical, transform: Transform) -> ButterflyPlan | None:
    """The first orders in which every block has at most the solver's width."""
    if is_rough(transform.size):
        return None
    for ordering in orderings(transform.matrix, prime_factors(transform.size), solver.width):
        plan = _butterfly_in(solver, transform, ordering)
        if plan is not None:
            return plan
    return None


def _butterfly_in(solver: Hierarchical, transform: Transform, ordering: Ordering) -> ButterflyPlan | None:
    """The butterfly in these orders; None if a block has a higher rank than the solver's width."""
    ordered = transform.matrix[np.ix_(ordering.row_order, ordering.column_order)]
    levels = skeletons(ordered, ordering.radices, solver.width)
    return None if levels is None else ButterflyPlan(transform, ordering, levels)


def kronecker(solver: Hierarchical, transform: Transform) -> KroneckerPlan | None:
    """The product of two smaller transforms, as square as possible, both of which have a plan."""
    matrix, size = transform.matrix, transform.size
    row, column = (int(i) for i in np.unravel_index(np.abs(matrix).argmax(), matrix.shape))
    sides = [m for m in range(2, size // 2 + 1) if size % m == 0]
    for m in sorted(sides, key=lambda side: abs(side * side - size)):
        outer = _part(transform, size // m, m, (row % m, column % m))
        inner = _part(transform, m, 1, (row // m * m, column // m * m))
        product = np.kron(outer.matrix, inner.matrix) / matrix[row, column]
        if relative_error(matrix, product) <= EXACT_STRUCTURE:
            plans = [next(solver.plans(part), None) for part in (outer, inner)]
            if plans[0] is not None and plans[1] is not None:
                return KroneckerPlan(transform, plans[0], plans[1], (row, column))
    return None


def _part(transform: Transform, size: int, step: int, start: tuple[int, int]) -> Transform:
    """Every step-th row and column from `start`, of that size."""
    index = np.arange(size) * step
    name, exact = f"part of {transform.name}", transform.exact
    if exact is None:
        return Transform(name, transform.matrix[np.ix_(start[0] + index, start[1] + index)])
    whole = exact

    def terms(k: Integers, n: Integers) -> Terms:
        return whole.terms(start[0] + k * step, start[1] + n * step)

    return from_cyclotomic(name, CyclotomicMatrix(size, exact.order, terms, exact.denominator, exact.real))


def diagonalised(solver: Hierarchical, transform: Transform) -> DiagonalPlan | None:
    """F^-1 D F for the first of the known bases F that makes the matrix diagonal."""
    if is_rough(transform.size):
        return None
    for basis, inverse, rows, columns in _bases(transform.size):
        middle = basis.matrix @ transform.matrix @ inverse.matrix
        rest = middle - np.diag(np.diag(middle))
        if np.linalg.norm(rest) <= EXACT_STRUCTURE * np.linalg.norm(middle):
            forward, backward = _in_order(solver, basis, rows, columns), _in_order(solver, inverse, columns, rows)
            if forward is not None and backward is not None:
                return DiagonalPlan(transform, forward, backward)
    return None


def _bases(size: int) -> Iterator[tuple[Transform, Transform, Split, Split]]:
    """Fast transforms whose first column has no zero, their inverses, and the first splits of rows and of columns."""
    yield from_cyclotomic("dft", dft(size)), from_cyclotomic("idft", idft(size)), STRIDED, STRIDED
    if size & (size - 1) == 0:
        inverse = replace(hadamard(size), denominator=size)
        yield from_cyclotomic("hadamard", hadamard(size)), from_cyclotomic("hadamard / N", inverse), HALVES, STRIDED
    inverse = _inverse_dct(size)
    yield from_cyclotomic("dct-ii", dct_ii(size)), from_cyclotomic("its inverse", inverse), STRIDED, FOLDED_STRIDED


def _in_order(solver: Hierarchical, basis: Transform, rows: Split, columns: Split) -> ButterflyPlan | None:
    """The butterfly of a basis, whose orders are known: folded at most at the root, then split as it was there."""
    radices = prime_factors(basis.size)
    orders = [(first, *(Split(False, first.halves) for _ in radices[1:])) for first in (rows, columns)]
    for form in (tuple(radices), tuple(radices[::-1])):
        plan = _butterfly_in(solver, basis, Ordering(form, *orders))
        if plan is not None:
            return plan
    return None


def _inverse_dct(size: int) -> CyclotomicMatrix:
    """cos(pi (2k + 1) n / 2N) 2 / N, half of it in column 0."""

    def terms(k: Integers, n: Integers) -> Terms:
        weight = np.where(n == 0, 1, 2)
        return [(weight, (2 * k + 1) * n), (weight, -(2 * k + 1) * n)]

    return CyclotomicMatrix(size, 4 * size, terms, 2 * size, real=True)


def toeplitz(solver: Hierarchical, transform: Transform) -> ToeplitzPlan | None:
    """A corner of a circulant whose size is a power of two, if every diagonal is constant."""
    matrix, size = transform.matrix, transform.size
    if np.abs(matrix[1:, 1:] - matrix[:-1, :-1]).max() > EXACT_STRUCTURE * np.abs(matrix).max():
        return None
    longer = 1 << (2 * size - 2).bit_length()
    column = np.zeros(longer, dtype=matrix.dtype)
    column[:size] = matrix[:, 0]
    column[longer - size + 1 :] = matrix[0, :0:-1]
    index = np.arange(longer)
    plan = diagonalised(solver, Transform("circulant", column[(index[:, None] - index) % longer]))
    return None if plan is None else ToeplitzPlan(plan, size)


def _orders_by_rank(ranks: Ranks, radices: tuple[int, ...]) -> Ordering:
    """The orders of least ranks, whatever ranks are left."""
    found = Search(ranks, radices, EVERY, PLAIN, len(ranks.matrix)).best()
    assert found is not None
    return found


def _truncated(matrix: NDArray[Any], ordering: Ordering, width: int, size: int) -> FastTransform:
    """The truncated butterfly in these orders, cut to its first `size` rows and columns."""
    rows, columns = ordering.row_order, ordering.column_order
    factors = truncated(matrix[np.ix_(rows, columns)], ordering.radices, width)
    source = Selection(np.where(columns < size, columns, -1), size)
    return FastTransform((source, *factors, Selection(np.argsort(rows)[:size], len(matrix))))


_STRUCTURES: dict[str, Callable[[Hierarchical, Transform], Plan | None]] = {
    "butterflies": butterfly,
    "Kronecker products": kronecker,
    "products through a fast transform": diagonalised,
    "Toeplitz structure": toeplitz,
}

"""What members begin from: random factors, and given schemes or approximations made to fit the rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.floats import float_factors
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.als.state import Floats


def stacked(starts: Sequence[Scheme | Approximation], problem: Problem, rng: np.random.Generator) -> Floats:
    """The starts as unknowns, shape (starts, unknowns), complex over `qi`.

    A start of more products loses those whose terms are smallest, with equal ones drawn; one of fewer gains zeros, to
    which the noise that every start gets gives life.

    Args:
        starts: Of the problem's target.
        problem: With a rank.
        rng: Draws.

    Raises:
        ProblemError: If a start is over `f2` or `f3`, or complex where the problem is real.
    """
    assert problem.rank is not None
    kind = np.complex128 if problem.ring is Ring.QI else np.float64
    rows = np.zeros((len(starts), problem.rank * sum(problem.target.shape)), kind)
    for row, start in zip(rows, starts, strict=True):
        factors = _floats(start, problem)
        kept = _largest(factors, problem.rank, rng)
        padding = [(0, problem.rank - len(kept)), (0, 0)]
        row[:] = np.concatenate([np.pad(factor[kept], padding).ravel() for factor in factors])
    return rows


def _floats(start: Scheme | Approximation, problem: Problem) -> list[NDArray[Any]]:
    """U, V and W as numbers, each product with its three rows of equal norm."""
    if isinstance(start, Scheme) and start.ring.characteristic:
        raise ProblemError(f"start over {start.ring}: als works with real numbers; lift it first")
    factors = list(float_factors(start))
    if any(factor.imag.any() for factor in factors):
        if problem.ring is not Ring.QI:
            raise ProblemError(f"start with complex factors: they cannot lead to {problem.ring}; choose --ring qi")
        return _balanced(factors)
    return _balanced([np.ascontiguousarray(factor.real) for factor in factors])


def _balanced(factors: list[NDArray[Any]]) -> list[NDArray[Any]]:
    norms = [np.linalg.norm(factor, axis=1, keepdims=True) for factor in factors]
    mean = (norms[0] * norms[1] * norms[2]) ** (1 / 3)
    return [factor * (mean / np.where(norm > 0, norm, 1)) for factor, norm in zip(factors, norms, strict=True)]


def _largest(factors: list[NDArray[Any]], rank: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The products of largest norm, in their order."""
    norms = np.linalg.norm(factors[0], axis=1)
    order = np.lexsort((rng.permutation(len(norms)), -norms.round(9)))
    return np.sort(order[:rank])

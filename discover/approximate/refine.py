"""From any start to the nearest approximation, by least squares alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.floats import float_factors
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.approximate import moves
from bilinear.discover.approximate.bounding import row_bound
from bilinear.discover.approximate.fit import Fit
from bilinear.discover.approximate.pool import LAST_RIDGE, RIDGE
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome
from bilinear.discover.engine.problem import ProblemError
from bilinear.discover.engine.solver import make_solver, parameters
from bilinear.discover.keep import HASH_WORD, Made, option_words
from bilinear.discover.starts import Start

SOLVER = "least-squares"
STEPS = 200  # half of them with the first ridge, half with the last
RECIPE = "refined"
GRAMS = 20  # arrays of the size of a Gram matrix that a step holds


def refined(given: Scheme | Approximation, rank: int, steps: int = STEPS, bounded: bool = False) -> Approximation:
    """The nearest approximation that descends from a start.

    Args:
        given: A real scheme in characteristic 0, or an approximation. Products are dropped or added as needed.
        rank: Products.
        steps: Steps of the descent; with none the start stays as it is.
        bounded: Whether no row may be over three times as long as those of Strassen's algorithm.

    Raises:
        ProblemError: If the start is over `f2` or `f3`, or has imaginary coefficients, or norms of a map that is no
            `matmul` are to be bounded.
        TooLargeError: If the steps would not fit into memory.
    """
    numbers = rank * (GRAMS * rank + 2 * sum(given.target.shape) ** 2)
    memory.require(8 * numbers, f"{rank} products of {given.target.short} by least squares")
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves the floats is refused in the end
        return Approximation(given.target, *_descended(given, rank, steps, bounded))


def _descended(given: Scheme | Approximation, rank: int, steps: int, bounded: bool) -> list[NDArray[np.float64]]:
    fit, factors = Fit.of(given.target), floats(given)
    bound = row_bound(given.target) if bounded else None
    rng = np.random.default_rng(0)
    while len(factors[0]) < rank:
        factors = moves.added(fit, factors, rng)
    while len(factors[0]) > rank:
        cheapest = int(moves.costs(fit, factors).argmin())
        factors = [np.delete(factor, cheapest, axis=0) for factor in factors]
    if steps:
        factors = fit.descended(factors, (steps + 1) // 2, RIDGE, bound)
        factors = fit.descended(factors, steps // 2, LAST_RIDGE, bound)
    return factors


def floats(given: Scheme | Approximation) -> list[NDArray[np.float64]]:
    """U, V and W as floats, the denominators taken into W.

    Raises:
        ProblemError: If the start is over `f2` or `f3`, or has imaginary coefficients.
    """
    if isinstance(given, Scheme) and (given.ring.characteristic or given.ring is Ring.QI):
        raise ProblemError(f"start over {given.ring}: no real approximation; a start over zt, z or q is needed")
    return [np.array(factor) for factor in float_factors(given)]


def by_least_squares(start: Start, rank: int, steps: int, bounded: bool, cpu_seconds: float) -> Made:
    """How what `refined` gave is found again."""
    words = ("--steps", str(steps), *(["--bounded"] if bounded else []))
    return _made(start, SOLVER, rank, words, {"bounded": bounded}, None, steps, cpu_seconds)


def by_solver(start: Start, order: Order, outcome: Outcome, rank: int) -> Made:
    """How the approximation that a search ended with is found again."""
    chosen = parameters(make_solver(order.solver, order.options))
    words = ["--ring", str(order.problem.ring), "--solver", order.solver, "--seed", str(outcome.seed)]
    words += ["--budget", f"{outcome.steps}steps", *option_words(chosen)]
    return _made(start, order.solver, rank, words, chosen, outcome.seed, outcome.steps, outcome.cpu_seconds)


def _made(
    start: Start,
    solver: str,
    rank: int,
    words: Sequence[str],
    chosen: Mapping[str, Any],
    seed: int | None,
    steps: int,
    cpu_seconds: float,
) -> Made:
    parent = content_hash(start.given)
    command = ["refine", parent[:HASH_WORD], "--rank", str(rank), *words]
    return Made(
        solver,
        command,
        rank=rank,
        parameters=chosen,
        seed=seed,
        steps=steps,
        cpu_seconds=cpu_seconds,
        parents=(parent,),
        recipe=RECIPE,
    )

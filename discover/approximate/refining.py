"""From any start to the nearest approximation, by least squares alone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from bilinear.discover.starts import Start

if TYPE_CHECKING:
    from bilinear.catalog.store import Added, Catalog

SOLVER = "least-squares"
STEPS = 200  # half of them with the first ridge, half with the last
RECIPE = "refined"


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
    """
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
    return Approximation(given.target, *factors)


def floats(given: Scheme | Approximation) -> list[NDArray[np.float64]]:
    """U, V and W as floats, the denominators taken into W.

    Raises:
        ProblemError: If the start is over `f2` or `f3`, or has imaginary coefficients.
    """
    if isinstance(given, Scheme) and (given.ring.characteristic or given.ring is Ring.QI):
        raise ProblemError(f"start over {given.ring}: no real approximation; a start over zt, z or q is needed")
    return [np.array(factor) for factor in float_factors(given)]


@dataclass(frozen=True)
class Way:
    """How an approximation came of a start.

    Attributes:
        start: What was begun from.
        solver: `least-squares`, or a name of the registry.
        parameters: Those that are not the defaults.
        seed: Of the solver; None for least squares, which draw nothing.
        steps: Made in all.
        cpu_seconds: Spent.
        words: Of the command line that says so, after the start.
    """

    start: Start
    solver: str
    parameters: dict[str, Any]
    seed: int | None
    steps: int
    cpu_seconds: float
    words: tuple[str, ...]


def by_least_squares(start: Start, steps: int, bounded: bool, cpu_seconds: float) -> Way:
    """The way of `refined`."""
    words = ("--steps", str(steps), *(["--bounded"] if bounded else []))
    return Way(start, SOLVER, {"bounded": bounded}, None, steps, cpu_seconds, words)


def by_solver(start: Start, order: Order, outcome: Outcome) -> Way:
    """The way of a search."""
    chosen = parameters(make_solver(order.solver, order.options))
    words = ["--ring", str(order.ring), "--solver", order.solver, "--seed", str(outcome.seed)]
    words += ["--budget", f"{outcome.steps}steps"]
    for key, value in chosen.items():
        words += ["--option", f"{key}={value}"]
    return Way(start, order.solver, chosen, outcome.seed, outcome.steps, outcome.cpu_seconds, tuple(words))


def keep(catalog: Catalog, found: Approximation, way: Way) -> Added:
    """Add an approximation with its start as its parent.

    Raises:
        CatalogError: If it is no nearer to the target than nothing.
        StoreError: If the folder cannot be written.
    """
    from bilinear.catalog.convert import entry_from_approximation
    from bilinear.catalog.entries import Lineage, Provenance
    from bilinear.decompositions import __version__

    parent = content_hash(way.start.given)
    past = Provenance(
        solver=way.solver,
        parameters=way.parameters,
        rank=found.rank,
        seed=way.seed,
        steps=way.steps,
        cpu_seconds=round(way.cpu_seconds, 3),
        version=__version__,
        command=shlex.join(["bilinear", "refine", parent[:16], "--rank", str(found.rank), *way.words]),
    )
    return catalog.add(entry_from_approximation(found, past, Lineage(parents=(parent,), recipe=RECIPE)))

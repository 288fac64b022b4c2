"""`--solver auto`: which solver a search is given to when the user names none, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from decompositions.registry import normalise
from decompositions.rings import Ring
from discover.problem import Problem
from discover.solver import SOLVERS
from discover.solvers.flip_graph.blocks import MAX_COORDINATES

if TYPE_CHECKING:
    from discover.search import Order

AUTO = "auto"
SMALL = 640  # coefficients of a scheme that gradient descent finds in seconds: 3x3x3 with 23 products has 621
SYMMETRIC_FROM = 5  # the least N from which NxNxN is given to the walk on symmetric schemes


def resolve(order: Order) -> tuple[Order, str]:
    """The order with a solver in place of `auto`, and the sentence that tells which and why.

    The choice depends on the order and the registry alone, so that a search that is resumed finds its checkpoint.
    An order that names its solver comes back as it is, with an empty sentence.
    """
    if normalise(order.solver) != AUTO:
        return order, ""
    name, reason = _chosen(order)
    return dataclasses.replace(order, solver=name), f"auto chose {name}: {reason}"


def _chosen(order: Order) -> tuple[str, str]:
    """The first choice; another if only that one knows the options given."""
    choices = list(_choices(order))
    if not order.options or _knows(choices[0][0], order):
        return choices[0]
    options = ", ".join(order.options)
    able = (name for name, _ in choices[1:] if _knows(name, order))
    return next(((name, f"it has what was set with --option: {options}") for name in able), choices[0])


def _knows(solver: str, order: Order) -> bool:
    """Whether the solver has all the options given."""
    known = {field.name for field in dataclasses.fields(cast("Any", SOLVERS.load(solver)))}
    return {option.strip().replace("-", "_") for option in order.options} <= known


def _choices(order: Order) -> Iterator[tuple[str, str]]:
    """Solvers and the reasons for them, the best first. All of it is measured; see docs/solvers.md."""
    problem = order.problem
    beyond = _beyond_flips(problem)
    if beyond:
        yield "ternary-sgd", beyond
    if _is_symmetric(order):
        yield "symmetric", f"a square format from {SYMMETRIC_FROM}x{SYMMETRIC_FROM}x{SYMMETRIC_FROM} on"
    if problem.target.family != "matmul" and _is_small(order):
        yield "ternary-sgd", "a small map that is no matrix product, with a rank, over a ring that holds -1, 0 and 1"
    yield "flip-graph", _flips(order)
    yield "ternary-sgd", "nothing else takes it"


def _beyond_flips(problem: Problem) -> str:
    """Why flip graphs cannot hold the problem; empty if they can."""
    widest = max(problem.target.shape)
    if widest > MAX_COORDINATES:
        return f"flip-graph holds at most {MAX_COORDINATES} coordinates a side, {problem.target.short} has {widest}"
    return "flip-graph walks over f2, f3 and zt, not over qi" if problem.ring is Ring.QI else ""


def _is_symmetric(order: Order) -> bool:
    """Whether the walk on symmetric schemes is there and takes the order."""
    target = order.problem.target
    square = target.family == "matmul" and len(set(target.sizes)) == 1 and target.sizes[0] >= SYMMETRIC_FROM
    return "symmetric" in SOLVERS and square and order.rank is not None and not order.starts


def _is_small(order: Order) -> bool:
    """Whether ternary gradient descent takes the order, and is good at it."""
    rank, problem = order.rank, order.problem
    if rank is None or problem.ring.characteristic or any(start.rank != rank for start in order.starts):
        return False
    return rank * sum(problem.target.shape) <= SMALL


def _flips(order: Order) -> str:
    """What flip-graph does with the order."""
    problem = order.problem
    begin = "from the schemes given" if order.starts else "from the standard algorithm"
    if problem.target.family == "matmul" and not order.starts:
        begin = "growing from 2x2x2"
    walk = order.options.get("walk") or "f2"
    lifted = "" if problem.ring.characteristic or walk == "zt" else f", lifted from {walk} to {problem.ring}"
    if order.rank is None:
        return f"no rank is given; it goes as low as the budget allows, {begin}{lifted}"
    measured = ", the quickest measured on matrix products" if problem.target.family == "matmul" else ""
    return f"flips{measured}, {begin}{lifted}"

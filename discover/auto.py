"""`--solver auto`: which solver a search is given to when the user names none, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, cast

from bilinear.catalog.records import published
from bilinear.decompositions.composition import described
from bilinear.decompositions.registry import normalise
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation
from bilinear.discover.engine.order import AUTO, Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import SOLVERS
from bilinear.discover.solvers.flip_graph.blocks import MAX_COORDINATES

HELPFUL: dict[str, dict[str, object]] = {"meta": {"span": True}}
"""Options that a solver is given here; by itself it does without, so that searches of old entries repeat."""
SMALL = 640  # coefficients of a scheme that least squares find in seconds: 3x3x3 with 23 products has 621


def resolve(order: Order) -> tuple[Order, str]:
    """The order with a solver in place of `auto`, and the sentence that tells which and why.

    The choice depends on the order and the registry alone, so that a search that is resumed finds its checkpoint.
    An order that names its solver comes back as it is, with an empty sentence.
    """
    if normalise(order.solver) != AUTO:
        return order, ""
    name, reason = _chosen(order)
    options = {**HELPFUL.get(name, {}), **order.options}
    return dataclasses.replace(order, solver=name, options=options), f"auto chose {name}: {reason}"


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
    from bilinear.discover.solvers.composition import COMPOSITION, reached
    from bilinear.discover.solvers.evaluation import reaches

    problem = order.searched
    if any(isinstance(start, Approximation) for start in order.starts):
        yield "als", "the starts are approximations, which least squares go on from"
        yield "ternary-sgd", "it begins at approximations too"
    if not order.starts and reaches(problem):
        yield "evaluation", "products of polynomials are constructed at points, without a search"
    if recipe := reached(problem, order.starts):
        yield COMPOSITION, f"products and joined blocks of the schemes at hand reach it: {described(recipe)}"
    beyond = _beyond_flips(problem)
    if _needs_fractions(order):
        yield "als", "no scheme of so few products is known over zt: least squares find coefficients beyond -1, 0, 1"
    if problem.target.family != "matmul" and _is_small(order):
        yield "als", "a small map that is no matrix product, with a rank: least squares, then rounding"
    if beyond:
        yield "ternary-sgd", beyond
    if problem.target.family == "matmul" and not problem.ring.characteristic and not order.starts and not beyond:
        yield "portfolio", _turns(order)
    if any(start.target != problem.target for start in order.starts) and not beyond:
        yield "meta", f"the starts are of other formats: they are cut, extended and walked down{_lifted(order)}"
    yield "flip-graph", _flips(order)
    yield "ternary-sgd", "nothing else takes it"
    yield "als", "nothing else takes it"


def _needs_fractions(order: Order) -> bool:
    """Whether a rank is wanted over `q` or `qi` that is known over no smaller set."""
    if order.problem.rank is None or order.problem.ring not in (Ring.Q, Ring.QI):
        return False
    record = published(order.searched.target, Ring.ZT)
    return record is not None and order.problem.rank < record.rank


def _beyond_flips(problem: Problem) -> str:
    """Why flip graphs cannot hold the problem; empty if they can."""
    widest = max(problem.target.shape)
    if widest > MAX_COORDINATES:
        return f"flip-graph holds at most {MAX_COORDINATES} coordinates a side, {problem.target.short} has {widest}"
    return "flip-graph walks over f2, f3 and zt, not over qi" if problem.ring is Ring.QI else ""


def _is_small(order: Order) -> bool:
    """Whether least squares take the order, and are good at it."""
    rank, problem = order.problem.rank, order.searched
    if rank is None or problem.ring.characteristic or any(start.rank != rank for start in order.starts):
        return False
    return rank * sum(problem.target.shape) <= SMALL


def _turns(order: Order) -> str:
    """What portfolio does with the order."""
    from bilinear.discover.solvers.flip_graph.portfolio import SYMMETRIC, turns_of

    turns = turns_of(order.searched)
    names = {"growing": "growing from 2x2x2", SYMMETRIC: "symmetric walks", "pool": "a pool"}
    shares = ", ".join(f"{names[name]} ({turns.count(name)} of {len(turns)} slices)" for name in dict.fromkeys(turns))
    return f"constructions, then in turns {shares}, each handed the best of the others{_lifted(order)}{_depth(order)}"


def _lifted(order: Order) -> str:
    """That what is found is lifted, and from what."""
    ring, walked = order.problem.ring, order.options.get("walk") or "f2"
    return "" if ring.characteristic or walked == "zt" else f", lifted from {walked} to {ring}"


def _depth(order: Order) -> str:
    """What a search without a rank does."""
    return "; no rank is given, so it goes as low as the budget allows" if order.problem.rank is None else ""


def _flips(order: Order) -> str:
    """What flip-graph does with the order."""
    problem = order.searched
    begin = "from the schemes given" if order.starts else "from the standard algorithm"
    if problem.target.family == "matmul" and not order.starts:
        begin = "growing from 2x2x2"
    measured = ", the quickest measured on matrix products" if problem.target.family == "matmul" else ""
    return f"flips{measured}, {begin}{_lifted(order)}{_depth(order)}"

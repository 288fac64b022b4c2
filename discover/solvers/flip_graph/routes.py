"""The way from 2x2x2 to a format: which formats lie on it, and when the next one is taken up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bilinear.catalog.records import published
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.problem import Problem


@dataclass(frozen=True)
class Stage:
    """One format on the way.

    Attributes:
        target: The format.
        goal: The rank at which the stage ends: the best published one, at the end of the way the one asked for.
    """

    target: Target
    goal: int


def route(problem: Problem, grown: bool, rng: np.random.Generator | None = None) -> list[Stage]:
    """The stages of a search; one only where nothing is grown.

    Args:
        problem: What is searched for.
        grown: Whether to begin at 2x2x2.
        rng: Draws the order in which the sizes grow; by default the smallest grows first.
    """
    last = Stage(problem.target, problem.rank or 0)
    if not grown or problem.target.family != "matmul":
        return [last]
    return [*(_passing(matmul(*sizes), problem.ring) for sizes in formats(problem.target.sizes, rng)[:-1]), last]


def _passing(target: Target, ring: Ring) -> Stage:
    """A stage on the way. Its goal is the record over the ring searched for: what is grown from a scheme over `f2` that
    does not lift, such as one of 4x4x4 with 47 products, does not lift either.
    """
    record = published(target, ring)
    return Stage(target, 0 if record is None else record.rank)


def leads_to(here: Target, there: Target) -> bool:
    """Whether a scheme of one target can be grown to the other: it is the same, or a format that fits into it."""
    if here.family != "matmul" or there.family != "matmul":
        return here == there
    return all(size <= most for size, most in zip(here.sizes, there.sizes, strict=True))


def formats(sizes: tuple[int, ...], rng: np.random.Generator | None = None) -> list[tuple[int, ...]]:
    """Formats from 2x2x2 (or less, where a size is less) to `sizes`, one size growing by one at each step.

    Args:
        sizes: In rising order.
        rng: Draws which size grows; by default the smallest that still may.
    """
    here = [min(2, size) for size in sizes]
    way = [tuple(here)]
    while tuple(here) != sizes:
        growing = [axis for axis in range(3) if here[axis] < sizes[axis]]
        axis = min(growing, key=lambda axis: (here[axis], -axis)) if rng is None else int(rng.choice(growing))
        here[axis] += 1
        way.append(tuple(here))
    return way

"""The formats around a target, and the moves that lead from the scheme of one to a start for another.

Source: M. Kauers, I. Wood, "Exploring the meta flip graph for matrix multiplication" (arXiv:2510.19787): extension,
projection, merging. We cut along any line over the field, see `bilinear.decompositions.cutting`, and add products.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from bilinear.decompositions.composition import Sizes, aligned, ordered, resized, rising
from bilinear.decompositions.cutting import cut
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.operations import AXES, concatenate, kronecker
from bilinear.decompositions.rules.span import reduced
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

LEAST = 2  # no format on the map has a smaller size, unless the target has
CUT_SLACK = 2.5  # products that a cut may cost beyond the cheapest one


class Move(NamedTuple):
    """A way to a start for a format.

    Attributes:
        kind: `stay`, `cut`, `extend`, `merge` or `product`.
        sources: Formats of the schemes that it takes, sizes rising.
        axis: The size along which it works, in a source brought to the order of `aligned`; 0 where there is none.
    """

    kind: str
    sources: tuple[Sizes, ...]
    axis: int = 0


def around(target: Sizes, above: int) -> list[Sizes]:
    """The formats from which a way leads to the target: those inside it, and larger ones.

    No size of theirs is larger than the target's largest; that of a cube may be by one.

    Args:
        target: Sizes rising.
        above: By how much the sizes may add up to more than the target's.

    Returns:
        Sizes rising in each, small formats first.
    """
    least = min(LEAST, target[0])
    every = combinations_with_replacement(range(least, max(target[2], target[0] + 1) + 1), 3)
    near = [sizes for sizes in every if _excess(sizes, target) <= above]
    return sorted(near, key=lambda sizes: (sizes[0] * sizes[1] * sizes[2], sizes))


def _excess(sizes: Sizes, target: Sizes) -> int:
    """By how much a format stands out of the target."""
    return sum(max(size - wanted, 0) for size, wanted in zip(sizes, target, strict=True))


def moves(sizes: Sizes, known: set[Sizes]) -> Iterator[Move]:
    """The moves to a format from those of which schemes are known."""
    if sizes in known:
        yield Move("stay", (sizes,))
    for axis in range(3):
        larger, smaller = _shifted(sizes, axis, 1), _shifted(sizes, axis, -1)
        if larger in known:
            yield Move("cut", (larger,), axis)
        if smaller in known:
            yield Move("extend", (smaller,), axis)
        for part in range(LEAST, sizes[axis] // 2 + 1):
            halves = resized(sizes, axis, part), resized(sizes, axis, sizes[axis] - part)
            if known.issuperset(halves):
                yield Move("merge", halves, axis)
    for first in known:
        if any(size % by for size, by in zip(sizes, first, strict=True)):
            continue
        if rising(_quotient(sizes, first)) in known:
            yield Move("product", (first, rising(_quotient(sizes, first))))


def made(move: Move, sizes: Sizes, sources: list[Scheme], rng: np.random.Generator, span: bool = False) -> Scheme:
    """The scheme that a move gives, of n x m x p with the sizes rising.

    Args:
        move: One of `moves(sizes, ...)`.
        sizes: The format.
        sources: Schemes of the move's sources, in their order, over one finite field.
        rng: Draws the line of a cut.
        span: Whether a cut is followed by span reduction, and its line is chosen by exact counts.
    """
    first = sources[0]
    if move.kind == "cut":
        smaller = cut(aligned(first, sizes, move.axis), move.axis, rng, CUT_SLACK, once=span)
        return _rising(reduced(smaller) if span else smaller)
    if move.kind == "extend":
        return fitted(aligned(first, sizes, move.axis), matmul(*sizes))
    if move.kind == "merge":
        one, two = (aligned(source, sizes, move.axis) for source in sources)
        return concatenate(one, two, AXES[move.axis])
    if move.kind == "product":
        return kronecker(first, ordered(sources[1], _quotient(sizes, move.sources[0])))
    return first


def _rising(scheme: Scheme) -> Scheme:
    return ordered(scheme, sorted(scheme.target.sizes))


def _shifted(sizes: Sizes, axis: int, by: int) -> Sizes:
    return resized(sizes, axis, sizes[axis] + by)


def _quotient(sizes: Sizes, first: Sizes) -> Sizes:
    """The other factor of a format that is a Kronecker product."""
    n, m, p = (size // by for size, by in zip(sizes, first, strict=True))
    return n, m, p

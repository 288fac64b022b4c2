"""Schemes of other jobs that a growing search may go on from, each of some format on its way, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.solvers.flip_graph.schemes import joined

KEPT = 4  # gifts of one format

Rows = NDArray[np.int8]


class Gifts(NamedTuple):
    """Several schemes of several targets.

    Attributes:
        kinds: Of each scheme: the sizes of its `matmul` format, zeros for any other target, and its rank, shape
            (schemes, 4).
        factors: The joined factors of all schemes one after the other, flat.
    """

    kinds: NDArray[np.int64]
    factors: NDArray[np.int8]


def none() -> Gifts:
    """No gifts."""
    return Gifts(np.zeros((0, 4), np.int64), np.zeros(0, np.int8))


def leads_to(here: Target, there: Target) -> bool:
    """Whether a scheme of one target can be grown to the other: it is the same, or a format that fits into it."""
    if here.family != "matmul" or there.family != "matmul":
        return here == there
    return all(size <= most for size, most in zip(here.sizes, there.sizes, strict=True))


def given(gifts: Gifts, target: Target) -> list[Rows]:
    """The joined factors of the gifts of a target, shape (rank, left + right + out) each, all of one rank."""
    return [rows for kind, rows in _each(gifts, target) if kind[:3] == _kind(target)]


def added(gifts: Gifts, scheme: Scheme, target: Target) -> Gifts:
    """The gifts with one more, unless there are enough of its format, or better ones; worse ones are dropped.

    Args:
        gifts: Those there are.
        scheme: Of a target that leads to the one searched for.
        target: What is searched for.
    """
    kind, rows = _kind(scheme.target), joined(scheme)
    alike = given(gifts, scheme.target)
    if alike and (len(alike[0]) < len(rows) or (len(alike[0]) == len(rows) and _is_full(alike, rows))):
        return gifts
    kept = [(old, rest) for old, rest in _each(gifts, target) if old[:3] != kind or old[3] == len(rows)]
    kept.append(((*kind, len(rows)), rows))
    return Gifts(np.array([old for old, _ in kept], np.int64), np.concatenate([rest.ravel() for _, rest in kept]))


def _is_full(alike: list[Rows], rows: Rows) -> bool:
    return len(alike) >= KEPT or any(np.array_equal(rows, other) for other in alike)


def _kind(target: Target) -> tuple[int, ...]:
    return target.sizes if target.family == "matmul" else (0, 0, 0)


def _each(gifts: Gifts, target: Target) -> Iterator[tuple[tuple[int, ...], Rows]]:
    """Kind and joined factors of every gift; the target is that of the gifts that are no matrix products."""
    begin = 0
    for kind in gifts.kinds.tolist():
        n, m, p, rank = kind
        sides = n * m + m * p + n * p or sum(target.shape)
        yield tuple(kind), gifts.factors[begin : begin + rank * sides].reshape(rank, sides)
        begin += rank * sides

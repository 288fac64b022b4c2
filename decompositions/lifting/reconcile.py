"""Schemes over `f2` whose signs do not contradict each other, from others of the same target and rank."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.lifting.conflicts import Bits, Indices, walker
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target

WARMTH = 3.0
"""Conflicts that a step may add with probability 1/e."""
CHANGES = 0.1
"""Share of the steps that change a basis."""
STRETCH = 0.1
"""Seconds between two looks at whether the work is over; how the steps are cut changes no walk."""


def reconciled(scheme: Scheme, steps: int, rng: np.random.Generator) -> tuple[Scheme, int, int]:
    """A scheme of the same target and rank without conflicts, or the one with the fewest that a walk meets.

    Conflicts are equations modulo 4 that contradict those before, where signs are all that may be chosen. A ternary
    scheme that reduces to u, v, w modulo 2 is a choice of signs for their ones. Modulo 4 the equations are linear in
    these signs over the field of 2 elements, one for each entry in which products meet; they are taken in the order of
    how many do. Without a conflict signs solve all of them modulo 4; with one, nothing ternary reduces to this scheme,
    whatever else does.

    A step is a flip (of two products that share a factor) or, for `matmul`, an elementary change of basis. It is taken
    if it adds no conflict, else with a chance. How many conflicts there are depends on the scheme far more than on its
    rank: one that is dense may have none where sparse ones have dozens.

    Args:
        scheme: A right scheme over `f2`.
        steps: Most steps; 0 counts the conflicts of this scheme.
        rng: Draws them.

    Returns:
        The scheme, its conflicts, and the steps taken.

    Raises:
        TooLargeError: If equations or steps would not fit into memory.

    Source:
        Ours. Flips: M. Kauers, J. Moosbauer, "Flip graphs for matrix multiplication", arXiv:2212.01175, 2022.
    """
    memory.require(32 * steps, f"a walk of {steps} steps")
    rows, least, taken = _walked(scheme, rng.random((steps, 4)))
    u, v, w = np.split(rows.astype(np.int64), np.cumsum(scheme.target.shape)[:2], axis=1)
    return Scheme(scheme.target, scheme.ring, u, v, w), least, taken


def _walked(scheme: Scheme, draws: NDArray[np.float64]) -> tuple[Bits, int, int]:
    target = scheme.target
    rows = np.concatenate(scheme.factors, axis=1).astype(np.int8)
    counts = [np.count_nonzero(factor, axis=1) for factor in scheme.factors]
    equations = min(int((counts[0] * counts[1] * counts[2]).sum()), target.entries)
    memory.require(equations * (rows.sum() // 8 + 8) + 32 * target.entries, f"the signs of {target.name}")
    ends = np.concatenate([[0], np.cumsum(target.shape)])
    given = ends, _wanted(target), _changes(target)
    rows, best, least, taken = walker()(rows, *given, draws[:0], WARMTH, CHANGES)
    stretch, stuck = 2, False
    while least and taken < len(draws) and not stuck:
        give_way()
        began, drawn = time.monotonic(), draws[taken : taken + stretch]
        rows, found, conflicts, made = walker()(rows, *given, drawn, WARMTH, CHANGES)
        taken += made
        stuck = made < len(drawn)
        best, least = (found, conflicts) if conflicts < least else (best, least)
        stretch = max(2, stretch // 2) if time.monotonic() - began > STRETCH else 2 * stretch
    return best, int(least), int(taken)


def _wanted(target: Target) -> Bits:
    """The tensor modulo 4, flattened."""
    dense = np.zeros(target.shape, np.int8)
    dense[tuple(target.indices.T)] = target.values % 4
    return dense.ravel()


def _changes(target: Target) -> Indices:
    """For each elementary change of basis the coordinates that are added to and those added, shape (changes, 2, most).

    With x[i] += x[j] in one factor goes y[j] += y[i] in the other that has this axis. Short lists end with -1.
    """
    if target.family != "matmul":
        return np.empty((0, 2, 0), np.int64)
    changes = list(_transvections(*target.sizes))
    found = np.full((len(changes), 2, max((change.shape[1] for change in changes), default=0)), -1)
    for place, change in enumerate(changes):
        found[place, :, : change.shape[1]] = change
    return found


def _transvections(n: int, m: int, p: int) -> Iterator[Indices]:
    """The coordinates added to, and those added, shape (2, any)."""
    u = np.arange(n * m).reshape(n, m)
    v = n * m + np.arange(m * p).reshape(m, p)
    w = n * m + m * p + np.arange(n * p).reshape(n, p)
    for x, y in ((u, w), (u.T, v), (v.T, w.T)):
        for i, j in np.argwhere(~np.eye(len(x), dtype=bool)):
            yield np.array([np.concatenate([x[i], y[j]]), np.concatenate([x[j], y[i]])])

"""Signs that make a 0/1 scheme over `f2` exact over the integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.lifting.equations import gap
from bilinear.decompositions.lifting.system import System
from bilinear.decompositions.modular import symmetric
from bilinear.decompositions.targets import Target

LARGE = 1 << 20
"""A modulus that no sum of signs of a scheme with fewer than 2^19 products reaches."""


def signed(
    target: Target, unknowns: NDArray[np.int64], system: System, rng: np.random.Generator, proposals: int
) -> NDArray[np.int64] | None:
    """The unknowns with signs that make all equations exact, or None if the search met none.

    With s = 1 - 2 t the equations modulo 4 are linear in t modulo 2. From one solution we walk along the kernel, one
    vector at a time, and accept what does not increase the sum of |T - sum| (a step that increases it by little now
    and then). Where fewer than 4 - |T| products meet in every entry, modulo 4 decides, and no step is needed.

    Args:
        target: The map.
        unknowns: Odd residues as 1 or -1, zeros as 0, a solution modulo 4.
        system: The factorised Jacobian.
        rng: Draws the vectors.
        proposals: Vectors tried.
    """
    now, error = unknowns, _error(target, unknowns)
    free = np.flatnonzero(unknowns[system.free])
    for _ in range(proposals):
        if not error or not len(free):
            break
        give_way()
        flips = system.kernel(int(rng.choice(free)))
        changed = now * (1 - 2 * flips)
        growth = _error(target, changed) - error
        if growth <= 0 or rng.random() < np.exp(-growth):
            now, error = changed, error + growth
    return None if error else now


def _error(target: Target, unknowns: NDArray[np.int64]) -> int:
    """The sum of |T - sum| over all entries."""
    return int(np.abs(symmetric(gap(target, unknowns, LARGE), LARGE)).sum())

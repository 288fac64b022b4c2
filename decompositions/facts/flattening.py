"""The bound that every bilinear map has: no scheme has fewer products than the tensor's largest flattening rank."""

from __future__ import annotations

import numpy as np

from bilinear.decompositions import memory, modular
from bilinear.decompositions.facts.fact import Facts, LowerBound
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target


def flattening_bounds(target: Target) -> list[LowerBound]:
    """The largest of the three flattening ranks, per characteristic.

    Over the rationals a rank modulo a large prime is used: it can only be lower, so the bound holds.
    """
    groups = {0: frozenset({Ring.ZT, Ring.Z, Ring.Q, Ring.QI}), 2: frozenset({Ring.F2}), 3: frozenset({Ring.F3})}
    return [bound_modulo(target, p or modular.LARGE_PRIME, rings) for p, rings in groups.items()]


def bound_modulo(target: Target, prime: int, rings: frozenset[Ring]) -> LowerBound:
    """The largest of the three flattening ranks modulo a prime, which holds for these sets."""
    rank = max(_flattening_rank(target, axis, prime) for axis in range(3))
    return LowerBound(rank, rings, "largest flattening rank")


def _flattening_rank(target: Target, axis: int, prime: int) -> int:
    first, second = (a for a in range(3) if a != axis)
    columns = target.indices[:, first] * target.shape[second] + target.indices[:, second]
    _, column = np.unique(columns, return_inverse=True)
    memory.require(24 * target.shape[axis] * (int(column.max()) + 1), f"a flattening of {target.name}")
    matrix = np.zeros((target.shape[axis], int(column.max()) + 1), dtype=np.int64)
    matrix[target.indices[:, axis], column] = target.values % prime
    return modular.rank(matrix, prime)


FACTS = Facts(flattening_bounds)

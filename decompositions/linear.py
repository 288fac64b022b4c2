"""Exact linear algebra on small matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGE_PRIME = 2**31 - 1


def rank_modulo(matrix: NDArray[np.int64], prime: int) -> int:
    """The rank over the field of `prime` elements.

    Args:
        matrix: Residues, shape (rows, columns); not changed.
        prime: At most 2^31, so that products stay inside int64.
    """
    rest = np.unique(matrix % prime, axis=1)
    rank = 0
    while rest.shape[0] and rest.shape[1]:
        pivots = np.flatnonzero(rest[0])
        if not pivots.size:
            rest = rest[1:]
            continue
        column = pivots[0]
        pivot_row = rest[0] * pow(int(rest[0, column]), -1, prime) % prime
        rest = (rest[1:] - rest[1:, column, None] * pivot_row) % prime
        rank += 1
    return rank

"""Changes of basis modulo p that make a matrix multiplication scheme sparse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.scheme import Scheme

Residues = NDArray[np.int64]
ROUNDS = 80
"""Elementary changes tried, as a multiple of how many there are."""
WARMTH = 1 / 40
"""Nonzeros that a change may add at first with probability 1/e, as a share of all nonzeros."""


def sparsified(scheme: Scheme, rng: np.random.Generator) -> Scheme:
    """The `matmul` scheme over `f2` or `f3` in the sparsest basis that a walk over elementary changes meets.

    In such a basis few products meet in an entry, and few signs are bound to each other: where a scheme found by flips
    lifts to the integers at all, it then nearly always lifts to `zt`. The changes are those of integer matrices with
    determinant 1, so the result lifts to `z` or `q` exactly where the scheme does.
    """
    p = scheme.ring.characteristic
    factors = [
        factor.reshape(-1, scheme.target.sizes[i], scheme.target.sizes[j]).copy()
        for factor, (i, j) in zip(scheme.factors, ((0, 1), (1, 2), (0, 2)), strict=True)
    ]
    sides = _sides(factors)
    changes = [(k, i, j) for k, (x, _) in enumerate(sides) for i in range(len(x)) for j in range(len(x)) if i != j]
    now = least = _nonzeros(factors)
    best, warmth, number = [f.copy() for f in factors], WARMTH * now, ROUNDS * len(changes)
    for step in range(number):
        give_way()
        axis, i, j = changes[rng.integers(len(changes))]
        factor = int(rng.integers(1, p))
        growth = _change(*sides[axis], i, j, factor, p)
        if growth > 0 and rng.random() >= np.exp(-growth / (warmth * (1 - step / number))):
            _change(*sides[axis], i, j, p - factor, p)
            continue
        now += growth
        if now < least:
            least, best = now, [f.copy() for f in factors]
    u, v, w = (f.reshape(len(f), -1) for f in best)
    return Scheme(scheme.target, scheme.ring, u, v, w)


def _sides(factors: list[Residues]) -> list[tuple[Residues, Residues]]:
    """For each of n, m and p the two factors that share it, as views with that axis first."""
    u, v, w = factors
    return [
        (np.moveaxis(u, 1, 0), np.moveaxis(w, 1, 0)),
        (np.moveaxis(u, 2, 0), np.moveaxis(v, 1, 0)),
        (np.moveaxis(v, 2, 0), np.moveaxis(w, 2, 0)),
    ]


def _change(x: Residues, y: Residues, i: int, j: int, factor: int, p: int) -> int:
    """x[i] += factor x[j] and y[j] -= factor y[i], in place, which keeps sum_i x[i] y[i]; the growth in nonzeros."""
    before = np.count_nonzero(x[i]) + np.count_nonzero(y[j])
    x[i] = (x[i] + factor * x[j]) % p
    y[j] = (y[j] - factor * y[i]) % p
    return int(np.count_nonzero(x[i]) + np.count_nonzero(y[j]) - before)


def _nonzeros(factors: list[Residues]) -> int:
    return sum(int(np.count_nonzero(f)) for f in factors)

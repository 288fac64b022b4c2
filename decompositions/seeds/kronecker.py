"""Seeds that multiply blocks by one approximation of 2x2x2 and inside by another."""

from __future__ import annotations

import itertools
import math

import numpy as np

from bilinear.decompositions.constructions import winograd
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds.decoder import Floats, balanced, decoded, estimated_residual
from bilinear.decompositions.seeds.pruning import grown, pruned
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul

RANKS = (4, 5, 6, 7)
STARTS, SWEEPS = 4, 300
RIDGE = 1e-2, 1e-7
"""First and last damping of the sweeps; the last bounds the factors at ranks 4 and 5, whose infima are not attained."""


def kronecker_of_approximations(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """The best Kronecker product of approximations of 2x2x2, with products dropped, or some of Winograd's added.

    Errors compose as e = 1 - (1 - e1)(1 - e2), of the infima .4483, .25, .125 and 0 at ranks 4, 5, 6 and 7.

    Raises:
        TargetError: If the target is none of 2x2x2, 4x4x4, 8x8x8, or the rank is above 7 a level.
    """
    levels = {matmul(2**k, 2**k, 2**k): k for k in (1, 2, 3)}.get(target, 0)
    if not levels:
        raise TargetError(f"{target.short}: kronecker takes 2x2x2, 4x4x4 and 8x8x8; choose pruned-strassen")
    if rank > RANKS[-1] ** levels:
        raise TargetError(f"{target.short}: kronecker has at most {RANKS[-1] ** levels} products, not {rank}")
    small = {products: approximated(products, rng) for products in RANKS}
    pool, found = winograd(target), []
    for choice in _choices(levels, rank):
        u, v = (_rows([getattr(small[r], side) for r in choice]) for side in ("u", "v"))
        whole = decoded(target, u, v)
        found.append(grown(whole, pool, rank) if whole.rank < rank else pruned(whole, rank, rng))
    return min(found, key=estimated_residual)


def _choices(levels: int, rank: int) -> list[tuple[int, ...]]:
    """Ranks by level: those that are just enough, and those that are just too few."""
    every = list(itertools.combinations_with_replacement(RANKS, levels))
    more, fewer = ([c for c in every if (math.prod(c) >= rank) is enough] for enough in (True, False))
    least = [c for c in more if not any(d != c and _inside(d, c) for d in more)]
    return least + [c for c in fewer if not any(d != c and _inside(c, d) for d in fewer)]


def _inside(smaller: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    return all(x <= y for x, y in zip(smaller, larger, strict=True))


def _rows(factors: list[Floats]) -> Floats:
    """Rows of the Kronecker product of 2 x 2 blocks, flattened row by row."""
    result = np.ones((1, 1, 1))
    for factor in factors:
        blocks = factor.reshape(-1, 2, 2)
        grid = result[:, None, :, None, :, None] * blocks[None, :, None, :, None, :]
        r, s, rows, inner, columns, inside = grid.shape
        result = grid.reshape(r * s, rows * inner, columns * inside)
    return result.reshape(len(result), -1)


def approximated(rank: int, rng: np.random.Generator) -> Approximation:
    """2x2x2 at a rank from 4 to 7: Winograd's algorithm, with a product dropped, or what damped sweeps find."""
    if rank >= RANKS[-2]:
        return pruned(winograd(), rank, rng)
    found = [_swept(matmul(2, 2, 2), rank, rng) for _ in range(STARTS)]
    return min(found, key=estimated_residual)


def _swept(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Alternating ridge regressions from normal factors, the damping falling from sweep to sweep."""
    tensor = target.dense().astype(np.float64)
    unfolded = [np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1) for axis in range(3)]
    factors = [rng.standard_normal((rank, side)) for side in target.shape]
    for ridge in np.geomspace(*RIDGE, SWEEPS):
        for axis in range(3):
            first, second = (factors[k] for k in range(3) if k != axis)
            products = (first[:, :, None] * second[:, None, :]).reshape(rank, -1)
            gram = products @ products.T + ridge * np.eye(rank)
            factors[axis] = np.linalg.solve(gram, products @ unfolded[axis].T)
        factors = list(balanced(*factors))
    return decoded(target, factors[0], factors[1])

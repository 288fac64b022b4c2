"""What each kind of seed leads to: residuals by rank, before and after all three factors are fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.seeds import SEEDS, seed
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate.fit import Fit
from bilinear.discover.approximate.pool import RIDGE

EXACT_ALONE = "strassen"
"""The seed of one rank only, which is exact there."""
FITTED_STEPS = 100


@dataclass(frozen=True)
class Compared:
    """What one kind of seed came to at one rank, the best of all draws.

    Attributes:
        kind: Name of the seed.
        rank: Number of products.
        seeded: Residual of the seed.
        fitted: Residual after the fit, under a slight ridge.
    """

    kind: str
    rank: int
    seeded: float
    fitted: float


def compared(
    target: Target,
    ranks: Iterable[int],
    draws: int = 1,
    rng_seed: int = 0,
    on_progress: Callable[[str], None] = lambda name: None,
) -> list[Compared]:
    """Every kind of seed at every rank that it can take, fitted in the same way.

    Args:
        target: A `matmul`.
        ranks: Numbers of products.
        draws: Seeds of each kind and rank, of which the best counts.
        rng_seed: Of all randomness.
        on_progress: Called with the name of each kind and rank.
    """
    fit, found = Fit.of(target), []
    for rank in ranks:
        for kind in SEEDS.names():
            if kind == EXACT_ALONE:
                continue
            on_progress(f"{kind} {rank}")
            try:
                seeds = [seed(kind, target, rank, np.random.default_rng([rng_seed, draw])) for draw in range(draws)]
            except TargetError:
                continue
            fitted = [fit.descended(one.factors, FITTED_STEPS, RIDGE) for one in seeds]
            before = min(fit.residual(one.factors) for one in seeds)
            found.append(Compared(kind, rank, before, min(fit.residual(factors) for factors in fitted)))
    return found

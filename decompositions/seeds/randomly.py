"""Random factors: what every other seed is compared with."""

from __future__ import annotations

import numpy as np

from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds.decoder import balanced, decoded
from bilinear.decompositions.targets import Target


def random(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Normal factors, scaled so that outputs of random inputs have the variance of the target's.

    The residual is near 2: the outputs are as large as the target's, and have nothing to do with them.
    """
    u, v, w = (rng.standard_normal((rank, side)) for side in target.shape)
    norm = ((u @ u.T) * (v @ v.T) * (w @ w.T)).sum()
    wanted = float((target.values.astype(np.float64) ** 2).sum())
    return Approximation(target, *balanced(u, v, w * np.sqrt(wanted / norm)))


def random_decoded(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Normal products with the output factors that suit them best."""
    left, right, _ = target.shape
    return decoded(target, rng.standard_normal((rank, left)), rng.standard_normal((rank, right)))

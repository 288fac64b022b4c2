"""What leads from one approximation to another: a product dropped, added or exchanged, noise, a new beginning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bilinear.discover.approximate.bounding import Floats
from bilinear.discover.approximate.fit import Fit, pairs

DROP = 0.25  # chance of stopping at each product, in the order of what it costs to drop it
TRIES, POWERS = 4, 15  # of the product that is added: random beginnings, and iterations from each
KICKS = 0.03, 0.4  # standard deviations of the noise of a kick
SPREAD = 0.5  # of random factors
RANDOM_RIDGE, RANDOM_SWEEPS = (2e-2, 1e-4), 400
GRAM_RIDGE = 1e-10
"""Added to the Gram matrix of unit products, so that products that depend on others have an inverse too."""
TINY = 1e-30


def dropped(fit: Fit, factors: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """Without one product, more likely one that the others make up for."""
    order = np.argsort(costs(fit, factors))
    place = min(len(order), int(rng.geometric(DROP))) - 1
    return [np.delete(factor, order[place], axis=0) for factor in factors]


def costs(fit: Fit, factors: Sequence[Floats]) -> Floats:
    """What the squared error grows by without each product, the output factors solved for again, shape (rank,)."""
    products = pairs(factors, 2)
    units = products / np.maximum(np.linalg.norm(products, axis=1, keepdims=True), TINY)
    inverse = np.linalg.inv(units @ units.T + GRAM_RIDGE * np.eye(len(units)))
    outputs = inverse @ (units @ fit.unfolded[2].T)
    return np.asarray((outputs**2).sum(axis=1) / np.diag(inverse))


def added(fit: Fit, factors: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """With the product that comes nearest to what is missing, by power iterations from random beginnings."""
    missing = fit.missing(factors).reshape(fit.target.shape)
    size, rows = max((_nearest(missing, rng) for _ in range(TRIES)), key=lambda found: found[0])
    return [np.vstack([factor, np.cbrt(size) * row]) for factor, row in zip(factors, rows, strict=True)]


def _nearest(tensor: Floats, rng: np.random.Generator) -> tuple[float, tuple[Floats, Floats, Floats]]:
    """A product near the tensor: its size, and three rows of unit norm."""
    size = 0.0
    u, v, w = (rng.standard_normal((side,)) for side in tensor.shape)
    for _ in range(POWERS):
        u = _unit(tensor @ w @ v)
        v = _unit(u @ (tensor @ w))
        image = v @ np.tensordot(u, tensor, 1)
        size, w = float(np.linalg.norm(image)), _unit(image)
    return size, (u, v, w)


def _unit(row: Floats) -> Floats:
    return np.asarray(row / max(float(np.linalg.norm(row)), TINY))


def kicked(factors: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """With noise."""
    size = rng.uniform(*KICKS)
    return [factor + size * rng.standard_normal(factor.shape) for factor in factors]


def drawn(fit: Fit, rank: int, rng: np.random.Generator) -> list[Floats]:
    """Random factors, swept."""
    factors = [SPREAD * rng.standard_normal((rank, side)) for side in fit.target.shape]
    return fit.swept(factors, np.geomspace(*RANDOM_RIDGE, RANDOM_SWEEPS))

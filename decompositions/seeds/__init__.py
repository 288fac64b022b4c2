"""Approximations to begin from: names, each with a function (target, rank, rng) -> Approximation. Needs only NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds.decoder import decoded
from bilinear.decompositions.seeds.pruning import pruned
from bilinear.decompositions.targets import Target

Seed = Callable[[Target, int, np.random.Generator], Approximation]
"""From a target, a number of products and a random generator that holds all randomness."""

SEEDS = Registry(
    "seed",
    {
        "kronecker": "bilinear.decompositions.seeds.kronecker:kronecker_of_approximations",
        "polynomial": "bilinear.decompositions.seeds.polynomial:polynomial",
        "pruned-standard": "bilinear.decompositions.seeds.pruning:pruned_standard",
        "pruned-strassen": "bilinear.decompositions.seeds.pruning:pruned_strassen",
        "pruned-winograd": "bilinear.decompositions.seeds.pruning:pruned_winograd",
        "random": "bilinear.decompositions.seeds.randomly:random",
        "random-decoded": "bilinear.decompositions.seeds.randomly:random_decoded",
        "roots-of-unity": "bilinear.decompositions.seeds.polynomial:roots_of_unity",
        "strassen": "bilinear.decompositions.seeds.pruning:strassen_exactly",
        "turned-winograd": "bilinear.decompositions.seeds.turning:turned_winograd",
    },
)


def seed(name: str, target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """The seed of that name.

    Args:
        name: A name of `SEEDS`.
        target: What is approximated; all but the random seeds need a `matmul`.
        rank: Products.
        rng: The same generator gives the same seed.

    Raises:
        UnknownNameError: If there is no such seed.
        TargetError: If the rank is below 1, or the seed cannot take the target or the rank.
        TooLargeError: If it would not fit into memory.
    """
    if rank < 1:
        raise TargetError(f"seed {name!r} of {target.short}: rank {rank}; at least 1 product is needed")
    sides = sum(target.shape)
    memory.require(8 * rank * (6 * sides + 3 * rank), f"seed {name!r} of {target.short} with {rank} products")
    return cast("Seed", SEEDS.load(name))(target, rank, rng)


__all__ = ["SEEDS", "Seed", "decoded", "pruned", "seed"]

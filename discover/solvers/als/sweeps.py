"""Sweeps: each factor in turn becomes the solution of a ridge regression, the two others held."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from bilinear.decompositions.giving_way import give_way
from bilinear.discover.discretize.equations import AXES, Equations

BALANCE_EVERY = 10  # sweeps


def swept(equations: Equations, x: Tensor, ridges: Iterable[float]) -> Tensor:
    """Members after one sweep for each ridge.

    A factor U solves `U (G_v * G_w + ridge) = M` with M the tensor contracted with V and W; products are balanced
    between sweeps, so that the ridge weighs on the three factors alike.

    Args:
        equations: The equations.
        x: Unknowns, shape (members, unknowns).
        ridges: Positive weights of the squared norms of the factors, one a sweep.
    """
    factors = equations.split(x)
    eye = torch.eye(equations.rank, dtype=x.dtype, device=x.device)
    for number, ridge in enumerate(ridges):
        give_way()
        if number % BALANCE_EVERY == 0:
            factors = equations.split(equations.balanced(equations.join(factors)))
            grams = equations.grams(factors)
        for axis in AXES:
            others = grams[(axis + 1) % 3] * grams[(axis + 2) % 3]
            matrix = others + ridge * eye  # singular only where numbers overflow: then what follows is not finite
            factors[axis] = torch.linalg.solve_ex(matrix, equations.contracted(factors, axis))[0]
            grams[axis] = equations.grams([factors[axis]])[0]
    return equations.balanced(equations.join(factors))

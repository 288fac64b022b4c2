"""Moves along the solutions: to sparse ones, then to ones with most entries on a grid.

A solution of the Brent equations lies on a manifold of others. Its tangents are the null space of the Jacobian: changes
of basis that leave the target alone, scalars moved between the factors of a product, and whatever else the solution
happens to allow. Springs too weak to break the equations move it along these directions and no others, so no group has
to be known.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from bilinear.discover.discretize.descent import Batch, Pull, settle, step
from bilinear.discover.discretize.equations import Equations
from bilinear.discover.discretize.grids import nearest

STEPS = 40
SPRING = 3e-3
"""Strength of the springs; the squared singular values of the Jacobian are of order 1."""
WIDTHS = 0.1, 1e-3
"""The distance at which a spring begins to weaken, first and last: from least squares to least absolute values."""
SETTLING = 20
DAMPING = 1e-3


def sparsified(equations: Equations, x: Tensor, emphasis: Tensor) -> Tensor:
    """Solutions nearby with small sums of absolute values, hence many zeros.

    Args:
        equations: The equations.
        x: Solutions, shape (members, unknowns).
        emphasis: Weight of each absolute value, of that shape.

    Source:
        Least absolute values by reweighted least squares: I. Daubechies, R. DeVore, M. Fornasier, C. S. Gunturk,
        "Iteratively reweighted least squares minimization for sparse recovery", 2010.
    """
    batch = Batch.of(equations.balanced(x), DAMPING)
    for number in range(STEPS):
        weights = SPRING * emphasis / (batch.x.abs() + _width(number))
        step(equations, batch, Pull(weights, torch.zeros_like(batch.x)))
    return settle(equations, batch.x, SETTLING)[0]


def attracted(equations: Equations, x: Tensor, grid: tuple[Fraction, ...]) -> Tensor:
    """Solutions nearby with small sums of distances to the grid, hence many entries on it."""
    batch = Batch.of(_scaled(equations, x), DAMPING)
    for number in range(STEPS):
        aims = nearest(batch.x, grid)
        weights = SPRING / ((batch.x - aims).abs() + _width(number))
        step(equations, batch, Pull(weights, aims))
    return settle(equations, batch.x, SETTLING)[0]


def _width(number: int) -> float:
    first, last = WIDTHS
    return float(first * (last / first) ** (number / STEPS))


def _scaled(equations: Equations, x: Tensor) -> Tensor:
    """The same products with a one as the largest entry of each left and right row."""
    u, v, w = equations.split(x)
    scaled, scale = [], torch.ones_like(w[:, :, :1])
    for factor in (u, v):
        largest = factor.gather(2, factor.abs().argmax(2, keepdim=True))
        largest = torch.where(largest == 0, torch.ones_like(largest), largest)
        scaled.append(factor / largest)
        scale = scale * largest
    return equations.join([*scaled, w * scale])

"""Factors of bounded norm: products that grow too long are damped more, and cut at the end."""

from __future__ import annotations

import torch
from torch import Tensor

from bilinear.discover.discretize.descent import Batch, Pull, step
from bilinear.discover.discretize.equations import Equations

FIRST = 1e-3
"""Ridge of every product at first."""
GROWTH, DECAY = 2.0, 0.8
LEAST, MOST = 1e-9, 1e2


class Bounding:
    """A ridge for each product, that rises where its norm is above the bound and falls where it is below."""

    def __init__(self, equations: Equations, members: int, bound: float) -> None:
        self.equations, self.bound = equations, bound
        self._ridges = torch.full((members, equations.rank), FIRST, dtype=torch.float64, device=equations.device)

    def step(self, batch: Batch) -> Tensor:
        """One step of the fit with the ridges as they are, which then follow the norms; the squared errors after it."""
        weights = self.equations.join(
            [ridge.expand(-1, -1, side) for ridge, side in ((self._ridges[..., None], s) for s in self._sides)]
        )
        errors = step(self.equations, batch, Pull(weights, torch.zeros_like(batch.x)))
        long = self.equations.product_norms(batch.x) > self.bound
        self._ridges = (self._ridges * torch.where(long, GROWTH, DECAY)).clamp(LEAST, MOST)
        return errors

    @property
    def _sides(self) -> tuple[int, int, int]:
        return self.equations.target.shape


def cut(equations: Equations, x: Tensor, bound: float) -> Tensor:
    """Balanced products, those longer than the bound shortened to it."""
    x = equations.balanced(x)
    factors = equations.split(x)
    scale = (bound / equations.product_norms(x).clamp_min(bound))[..., None]
    return equations.join([factor * scale for factor in factors])

"""The paper's own recipe: learn from random pairs of matrices at full precision, then go on with ternary weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bilinear.decompositions.giving_way import give_way
from bilinear.discover.solvers.ternary_sgd.recipes import CHECK, Batch
from bilinear.discover.solvers.ternary_sgd.state import FloatArray
from bilinear.discover.ternary import ternary_scaled, ternary_signs

MOMENTUM = 0.9
PAIRS = 4  # a step
PHASE = 25_000  # steps: one epoch of 100,000 pairs


@dataclass(frozen=True)
class Paper:
    """StrassenNets' rediscovery of Strassen's algorithm, for many starts at once.

    Weights and data are uniform in [-1, 1]. One epoch of momentum descent at full precision, one through the
    scaled ternary quantiser, whose backward pass is the identity. The scales are left to the products at the end: the
    signs are the candidate.

    Attributes:
        rates: Step sizes of the two phases.

    Source:
        M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets: deep learning with a multiplication budget", ICML
        2018, section 4.1. As in its code, the loss is half the mean square over the outputs of a pair (MXNet's
        L2Loss). The paper recalls about 25 initialisations for one success; our replication counts are in the
        benchmark.
    """

    rates: tuple[float, float] = (0.1, 0.001)

    def begin(self, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Uniform numbers."""
        return 2 * rng.random(shape, dtype=np.float32) - 1

    def ternary(self, batch: Batch) -> Tensor:
        """The signs of the weights that stand out in their factor."""
        signs = torch.zeros_like(batch.latent)
        kept = signs[..., : batch.rank]
        sides = batch.objective.split(batch.latent[..., : batch.rank])
        kept.copy_(torch.cat([ternary_signs(side, (0, 2)) for side in sides]))
        return signs

    def ripe(self, batch: Batch) -> Tensor:
        """Those at their end."""
        return self.spent(batch)

    def spent(self, batch: Batch) -> Tensor:
        """All members, after the second epoch."""
        return batch.ages >= 2 * PHASE

    def walk(self, batch: Batch) -> None:
        """Steps of momentum descent, each on its own pairs for each member."""
        quantised = bool(batch.ages[0] >= PHASE)
        batch.shares.fill_(quantised)
        rate = self.rates[quantised]
        for pairs in self._pairs(batch):
            give_way()
            latent = batch.latent[..., : batch.rank].permute(1, 0, 2)
            sides = torch.split(latent, list(batch.objective.target.shape), 1)
            used = [ternary_scaled(side, (1, 2)) if quantised else side for side in sides]
            gradient = torch.cat(_gradients(used, *pairs), 1)
            momentum = batch.first[..., : batch.rank].permute(1, 0, 2)
            momentum.mul_(MOMENTUM).sub_(gradient, alpha=rate)
            latent.add_(momentum)

    def _pairs(self, batch: Batch) -> list[tuple[Tensor, Tensor, Tensor]]:
        """The operands and their products for `CHECK` steps, shapes (members, pairs, left | right | out)."""
        target, shape = batch.objective.target, (CHECK, batch.latent.shape[1], PAIRS)
        device = batch.latent.device
        x, y = (
            2 * torch.rand((*shape, side), generator=batch.generator, device=device) - 1 for side in target.shape[:2]
        )
        i, j, k = (torch.tensor(side, device=device) for side in target.indices.T)
        terms = x[..., i] * y[..., j] * torch.tensor(target.values, dtype=x.dtype, device=device)
        z = torch.zeros((*shape, target.shape[2]), device=device).index_add_(-1, k, terms)
        return list(zip(x, y, z, strict=True))


def _gradients(sides: list[Tensor], x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
    """Gradients in U, V and W of the mean loss of the pairs, shapes (members, left | right | out, rank)."""
    u, v, w = sides
    left, right = torch.bmm(x, u), torch.bmm(y, v)
    products = left * right
    error = (torch.bmm(products, w.transpose(1, 2)) - z) / (z.shape[1] * z.shape[2])
    back = torch.bmm(error, w)
    return [
        torch.bmm(x.transpose(1, 2), back * right),
        torch.bmm(y.transpose(1, 2), back * left),
        torch.bmm(error.transpose(1, 2), products),
    ]

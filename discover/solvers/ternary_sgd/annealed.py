"""The annealed recipe: floats drawn to ternary values as fast as each of them can follow, under constant noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bilinear.decompositions.giving_way import give_way
from bilinear.discover.solvers.ternary_sgd.recipes import CHECK, Batch
from bilinear.discover.solvers.ternary_sgd.state import FloatArray

NOISE_EVERY = 4  # steps: drawing normal numbers costs as much as the gradient
MEMORY = 0.7, 0.9  # of Adam's moments; so short that their start needs no correction
EPSILON = 1e-8


@dataclass(frozen=True)
class Annealed:
    """Straight-through gradient descent on factors that turn ternary at their own pace.

    The forward pass uses `q = x + share * (round(x) - x)`, the backward pass takes `dq/dx = 1`. Each member has its
    own share: it climbs while the squared error at q is below the tolerance and falls while it is above, so a member
    stays float until it fits, and then is held at the edge of what it can bear while the noise moves it along the
    solutions. Members that do not fit in time, or fit but do not turn ternary, are spent.

    All is scaled by n = rank * (left + right + out), the number of coefficients: step size and noise by `1 / sqrt(n)`,
    so that the error they cause grows slowly with the size, times by n.

    Attributes:
        rate: Adam's step size, times `1 / sqrt(n)`.
        noise: Standard deviation of the noise added per step, times `1 / sqrt(n)`.
        pull: Weight of the squared distance to the rounded factors, times the share.
        spread: Standard deviation of the random start.
        tolerance: Squared error up to which the share climbs; 1 is one tensor entry missed.
        climb: Growth of the share in n steps; it falls twice as fast.
        fit_within: Age from which a member with a share of zero is spent, in units of n steps.
        done_within: Age at which every member is spent, likewise.

    Source:
        Straight-through quantisation after full-precision training: M. Tschannen, A. Khanna and A. Anandkumar,
        "StrassenNets", ICML 2018. The share and its control, the pull, the noise and Adam are ours; the paper switches
        at once.
    """

    rate: float
    noise: float
    pull: float
    spread: float
    tolerance: float
    climb: float
    fit_within: float
    done_within: float
    bound: float = 1.4

    def begin(self, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Normal numbers."""
        return np.float32(self.spread) * rng.standard_normal(shape, dtype=np.float32)

    def ternary(self, batch: Batch) -> Tensor:
        """The nearest ternary numbers."""
        return _rounded(batch.latent, torch.empty_like(batch.latent))

    def ripe(self, batch: Batch) -> Tensor:
        """All, at any time."""
        return torch.ones_like(batch.ages, dtype=torch.bool)

    def spent(self, batch: Batch) -> Tensor:
        """Members that are still float, or still not exact, at their deadlines."""
        size = _coefficients(batch)
        late = (batch.ages >= self.fit_within * size) & (batch.shares == 0)
        return late | (batch.ages >= self.done_within * size)

    def walk(self, batch: Batch) -> None:
        """Steps of Adam on the mixed factors, with pull and noise; then each share climbs or falls."""
        scale = _coefficients(batch) ** -0.5
        near, mixed, gradient = (torch.empty_like(batch.latent) for _ in range(3))
        share = batch.shares[:, None].expand(-1, batch.latent.shape[2]).contiguous()
        for step in range(CHECK):
            give_way()
            self._slope(batch, share, near, mixed, gradient)
            self._descend(batch, gradient, near, self.rate * scale)
            if step % NOISE_EVERY == 0:
                self._shake(batch, near, self.noise * scale)
        self._steer(batch, batch.objective.squared_error(mixed))

    def _slope(self, batch: Batch, share: Tensor, near: Tensor, mixed: Tensor, out: Tensor) -> None:
        """The gradient of the squared error at the mixed factors and of the pull, written to `out`."""
        gap = _rounded(batch.latent, near).sub_(batch.latent).mul_(share)
        batch.objective.gradient(torch.add(batch.latent, gap, out=mixed), out)
        out.sub_(gap, alpha=self.pull)

    def _descend(self, batch: Batch, gradient: Tensor, scratch: Tensor, rate: float) -> None:
        """One step of Adam, after which the factors stay within the bound."""
        fast, slow = MEMORY
        batch.first.lerp_(gradient, 1 - fast)
        batch.second.mul_(slow).addcmul_(gradient, gradient, value=1 - slow)
        torch.sqrt(batch.second, out=scratch).add_(EPSILON)
        batch.latent.addcdiv_(batch.first, scratch, value=-rate).clamp_(-self.bound, self.bound)

    def _shake(self, batch: Batch, scratch: Tensor, noise: float) -> None:
        """The noise of `NOISE_EVERY` steps at once; padded products stay zero."""
        scratch.normal_(generator=batch.generator)
        scratch[..., batch.rank :] = 0
        batch.latent.add_(scratch, alpha=noise * NOISE_EVERY**0.5)

    def _steer(self, batch: Batch, error: Tensor) -> None:
        """Let the shares of members within the tolerance climb, and the others' fall."""
        climb = self.climb * CHECK / _coefficients(batch)
        batch.shares.add_(torch.where(error < self.tolerance, climb, -2 * climb)).clamp_(0, 1)


def _coefficients(batch: Batch) -> int:
    """Coefficients of one scheme."""
    return batch.rank * len(batch.latent)


def _rounded(factors: Tensor, out: Tensor) -> Tensor:
    """The nearest of -1, 0 and 1."""
    return torch.round(factors, out=out).clamp_(-1, 1)

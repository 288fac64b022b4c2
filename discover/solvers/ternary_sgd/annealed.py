"""The annealed recipe: floats that are drawn ever harder to ternary values, under noise that fades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from decompositions.targets import Target
from discover.solvers.ternary_sgd.recipes import CHECK, Batch
from discover.solvers.ternary_sgd.state import FloatArray

NOISE_EVERY = 4  # steps: drawing normal numbers costs as much as the gradient
EPSILON = 1e-8


@dataclass(frozen=True)
class Annealed:
    """Straight-through gradient descent with a ramp from float to ternary factors.

    The forward pass uses `q = x + share * (round(x) - x)`, the backward pass takes `dq/dx = 1`. The share is 0 in the
    float phase, then climbs linearly to 1. Once settled, a member does not come free again: it is the climb that
    decides, so each batch makes it once and a new batch follows.

    Attributes:
        rate: Adam's step size.
        pull: Weight of the squared distance to the rounded factors, times the share.
        noise: Standard deviation of the normal noise that each step adds at the start; it fades linearly to nothing.
        spread: Standard deviation of the random start.
        float_phase: Part of the steps before the climb begins.
        steps_per_coefficient: Steps of a batch, for each of the rank * (left + right + out) coefficients.

    Source:
        Straight-through quantisation after full-precision training: M. Tschannen, A. Khanna and A. Anandkumar,
        "StrassenNets", ICML 2018. The gradual climb, the pull, the noise and Adam are ours; the paper switches at once.
    """

    rate: float
    pull: float
    noise: float
    spread: float
    float_phase: float
    steps_per_coefficient: float
    memory: tuple[float, float] = (0.7, 0.9)
    bound: float = 1.4

    def length(self, target: Target, rank: int) -> int:
        """Steps of a batch, in whole checks."""
        return CHECK * max(1, round(self.steps_per_coefficient * rank * sum(target.shape) / CHECK))

    def begin(self, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Normal numbers."""
        return np.float32(self.spread) * rng.standard_normal(shape, dtype=np.float32)

    def ternary(self, batch: Batch) -> Tensor:
        """The nearest ternary numbers."""
        return rounded(batch.latent, torch.empty_like(batch.latent))

    def walk(self, batch: Batch, age: int, length: int) -> None:
        """Steps of Adam on the mixed factors, with pull and noise."""
        near, gradient, scratch = (torch.empty_like(batch.latent) for _ in range(3))
        for step in range(age, age + CHECK):
            self._slope(batch, self._share(step / length), gradient, near, scratch)
            self._adam(batch, gradient, scratch, step + 1)
            if step % NOISE_EVERY == 0:
                self._shake(batch, 1 - step / length, scratch)

    def _share(self, part: float) -> float:
        """How far the factors are ternary, 0 to 1, after this part of the steps."""
        return max(0.0, (part - self.float_phase) / (1 - self.float_phase))

    def _slope(self, batch: Batch, share: float, out: Tensor, near: Tensor, scratch: Tensor) -> None:
        """The gradient of the squared error at the mixed factors and of the pull, written to `out`."""
        if share == 0:
            batch.objective.gradient(batch.latent, out)
            return
        rounded(batch.latent, near)
        batch.objective.gradient(torch.lerp(batch.latent, near, share, out=scratch), out)
        out.add_(torch.sub(batch.latent, near, out=scratch), alpha=self.pull * share)

    def _adam(self, batch: Batch, gradient: Tensor, scratch: Tensor, count: int) -> None:
        """One step of Adam, after which the factors stay within the bound."""
        fast, slow = self.memory
        batch.first.lerp_(gradient, 1 - fast)
        batch.second.mul_(slow).addcmul_(gradient, gradient, value=1 - slow)
        torch.sqrt(batch.second, out=scratch).mul_((1 - slow**count) ** -0.5).add_(EPSILON)
        batch.latent.addcdiv_(batch.first, scratch, value=-self.rate / (1 - fast**count))
        batch.latent.clamp_(-self.bound, self.bound)

    def _shake(self, batch: Batch, fading: float, scratch: Tensor) -> None:
        """The noise of `NOISE_EVERY` steps at once; padded products stay zero."""
        scratch.normal_(generator=batch.generator)
        scratch[..., batch.rank :] = 0
        batch.latent.add_(scratch, alpha=self.noise * fading * NOISE_EVERY**0.5)


def rounded(factors: Tensor, out: Tensor) -> Tensor:
    """The nearest of -1, 0 and 1."""
    return torch.round(factors, out=out).clamp_(-1, 1)

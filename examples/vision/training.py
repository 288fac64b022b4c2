"""Training of a classifier, and what it has learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.stl.layer import BASIS, STLLayer
from examples.vision.data import Images

WARM_UP = 0.2
"""Share of the steps in which the rate rises; then it falls to 0 along a cosine."""
BASIS_RATE = 0.1
"""Rate of an STL layer's basis, relative to that of the weights; it has no weight decay either."""
DECAY = 0.01
EVALUATED = 256
"""Images at once."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""From class scores (batch, classes) and the numbers of the training images (batch,)."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a model learns.

    Attributes:
        epochs: Passes over the training images.
        rate: Highest of AdamW.
        batch: Images a step.
    """

    epochs: int
    rate: float
    batch: int


@dataclass(frozen=True, eq=False)
class Classification:
    """Images made ready for a model.

    Attributes:
        images: In bytes.
        means: Of each channel, shape (channels, 1, 1).
        deviations: Likewise.
    """

    images: Images
    means: Tensor
    deviations: Tensor

    @classmethod
    def of(cls, images: Images) -> Classification:
        """With the statistics of the training images."""
        return cls(images, *images.statistics())

    def ready(self, x: Tensor) -> Tensor:
        """Bytes as floats of mean 0 and deviation 1."""
        return (x.float() - self.means) / self.deviations

    def cross_entropy(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """The loss against the labels."""
        return functional.cross_entropy(scores, self.images.y[chosen])

    def train(self, model: nn.Module, recipe: Recipe, loss: Loss, seed: int) -> float:
        """Train the parameters that require a gradient; the images come in an order drawn from the seed.

        Returns:
            The mean loss of the last epoch.
        """
        batches = -(-len(self.images.x) // recipe.batch)
        optimiser, schedule = _optimiser(model, recipe, recipe.epochs * batches)
        order = torch.Generator().manual_seed(seed)
        model.train()
        total = 0.0
        for _ in range(recipe.epochs):
            total = 0.0
            for chosen in torch.split(torch.randperm(len(self.images.x), generator=order), recipe.batch):
                optimiser.zero_grad()
                value = loss(model(self.ready(self.images.x[chosen])), chosen)
                value.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                total += value.item() * len(chosen)
        return total / len(self.images.x)

    def accuracy(self, model: nn.Module) -> float:
        """Share of the test images that are classified rightly."""
        right = self.scores(model, self.images.x_test).argmax(dim=1) == self.images.y_test
        return right.float().mean().item()

    def scores(self, model: nn.Module, x: Tensor) -> Tensor:
        """Class scores in evaluation mode, shape (images, classes)."""
        model.eval()
        with torch.no_grad():
            return torch.cat([model(self.ready(part)) for part in torch.split(x, EVALUATED)])


def _optimiser(
    model: nn.Module, recipe: Recipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    layers = [module for module in model.modules() if isinstance(module, STLLayer)]
    bases = dict.fromkeys(p for layer in layers for name, p in layer.named_parameters() if name in BASIS)
    weights = [p for p in model.parameters() if p.requires_grad and p not in bases]
    groups: list[dict[str, Any]] = [
        {"params": weights},
        {"params": list(bases), "lr": BASIS_RATE * recipe.rate, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, recipe.rate, weight_decay=DECAY)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, steps))


def _share(step: int, steps: int) -> float:
    """Of the highest rate."""
    done, rise = step + 1, WARM_UP * steps
    if done < rise:
        return done / rise
    return (1 + math.cos(math.pi * (done - rise) / (steps - rise + 1))) / 2

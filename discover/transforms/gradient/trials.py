"""Training many trials at once: Adam with a learning rate for each, halving, and a finish by L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from discover.transforms.gradient.structures import Structure

BETAS = (0.9, 0.999)
TINY = 1e-8
CHUNK = 50
STALLED = 0.9
"""A finish goes on while so many iterations leave at most this part of the loss."""

RATES = (1e-3, 5e-2)
"""Bounds of the learning rates, drawn log-uniformly; the paper's 1e-4 to 1e-2 is for 80 000 steps."""


@dataclass
class Trials:
    """Parameters of many trials, and Adam's moments.

    Attributes:
        structure: What they parameterise.
        parameters: Shape (trials, parameters).
        rates: Learning rates, shape (trials, 1).
        first: Means of gradients, like the parameters.
        second: Means of their squares.
        steps: Taken so far.
    """

    structure: Structure
    parameters: Tensor
    rates: Tensor
    first: Tensor
    second: Tensor
    steps: int = 0

    @classmethod
    def start(cls, structure: Structure, trials: int, generator: torch.Generator) -> Trials:
        """Random parameters and log-uniform learning rates."""
        parameters = structure.initial(trials, generator)
        low, high = (math.log(rate) for rate in RATES)
        rates = torch.rand(trials, 1, generator=generator, dtype=torch.float64) * (high - low) + low
        return cls(structure, parameters, rates.exp(), torch.zeros_like(parameters), torch.zeros_like(parameters))

    def train(self, target: Tensor, steps: int, stop: Callable[[], bool]) -> Tensor:
        """Adam for some steps; the losses of all trials before the last one, shape (trials,).

        Args:
            target: Shape (size, size).
            steps: At most.
            stop: Asked after every step.
        """
        losses = torch.full((len(self.parameters),), math.inf)
        for _ in range(steps):
            parameters = self.parameters.requires_grad_()
            each = losses_of(self.structure.matrices(parameters), target)
            [gradient] = torch.autograd.grad(each.sum(), parameters)
            losses = each.detach()
            self._step(gradient)
            if stop():
                break
        return losses

    def _step(self, gradient: Tensor) -> None:
        self.steps += 1
        self.first = BETAS[0] * self.first + (1 - BETAS[0]) * gradient
        self.second = BETAS[1] * self.second + (1 - BETAS[1]) * gradient**2
        mean, square = self.first / (1 - BETAS[0] ** self.steps), self.second / (1 - BETAS[1] ** self.steps)
        self.parameters = (self.parameters.detach() - self.rates * mean / (square.sqrt() + TINY)).detach()

    def keep(self, best: Tensor) -> None:
        """Go on with these trials only, given by position."""
        self.parameters, self.rates = self.parameters.detach()[best], self.rates[best]
        self.first, self.second = self.first[best], self.second[best]


def losses_of(matrices: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of each matrix; of its real part where the target is real."""
    difference = (matrices if target.is_complex() else matrices.real) - target
    squares = torch.view_as_real(difference).square().sum(-1) if target.is_complex() else difference.square()
    return squares.mean(dim=(1, 2))


def finished(structure: Structure, parameters: Tensor, target: Tensor, steps: int, goal: float) -> tuple[Tensor, float]:
    """Round the choices of one trial and minimise over the rest by L-BFGS.

    Args:
        structure: What is parameterised.
        parameters: Of one trial, shape (parameters,).
        target: Shape (size, size).
        steps: Iterations, at most.
        goal: Loss at which to stop.

    Returns:
        The parameters with decided choices, and their loss.
    """
    fixed = structure.decided(parameters[None].detach())
    free = structure.free()
    values = fixed[0, free].clone().requires_grad_()
    search = torch.optim.LBFGS(
        [values], max_iter=CHUNK, tolerance_grad=0, tolerance_change=0, history_size=30, line_search_fn="strong_wolfe"
    )

    def placed() -> Tensor:
        return fixed.index_put((torch.tensor([0]), free.nonzero()[:, 0]), values)

    def closure() -> Tensor:
        search.zero_grad()
        loss = losses_of(structure.matrices(placed()), target)[0]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    before = math.inf
    for _ in range(steps // CHUNK):
        search.step(closure)  # type: ignore[no-untyped-call]
        now = float(closure().detach())
        if now <= goal or not now < STALLED * before:
            break
        before = now
    with torch.no_grad():
        final = placed()[0]
        return final, float(losses_of(structure.matrices(final[None]), target)[0])

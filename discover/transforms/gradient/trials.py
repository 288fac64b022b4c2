"""Training many trials at once: Adam with a learning rate for each, halving, and a finish by L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bilinear.discover.transforms.gradient.refine import refined
from bilinear.discover.transforms.gradient.structures import Structure

BETAS = (0.9, 0.999)
TINY = 1e-8
CHUNK = 50
STALLED = 0.9
"""A finish goes on while so many iterations leave at most this part of the loss."""

NEAR = 1e-5
"""Loss from which on steps of Levenberg and Marquardt follow: an RMSE of 3e-3."""

REFINING_STEPS = 40
MOST_REFINED = 8192
"""Numbers that these steps are taken over, at most: their square is held, and its cube is the time."""

RATES = (3e-3, 5e-2)
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
        parameters = structure.initial(trials, generator).float()
        low, high = (math.log(rate) for rate in RATES)
        rates = torch.rand(trials, 1, generator=generator) * (high - low) + low
        return cls(structure, parameters, rates.exp(), torch.zeros_like(parameters), torch.zeros_like(parameters))

    def train(self, target: Tensor, steps: int, stop: Callable[[], bool]) -> None:
        """Adam for some steps.

        Args:
            target: Shape (size, size).
            steps: At most.
            stop: Asked after every step.
        """
        target = single(target)
        for _ in range(steps):
            parameters = self.parameters.requires_grad_()
            [gradient] = torch.autograd.grad(losses_of(self.structure.matrices(parameters), target).sum(), parameters)
            self._step(gradient)
            if stop():
                break

    @torch.no_grad()
    def losses(self, target: Tensor) -> Tensor:
        """Of all trials, shape (trials,)."""
        return losses_of(self.structure.matrices(self.parameters), single(target))

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


def single(target: Tensor) -> Tensor:
    """The target in single precision, in which trials are trained."""
    return target.to(torch.complex64 if target.is_complex() else torch.float32)


def losses_of(matrices: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of each matrix; of its real part where the target is real."""
    difference = (matrices if target.is_complex() else matrices.real) - target
    squares = torch.view_as_real(difference).square().sum(-1) if target.is_complex() else difference.square()
    return squares.mean(dim=(1, 2))


def finished(
    structure: Structure,
    parameters: Tensor,
    target: Tensor,
    steps: int,
    goal: float,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, float]:
    """Round the choices of one trial and minimise over the rest: by L-BFGS, near the end by Levenberg and Marquardt.

    Args:
        structure: What is parameterised.
        parameters: Of one trial, shape (parameters,).
        target: Shape (size, size).
        steps: Iterations of L-BFGS, at most.
        goal: Loss at which to stop.
        stop: Asked now and then.

    Returns:
        The parameters with decided choices, and their loss.
    """
    values = _searched(structure, structure.decided(parameters[None].detach().double())[0], target, steps, goal, stop)
    with torch.no_grad():
        loss = float(losses_of(structure.matrices(values[None]), target)[0])
        if goal < loss <= NEAR and structure.blocks != "unitary" and int(structure.free().sum()) <= MOST_REFINED:
            values = refined(structure, values, target, REFINING_STEPS, goal, stop)
            loss = float(losses_of(structure.matrices(values[None]), target)[0])
    return values, loss


def _searched(
    structure: Structure, fixed: Tensor, target: Tensor, steps: int, goal: float, stop: Callable[[], bool]
) -> Tensor:
    """The blocks after L-BFGS, with the choices as they are."""
    free = structure.free()
    values = fixed[free].clone().requires_grad_()
    search = torch.optim.LBFGS(
        [values], max_iter=CHUNK, tolerance_grad=0, tolerance_change=0, history_size=30, line_search_fn="strong_wolfe"
    )

    def placed() -> Tensor:
        return fixed.index_put((free.nonzero()[:, 0],), values)

    def closure() -> Tensor:
        search.zero_grad()
        loss = losses_of(structure.matrices(placed()[None]), target)[0]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    before = math.inf
    for _ in range(steps // CHUNK):
        search.step(closure)  # type: ignore[no-untyped-call]
        now = float(closure().detach())
        if now <= goal or not now < STALLED * before or stop():
            break
        before = now
    return placed().detach()

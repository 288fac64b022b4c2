"""The last digits of a trial: steps of Levenberg and Marquardt on its blocks, which valleys do not slow down."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bilinear.discover.transforms.gradient.structures import Structure

CHUNK = 128
"""Columns of the Jacobian made at once."""

FIRST_DAMPING = 1e-2
LARGEST_DAMPING = 1e6
EASED, RAISED = 0.2, 5.0


def refined(
    structure: Structure, parameters: Tensor, target: Tensor, steps: int, goal: float, stop: Callable[[], bool]
) -> Tensor:
    """Damped Gauss-Newton steps over the blocks of one trial; its choices stay.

    Args:
        structure: Its blocks are not unitary, so that the matrix is linear in every single number.
        parameters: Of one trial, its choices decided, shape (parameters,), float64.
        target: Shape (size, size).
        steps: At most.
        goal: Loss (mean of squares) at which to stop.
        stop: Asked before every step.

    Returns:
        The parameters of the least loss, shape (parameters,).
    """
    free = structure.free().nonzero()[:, 0]
    damping, residual = FIRST_DAMPING, _residuals(structure, parameters[None], target)[0]
    for _ in range(steps):
        if stop() or residual.square().sum() <= goal * target.numel() or damping > LARGEST_DAMPING:
            break
        slopes = _jacobian(structure, parameters, target, residual, free)
        normal, gradient = slopes @ slopes.T, slopes @ residual
        scale = normal.diagonal().mean()
        while damping <= LARGEST_DAMPING:
            shifted = normal + damping * scale * torch.eye(len(free), dtype=normal.dtype)
            tried = parameters.clone()
            tried[free] -= torch.cholesky_solve(gradient[:, None], torch.linalg.cholesky(shifted))[:, 0]
            after = _residuals(structure, tried[None], target)[0]
            if after.square().sum() < residual.square().sum():
                parameters, residual, damping = tried, after, EASED * damping
                break
            damping *= RAISED
    return parameters


def _residuals(structure: Structure, parameters: Tensor, target: Tensor) -> Tensor:
    """What the matrices of trials lack, as real numbers, shape (trials, numbers)."""
    matrices = structure.matrices(parameters, hard=True)
    lacking = (matrices if target.is_complex() else matrices.real) - target
    real = torch.view_as_real(lacking) if lacking.is_complex() else lacking
    return real.reshape(len(parameters), -1)


def _jacobian(structure: Structure, parameters: Tensor, target: Tensor, residual: Tensor, free: Tensor) -> Tensor:
    """The change of the residuals by one of each number, shape (free numbers, residuals): exact, as it is linear."""
    parts = []
    for columns in torch.split(free, CHUNK):
        moved = parameters.repeat(len(columns), 1)
        moved[torch.arange(len(columns)), columns] += 1
        parts.append(_residuals(structure, moved, target) - residual)
    return torch.cat(parts)

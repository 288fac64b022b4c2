"""Rounding float weights to ternary ones: the scaled quantiser of ternary weight networks.

The one definition, for the solver `ternary-sgd` and for the StrassenNets layers above it.
"""

from __future__ import annotations

from torch import Tensor

THRESHOLD = 0.7  # of the mean magnitude; near-optimal for normal and uniform weights, Li et al. 2016


def ternary_signs(weights: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Signs of the weights that stand out: -1, 0 or 1, of the same shape.

    Args:
        weights: Float weights of any shape.
        dim: The axes that make up one weight tensor, over which the mean magnitude is taken.
    """
    magnitude = weights.abs()
    cut = THRESHOLD * magnitude.mean(dim, keepdim=True)
    return weights.sign() * (magnitude > cut)


def ternary_scaled(weights: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """The weights as one scale times their ternary signs, of the same shape.

    The scale is the mean magnitude of the weights that stand out (zero where none does). Differentiate straight
    through: the gradient with respect to the result is the gradient with respect to the weights.

    Args:
        weights: Float weights of any shape.
        dim: The axes that share a scale.

    Source:
        F. Li, B. Zhang and B. Liu, "Ternary weight networks", 2016 (arXiv 1605.04711), equations 6 and 7.
    """
    signs = ternary_signs(weights, dim)
    kept = signs.abs().sum(dim, keepdim=True).clamp_(min=1)
    return signs * ((weights * signs).sum(dim, keepdim=True) / kept)

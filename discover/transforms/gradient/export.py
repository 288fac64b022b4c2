"""From trained parameters to the factors of a fast transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.decompositions.transforms.factors import ButterflyFactor, Factor, FastTransform, Selection
from bilinear.discover.transforms.gradient.structures import Structure, bit_reversal, permutations


def exported(structure: Structure, parameters: Tensor) -> FastTransform:
    """The factors of one trial, its choices rounded.

    Args:
        structure: What is parameterised.
        parameters: Shape (parameters,).
    """
    size, factors = structure.size, list[Factor]()
    letters = list(structure.split(parameters[None].detach()))
    for letter, part in letters if structure.transposed else reversed(letters):
        if letter in "PpR":
            order = _order(structure, letter, part)
            factors.append(Selection(np.argsort(order) if structure.transposed else order, size))
        else:
            levels = list(structure.level_blocks(part, rising=letter == "B"))
            for stride, block in reversed(levels) if structure.transposed else levels:
                factors += _level(size, stride, block[0].numpy(), structure.transposed)
    return FastTransform(tuple(factors))


def _order(structure: Structure, letter: str, part: Tensor) -> NDArray[np.int64]:
    """The permutation of a letter, rounded."""
    if letter == "R":
        return bit_reversal(structure.size).numpy()
    chosen = permutations(torch.sigmoid(part).round(), structure.size, structure.choosing_levels(letter))
    return chosen[0].argmax(dim=1).numpy()


def _level(size: int, stride: int, block: NDArray[Any], transposed: bool) -> list[Factor]:
    """One level: pairs `stride` apart side by side, then 2 x 2 blocks that put them back."""
    pairs = np.arange(size).reshape(-1, 2, stride).swapaxes(1, 2).ravel()
    square = block.reshape(-1, stride, 2, 2)
    mixing = square.swapaxes(2, 3) if transposed else square
    return [Selection(pairs, size), ButterflyFactor(mixing.swapaxes(1, 2)[:, :, :, None, :, None].copy())]

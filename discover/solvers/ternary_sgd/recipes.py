"""What a recipe for ternary gradient descent has to offer, and the batch it works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bilinear.discover.solvers.ternary_sgd.objective import Objective
from bilinear.discover.solvers.ternary_sgd.state import FloatArray

CHECK = 25  # steps between two looks at the ternary factors


@dataclass(frozen=True)
class Batch:
    """The tensors of a batch on its device, changed in place.

    Attributes:
        objective: The squared error, with buffers for this batch.
        rank: Number of products; beyond it the factors are padded with zeros.
        latent: Float factors, shape (left + right + out, members, padded rank).
        first: First moments, or momentum, of the same shape.
        second: Second moments, of the same shape.
        shares: How far each member is ternary, shape (members,).
        ages: Steps of each member, shape (members,).
        generator: Random numbers of this slice.
    """

    objective: Objective
    rank: int
    latent: Tensor
    first: Tensor
    second: Tensor
    shares: Tensor
    ages: Tensor
    generator: torch.Generator


class Recipe(Protocol):
    """A way from random floats to ternary factors."""

    def begin(self, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Random factors of a shape (left + right + out, members, rank)."""

    def walk(self, batch: Batch) -> None:
        """`CHECK` steps of every member; the caller counts their ages."""

    def ternary(self, batch: Batch) -> Tensor:
        """The ternary factors that the batch stands for, of the shape of `batch.latent`."""

    def ripe(self, batch: Batch) -> Tensor:
        """Which members' ternary factors are candidates now, shape (members,)."""

    def spent(self, batch: Batch) -> Tensor:
        """Which members have had their time, shape (members,)."""

"""What all StrassenNets layers share: two ternary matrices, numbers between them, and three phases of training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from enum import Enum
from typing import Literal

import torch
from torch import Tensor, nn

from bilinear.discover.ternary import ternary_scaled, ternary_signs
from bilinear.layers.errors import LayerError

Weights = Literal["free", "encoded"]
LATENT = ("encoder_x", "encoder_w", "decoder")


class Phase(Enum):
    """How far training has come; a layer only goes forward."""

    FULL = "full precision: the matrices are floats"
    QUANTISED = "straight through: used as scaled ternary matrices, their gradients passed to the floats"
    FROZEN = "frozen: ternary matrices fixed, their scales folded into the weights, which are fine-tuned"


ORDER = tuple(Phase)


class SumProduct(nn.Module, ABC):
    """`y = D ((E_w vec A) * (E_x x))`, with ternary matrices learned from data and `rank` products.

    Attributes:
        encoder_x: E_x, its first axis the products.
        decoder: D, its axes in the subclass.
        multipliers: E_w vec A as free numbers, shape (rank,); None if `weights` is `encoded`.
        encoder_w: E_w, shape (rank, numbers in A); None if `weights` is `free`.
        dense: A, shaped as the dense layer's weight; None if `weights` is `free`.
        rank: Number of products.
        weights: `free` or `encoded`.
        phase: Of training. Not part of `state_dict`: `to_phase` sets it.

    Source:
        M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets: deep learning with a multiplication budget", ICML
        2018 (arXiv 1712.03942). Their code keeps the numbers within [0, 100]; here they may have any sign.
    """

    multipliers: nn.Parameter | None
    encoder_w: nn.Parameter | None
    dense: nn.Parameter | None

    def __init__(self, rank: int, weights: Weights) -> None:
        super().__init__()
        self.rank, self.weights = rank, weights
        self.phase = Phase.FULL

    @abstractmethod
    def name(self) -> str:
        """The layer, as error texts name it."""

    def _make(
        self,
        encoder_x: tuple[int, ...],
        decoder: tuple[int, ...],
        dense: tuple[int, ...],
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        """Make and draw the tensors, once the subclass has checked the sizes."""

        def parameter(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape, device=device, dtype=dtype))

        if self.weights not in ("free", "encoded"):
            raise LayerError(f"layer {self.name()}: weights {self.weights!r}; choose 'free' or 'encoded'")
        if self.rank < 1:
            raise LayerError(f"layer {self.name()}: rank {self.rank}; at least one product is needed")
        free = self.weights == "free"
        self.encoder_x, self.decoder = parameter(*encoder_x), parameter(*decoder)
        self.register_parameter("multipliers", parameter(self.rank) if free else None)
        self.register_parameter("encoder_w", None if free else parameter(self.rank, math.prod(dense)))
        self.register_parameter("dense", None if free else parameter(*dense))
        if not self.encoder_x.is_floating_point():
            raise LayerError(f"layer {self.name()}: {dtype}; a floating type is needed")
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw normal numbers that keep the variance of the input."""
        nn.init.normal_(self.encoder_x, std=self.encoder_x[0].numel() ** -0.5)
        nn.init.normal_(self.decoder, std=self.rank**-0.5)
        if self.multipliers is not None:
            nn.init.ones_(self.multipliers)
        if self.encoder_w is not None and self.dense is not None:
            nn.init.normal_(self.encoder_w, std=self.encoder_w.shape[1] ** -0.5)
            nn.init.normal_(self.dense)

    def _used(self, latent: Tensor) -> Tensor:
        """A ternary matrix as the forward pass takes it."""
        if self.phase is not Phase.QUANTISED:
            return latent
        quantised = ternary_scaled(latent.detach(), tuple(range(latent.ndim)))
        return latent + (quantised - latent.detach())

    def products(self) -> Tensor:
        """The numbers that the encoded input is multiplied by, shape (rank,)."""
        if self.multipliers is not None:
            return self.multipliers
        assert self.encoder_w is not None
        assert self.dense is not None
        return self._used(self.encoder_w) @ self.dense.flatten()

    def to_phase(self, phase: Phase) -> None:
        """Go on to a later phase of training.

        On freezing, each ternary matrix is replaced by its signs, fixed, and its scale is multiplied into the weights
        (the encoder's into the statistics of the batch normalisation behind it, if there is one).

        Raises:
            LayerError: If the layer is in a later phase already, or a weight is not finite.
        """
        if ORDER.index(phase) < ORDER.index(self.phase):
            raise LayerError(f"layer {self.name()}: {self.phase.name}, cannot go back to {phase.name}; build it anew")
        if phase is Phase.FROZEN and self.phase is not Phase.FROZEN:
            self._freeze()
        self.phase = phase

    @torch.no_grad()
    def _freeze(self) -> None:
        for name in LATENT:
            latent = getattr(self, name)
            if latent is None:
                continue
            if not torch.isfinite(latent).all():
                raise LayerError(f"layer {self.name()}: {name} holds a number that is not finite; train it anew")
            axes = tuple(range(latent.ndim))
            signs = ternary_signs(latent, axes)
            scale = ternary_scaled(latent, axes).abs().max()
            latent.copy_(signs)
            latent.requires_grad_(False)
            self._fold(name, scale)

    def _fold(self, name: str, scale: Tensor) -> None:
        """Keep the layer's function, in evaluation mode, though the matrix lost its scale."""
        norm = getattr(self, "norm", None)
        if name == "encoder_x" and isinstance(norm, nn.modules.batchnorm._BatchNorm):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            if scale > 0:
                norm.running_mean /= scale
                norm.running_var.add_(norm.eps).div_(scale**2).sub_(norm.eps)
            return
        numbers = self.dense if self.multipliers is None else self.multipliers
        assert numbers is not None
        numbers.mul_(scale)

    def ternary(self) -> dict[str, Tensor]:
        """The ternary matrices by name, once frozen.

        Raises:
            LayerError: If they are not frozen.
        """
        if self.phase is not Phase.FROZEN:
            raise LayerError(f"layer {self.name()}: {self.phase.name}, its matrices are not ternary; freeze it first")
        return {name: getattr(self, name) for name in LATENT if getattr(self, name) is not None}


def set_phase(model: nn.Module, phase: Phase) -> int:
    """Take every StrassenNets layer of a model on to a phase.

    Returns:
        The number of layers.

    Raises:
        LayerError: If the model has none, or one is further already.
    """
    found = [module for module in model.modules() if isinstance(module, SumProduct)]
    if not found:
        raise LayerError(f"{type(model).__name__}: no StrassenNets layer in it; convert or build some first")
    for module in found:
        module.to_phase(phase)
    return len(found)

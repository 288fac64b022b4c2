"""`ButterflyLinear`: a linear layer whose weight is a product of butterfly factors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.decompositions.transforms import ButterflyFactor, FastTransform
from bilinear.decompositions.transforms.interpolative import truncated
from bilinear.layers.butterfly.factors import butterfly_shapes, inputs_of, orthogonal
from bilinear.layers.butterfly.stages import Mixing, Selecting, Stage, applied, condensed
from bilinear.layers.butterfly.structured import StructuredLinear, require_linear
from bilinear.layers.errors import LayerError

LINEAR_GAIN = 3**-0.5
"""Standard deviation of the outputs of a fresh `torch.nn.Linear`, over that of its inputs."""

_KEY = re.compile(r"stages\.(\d{1,4})\.(blocks|indices)")
_SIX = 6


class ButterflyLinear(StructuredLinear):
    """`y = x W^T + b`, W of about 2 rank^2 N log2 N numbers instead of N^2.

    Inputs are padded with zeros to a power of the radix, outputs are cut; where the two sizes differ, levels that only
    split or only join stand at the ends. In the forward pass neighbouring levels are multiplied into blocks of side 32
    at most, which one batched matrix product applies; gradients go through to the levels.

    Attributes:
        stages: `Mixing` (learned blocks) and `Selecting` (fixed orders), in the order in which they are applied.

    Source:
        T. Dao, A. Gu, M. Eichhorn, A. Rudra, C. Re, "Learning fast algorithms for linear transforms using butterfly
        factorizations", ICML 2019. Block ranks above 1, rectangular levels and the joining of levels are ours.
    """

    stages: nn.ModuleList

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rank: int = 1,
        radix: int = 2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer of random orthogonal blocks.

        Args:
            in_features: Length of an input vector.
            out_features: Length of an output vector.
            bias: Whether to add a bias.
            rank: Rank of the blocks between two levels.
            radix: Into how many parts a level splits rows and columns.
            device: Where the tensors live.
            dtype: A real floating type; torch's default if None.

        Raises:
            LayerError: If a size or the rank is below 1, the radix below 2, or the dtype not real and floating.
        """
        super().__init__(in_features, out_features)
        if rank < 1 or radix < 2:
            raise LayerError(f"layer {self.name()}: rank {rank}, radix {radix}; at least 1 and 2 are needed")
        dtype = self._checked(dtype)
        shapes = butterfly_shapes(in_features, out_features, rank, radix)
        self.stages = nn.ModuleList(Mixing(torch.empty(shape, device=device, dtype=dtype)) for shape in shapes)
        self._make_bias(bias, device, dtype)
        self._scale = LINEAR_GAIN * (inputs_of(shapes[0]) / in_features) ** 0.5
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw orthogonal blocks; the outputs of the layer have the variance of those of a fresh `torch.nn.Linear`."""
        for place, blocks in enumerate(self.factors()):
            if not blocks.is_meta:
                blocks.copy_(orthogonal(tuple(blocks.shape), blocks.device) * (self._scale if place == 0 else 1.0))

    @classmethod
    def from_stages(cls, stages: Sequence[Stage], sizes: tuple[int, int], bias: Tensor | None) -> Self:
        """A layer of given stages.

        Args:
            stages: Each takes what the one before it makes.
            sizes: (in_features, out_features), at most what the first takes and the last makes.
            bias: Shape (out_features,), or None.

        Raises:
            LayerError: If they do not fit together, or hold no real numbers.
        """
        layer = cls.__new__(cls)
        StructuredLinear.__init__(layer, *sizes)
        mixings = [stage for stage in stages if isinstance(stage, Mixing)]
        if not mixings:
            raise LayerError(f"layer {layer.name()}: no factor with numbers; at least one is needed")
        layer._check_stages(stages)
        layer.stages = nn.ModuleList(stages)
        layer.register_parameter("bias", None if bias is None else nn.Parameter(bias))
        layer._scale = LINEAR_GAIN
        return layer

    def _check_stages(self, stages: Sequence[Stage]) -> None:
        sizes = [stage.sizes() for stage in stages]
        for (_, made), (taken, _) in zip(sizes, sizes[1:], strict=False):
            if made != taken:
                raise LayerError(f"layer {self.name()}: a factor makes {made} numbers, the next takes {taken}")
        if sizes[0][0] < self.in_features or sizes[-1][1] < self.out_features:
            raise LayerError(f"layer {self.name()}: its factors take {sizes[0][0]} and make {sizes[-1][1]} numbers")
        for stage in stages:
            if isinstance(stage, Mixing):
                self._checked(stage.blocks.dtype)

    @classmethod
    def from_transform(
        cls,
        fast: FastTransform,
        bias: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Self:
        """A layer that begins as a transform, recovered or constructed; its nonzero blocks are then learned.

        Args:
            fast: With real factors.
            bias: Whether to add a bias, zero at first.
            device: Where the tensors live.
            dtype: A real floating type; torch's default if None.

        Raises:
            LayerError: If a factor is complex.
        """
        size, made, dtype = fast.size, fast.factors[-1].shape[0], dtype or torch.get_default_dtype()
        stages: list[Stage] = []
        for factor in fast.factors:
            if not isinstance(factor, ButterflyFactor):
                stages.append(Selecting(torch.tensor(factor.indices, device=device), factor.inputs))
            elif np.iscomplexobj(factor.blocks):
                raise LayerError(
                    f"layer {cls.__name__}({size} -> {made}): a complex factor; the layer holds real numbers: take "
                    "the real factors of a real transform, as the hierarchical solver finds them"
                )
            else:
                stages.append(Mixing(torch.tensor(np.array(factor.blocks), device=device, dtype=dtype)))
        return cls.from_stages(stages, (size, made), torch.zeros(made, device=device, dtype=dtype) if bias else None)

    @classmethod
    @torch.no_grad()
    def from_linear(cls, linear: nn.Linear, *, rank: int = 1) -> Self:
        """The truncated butterfly of a dense weight in its natural order, with its bias, dtype and device.

        It is square, of the power of two above both sizes. For a weight without that structure it is a start for
        training, not an approximation to use at once: see `relative_error` of the two weights.

        Args:
            linear: The dense layer.
            rank: Rank of the blocks between two levels.

        Raises:
            LayerError: If the weight is complex or not finite, or the rank below 1.
            TooLargeError: If the blocks would not fit into memory.
        """
        require_linear(linear, cls.__name__)
        rows, columns = linear.out_features, linear.in_features
        if rank < 1:
            raise LayerError(f"layer {cls.__name__}({columns} -> {rows}): rank {rank}; at least 1 is needed")
        levels = max((max(rows, columns) - 1).bit_length(), 1)
        wide = np.zeros((1 << levels, 1 << levels))
        wide[:rows, :columns] = linear.weight.double().cpu().numpy()
        like = linear.weight
        stages = [
            Mixing(torch.tensor(factor.blocks, device=like.device, dtype=like.dtype))
            for factor in truncated(wide, (2,) * levels, rank)
        ]
        return cls.from_stages(stages, (columns, rows), None if linear.bias is None else linear.bias.clone())

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], in_features: int, out_features: int) -> Self:
        """The layer that a `state_dict` was taken from, as read from a safetensors file.

        Args:
            state: `stages.0.blocks` or `stages.0.indices`, and so on, and perhaps `bias`.
            in_features: Length of an input vector.
            out_features: Length of an output vector.

        Raises:
            LayerError: If names, shapes or types are not those of a butterfly layer.
        """
        name = f"layer {cls.__name__}({in_features} -> {out_features})"
        found = {int(match[1]): key for key in state if (match := _KEY.fullmatch(key))}
        expected = [found.get(place, "") for place in range(len(found))]
        if not found or set(state) - {"bias"} != set(expected):
            raise LayerError(f"{name}: a state with {sorted(state)[:3]}; stages.0, stages.1, ... and bias are needed")
        stages: list[Stage] = []
        made = in_features
        for key in expected:
            stage = _stage(name, key, state[key], made)
            stages.append(stage)
            made = stage.sizes()[1]
        bias = state.get("bias")
        if bias is not None and bias.shape != (out_features,):
            raise LayerError(f"{name}: bias has shape {tuple(bias.shape)}, must be {(out_features,)}")
        return cls.from_stages(stages, (in_features, out_features), None if bias is None else bias.clone())

    def factors(self) -> Sequence[Tensor]:
        """The blocks of every level."""
        return [stage.blocks for stage in self.stages if isinstance(stage, Mixing)]

    def product(self, x: Tensor) -> Tensor:
        """The weight times each token, shape (tokens, in_features) to (tokens, out_features)."""
        wanted = self._first_inputs()
        padded = x if wanted == self.in_features else functional.pad(x, (0, wanted - self.in_features))
        return applied(list(self.stages), padded)[:, : self.out_features]

    def _first_inputs(self) -> int:
        first = self.stages[0]
        assert isinstance(first, Mixing | Selecting)
        return first.sizes()[0]

    @torch.no_grad()
    def fused(self) -> Self:
        """A layer with the same weight and the levels multiplied once for all: faster for few tokens, more numbers."""
        stages: list[Stage] = [
            Mixing(step.clone()) if isinstance(step, Tensor) else Selecting(step.indices.clone(), step.inputs)
            for step in condensed(list(self.stages))
        ]
        bias = None if self.bias is None else self.bias.clone()
        return self.from_stages(stages, (self.in_features, self.out_features), bias)

    def extra_repr(self) -> str:
        """What `print(layer)` shows, before its stages."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}, "
            f"weight_parameters={self.weight_parameters()}"
        )


def _stage(name: str, key: str, tensor: Tensor, made: int) -> Stage:
    """A stage of a state; the first one may take more than the inputs, which are padded."""
    if key.endswith("indices"):
        whole = tensor.ndim == 1 and tensor.dtype == torch.int64 and len(tensor) > 0
        if not whole or int(tensor.min()) < -1 or int(tensor.max()) >= made:
            raise LayerError(f"{name}: {key} selects from {made} numbers; int64 positions below {made} are needed")
        return Selecting(tensor.clone(), made)
    if tensor.ndim != _SIX or not tensor.numel():
        raise LayerError(f"{name}: {key} has shape {tuple(tensor.shape)}; blocks with six axes are needed")
    return Mixing(tensor.clone())

"""What must be known of a layer of a saved model to build it again, without its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from bilinear.decompositions import memory
from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear, StructuredLinear
from bilinear.layers.butterfly.stages import Mixing, Selecting, Stage
from bilinear.layers.stl import STL, Basis, STLConv2d, STLLinear

SHARED: Final = ("tile", "rank", "scheme_hash", "entry_id", "encoded", "learnable_basis", "pad")
CONVOLUTION: Final = ("kernel_size", "stride", "padding", "dilation")
MAX_STAGES: Final = 1000

Size = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """What stands in a `config.json`: nothing is converted, nothing unknown passes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class LayerSpec(Strict):
    """One STL layer; the fields of a convolution are empty in a linear layer."""

    layer_class: Literal["STLLinear", "STLConv2d"] = Field(alias="class")
    tile: tuple[Size, Size, Size]
    rank: Size
    scheme_hash: str = Field(pattern="^[0-9a-f]{64}$")
    entry_id: str | None
    features: tuple[Size, Size]
    bias: bool
    encoded: bool
    learnable_basis: bool
    sharing: Literal["layer", "column"]
    pad: bool
    dense_below: int = Field(default=0, ge=0)
    kernel_size: tuple[Size, Size] | None = None
    stride: tuple[Size, Size] | None = None
    padding: tuple[int, int] | None = None
    dilation: tuple[Size, Size] | None = None

    @model_validator(mode="after")
    def _fields_are_the_classs(self) -> LayerSpec:
        given = [name for name in CONVOLUTION if getattr(self, name) is not None]
        if len(given) != (len(CONVOLUTION) if self.layer_class == "STLConv2d" else 0):
            raise ValueError(f"{self.layer_class} with {given or 'no sizes of a kernel'}")
        return self

    @classmethod
    def of(cls, layer: STL) -> LayerSpec:
        """That of a layer."""
        own: tuple[str, ...]
        if isinstance(layer, STLLinear):
            own, features = ("sharing", "dense_below"), (layer.in_features, layer.out_features)
        else:
            own, features = ("sharing", *CONVOLUTION), (layer.in_channels, layer.out_channels)
        return cls(features=features, **fields_of(layer, own))

    def empty(self, dense: nn.Linear | nn.Conv2d) -> STL:
        """A layer of that kind in place of a dense one, its tensors to be loaded."""
        (n, m, p), rank = self.tile, self.rank
        u, v, w = (np.zeros((rank, width)) for width in (n * m, m * p, n * p))
        basis = Basis(f"matmul:{n}x{m}x{p}", self.tile, u, v, w, self.scheme_hash, self.entry_id)
        options: dict[str, Any] = self.model_dump(include={"learnable_basis", "sharing", "pad"})
        options |= {"device": dense.weight.device, "dtype": dense.weight.dtype}
        layer: STL
        if self.layer_class == "STLLinear":
            layer = STLLinear(*self.features, basis, self.bias, self.encoded, dense_below=self.dense_below, **options)
        else:
            shape: dict[str, Any] = self.model_dump(include=set(CONVOLUTION), exclude_none=True)
            shape |= {"bias": self.bias, "encoded": self.encoded, "scheme": basis}
            layer = STLConv2d(in_channels=self.features[0], out_channels=self.features[1], **shape, **options)
        if not self.encoded:
            layer.register_parameter("weight", dense._parameters["weight"])
        layer._parameters["bias"] = dense._parameters["bias"]
        return layer.train(dense.training)


class StructuredSpec(Strict):
    """One butterfly or Monarch layer; `stages` is empty in a Monarch layer, `blocks` and `rank` in a butterfly.

    Attributes:
        features: (in, out).
        stages: Six sizes of the blocks of a butterfly factor, or (outputs, inputs) of a selection.
        blocks: The grid.
        rank: Of each block of the grid.
    """

    layer_class: Literal["ButterflyLinear", "MonarchLinear"] = Field(alias="class")
    features: tuple[Size, Size]
    bias: bool
    stages: tuple[tuple[Size, ...], ...] | None = None
    blocks: tuple[Size, Size] | None = None
    rank: Size | None = None

    @model_validator(mode="after")
    def _fields_are_the_classs(self) -> StructuredSpec:
        if self.layer_class == "MonarchLinear":
            if self.stages is not None or self.blocks is None or self.rank is None:
                raise ValueError("a MonarchLinear has blocks and a rank, and no stages")
        elif self.blocks is not None or self.rank is not None or not self.stages or len(self.stages) > MAX_STAGES:
            raise ValueError(f"a ButterflyLinear has 1 to {MAX_STAGES} stages, and neither blocks nor a rank")
        if any(len(sizes) not in (2, 6) for sizes in self.stages or ()):
            raise ValueError("a stage has six sizes, or two")
        return self

    @classmethod
    def of(cls, layer: StructuredLinear) -> StructuredSpec:
        """That of a layer."""
        kind: dict[str, Any] = {"features": (layer.in_features, layer.out_features), "bias": layer.bias is not None}
        if isinstance(layer, MonarchLinear):
            blocks = (layer.row_blocks, layer.column_blocks)
            return cls(layer_class="MonarchLinear", blocks=blocks, rank=layer.rank, **kind)
        assert isinstance(layer, ButterflyLinear)
        stages = tuple(
            stage.block_shape if isinstance(stage, Mixing) else stage.sizes()[::-1]
            for stage in layer.stages
            if isinstance(stage, Mixing | Selecting)
        )
        return cls(layer_class="ButterflyLinear", stages=stages, **kind)

    def empty(self, dense: nn.Linear) -> StructuredLinear:
        """A layer of that kind in place of a dense one, its tensors to be loaded.

        Raises:
            LayerError: If the sizes do not fit together.
            TooLargeError: If they would not fit into memory.
        """
        like: dict[str, Any] = {"device": dense.weight.device, "dtype": dense.weight.dtype}
        layer: StructuredLinear
        if self.layer_class == "MonarchLinear":
            assert self.rank is not None
            layer = MonarchLinear(*self.features, self.bias, blocks=self.blocks, rank=self.rank, **like)
        else:
            stages = self.stages or ()
            numbers = sum(torch.Size(sizes).numel() if len(sizes) == 6 else sizes[0] for sizes in stages)
            memory.require(8 * numbers, f"a ButterflyLinear of {self.features}")
            made: list[Stage] = [_stage(sizes, like) for sizes in stages]
            bias = torch.zeros(self.features[1], **like) if self.bias else None
            layer = ButterflyLinear.from_stages(made, self.features, bias)
        layer._parameters["bias"] = dense._parameters["bias"]
        return layer.train(dense.training)


Spec = LayerSpec | StructuredSpec


def fields_of(layer: STL, own: Sequence[str]) -> dict[str, Any]:
    """The fields of an STL layer that bear the same name in every file, and some of its own."""
    bias = layer.bias is not None
    return {"class": type(layer).__name__, "bias": bias} | {name: getattr(layer, name) for name in (*SHARED, *own)}


def _stage(sizes: tuple[int, ...], like: dict[str, Any]) -> Stage:
    if len(sizes) == 2:
        return Selecting(torch.zeros(sizes[0], dtype=torch.int64, device=like["device"]), sizes[1])
    return Mixing(torch.zeros(sizes, **like))

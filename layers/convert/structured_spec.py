"""What must be known of a butterfly or Monarch layer to build it again, without its tensors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from bilinear.decompositions import memory
from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear, StructuredLinear
from bilinear.layers.butterfly.stages import Mixing, Selecting, Stage

Size = Annotated[int, Field(ge=1)]
MAX_STAGES = 1000


class StructuredSpec(BaseModel):
    """One such layer; `stages` is empty in a Monarch layer, `blocks` and `rank` in a butterfly.

    Attributes:
        features: (in, out).
        stages: Six sizes of the blocks of a butterfly factor, or (outputs, inputs) of a selection.
        blocks: The grid.
        rank: Of each block of the grid.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

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

    def empty(self, dense: nn.Linear) -> StructuredLinear:
        """A layer of that kind in place of a dense one, its tensors to be loaded.

        Raises:
            LayerError: If the sizes do not fit together.
            TooLargeError: If they would not fit into memory.
        """
        like: dict[str, Any] = {"device": dense.weight.device, "dtype": dense.weight.dtype}
        if self.layer_class == "MonarchLinear":
            assert self.rank is not None
            layer: StructuredLinear = MonarchLinear(
                *self.features, self.bias, blocks=self.blocks, rank=self.rank, **like
            )
        else:
            stages = self.stages or ()
            numbers = sum(torch.Size(sizes).numel() if len(sizes) == 6 else sizes[0] for sizes in stages)
            memory.require(8 * numbers, f"a ButterflyLinear of {self.features}")
            made: list[Stage] = [_stage(sizes, like) for sizes in stages]
            bias = torch.zeros(self.features[1], **like) if self.bias else None
            layer = ButterflyLinear.from_stages(made, self.features, bias)
        layer._parameters["bias"] = dense._parameters["bias"]
        return layer.train(dense.training)


def _stage(sizes: tuple[int, ...], like: dict[str, Any]) -> Stage:
    if len(sizes) == 2:
        return Selecting(torch.zeros(sizes[0], dtype=torch.int64, device=like["device"]), sizes[1])
    return Mixing(torch.zeros(sizes, **like))


def spec_of_structured(layer: StructuredLinear) -> StructuredSpec:
    """That of a layer."""
    kind: dict[str, Any] = {"features": (layer.in_features, layer.out_features), "bias": layer.bias is not None}
    if isinstance(layer, MonarchLinear):
        blocks = (layer.row_blocks, layer.column_blocks)
        return StructuredSpec(layer_class="MonarchLinear", blocks=blocks, rank=layer.rank, **kind)
    assert isinstance(layer, ButterflyLinear)
    stages = tuple(
        stage.block_shape if isinstance(stage, Mixing) else stage.sizes()[::-1]
        for stage in layer.stages
        if isinstance(stage, Mixing | Selecting)
    )
    return StructuredSpec(layer_class="ButterflyLinear", stages=stages, **kind)

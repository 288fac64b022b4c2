"""`config.json` of a saved layer and of a saved model, and the tensors they promise."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bilinear.layers.errors import LayerError
from bilinear.layers.stl.functional import columns_of
from bilinear.layers.stl.tiles import tiles_of
from bilinear.layers.storage.specs import LayerSpec, Strict, StructuredSpec

ADDED: Final = ("sharing", "dense_below")
"""Fields of a layer from version 2 on."""


class _Header(BaseModel):
    """What every version of a file holds."""

    model_config = ConfigDict(strict=True)

    format: str
    format_version: int


class _LayerHeader(_Header):
    format: Literal["bilinear-layer"]


class _ModelHeader(_Header):
    format: Literal["bilinear-model"]


class Config(Strict):
    """A `config.json`.

    Attributes:
        header: What is read of it first.
        newest: The version that is written for what the older ones do not know.
        read: Which versions are read, as an error text says it.
    """

    header: ClassVar[type[_Header]]
    newest: ClassVar[int]
    read: ClassVar[str]

    @classmethod
    def parse(cls, text: bytes, name: str) -> Self:
        """The configuration in the text of the file.

        Args:
            text: The file's content.
            name: The file, as the error text names it.

        Raises:
            LayerError: If it is no such configuration, of another version, or a field has a wrong type or value.
        """
        try:
            version = cls.header.model_validate_json(text).format_version
            if not 1 <= version <= cls.newest:
                raise LayerError(f"{name}: format version {version}; this version of bilinear reads {cls.read}")
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise LayerError(f"{name}: {first_fault(error)}") from None


def first_fault(error: ValidationError) -> str:
    """`field: what is wrong with it`, of the first field that is."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    return f"{field}{': ' if field else ''}{first['msg']}"


class LayerConfig(Config):
    """A saved `STLLinear`, without its tensors.

    Version 1 has no `sharing` and no `dense_below`; layers that need neither are still written in it.

    Attributes:
        format: Marks the file as one of ours.
        format_version: Of this file, 1 or 2.
        layer_class: `class` in the file.
        target: `matmul:NxMxP`.
        tile: (n, m, p).
        rank: Number of products.
        scheme_hash: Of the scheme that the basis started from.
        entry_id: Its entry in a catalog, or null.
        in_features: Length of an input vector.
        out_features: Length of an output vector.
        bias: Whether there is one.
        encoded: Whether the encoded weight is stored; else the dense one.
        learnable_basis: Whether the encoders and the decoder are trained.
        pad: Whether sizes that are no multiple of the tile are padded.
        dtype: Of every tensor.
        sharing: From version 2: whether the `layer` has one basis, or each `column` of tiles.
        dense_below: From version 2: fewer tokens than this go through a dense weight.
    """

    header = _LayerHeader
    newest = 2
    read = "1 to 2, install another"

    format: Literal["bilinear-layer"] = "bilinear-layer"
    format_version: Literal[1, 2] = 1
    layer_class: Literal["STLLinear"] = Field(alias="class")
    target: str
    tile: tuple[int, int, int]
    rank: int = Field(ge=1)
    scheme_hash: str = Field(pattern="^[0-9a-f]{64}$")
    entry_id: str | None
    in_features: int = Field(ge=1)
    out_features: int = Field(ge=1)
    bias: bool
    encoded: bool
    learnable_basis: bool
    pad: bool
    dtype: Literal["float32", "float64", "bfloat16", "float16"]
    sharing: Literal["layer", "column"] = "layer"
    dense_below: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _tile_is_the_targets(self) -> LayerConfig:
        n, m, p = self.tile
        if min(self.tile) < 1 or self.target != f"matmul:{n}x{m}x{p}":
            raise ValueError(f"tile {n}x{m}x{p} is not that of target {self.target[:40]!r}")
        if self.format_version == 1 and self.model_fields_set & set(ADDED):
            raise ValueError(f"{' and '.join(ADDED)} need format version 2")
        return self

    def text(self) -> str:
        """The content of the file."""
        return self.model_dump_json(indent=2, exclude=set(ADDED) if self.format_version == 1 else None) + "\n"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor that belongs to the layer."""
        (n, m, p), r = self.tile, self.rank
        left, right = columns_of(self.in_features, m, self.sharing), columns_of(self.out_features, p, self.sharing)
        shapes: dict[str, tuple[int, ...]] = {
            "encoder_x": (*left, r, n * m),
            "encoder_w": (r, m * p),
            "decoder": (*right, n * p, r),
        }
        if self.encoded:
            shapes["encoded_weight"] = (r, tiles_of(self.in_features, m), tiles_of(self.out_features, p))
        if not self.encoded or self.dense_below:
            shapes["weight"] = (self.out_features, self.in_features)
        return shapes | ({"bias": (self.out_features,)} if self.bias else {})


class ModelConfig(Config):
    """A saved model.

    Attributes:
        format: Marks the file as one of ours.
        format_version: Of this file.
        layers: The converted layers by name.
        aliases: Names in the state whose tensor is stored under another name.
    """

    header = _ModelHeader
    newest = 1
    read = "1"

    format: Literal["bilinear-model"] = "bilinear-model"
    format_version: Literal[1] = 1
    layers: dict[str, LayerSpec | StructuredSpec]
    aliases: dict[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The content of the file."""
        return self.model_dump_json(indent=1) + "\n"

"""How the layers of a model are converted, as an object and as a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bilinear.layers.errors import LayerError
from bilinear.layers.stl import Basis, fewest_tokens, initial_basis
from bilinear.layers.stl.threshold import MACHINES

VERSION: Final = 1
LARGEST_CONFIG: Final = 1 << 20
"""Bytes of a configuration file."""


@dataclass(frozen=True)
class Convolution:
    """How a convolution moves, which a file of weights does not say; as the arguments of `torch.nn.Conv2d`.

    Attributes:
        stride: Steps of the kernel.
        padding: Zeros on both sides.
        dilation: Steps inside the kernel.

    Raises:
        LayerError: If a step is below 1, or a padding below 0.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("stride", "padding", "dilation")}
        for name, size in sizes.items():
            if min(size if isinstance(size, tuple) else (size,)) < (name != "padding"):
                raise LayerError(f"{self}: {name} {size} is too small; at least {int(name != 'padding')} is needed")


@dataclass(frozen=True)
class STLConfig:
    """What STL layers a model gets, and which of its layers become such.

    Attributes:
        tile: (n, m, p), or one number for all three.
        rank: Number of products.
        init: A name of `INITIALISATIONS`, or `catalog:ID`.
        encoded: Whether the encoded weights are the parameters; else the dense weights stay, and stay tied.
        learnable_basis: Whether the changes of basis are trained.
        sharing: Who shares a basis: each `layer` has its own, the whole `model` has one, or each `column` of tiles.
        dense_below: Fewer tokens go through a dense weight (linear layers only); `auto` asks `fewest_tokens`.
        pad: Whether sizes that are no multiple of the tile are padded; else such layers stay dense.
        seed: Of the initialisation.
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
        convolutions: For files of weights, where they are not told: how the convolutions move whose names match a
            pattern, the first that does. Without one a kernel stays dense.
        format_version: Of the file; 1.

    Raises:
        LayerError: If a number is below 1 (`dense_below`: 0), or the version is another one.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    tile: int | tuple[int, int, int] = 4
    rank: int = 32
    init: str = "pruned-strassen"
    encoded: bool = True
    learnable_basis: bool = False
    sharing: Literal["layer", "model", "column"] = "layer"
    dense_below: int | Literal["auto"] = 0
    pad: bool = True
    seed: int = 0
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    convolutions: Mapping[str, Convolution] = field(default_factory=dict, hash=False)
    format_version: int = VERSION

    def __post_init__(self) -> None:
        if self.format_version != VERSION:
            raise LayerError(
                f"configuration of version {self.format_version}; this version of bilinear reads {VERSION}, install "
                "another"
            )
        if min(*self.sides, self.rank) < 1 or (self.dense_below != "auto" and self.dense_below < 0):
            raise LayerError(f"{self}: tile and rank must be at least 1, dense_below at least 0")
        if self.sharing not in ("layer", "model", "column"):
            raise LayerError(f"sharing {self.sharing!r}; choose layer, model or column")

    @property
    def sides(self) -> tuple[int, int, int]:
        """(n, m, p)."""
        return (self.tile,) * 3 if isinstance(self.tile, int) else self.tile

    def basis(self) -> Basis:
        """What every layer begins from.

        Raises:
            BilinearError: If the initialisation cannot take the tile or the rank.
        """
        return initial_basis(self.init, self.sides, self.rank, self.seed)

    def layer_sharing(self) -> str:
        """Of a single layer, as `STLLinear` takes it."""
        return "layer" if self.sharing == "model" else self.sharing

    def threshold(self, in_features: int, out_features: int, itemsize: int, device: str) -> int:
        """`dense_below` of a layer with these features."""
        if self.dense_below != "auto":
            return self.dense_below
        machine = MACHINES["cuda" if device == "cuda" else "cpu"]
        return fewest_tokens(in_features, out_features, self.sides, self.rank, itemsize, machine)

    def names(self, name: str) -> bool:
        """Whether the patterns take a layer of that name."""
        return any(fnmatchcase(name, pattern) for pattern in self.include) and not any(
            fnmatchcase(name, pattern) for pattern in self.exclude
        )

    def convolution(self, name: str) -> Convolution | None:
        """How the convolution of that name moves; None if no pattern matches."""
        return next((conv for pattern, conv in self.convolutions.items() if fnmatchcase(name, pattern)), None)


def read_config(path: str | Path) -> STLConfig:
    """The configuration in a JSON file.

    Raises:
        LayerError: If the file is missing or too large, is no configuration, or one of another version.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise LayerError(f"{path}: larger than {LARGEST_CONFIG} bytes; a configuration is needed")
        return TypeAdapter(STLConfig).validate_json(path.read_bytes())
    except OSError as error:
        raise LayerError(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise LayerError(f"{path}: {field}{': ' if field else ''}{first['msg']}") from None
    except LayerError as error:
        raise LayerError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None

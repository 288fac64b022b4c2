"""Models whose layers become STL layers: the configuration, as an object and as a JSON file, and what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import torch
from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import Tensor, nn

from bilinear.decompositions import TooLargeError, memory
from bilinear.layers.convert.conversion import Conversion, Maker, Pair, Shapes, Verdict
from bilinear.layers.convert.verdict import fewest_of, judged, judged_convolution
from bilinear.layers.errors import LayerError
from bilinear.layers.stl import STL, Basis, STLConv2d, STLLinear, initial_basis
from bilinear.layers.stl.basis import EXACT
from bilinear.layers.stl.conv import unsupported
from bilinear.layers.stl.initial import BEST
from bilinear.layers.stl.speed import Shape
from bilinear.layers.stl.threshold import NEVER
from bilinear.layers.storage.config import first_fault

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
class STLConfig(Conversion):
    """What STL layers a model gets, and which of its layers become such.

    Attributes:
        tile: (n, m, p), or one number for all three.
        rank: Number of products; `best` may take fewer, where it is exact.
        init: `best`, the nearest that the catalog and the seeds have; a name of `INITIALISATIONS`; or `catalog:ID`.
        encoded: Whether the encoded weights are the parameters; else the dense weights stay, and stay tied.
        learnable_basis: Whether the changes of basis are trained.
        sharing: Who shares a basis: each `layer` has its own, the whole `model` has one, or each `column` of tiles.
        dense_below: Fewer tokens go through a dense weight in evaluation mode (linear layers only); `auto` measures
            from how many on the layer is faster on its device. With `force` that is 0.
        pad: Whether sizes that are no multiple of the tile are padded; else such layers stay dense.
        seed: Of the initialisation.
        force: Whether layers are converted too that get neither faster nor smaller.
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
        convolutions: For files of weights, where they are not told: how the convolutions move whose names match a
            pattern, the first that does. Without one a kernel stays dense.
        format_version: Of the file; 1.

    Raises:
        LayerError: If a number is below 1 (`dense_below`: 0), or the version is another one.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    dense: ClassVar[tuple[type[nn.Module], ...]] = (nn.Linear, nn.Conv2d)
    alone: ClassVar[str] = "from_linear or from_conv"
    calibrated: ClassVar[bool] = True

    tile: int | tuple[int, int, int] = 4
    rank: int = 32
    init: str = BEST
    encoded: bool = True
    learnable_basis: bool = False
    sharing: Literal["layer", "model", "column"] = "layer"
    dense_below: int | Literal["auto"] = "auto"
    pad: bool = True
    seed: int = 0
    force: bool = False
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

    def convolution(self, name: str) -> Convolution | None:
        """How the convolution of that name moves; None if no pattern matches."""
        return next((conv for pattern, conv in self.convolutions.items() if fnmatchcase(name, pattern)), None)

    def already(self, module: nn.Module) -> str:
        """See `Conversion`."""
        return "an STL layer already" if isinstance(module, STL) else ""

    def reason(self, module: nn.Module) -> str:
        """See `Conversion`."""
        if isinstance(module, nn.Conv2d):
            return unsupported(module) or self.unpadded(module.in_channels, module.out_channels)
        assert isinstance(module, nn.Linear)
        return self.unpadded(module.in_features, module.out_features)

    def unpadded(self, in_features: int, out_features: int) -> str:
        """Which size is no multiple of the tile, where that matters; empty if none is."""
        for size, side in zip((in_features, out_features), self.sides[1:], strict=True):
            if not self.pad and size % side:
                return f"{size} is not a multiple of the tile size {side}; pass pad=True"
        return ""

    def tied(self, owners: Sequence[str], dense: Sequence[str]) -> str:
        """See `Conversion`; the dense weight itself stays shared with whatever holds it."""
        return f"its weight is tied to that of {dense[0]}; pass encoded=False" if self.encoded and dense else ""

    def maker(self) -> Maker:
        """See `Conversion`; weights that are tied stay so, and with `sharing="model"` all layers share a basis."""
        basis = self.basis()
        tied: dict[Tensor, STL] = {}
        shared: dict[tuple[torch.device, torch.dtype], STL] = {}

        def made(dense: nn.Module, calibration: Pair | None) -> nn.Module:
            assert isinstance(dense, nn.Linear | nn.Conv2d)
            layer, weight = self.layer(dense, basis, calibration), dense.weight
            _keep_parameters(layer, dense, tied.setdefault(weight, layer))
            if self.sharing == "model":
                layer.share_basis_(shared.setdefault((weight.device, weight.dtype), layer))
            return layer

        def verdict(dense: nn.Module, shapes: Shapes | None) -> Verdict:
            return self.verdict(dense, basis, shapes)

        return Maker(made, (f"basis {basis.origin}",), verdict, 1 if basis.residual < EXACT else basis.tile[0])

    def verdict(self, dense: nn.Module, basis: Basis, shapes: Shapes | None = None) -> Verdict:
        """What the speed of a layer says, on the device of the dense one; see `judged` and `judged_convolution`."""
        if self.force:
            return Verdict()
        if isinstance(dense, nn.Conv2d):
            return judged_convolution(dense, lambda: self.layer(dense, basis), shapes)
        assert isinstance(dense, nn.Linear)
        return judged(self.shape(dense, basis), self.threshold(dense, basis), shapes)

    def shape(self, dense: nn.Linear, basis: Basis) -> Shape:
        """What the speed of a layer depends on."""
        sizes, weight = (dense.in_features, dense.out_features), dense.weight
        like = weight.dtype, str(weight.device)
        return Shape(*sizes, basis.tile, basis.rank, self.encoded, self.layer_sharing(), *like)

    def threshold(self, dense: nn.Linear, basis: Basis) -> int:
        """`dense_below` of the layer in the place of a dense one."""
        if self.dense_below != "auto":
            return self.dense_below
        fewest = 0 if self.force else fewest_of(self.shape(dense, basis))
        return 0 if fewest == NEVER else fewest

    def layer(self, dense: nn.Module, basis: Basis, calibration: Pair | None = None) -> STL:
        """A layer with the weight of a dense one, and tensors of its own.

        Raises:
            LayerError: See `STLLinear.from_linear`.
        """
        x, wanted = calibration or (None, None)
        options: dict[str, Any] = {
            "encoded": self.encoded,
            "learnable_basis": self.learnable_basis,
            "sharing": self.layer_sharing(),
            "pad": self.pad,
            "calibration": x,
            "wanted": wanted,
        }
        if isinstance(dense, nn.Conv2d):
            return STLConv2d.from_conv(dense, basis, **options)
        assert isinstance(dense, nn.Linear)
        return STLLinear.from_linear(dense, basis, dense_below=self.threshold(dense, basis), **options)


@torch.no_grad()
def _keep_parameters(layer: STL, dense: nn.Linear | nn.Conv2d, first: STL) -> None:
    """Keep the very bias and dense weight, so that what is tied to them stays so; `first` has the same weight."""
    for name in ("weight", "bias"):
        old, new = getattr(dense, name), layer._parameters.get(name)
        if new is not None and (old.is_meta or torch.equal(old, new)):
            setattr(layer, name, old)
    if layer.encoded:
        layer.encoded_weight = first.encoded_weight
        layer.encoded_weight.requires_grad_(dense.weight.requires_grad)


def read_config(path: str | Path) -> STLConfig:
    """The configuration in a JSON file.

    Raises:
        LayerError: If the file is missing or too large, is no configuration, or one of another version.
    """
    path = Path(path)
    try:
        return TypeAdapter(STLConfig).validate_json(memory.contents(path, LARGEST_CONFIG))
    except TooLargeError:
        raise LayerError(f"{path}: larger than {LARGEST_CONFIG} bytes; a configuration is needed") from None
    except OSError as error:
        raise LayerError(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        raise LayerError(f"{path}: {first_fault(error)}") from None
    except LayerError as error:
        raise LayerError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None

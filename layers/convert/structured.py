"""Models with butterfly or Monarch layers in place of linear ones: the configurations, and what they make."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear, StructuredLinear
from bilinear.layers.convert.conversion import Conversion, Maker
from bilinear.layers.errors import LayerError


@dataclass(frozen=True)
class _Structured(Conversion):
    """Which layers are converted, and what from.

    Attributes:
        init: `project`: the dense weight, truncated; `fresh`: random, to be trained.
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
    """

    dense: ClassVar[tuple[type[nn.Module], ...]] = (nn.Linear,)
    alone: ClassVar[str] = "from_linear"
    calibrated: ClassVar[bool] = False

    init: Literal["project", "fresh"] = "project"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.init not in ("project", "fresh"):
            raise LayerError(f"init {str(self.init)[:20]!r}; choose project or fresh")

    def already(self, module: nn.Module) -> str:
        """See `Conversion`."""
        return f"a {type(module).__name__} already" if isinstance(module, StructuredLinear) else ""

    def reason(self, module: nn.Module) -> str:
        """See `Conversion`: every size will do."""
        return ""

    def tied(self, owners: Sequence[str], dense: Sequence[str]) -> str:
        """See `Conversion`: factors take the place of the weight, which nothing else would share then."""
        return "its weight is tied to another" if owners else ""

    def maker(self) -> Maker:
        """See `Conversion`."""

        def made(module: nn.Module, _: object) -> nn.Module:
            assert isinstance(module, nn.Linear)
            return self.layer(module).train(module.training)

        return Maker(made)

    @abstractmethod
    def layer(self, linear: nn.Linear) -> StructuredLinear:
        """The layer in place of a dense one.

        Raises:
            LayerError: If it cannot be made.
        """


@dataclass(frozen=True)
class ButterflyConfig(_Structured):
    """What butterfly layers a model gets.

    Attributes:
        rank: Rank of the blocks between two levels.
    """

    rank: int = 1

    def layer(self, linear: nn.Linear) -> StructuredLinear:
        """See the base."""
        if self.init == "project":
            return ButterflyLinear.from_linear(linear, rank=self.rank)
        return ButterflyLinear(*_sizes(linear), rank=self.rank, **_like(linear))


@dataclass(frozen=True)
class MonarchConfig(_Structured):
    """What Monarch layers a model gets.

    Attributes:
        blocks: The grid, see `MonarchLinear`.
        rank: Of each block.
    """

    blocks: int | tuple[int, int] | None = None
    rank: int = 1

    def layer(self, linear: nn.Linear) -> StructuredLinear:
        """See the base."""
        if self.init == "project":
            return MonarchLinear.from_linear(linear, blocks=self.blocks, rank=self.rank)
        return MonarchLinear(*_sizes(linear), blocks=self.blocks, rank=self.rank, **_like(linear))


def _sizes(linear: nn.Linear) -> tuple[int, int, bool]:
    return linear.in_features, linear.out_features, linear.bias is not None


def _like(linear: nn.Linear) -> dict[str, Any]:
    return {"device": linear.weight.device, "dtype": linear.weight.dtype}

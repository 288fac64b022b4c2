"""Models whose convolutions are computed by evaluation: the configuration, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from bilinear.decompositions import Scheme
from bilinear.layers.convert.conversion import Conversion, Maker, Shapes, Verdict
from bilinear.layers.convert.verdict import judged_convolution
from bilinear.layers.errors import LayerError
from bilinear.layers.winograd import WinogradConv1d, WinogradConv2d, winograd_scheme
from bilinear.layers.winograd.conv import unsupported


@dataclass(frozen=True)
class WinogradConfig(Conversion):
    """Which convolutions are computed by evaluation, and how; parameters, states and ties stay as they are.

    Attributes:
        outputs: Of a tile along each axis: 2 for F(2, r), 4 for F(4, r), 6 for F(6, r).
        points: Of evaluation, `0,1,-1,2,-2,inf`; chosen for each kernel if empty.
        prefer: `accuracy` or `additions`: what they are chosen by.
        fewest_channels: Of a group, in and out: with fewer the transforms cost more than they save (measured).
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
        force: Whether convolutions are converted too that get slower on the example, or without one.

    Raises:
        LayerError: If there are no outputs.
    """

    dense: ClassVar[tuple[type[nn.Module], ...]] = (nn.Conv2d, nn.Conv1d)
    alone: ClassVar[str] = "from_conv"
    calibrated: ClassVar[bool] = False

    outputs: int = 4
    points: str = ""
    prefer: str = "accuracy"
    fewest_channels: int = 128
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    force: bool = False

    def __post_init__(self) -> None:
        if self.outputs < 1:
            raise LayerError(f"{self.outputs} outputs of a tile; at least 1 is needed")

    def already(self, module: nn.Module) -> str:
        """See `Conversion`."""
        own = isinstance(module, WinogradConv1d | WinogradConv2d)
        return f"a {type(module).__name__} already" if own else ""

    def reason(self, module: nn.Module) -> str:
        """See `Conversion`."""
        assert isinstance(module, nn.Conv1d | nn.Conv2d)
        if other := unsupported(module):
            return other
        if max(module.kernel_size) == 1:
            return "a kernel of 1, which is a matrix product already"
        channels = min(module.in_channels, module.out_channels) // module.groups
        if channels < self.fewest_channels:
            return f"{channels} channels a group, fewer than fewest_channels={self.fewest_channels}"
        return ""

    def tied(self, owners: Sequence[str], dense: Sequence[str]) -> str:
        """See `Conversion`: the weight is the same parameter, so it stays tied."""
        return ""

    def maker(self) -> Maker:
        """See `Conversion`."""

        def made(module: nn.Module, _: object) -> nn.Module:
            assert isinstance(module, nn.Conv1d | nn.Conv2d)
            schemes = [self.scheme(size) for size in module.kernel_size]
            if isinstance(module, nn.Conv2d):
                return WinogradConv2d.from_conv(module, schemes=schemes)
            return WinogradConv1d.from_conv(module, schemes=schemes)

        def verdict(module: nn.Module, shapes: Shapes | None) -> Verdict:
            assert isinstance(module, nn.Conv1d | nn.Conv2d)
            return Verdict() if self.force else judged_convolution(module, lambda: made(module, None), shapes)

        return Maker(made, verdict=verdict)

    def scheme(self, taps: int) -> Scheme:
        """That of an axis of a kernel; an axis of one tap has nothing to save.

        Raises:
            TargetError: If the points do not fit.
        """
        return winograd_scheme(1, 1) if taps == 1 else winograd_scheme(self.outputs, taps, self.points, self.prefer)

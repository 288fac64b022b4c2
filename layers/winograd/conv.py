"""`WinogradConv2d` and `WinogradConv1d`: torch's convolutions, computed by evaluation and interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.decompositions import Scheme
from bilinear.layers.errors import LayerError
from bilinear.layers.kernels.dispatch import HAS_TRITON, TRITON_DTYPES
from bilinear.layers.winograd import cpu, plain
from bilinear.layers.winograd.schemes import Axes, Padding, axes_of, output_size, tiles, transformed, winograd_scheme

OUTPUTS = 4
"""Outputs of a tile along an axis, if not given."""

Outputs = int | Sequence[int]


class _Winograd:
    """What both layers share; `weight` and `bias` are those of torch's layer, so its states and gradients are theirs.

    Attributes:
        schemes: Of `correlation:MxR`, one for each axis.
        axes: Of height and width; the height of a one-dimensional layer is 1.
    """

    schemes: tuple[Scheme, ...]
    axes: Axes
    _kept: tuple[tuple[Any, ...], cpu.Filters] | None = None

    def _take(self, schemes: Sequence[Scheme], kernel: Sequence[int]) -> None:
        self.schemes = tuple(schemes)
        lines = [winograd_scheme(1, 1)] * (2 - len(kernel))
        self.axes = axes_of((1,) * len(lines) + tuple(kernel), (*lines, *schemes), type(self).__name__)

    @classmethod
    def from_conv(
        cls,
        conv: nn.Conv1d | nn.Conv2d,
        outputs: Outputs = OUTPUTS,
        schemes: Sequence[Scheme] | None = None,
        points: str = "",
        prefer: str = "accuracy",
    ) -> Self:
        """A layer with the parameters of `conv`, the very same ones.

        Args:
            conv: Of as many axes, stride and dilation 1; it is not changed.
            outputs: As for the layer itself, like the others.
            schemes: Likewise.
            points: Likewise.
            prefer: Likewise.

        Raises:
            LayerError: If the convolution steps otherwise, has another number of axes, or a scheme does not fit.
            TargetError: As for the layer itself.
        """
        axes = 2 if issubclass(cls, nn.Conv2d) else 1
        if len(conv.kernel_size) != axes:
            raise LayerError(f"layer {cls.__name__}: a convolution along {len(conv.kernel_size)} axes; {axes} needed")
        shape: Any = _fixed(conv)
        options: Any = {"outputs": outputs, "schemes": schemes, "points": points, "prefer": prefer, "device": "meta"}
        return cls(*shape, **options)._adopt(conv)

    def _adopt(self, conv: nn.Conv1d | nn.Conv2d) -> Self:
        """Take the very parameters of a convolution."""
        assert isinstance(self, nn.Module)
        self._parameters["weight"], self._parameters["bias"] = conv._parameters["weight"], conv._parameters["bias"]
        self.train(conv.training)
        return self

    def _apply_to(self, x: Tensor, conv: nn.Conv1d | nn.Conv2d) -> Tensor:
        """The layer's output; one axis more is there for one-dimensional ones."""
        dimensions = len(conv.kernel_size)
        if x.ndim not in (dimensions + 1, dimensions + 2) or x.shape[-dimensions - 1] != conv.in_channels:
            raise LayerError(
                f"layer {type(conv).__name__}: input of shape {tuple(x.shape)}; (batch, {conv.in_channels}, "
                f"{'height, ' * (dimensions - 1)}width) is needed"
            )
        padding = conv.padding
        if isinstance(padding, str) or conv.padding_mode != "zeros":
            mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
            x, padding = functional.pad(x, conv._reversed_padding_repeated_twice, mode=mode), (0,) * dimensions
        images = x if x.ndim == dimensions + 2 else x[None]
        images = images if dimensions == 2 else images[:, :, None]
        sides: Padding = (padding[0], padding[1]) if dimensions == 2 else (0, padding[0])
        if min(output_size(images, self.axes, sides)) < 1:
            raise LayerError(f"layer {type(conv).__name__}: an input of shape {tuple(x.shape)} is too small")
        y = self._output(images, conv, sides)
        y = y if dimensions == 2 else y[:, :, 0]
        return y if x.ndim == dimensions + 2 else y[0]

    def _output(self, x: Tensor, conv: nn.Conv1d | nn.Conv2d, padding: Padding) -> Tensor:
        weight, bias = conv.weight, conv.bias
        if torch.is_autocast_enabled(x.device.type):
            dtype = torch.get_autocast_dtype(x.device.type)
            x, weight = x.to(dtype), weight.to(dtype)
            bias = None if bias is None else bias.to(dtype)
        square = weight if weight.ndim == 4 else weight[:, :, None]
        if _is_watched():
            y = plain.convolve(x, transformed(square, self.axes), self.axes, padding, conv.groups)
            return y if bias is None else y + bias[:, None, None]
        found: Tensor = _Convolution.apply(x, square, bias, self, padding, conv.groups, conv.weight)  # type: ignore[no-untyped-call]
        return found

    def filters(self, weight: Tensor, groups: int, owner: Tensor) -> cpu.Filters:
        """The transformed filters, made again only after the weight has changed.

        Those of a weight that was made in inference mode, whose changes torch does not count, are made at every call.

        Args:
            weight: Shape (out channels, channels of a group, height, width).
            groups: Of channels.
            owner: The layer's parameter, which tells of changes.
        """
        version = None if owner.is_inference() else owner._version
        key = (owner.data_ptr(), version, owner.device, weight.dtype)
        if self._kept is None or self._kept[0] != key or version is None:
            made = transformed(weight.detach(), self.axes)
            both = cpu.packed(made, groups, cpu.FEWEST_TILES) if cpu.computes(weight) else None
            self._kept = key, both or cpu.Filters(made, groups, None)
        return self._kept[1]

    def __getstate__(self) -> dict[str, Any]:
        """Without the transformed filters, which are made again."""
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}

    def _flops(self, conv: nn.Conv1d | nn.Conv2d, sizes: Sequence[int]) -> tuple[int, int]:
        """Of the dense layer and of this one, for a batch and its sides."""
        batch, *sides = sizes
        pads = (
            [(sum(conv._reversed_padding_repeated_twice[2 * k : 2 * k + 2])) for k in reversed(range(len(sides)))]
            if isinstance(conv.padding, str)
            else [2 * pad for pad in conv.padding]
        )
        spans = [side + pad - size + 1 for side, pad, size in zip(sides, pads, conv.kernel_size, strict=True)]
        height, width = (1, *spans)[-2:]
        down, across = tiles((height, width), self.axes)
        first, second = self.axes
        inner = conv.in_channels // conv.groups
        dense = 2 * batch * height * width * conv.out_channels * inner * first.taps * second.taps
        into = _nested(first.into.operations, second.into.operations, second.reach, first.rank)
        out = _nested(first.out.operations, second.out.operations, second.rank, first.outputs)
        products = 2 * first.rank * second.rank * inner * conv.out_channels
        own = batch * down * across * (products + into * conv.in_channels + out * conv.out_channels)
        return dense, own


def _nested(first: Any, second: Any, columns: int, rows: int) -> int:
    """Operations of a program on every column, and of one on every row that it gives."""
    counts = [o.additions + o.powers_of_two + o.multiplications + o.negations for o in (first, second)]
    return int(counts[0] * columns + counts[1] * rows)


class _Convolution(torch.autograd.Function):
    """The output by evaluation; the gradients are those of the dense convolution, which it is."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        layer: _Winograd,
        padding: Padding,
        groups: int,
        owner: Tensor,
    ) -> Tensor:
        """See `plain.convolve`, with the bias."""
        ctx.save_for_backward(x, weight)
        ctx.shape, ctx.padding, ctx.groups = None if bias is None else bias.shape, padding, groups
        filters, axes = layer.filters(weight, groups, owner), layer.axes
        given = x.detach()
        if cpu.computes(x):
            return cpu.convolve(given, filters, bias, axes, padding)
        if x.is_cuda and HAS_TRITON and x.dtype in TRITON_DTYPES:
            from bilinear.layers.winograd import triton_ops

            return triton_ops.convolve(given, filters.plain, bias, axes, padding, groups)
        y = plain.convolve(given, filters.plain, axes, padding, groups)
        return y if bias is None else y + bias.detach()[:, None, None]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Differentiable again, as it is made of torch's operators."""
        x, weight = ctx.saved_tensors
        bias = None if ctx.shape is None else list(ctx.shape)
        needed = [*ctx.needs_input_grad[:2], ctx.needs_input_grad[2] and bias is not None]
        move = [1, 1], list(ctx.padding), [1, 1], False, [0, 0], ctx.groups
        found = torch.ops.aten.convolution_backward(grads[0], x, weight, bias, *move, needed)
        return (*found, None, None, None, None)


def _is_watched() -> bool:
    """Whether somebody records the operations: a compiler, an exporter, a tracer, a counter, a function transform."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return True
    return torch._C._len_torch_dispatch_stack() > 0 or torch._C._functorch.peek_interpreter_stack() is not None


def unsupported(conv: nn.Conv1d | nn.Conv2d) -> str:
    """Why this convolution has no such layer; empty if it has one."""
    if any(step != 1 for step in conv.stride):
        return f"stride {_sizes(conv.stride)}"
    return f"dilation {_sizes(conv.dilation)}" if any(step != 1 for step in conv.dilation) else ""


def _sizes(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _schemes(
    kernel: Sequence[int], outputs: Outputs, schemes: Sequence[Scheme] | None, points: str, prefer: str
) -> tuple[Scheme, ...]:
    """One for each axis, as given or made."""
    if schemes is not None:
        if len(schemes) != len(kernel):
            raise LayerError(f"{len(schemes)} schemes for a kernel of {_sizes(kernel)}; give one for each axis")
        return tuple(schemes)
    sizes = [outputs] * len(kernel) if isinstance(outputs, int) else list(outputs)
    if len(sizes) != len(kernel) or min(sizes) < 1:
        raise LayerError(
            f"tiles of {_sizes(sizes)} outputs for a kernel of {_sizes(kernel)}; give one size for each axis"
        )
    return tuple(winograd_scheme(m, r, points, prefer) for m, r in zip(sizes, kernel, strict=True))


class WinogradConv2d(_Winograd, nn.Conv2d):
    """`torch.nn.Conv2d` of stride 1: tiles of m x m' outputs from (m + r - 1)(m' + r' - 1) products for each channel.

    The result is that of the dense layer up to rounding, which grows with the tile; the weight is the dense layer's.
    The filters are transformed once and kept, m + r - 1 over r as large along each axis. The data and the products go
    through straight-line programs: compiled on the CPU (float32, float64), by Triton on CUDA, by torch elsewhere. What
    records operations (a compiler, an exporter, a counter) sees torch's own. Gradients are those of the convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        padding: str | int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        outputs: Outputs = OUTPUTS,
        schemes: Sequence[Scheme] | None = None,
        points: str = "",
        prefer: str = "accuracy",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights.

        Args:
            in_channels: As for `torch.nn.Conv2d`, like all up to `padding_mode`.
            out_channels: Likewise.
            kernel_size: Likewise.
            padding: Likewise.
            groups: Likewise.
            bias: Likewise.
            padding_mode: Likewise.
            outputs: Of a tile along both axes, or along each: 2 for F(2, r), 4 for F(4, r).
            schemes: Of `correlation:MxR` for the vertical and the horizontal axis, verified; made if None.
            points: Of evaluation, `0,1,-1,2,-2,inf`; chosen if empty.
            prefer: `accuracy` or `additions`: what they are chosen by.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a scheme does not fit the kernel.
            TargetError: If it is no real one of a correlation, or the points do not fit.
        """
        mode: Any = padding_mode
        nn.Conv2d.__init__(
            self, in_channels, out_channels, kernel_size, 1, padding, 1, groups, bias, mode, device, dtype
        )
        self._take(_schemes(self.kernel_size, outputs, schemes, points, prefer), self.kernel_size)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            input: Shape (batch, in_channels, height, width), or without the batch.

        Returns:
            As `torch.nn.Conv2d` gives it.

        Raises:
            LayerError: If the shape does not fit.
        """
        return self._apply_to(input, self)

    def extra_repr(self) -> str:
        """The convolution and its tile."""
        return _shown(nn.Conv2d.extra_repr(self), self.schemes)  # type: ignore[no-untyped-call]

    def flops(self, batch: int, height: int, width: int) -> int:
        """Operations of a forward pass without bias, those of the straight-line programs included."""
        return self._flops(self, (batch, height, width))[1]

    def dense_flops(self, batch: int, height: int, width: int) -> int:
        """Likewise of `torch.nn.Conv2d`."""
        return self._flops(self, (batch, height, width))[0]


class WinogradConv1d(_Winograd, nn.Conv1d):
    """`torch.nn.Conv1d` of stride 1: m outputs from m + r - 1 products for each channel, see `WinogradConv2d`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        padding: str | int = 0,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        outputs: Outputs = OUTPUTS,
        schemes: Sequence[Scheme] | None = None,
        points: str = "",
        prefer: str = "accuracy",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights; the arguments are those of `WinogradConv2d`, with one axis.

        Raises:
            LayerError: If a scheme does not fit the kernel.
            TargetError: If it is no real one of a correlation, or the points do not fit.
        """
        mode: Any = padding_mode
        nn.Conv1d.__init__(
            self, in_channels, out_channels, kernel_size, 1, padding, 1, groups, bias, mode, device, dtype
        )
        self._take(_schemes(self.kernel_size, outputs, schemes, points, prefer), self.kernel_size)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to (batch, in_channels, length), or without the batch."""
        return self._apply_to(input, self)

    def extra_repr(self) -> str:
        """The convolution and its tile."""
        return _shown(nn.Conv1d.extra_repr(self), self.schemes)  # type: ignore[no-untyped-call]

    def flops(self, batch: int, length: int) -> int:
        """See `WinogradConv2d.flops`."""
        return self._flops(self, (batch, length))[1]

    def dense_flops(self, batch: int, length: int) -> int:
        """Likewise of `torch.nn.Conv1d`."""
        return self._flops(self, (batch, length))[0]


def _shown(conv: str, schemes: Sequence[Scheme]) -> str:
    return f"{conv}, schemes=" + " and ".join(f"F({s.target.sizes[0]}, {s.target.sizes[1]})" for s in schemes)


def _fixed(conv: nn.Conv1d | nn.Conv2d) -> tuple[Any, ...]:
    """The arguments of a convolution of stride 1."""
    reason = unsupported(conv)
    if reason:
        raise LayerError(f"layer {type(conv).__name__}: {reason}; it stays dense")
    kernel = conv.kernel_size[0] if isinstance(conv, nn.Conv1d) else conv.kernel_size
    padding = conv.padding[0] if isinstance(conv, nn.Conv1d) and not isinstance(conv.padding, str) else conv.padding
    sizes = conv.in_channels, conv.out_channels, kernel, padding
    return (*sizes, conv.groups, conv.bias is not None, conv.padding_mode)

"""`STLConv2d`: a convolution whose matrix products are a scheme's, tile by tile, without an unfolded image."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.checks import require_like
from bilinear.layers.errors import LayerError
from bilinear.layers.kernels import decode, encode
from bilinear.layers.stl.basis import Basis, Source
from bilinear.layers.stl.calibration import calibrated_weight, lacking, mean_error
from bilinear.layers.stl.functional import Encoders, encode_weight, mean_weight
from bilinear.layers.stl.layer import STLLayer, basis_tensors, require_encodable
from bilinear.layers.stl.tiles import require_multiple, tiles_of

Pair = tuple[int, int]


class STLConv2d(STLLayer):
    """A convolution as a sum over the places of its kernel, each a matrix product by a scheme.

    An activation tile is n consecutive places of a row of the output by m input channels, so that no tile spans two
    rows or two samples; a weight tile is m input by p output channels at one place of the kernel. The image is encoded
    once for each column of the kernel, and read again from there for each of its rows: in place of as many copies of
    the image as the kernel has places, as many as it has columns are encoded, one after the other.

    Attributes:
        encoder_x: With `sharing="column"` one for each m input channels, the same at all places of the kernel.
        encoded_weight: The parameter if `encoded`, shape (rank, height width ceil(in_channels / m),
            ceil(out_channels / p)), rows of the kernel first.
        weight: The parameter if not `encoded`, shape (out_channels, in_channels, height, width).
        bias: Shape (out_channels,), or None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        scheme: Source,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        bias: bool = True,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        sharing: str = "layer",
        pad: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights.

        Args:
            in_channels: As for `torch.nn.Conv2d`, like all up to `bias`; there are no groups.
            out_channels: Likewise.
            kernel_size: Likewise.
            scheme: A scheme of n x m x p over `zt`, `z` or `q`, an approximation, or a basis of one.
            stride: Likewise.
            padding: Zeros on both sides.
            dilation: Likewise.
            bias: Whether to add a bias.
            encoded: Whether the encoded weight is the parameter; else a dense weight, encoded at each call.
            learnable_basis: Whether the encoders and the decoder are parameters; else they are buffers.
            sharing: `layer` or `column`, as for `STLLinear`.
            pad: Whether sizes that are no multiple of the tile are padded with zeros; else they are refused.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a size is below 1 (a padding below 0) or no multiple of the tile without `pad`, the scheme
                will not do, or the dtype is not floating.
        """
        basis, dtype = Basis.of(scheme), dtype or torch.get_default_dtype()
        super().__init__(basis, encoded, learnable_basis, sharing, pad)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.dilation = _pair(kernel_size), _pair(stride), _pair(dilation)
        self.padding = _pair(padding)
        sizes = (in_channels, out_channels, *self.kernel_size, *self.stride, *self.dilation)
        self._check_layer(dtype, (*sizes, 1 + min(self.padding)))
        self._make(basis, (out_channels, in_channels, *self.kernel_size), bias, device, dtype)
        self.reset_parameters()

    def name(self) -> str:
        """The layer, as error texts name it."""
        return f"STLConv2d({self.in_channels} -> {self.out_channels}, {_times(self.kernel_size)})"

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weight as `torch.nn.Conv2d` does, scaled to its output's variance, encode it, and draw the bias."""
        self._draw((self.out_channels, self.in_channels, *self.kernel_size))

    @classmethod
    @torch.inference_mode(False)
    @torch.no_grad()
    def from_conv(
        cls,
        conv: nn.Conv2d,
        scheme: Source,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        sharing: str = "layer",
        pad: bool = True,
        calibration: Tensor | None = None,
        wanted: Tensor | None = None,
        ridge: float | None = None,
    ) -> Self:
        """A layer with the weight and bias of `conv`, its device and dtype, and tensors of its own.

        Args:
            conv: The dense layer, without groups, padded with zeros; it is not changed.
            scheme: As for the layer itself, like the others but the last three.
            encoded: Likewise.
            learnable_basis: Likewise.
            sharing: Likewise.
            pad: Likewise.
            calibration: Inputs of the dense layer, shape (batch, in_channels, height, width); unfolded in memory.
            wanted: Outputs to come near to on them, shape (batch, out_channels, height', width'); the dense layer's if
                None.
            ridge: How much the plain encoding counts against them; chosen on places held out if None.

        Raises:
            LayerError: As for the layer itself; if there are groups or another padding, a weight is not finite, or
                the calibration does not fit.
            TooLargeError: If the system of the calibration would not fit into memory.
        """
        reason = unsupported(conv)
        owner = f"Conv2d({conv.in_channels} -> {conv.out_channels}, {_times(_pair(conv.kernel_size))})"
        if reason:
            raise LayerError(f"layer {owner}: {reason}; leave it dense")
        weight, basis = conv.weight.detach(), Basis.of(scheme)
        require_encodable(owner, weight, encoded, calibration is not None)
        channels = conv.in_channels, conv.out_channels
        layer = cls(
            *channels,
            _pair(conv.kernel_size),
            basis,
            _pair(conv.stride),
            (int(conv.padding[0]), int(conv.padding[1])),
            _pair(conv.dilation),
            conv.bias is not None,
            encoded,
            learnable_basis=learnable_basis,
            sharing=sharing,
            pad=pad,
            device="meta",
            dtype=weight.dtype,
        )
        tensors = basis_tensors(basis, channels, sharing, weight.device, weight.dtype)
        exact = Encoders.of(basis, weight.device, torch.float64)
        if conv.bias is not None:
            tensors["bias"] = conv.bias.detach().clone()
        matrix = layer.as_matrix(weight)
        tensors["encoded_weight" if encoded else "weight"] = encode_weight(matrix, exact) if encoded else weight.clone()
        layer.load_state_dict(tensors, assign=True)
        if calibration is not None:
            x = calibration.to(weight.device, weight.dtype)
            rows = layer.unfolded(x)
            shift = None if wanted is None else lacking(owner, wanted, conv(x), axis=1)
            inner = None if shift is None else layer._in_rows(shift)
            layer.encoded_weight.copy_(calibrated_weight(owner, matrix.mT, rows, exact, ridge, inner))
            if layer.bias is not None:
                error = (conv(x) - layer(x)).double() + (0.0 if shift is None else shift)
                layer.bias.add_(mean_error(error.permute(0, 2, 3, 1).flatten(0, 2)).to(weight.dtype))
        return layer.train(conv.training)

    def encoders(self) -> Encoders:
        """The changes of basis for the whole kernel."""
        x = self.encoder_x
        return Encoders(
            x.repeat(math.prod(self.kernel_size), 1, 1) if x.ndim == 3 else x, self.encoder_w, self.decoder, self.tile
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: Shape (batch, in_channels, height, width).

        Returns:
            Shape (batch, out_channels, height', width'), as `torch.nn.Conv2d` gives it.

        Raises:
            LayerError: If the shape, the dtype, the device, or without `pad` the width of the output does not fit.
        """
        height, width = self._check_input(x)
        n, m, p = self.tile
        image = self._padded(x, (height, width))
        rows, batch, _, channels = image.shape
        across = tiles_of(width, n)
        weight = self.current_weight()
        places = weight.reshape(self.rank, *self.kernel_size, channels // m, weight.shape[2])
        products = None
        for b in range(self.kernel_size[1]):
            column = self._column(image, b, across * n).reshape(-1, channels)
            hat = encode(column, self.encoder_x, (n, m)).reshape(self.rank, rows, batch * across, channels // m)
            for a in range(self.kernel_size[0]):
                part = self._rows(hat, a, height).reshape(self.rank, height * batch * across, channels // m)
                place = places[:, a, b]
                products = torch.bmm(part, place) if products is None else torch.baddbmm(products, part, place)
        assert products is not None
        y = decode(products, self.decoder, (n, p)).reshape(height, batch, across * n, weight.shape[2] * p)
        y = y[:, :, :width, : self.out_channels].permute(1, 3, 0, 2)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]

    def unfolded(self, x: Tensor) -> Tensor:
        """Every place of the output as a row of all that it sees, in the order of tiles; for calibration only.

        Args:
            x: Shape (batch, in_channels, height, width).

        Returns:
            Shape (height' batch ceil(width' / n) n, kernel height times width times channels in whole tiles).
        """
        height, width = self._check_input(x)
        image, across = self._padded(x, (height, width)), tiles_of(width, self.tile[0]) * self.tile[0]
        parts = [
            self._rows(self._column(image, b, across)[None], a, height)[0].reshape(-1, image.shape[-1])
            for a in range(self.kernel_size[0])
            for b in range(self.kernel_size[1])
        ]
        return torch.cat(parts, dim=1)

    def _in_rows(self, outputs: Tensor) -> Tensor:
        """Outputs (batch, out_channels, height', width') as the rows of `unfolded`, zeros in those that pad tiles."""
        return functional.pad(outputs.permute(2, 0, 3, 1), (0, 0, 0, -outputs.shape[3] % self.tile[0])).flatten(0, 2)

    def _padded(self, x: Tensor, size: Pair) -> Tensor:
        """The image with zeros for padding and whole tiles, shape (rows, batch, columns, channels)."""
        n, m, _ = self.tile
        wanted = (size[0], tiles_of(size[1], n) * n)
        spans = [
            step * (count - 1) + gap * (kernel - 1) + 1
            for step, count, gap, kernel in zip(self.stride, wanted, self.dilation, self.kernel_size, strict=True)
        ]
        below, right = (
            span - size - before for span, size, before in zip(spans, x.shape[2:], self.padding, strict=True)
        )
        top, left = self.padding
        padded = functional.pad(x, (left, right, top, below, 0, -self.in_channels % m))
        return padded.permute(2, 0, 3, 1)

    def _column(self, image: Tensor, b: int, count: int) -> Tensor:
        """What column b of the kernel sees, for `count` places of a row."""
        start = b * self.dilation[1]
        return image[:, :, start : start + self.stride[1] * (count - 1) + 1 : self.stride[1]]

    def _rows(self, hat: Tensor, a: int, count: int) -> Tensor:
        """What row a of the kernel sees, for `count` rows of the output."""
        start = a * self.dilation[0]
        return hat[:, start : start + self.stride[0] * (count - 1) + 1 : self.stride[0]]

    def as_matrix(self, weight: Tensor) -> Tensor:
        """Shape (kernel height times width times channels in whole tiles, out_channels)."""
        places = weight.permute(2, 3, 1, 0)
        whole = functional.pad(places, (0, 0, 0, -self.in_channels % self.tile[1]))
        return whole.reshape(-1, self.out_channels)

    def dense_weight(self) -> Tensor:
        """The dense weight itself, or the one nearest to the encoded weight (see `mean_weight`).

        Returns:
            Shape (out_channels, in_channels, height, width).
        """
        if not self.encoded:
            return self.weight
        matrix = mean_weight(self.encoded_weight, self.encoders())
        places = matrix.reshape(*self.kernel_size, -1, matrix.shape[1])
        return places[:, :, : self.in_channels, : self.out_channels].permute(3, 2, 0, 1)

    def output_size(self, height: int, width: int) -> Pair:
        """Height and width of the output."""
        sizes = zip((height, width), self.padding, self.dilation, self.kernel_size, self.stride, strict=True)
        h, w = ((size + 2 * pad - gap * (kernel - 1) - 1) // step + 1 for size, pad, gap, kernel, step in sizes)
        return h, w

    def _check_input(self, x: Tensor) -> Pair:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise LayerError(
                f"layer {self.name()}: input of shape {tuple(x.shape)}; "
                f"(batch, {self.in_channels}, height, width) is needed"
            )
        require_like(self, x, self.decoder)
        height, width = self.output_size(*x.shape[2:])
        if min(height, width) < 1:
            raise LayerError(f"layer {self.name()}: an image of {_times((x.shape[2], x.shape[3]))} is too small")
        if not self.pad:
            require_multiple(f"layer {self.name()}", width, self.tile[0], "output columns")
        return height, width

    def flops(self, batch: int, height: int, width: int) -> int:
        """Multiplications and additions of a forward pass without bias, on images of height x width.

        Args:
            batch: Number of images.
            height: Of the input.
            width: Likewise.
        """
        (n, m, p), (down, across) = self.tile, self.output_size(height, width)
        rows = self.stride[0] * (down - 1) + self.dilation[0] * (self.kernel_size[0] - 1) + 1
        strips = batch * tiles_of(across, n)
        left, right = tiles_of(self.in_channels, m), tiles_of(self.out_channels, p)
        places = math.prod(self.kernel_size)
        encode_x = self.kernel_size[1] * rows * strips * left * n * m
        own = 0 if self.encoded else places * left * right * m * p
        return 2 * self.rank * (encode_x + down * strips * right * (places * left + n * p) + own)

    def dense_flops(self, batch: int, height: int, width: int) -> int:
        """Multiplications and additions of `torch.nn.Conv2d` without bias."""
        places = batch * math.prod(self.output_size(height, width))
        return 2 * places * math.prod(self.kernel_size) * self.in_channels * self.out_channels

    def extra_repr(self) -> str:
        """What `print(layer)` shows."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, tile={_times(self.tile)}, rank={self.rank}, bias={self.bias is not None}, "
            f"encoded={self.encoded}"
        )


def unsupported(conv: nn.Conv2d) -> str:
    """Why this convolution cannot be an `STLConv2d`; empty if it can."""
    if conv.groups != 1:
        return f"{conv.groups} groups"
    if conv.padding_mode != "zeros":
        return f"padding mode {conv.padding_mode!r}"
    return f"padding {conv.padding!r} by name" if isinstance(conv.padding, str) else ""


def _pair(size: int | tuple[int, ...]) -> Pair:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _times(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))

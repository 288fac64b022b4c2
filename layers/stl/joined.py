"""STL layers that work together: several on one input, encoded once; and two in a row, without the matrix between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from bilinear.layers.errors import LayerError
from bilinear.layers.kernels import ACTIVATIONS, decode, encode, multiply_chained, multiply_shared
from bilinear.layers.stl.basis import Source
from bilinear.layers.stl.functional import padded_bias
from bilinear.layers.stl.linear import STLLinear
from bilinear.layers.stl.tiles import cut, pad_to_tiles


class STLLinearGroup(nn.Module):
    """Linear layers on the same input: queries, keys and values, or gate and up. The input is encoded once.

    It computes what the layers compute one by one; tokens are mixed inside the same tiles.

    Attributes:
        layers: They share one encoder of activations, and its gradient.
    """

    def __init__(self, layers: Sequence[STLLinear]) -> None:
        """Join layers, which are changed: all use the first one's `encoder_x`.

        Raises:
            LayerError: If there is none, or they differ in input features, the tile of the input, its encoder, or in
                whether that is learned.
        """
        super().__init__()
        if not layers:
            raise LayerError("a group of no layers; give at least one")
        first = layers[0]
        for layer in layers[1:]:
            _require_same_input(first, layer)
            layer.encoder_x = first.encoder_x
        self.layers = nn.ModuleList(layers)

    @classmethod
    def from_linears(cls, linears: Sequence[nn.Linear], scheme: Source, **options: Any) -> Self:
        """A group with the weights of dense layers; the options are those of `STLLinear.from_linear`.

        Raises:
            LayerError: As `STLLinear.from_linear`, or if the layers differ in input features.
        """
        return cls([STLLinear.from_linear(linear, scheme, **options) for linear in linears])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Apply every layer.

        Args:
            x: Shape (..., in_features).

        Returns:
            For each layer, shape (..., its out_features).

        Raises:
            LayerError: As `STLLinear`.
        """
        layers = [layer for layer in self.layers if isinstance(layer, STLLinear)]
        tokens = layers[0].tokens_of(x)
        count = tokens.shape[0]
        if any(layer.goes_dense(count) for layer in layers):
            return [layer(x) for layer in layers]
        weights = [layer.current_weight() for layer in layers]
        found = multiply_shared(
            pad_to_tiles(tokens, layers[0].tile[:2]),
            layers[0].encoder_x,
            weights,
            [layer.decoder for layer in layers],
            [layer.tile for layer in layers],
            [_bias(layer, weight) for layer, weight in zip(layers, weights, strict=True)],
        )
        return [
            cut(y, (count, layer.out_features)).reshape(*x.shape[:-1], layer.out_features)
            for y, layer in zip(found, layers, strict=True)
        ]


class STLMLP(nn.Module):
    """`down(activation(up(x)))`, where decoding, activation and encoding are one step between the products.

    Attributes:
        up: From the input to the hidden features.
        down: Back.
        activation: One of `ACTIVATIONS`.
    """

    def __init__(self, up: STLLinear, down: STLLinear, activation: str = "gelu") -> None:
        """Put two layers in a row; both stay as they are.

        Raises:
            LayerError: If the output tile of the first is not the input tile of the second, their hidden features
                differ, or there is no such activation.
        """
        super().__init__()
        if up.out_features != down.in_features:
            raise LayerError(f"layers {up.name()} and {down.name()}: the hidden features differ; give two that fit")
        if (up.tile[0], up.tile[2]) != down.tile[:2]:
            tiles = ["x".join(map(str, layer.tile)) for layer in (up, down)]
            raise LayerError(
                f"layers {up.name()} and {down.name()}: output tiles of {tiles[0]} are no input tiles of {tiles[1]}; "
                "choose square tiles of one size"
            )
        if activation not in ACTIVATIONS:
            raise LayerError(f"activation {activation!r}; choose {', '.join(ACTIVATIONS)}")
        self.up, self.down, self.activation = up, down, activation

    def forward(self, x: Tensor) -> Tensor:
        """Apply both layers.

        On the CPU without gradients they run one after the other, each in its bounded workspace.

        Args:
            x: Shape (..., in_features of `up`).

        Returns:
            Shape (..., out_features of `down`).

        Raises:
            LayerError: As `STLLinear`.
        """
        tokens = self.up.tokens_of(x)
        dense = self.up.goes_dense(len(tokens)) or self.down.goes_dense(len(tokens))
        if dense or (tokens.device.type == "cpu" and not torch.is_grad_enabled()):
            activation: Callable[[Tensor], Tensor] = ACTIVATIONS[self.activation]
            return self.down(activation(self.up(x)))  # type: ignore[no-any-return]  # a module's call is untyped
        return self._chained(tokens).reshape(*x.shape[:-1], self.down.out_features)

    def _chained(self, tokens: Tensor) -> Tensor:
        up, down, count = self.up, self.down, tokens.shape[0]
        weights = up.current_weight(), down.current_weight()
        hat = encode(pad_to_tiles(tokens, up.tile[:2]), up.encoder_x, up.tile[:2])
        between = multiply_chained(
            torch.bmm(hat, weights[0]),
            up.decoder,
            down.tile[:2],
            _bias(up, weights[0]),
            self.activation,
            down.encoder_x,
            (count, up.out_features),
        )
        y = decode(torch.bmm(between, weights[1]), down.decoder, (down.tile[0], down.tile[2]), _bias(down, weights[1]))
        return cut(y, (count, down.out_features))


def _bias(layer: STLLinear, weight: Tensor) -> Tensor | None:
    return padded_bias(layer.bias, weight.shape[2] * layer.tile[2])


def _require_same_input(first: STLLinear, layer: STLLinear) -> None:
    encoders = first.encoder_x, layer.encoder_x
    learned = [isinstance(encoder, nn.Parameter) for encoder in encoders]
    same = (
        first.in_features == layer.in_features
        and first.tile[:2] == layer.tile[:2]
        and learned[0] == learned[1]
        and encoders[0].shape == encoders[1].shape
        and encoders[0].device == encoders[1].device
        and encoders[0].dtype == encoders[1].dtype
        and (encoders[0].is_meta or torch.equal(*encoders))
    )
    if not same:
        raise LayerError(
            f"layers {first.name()} and {layer.name()}: they differ in input features, tile or encoder of the input; "
            "give layers of one basis"
        )

"""`STLLinear`: a linear layer whose matrix product is a scheme, tile by tile."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn

from decompositions import Approximation, Scheme
from layers.errors import LayerError
from layers.stl.basis import Basis, Floats
from layers.stl.tiles import decode, encode, pad_to_tiles, require_multiple, tiles_of

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
Source = Scheme | Approximation | Basis


class STLLinear(nn.Module):
    """`y = x W^T + b`, computed by the r products of a scheme on tiles of x and of W^T.

    Leading axes of x are flattened to tokens; n consecutive tokens by m input features are an activation tile, m input
    by p output features a weight tile. Each of the r products is one matrix product over the grid of tiles, summed over
    the input features inside it, and decoded after the sum. The tokens of one tile are mixed by the encoder: with an
    exact scheme they part again without a trace (but for rounding), with an approximation they leak into each other.

    Attributes:
        encoder_x: Basis of activation tiles, shape (rank, n m).
        encoder_w: Basis of weight tiles, shape (rank, m p).
        decoder: Takes the products back to an output tile, shape (n p, rank).
        encoded_weight: The parameter if `encoded`, shape (rank, ceil(in_features / m), ceil(out_features / p)).
        weight: The parameter if not `encoded`, shape (out_features, in_features).
        bias: Shape (out_features,), or None.
        tile: (n, m, p).
        rank: Number of products.
        target: Name of the target, `matmul:2x2x2`.
        scheme_hash: Of the scheme that the basis started from.
        entry_id: Its entry in a catalog, or None.

    Source:
        N. Ailon, A. Bercovich, Y. Uffenheimer, O. Weinstein, "Changing Base Without Losing Pace", arXiv:2503.12211.
    """

    encoder_x: Tensor
    encoder_w: Tensor
    decoder: Tensor
    encoded_weight: nn.Parameter
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scheme: Source,
        bias: bool = True,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        pad: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights.

        Args:
            in_features: Length of an input vector.
            out_features: Length of an output vector.
            scheme: A scheme of n x m x p over `zt`, `z` or `q`, an approximation, or a basis of one.
            bias: Whether to add a bias.
            encoded: Whether the encoded weight is the parameter; else a dense weight, encoded at each call.
            learnable_basis: Whether the encoders and the decoder are parameters; else they are buffers.
            pad: Whether sizes that are no multiple of the tile are padded with zeros; else they are refused.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a size is below 1 or no multiple of the tile without `pad`, the scheme holds no real
                numbers or multiplies no matrices, or the dtype is not floating.
        """
        super().__init__()
        basis, dtype = Basis.of(scheme), dtype or torch.get_default_dtype()
        self.in_features, self.out_features = in_features, out_features
        self.tile, self.rank, self.target = basis.tile, basis.rank, basis.target
        self.scheme_hash, self.entry_id = basis.scheme_hash, basis.entry_id
        self.encoded, self.learnable_basis, self.pad = encoded, learnable_basis, pad
        self._check(dtype)
        for name, tensor in _tensors(basis, device, dtype).items():
            self._add_basis(name, tensor)
        shape = self._grid() if encoded else (out_features, in_features)
        name = "encoded_weight" if encoded else "weight"
        self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.register_parameter(
            "bias", nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def _check(self, dtype: torch.dtype) -> None:
        if min(self.in_features, self.out_features) < 1:
            raise LayerError(f"layer {self._name()}: a size is below 1; every size must be at least 1")
        if dtype not in DTYPES:
            raise LayerError(f"layer {self._name()}: {dtype}; float32, float64, bfloat16 or float16 is needed")
        if not self.pad:
            require_multiple(f"layer {self._name()}", self.in_features, self.tile[1])
            require_multiple(f"layer {self._name()}", self.out_features, self.tile[2])

    def _name(self) -> str:
        return f"STLLinear({self.in_features} -> {self.out_features})"

    def _grid(self) -> tuple[int, int, int]:
        _, m, p = self.tile
        return self.rank, tiles_of(self.in_features, m), tiles_of(self.out_features, p)

    def _add_basis(self, name: str, tensor: Tensor) -> None:
        """As a parameter where it is learned; the weight's encoder is used by a forward pass only if not `encoded`."""
        if self.learnable_basis and not (self.encoded and name == "encoder_w"):
            self.register_parameter(name, nn.Parameter(tensor))
        else:
            self.register_buffer(name, tensor)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weight as `torch.nn.Linear` draws its own, encode it, and draw the bias.

        With an exact scheme the layer then computes what that linear layer would. With an approximation, which loses a
        part of the output's variance, the weight is scaled so that the variance is the linear layer's.
        """
        like = self.decoder
        dense = torch.empty(self.out_features, self.in_features, device=like.device, dtype=like.dtype)
        nn.init.kaiming_uniform_(dense, a=math.sqrt(5))
        dense *= self._gain().to(dense.dtype)
        own = self.encoded_weight if self.encoded else self.weight
        own.copy_(_encoded(dense, self.encoder_w, self.tile) if self.encoded else dense)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features)
            nn.init.uniform_(self.bias, -bound, bound)

    def _gain(self) -> Tensor:
        """The factor that restores the output's variance: ||T|| over ||sum of the products||, 1 for an exact scheme."""
        u, v, w = (f.double() for f in (self.encoder_x, self.encoder_w, self.decoder.mT))
        norm = (u @ u.mT * (v @ v.mT) * (w @ w.mT)).sum()
        return torch.where(norm > 0, math.prod(self.tile) / norm, 1).sqrt()

    @classmethod
    def from_linear(
        cls,
        linear: nn.Linear,
        scheme: Source,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        pad: bool = True,
    ) -> Self:
        """A layer with the weight and bias of `linear`, its device and dtype, and tensors of its own.

        With an exact scheme the outputs are the same up to rounding.

        Args:
            linear: The dense layer; it is not changed.
            scheme: As for the layer itself.
            encoded: Likewise.
            learnable_basis: Likewise.
            pad: Likewise.

        Raises:
            LayerError: As for the layer itself, or if a weight is not finite.
        """
        weight, bias = linear.weight.detach(), linear.bias
        if not weight.is_meta and not torch.isfinite(weight).all():
            raise LayerError(
                f"layer Linear({linear.in_features} -> {linear.out_features}): a weight is not finite; "
                "encoding would spread it over its tile"
            )
        basis = Basis.of(scheme)
        layer = cls(
            linear.in_features,
            linear.out_features,
            basis,
            bias is not None,
            encoded,
            learnable_basis=learnable_basis,
            pad=pad,
            device="meta",
            dtype=weight.dtype,
        )
        tensors = _tensors(basis, weight.device, weight.dtype)
        if encoded:
            exact = torch.tensor(basis.v, device=weight.device)
            tensors["encoded_weight"] = _encoded(weight, exact, basis.tile)
        else:
            tensors["weight"] = weight.clone()
        if bias is not None:
            tensors["bias"] = bias.detach().clone()
        layer.load_state_dict(tensors, assign=True)
        return layer.train(linear.training)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: Shape (..., in_features).

        Returns:
            Shape (..., out_features).

        Raises:
            LayerError: If the last axis, the dtype, or without `pad` the number of tokens does not fit.
        """
        self._check_input(x)
        n, m, p = self.tile
        tokens = x.reshape(-1, self.in_features)
        if not self.pad:
            require_multiple(f"layer {self._name()}", tokens.shape[0], n, "tokens")
        weight = self.encoded_weight if self.encoded else _encoded(self.weight, self.encoder_w, self.tile)
        products = torch.bmm(encode(pad_to_tiles(tokens, (n, m)), self.encoder_x, (n, m)), weight)
        y = decode(products, self.decoder, (n, p))[: tokens.shape[0], : self.out_features]
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)
        return y.reshape(*x.shape[:-1], self.out_features)

    def _check_input(self, x: Tensor) -> None:
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise LayerError(
                f"layer {self._name()}: input of shape {tuple(x.shape)}; the last axis must be {self.in_features}"
            )
        if x.dtype != self.decoder.dtype and not torch.is_autocast_enabled(x.device.type):
            raise LayerError(
                f"layer {self._name()}: input of {x.dtype}, the layer is {self.decoder.dtype}; convert one"
            )

    def flops(self, tokens: int) -> int:
        """Multiplications and additions of a forward pass without bias, sizes padded to whole tiles.

        For M tokens, K input and N output features: 2MKr to encode, 2MKNr / (nmp) for the products, 2MNr to decode, and
        2KNr to encode the weight where it is dense.
        """
        n, m, p = self.tile
        M, K, N = (tiles_of(size, side) * side for size, side in zip(self._sizes(tokens), self.tile, strict=True))
        core = 2 * self.rank * (M // n) * (K // m) * (N // p)
        own = 0 if self.encoded else 2 * K * N * self.rank
        return 2 * M * K * self.rank + core + 2 * M * N * self.rank + own

    def dense_flops(self, tokens: int) -> int:
        """Multiplications and additions of `torch.nn.Linear` without bias."""
        return 2 * math.prod(self._sizes(tokens))

    def _sizes(self, tokens: int) -> tuple[int, int, int]:
        return tokens, self.in_features, self.out_features

    def parameter_inflation(self) -> float:
        """Learned numbers over those of a dense weight, bias left out.

        r / (m p) for an encoded weight whose sizes are multiples of the tile.
        """
        learned = sum(p.numel() for name, p in self.named_parameters() if name != "bias")
        return learned / (self.in_features * self.out_features)

    def extra_repr(self) -> str:
        """What `print(layer)` shows."""
        tile = "x".join(map(str, self.tile))
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, tile={tile}, rank={self.rank}, "
            f"bias={self.bias is not None}, encoded={self.encoded}"
        )


def _tensors(basis: Basis, device: torch.device | str | None, dtype: torch.dtype) -> dict[str, Tensor]:
    """The basis under the names of the layer's state."""

    def tensor(factor: Floats) -> Tensor:
        return torch.tensor(factor, dtype=dtype, device=device)

    return {"encoder_x": tensor(basis.u), "encoder_w": tensor(basis.v), "decoder": tensor(basis.w.T)}


def _encoded(dense: Tensor, encoder_w: Tensor, tile: tuple[int, int, int]) -> Tensor:
    """The dense weight (out_features, in_features) encoded in at least float32, in its own dtype again."""
    wide = torch.promote_types(dense.dtype, torch.float32)
    matrix = pad_to_tiles(dense.to(wide).mT, tile[1:])
    return encode(matrix, encoder_w.to(wide), tile[1:]).to(dense.dtype)

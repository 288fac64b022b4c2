"""`STLLinear`: a linear layer whose matrix product is a scheme, tile by tile."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.checks import require_features, require_like
from bilinear.layers.kernels.dispatch import is_recorded
from bilinear.layers.stl.basis import Basis, Source
from bilinear.layers.stl.calibration import calibrated_weight, checked_activations, lacking, mean_error
from bilinear.layers.stl.functional import Encoders, encode_weight, mean_weight, multiply_encoded
from bilinear.layers.stl.layer import STLLayer, basis_tensors, require_encodable
from bilinear.layers.stl.tiles import cut, require_multiple, tiles_of


class STLLinear(STLLayer):
    """`y = x W^T + b`, computed by the r products of a scheme on tiles of x and of W^T.

    Leading axes of x are flattened to tokens; n consecutive tokens by m input features are an activation tile, m input
    by p output features a weight tile. Each of the r products is one matrix product over the grid of tiles, summed over
    the input features inside it, and decoded after the sum. The tokens of one tile are mixed by the encoder: with an
    exact scheme they part again without a trace (but for rounding), with an approximation they leak into each other.

    Attributes:
        encoded_weight: The parameter if `encoded`, shape (rank, ceil(in_features / m), ceil(out_features / p)).
        weight: The parameter if not `encoded`, shape (out_features, in_features); with `dense_below` and `encoded` a
            buffer for few tokens. Leaving training mode renews it by `mean_weight` if the encoded weight has changed.
        bias: Shape (out_features,), or None.
        dense_below: In evaluation mode fewer tokens than this go through the dense weight.

    Source:
        N. Ailon, A. Bercovich, Y. Uffenheimer, O. Weinstein, "Changing Base Without Losing Pace", arXiv:2503.12211.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scheme: Source,
        bias: bool = True,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        sharing: str = "layer",
        dense_below: int = 0,
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
            sharing: `layer` for one basis, or `column` for an encoder of each column of input tiles and a decoder of
                each column of output tiles; all begin alike.
            dense_below: In evaluation mode fewer tokens than this go through a dense weight; see `fewest_tokens`.
            pad: Whether sizes that are no multiple of the tile are padded with zeros; else they are refused.
            device: Where the tensors live.
            dtype: A floating type; torch's default if None.

        Raises:
            LayerError: If a size is below 1 or no multiple of the tile without `pad`, the scheme holds no real
                numbers or multiplies no matrices, or the dtype is not floating.
        """
        basis, dtype = Basis.of(scheme), dtype or torch.get_default_dtype()
        super().__init__(basis, encoded, learnable_basis, sharing, pad)
        self.in_features, self.out_features, self.dense_below = in_features, out_features, dense_below
        self._check_layer(dtype, (in_features, out_features))
        self._make(basis, (out_features, in_features), bias, device, dtype)
        if encoded and dense_below:
            self._buffers["weight"] = torch.empty(out_features, in_features, device=device, dtype=dtype)
        self.reset_parameters()
        self._remember()
        self.register_load_state_dict_post_hook(STLLinear._remember)  # type: ignore[no-untyped-call]

    def name(self) -> str:
        """The layer, as error texts name it."""
        return f"STLLinear({self.in_features} -> {self.out_features})"

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weight as `torch.nn.Linear` draws its own, encode it, and draw the bias.

        With an exact scheme the layer then computes what that linear layer would. With an approximation, which loses a
        part of the output's variance, the weight is scaled so that the variance is the linear layer's.
        """
        self._draw((self.out_features, self.in_features))
        if self.encoded and self.dense_below:
            self.weight.copy_(self.dense_weight())

    @classmethod
    @torch.inference_mode(False)
    @torch.no_grad()
    def from_linear(
        cls,
        linear: nn.Linear,
        scheme: Source,
        encoded: bool = True,
        *,
        learnable_basis: bool = False,
        sharing: str = "layer",
        dense_below: int = 0,
        pad: bool = True,
        calibration: Tensor | None = None,
        wanted: Tensor | None = None,
        ridge: float | None = None,
    ) -> Self:
        """A layer with the weight and bias of `linear`, its device and dtype, and tensors of its own.

        With an exact scheme the outputs are the same up to rounding. With an approximation and activations to calibrate
        on, the encoded weight is the one whose outputs on them come nearest, and the bias takes up their mean error.

        Args:
            linear: The dense layer; it is not changed.
            scheme: As for the layer itself.
            encoded: Likewise.
            learnable_basis: Likewise.
            sharing: Likewise.
            dense_below: Likewise; the dense weight is kept for those tokens.
            pad: Likewise.
            calibration: Inputs of the dense layer, shape (..., in_features), in their own order; see
                `calibrated_weight`. Many more than rank * in_features / (m p) are needed; with fewer the weight stays
                near to the plain encoding.
            wanted: Outputs to come near to on them, shape (..., out_features); the dense layer's if None.
            ridge: How much the plain encoding counts against them; chosen on tokens held out if None.

        Raises:
            LayerError: As for the layer itself, if a weight is not finite, or the activations do not fit.
            TooLargeError: If the system of the calibration would not fit into memory.
        """
        weight, bias, basis = linear.weight.detach(), linear.bias, Basis.of(scheme)
        sizes = linear.in_features, linear.out_features
        owner = f"Linear({sizes[0]} -> {sizes[1]})"
        require_encodable(owner, weight, encoded, calibration is not None)
        options: dict[str, Any] = {"learnable_basis": learnable_basis, "sharing": sharing, "dense_below": dense_below}
        layer = cls(*sizes, basis, bias is not None, encoded, pad=pad, device="meta", dtype=weight.dtype, **options)
        tensors = basis_tensors(basis, sizes, sharing, weight.device, weight.dtype)
        exact = Encoders.of(basis, weight.device, torch.float64)
        if bias is not None:
            tensors["bias"] = bias.detach().clone()
        if encoded and calibration is not None:
            x = checked_activations(owner, calibration, weight).to(weight.dtype)
            shift = None if wanted is None else lacking(owner, wanted, linear(x), axis=-1)
            tensors["encoded_weight"] = calibrated_weight(owner, weight, x, exact, ridge, shift)
        elif encoded:
            tensors["encoded_weight"] = encode_weight(weight.mT, exact)
        if not encoded or dense_below:
            tensors["weight"] = weight.clone()
        layer.load_state_dict(tensors, assign=True)
        if layer.bias is not None and calibration is not None:
            error = (linear(x) - layer.forward(x)).double() + (0.0 if shift is None else shift)
            layer.bias.add_(mean_error(error).to(weight.dtype))
        return layer.train(linear.training)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: Shape (..., in_features).

        Returns:
            Shape (..., out_features).

        Raises:
            LayerError: If the last axis, the dtype, the device, or without `pad` the number of tokens does not fit.
        """
        tokens = self.tokens_of(x)
        if self.goes_dense(tokens.shape[0]):
            return functional.linear(x, self.weight, self.bias)
        y = multiply_encoded(tokens, self.current_weight(), self.encoders(), self.bias)
        return cut(y, (tokens.shape[0], self.out_features)).reshape(*x.shape[:-1], self.out_features)

    def tokens_of(self, x: Tensor) -> Tensor:
        """The input as a matrix, checked.

        Raises:
            LayerError: As `forward`.
        """
        require_features(self, x, self.in_features)
        require_like(self, x, self.decoder)
        tokens = x.reshape(-1, self.in_features)
        if not self.pad:
            require_multiple(f"layer {self.name()}", tokens.shape[0], self.tile[0], "tokens")
        return tokens

    def goes_dense(self, tokens: int) -> bool:
        """Whether so many tokens go through the dense weight now; an open number, in an exported program, does not."""
        if is_recorded() and isinstance(tokens, torch.SymInt):
            return False
        return self.dense_below > 0 and not self.training and tokens < self.dense_below

    def as_matrix(self, weight: Tensor) -> Tensor:
        """Shape (in_features, out_features)."""
        return weight.mT

    def dense_weight(self) -> Tensor:
        """The dense weight itself, or the one nearest to the encoded weight (see `mean_weight`).

        Returns:
            Shape (out_features, in_features).
        """
        if not self.encoded:
            return self.weight
        return mean_weight(self.encoded_weight, self.encoders())[: self.in_features, : self.out_features].mT

    def train(self, mode: bool = True) -> Self:
        """Set the mode; on the way out of training the kept dense weight follows an encoded weight that changed."""
        if self.encoded and self.dense_below and mode != self.training:
            if not mode and self._changes() != self._known:
                with torch.no_grad():
                    self.weight.copy_(self.dense_weight())
            self._remember()
        return super().train(mode)

    def _changes(self) -> int:
        return 0 if not self.encoded or self.encoded_weight.is_inference() else self.encoded_weight._version

    def _remember(self, *_: Any) -> None:
        """Note which encoded weight the kept dense one belongs to."""
        self._known = self._changes()

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

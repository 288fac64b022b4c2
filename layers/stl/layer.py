"""What the STL layers share: the changes of basis, where they lie and who trains them."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from bilinear.layers.checks import require_float, require_sizes
from bilinear.layers.errors import LayerError
from bilinear.layers.stl.basis import Basis
from bilinear.layers.stl.functional import Encoders, columns_of, encode_weight
from bilinear.layers.stl.tiles import require_multiple, tiles_of

SHARING: Final = ("layer", "column")
"""One basis for the layer, or an encoder for each column of input tiles and a decoder for each of output tiles."""

BASIS: Final = ("encoder_x", "encoder_w", "decoder")


class STLLayer(nn.Module):
    """The base of the STL layers.

    Attributes:
        encoder_x: Basis of activation tiles, shape (rank, n m); with `sharing="column"` (columns, rank, n m).
        encoder_w: Basis of weight tiles, shape (rank, m p).
        decoder: Takes the products back to an output tile, shape (n p, rank); likewise (columns, n p, rank).
        tile: (n, m, p).
        rank: Number of products.
        target: Name of the target, `matmul:2x2x2`.
        scheme_hash: Of the scheme that the basis started from.
        entry_id: Its entry in a catalog, or None.
        encoded: Whether the encoded weight is the parameter; else a dense one.
        learnable_basis: Whether the encoders and the decoder are parameters; else they are buffers.
        sharing: One of `SHARING`.
        pad: Whether sizes that are no multiple of the tile are padded with zeros; else they are refused.
    """

    encoder_x: Tensor
    encoder_w: Tensor
    decoder: Tensor
    encoded_weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, basis: Basis, encoded: bool, learnable_basis: bool, sharing: str, pad: bool) -> None:
        super().__init__()
        self.tile, self.rank, self.target = basis.tile, basis.rank, basis.target
        self.scheme_hash, self.entry_id = basis.scheme_hash, basis.entry_id
        self.encoded, self.learnable_basis, self.sharing, self.pad = encoded, learnable_basis, sharing, pad

    @property
    def weight(self) -> Tensor:
        """The dense weight: the parameter, or the one kept for few tokens; else decoded from the encoded one, to read.

        It is there for the code of models that reads the weights of dense layers, or their dtype and device.
        """
        for own in (self._parameters, self._buffers):
            if (kept := own.get("weight")) is not None:
                return kept
        if "encoded_weight" not in self._parameters:
            raise AttributeError("weight")  # while the layer is built
        return self.dense_weight().detach()

    def name(self) -> str:
        """The layer, as error texts name it."""
        raise NotImplementedError

    def dense_weight(self) -> Tensor:
        """The dense weight itself, or the one nearest to the encoded weight (see `mean_weight`)."""
        raise NotImplementedError

    def as_matrix(self, weight: Tensor) -> Tensor:
        """A dense weight as the matrix that tokens are multiplied by, one column an output."""
        raise NotImplementedError

    def encoders(self) -> Encoders:
        """The changes of basis, as the functional form takes them."""
        return Encoders(self.encoder_x, self.encoder_w, self.decoder, self.tile)

    def current_weight(self) -> Tensor:
        """The encoded weight, the parameter or the dense one's encoding now; shape (rank, rows, columns) of tiles."""
        return self.encoded_weight if self.encoded else encode_weight(self.as_matrix(self.weight), self.encoders())

    def share_basis_(self, other: STLLayer) -> None:
        """Use the very tensors of another layer as the changes of basis.

        Raises:
            LayerError: If their shapes, or who trains them, differ.
        """
        for name in BASIS:
            own, its = getattr(self, name), getattr(other, name)
            if own.shape != its.shape or isinstance(own, nn.Parameter) != isinstance(its, nn.Parameter):
                raise LayerError(f"layer {self.name()}: {name} differs from that of {other.name()}; share one like it")
        for name in BASIS:
            setattr(self, name, getattr(other, name))

    def _check_layer(self, dtype: torch.dtype, sizes: tuple[int, ...]) -> None:
        require_sizes(self.name(), *sizes)
        require_float(f"layer {self.name()}:", dtype)
        if self.sharing not in SHARING:
            raise LayerError(f"layer {self.name()}: sharing {self.sharing!r}; choose {' or '.join(SHARING)}")

    def _make(
        self,
        basis: Basis,
        shape: tuple[int, ...],
        bias: bool,
        device: torch.device | str | None,
        dtype: torch.dtype,
    ) -> None:
        """Make the tensors of a layer, its dense weight of that shape, output features first; all empty but the basis.

        The basis is learned as parameters; but no forward pass uses the weight's encoder if `encoded`.
        """
        (outputs, inputs, *kernel), (_, m, p) = shape, self.tile
        if not self.pad:
            require_multiple(f"layer {self.name()}", inputs, m)
            require_multiple(f"layer {self.name()}", outputs, p)
        tensors = basis_tensors(basis, (inputs, outputs), self.sharing, device, dtype)
        for name in BASIS:
            if self.learnable_basis and not (self.encoded and name == "encoder_w"):
                self.register_parameter(name, nn.Parameter(tensors[name]))
            else:
                self.register_buffer(name, tensors[name])
        grid = self.rank, math.prod(kernel) * tiles_of(inputs, m), tiles_of(outputs, p)
        own = nn.Parameter(torch.empty(grid if self.encoded else shape, device=device, dtype=dtype))
        self.register_parameter("encoded_weight" if self.encoded else "weight", own)
        self.register_parameter(
            "bias", nn.Parameter(torch.empty(outputs, device=device, dtype=dtype)) if bias else None
        )

    def _draw(self, shape: tuple[int, ...]) -> None:
        """Draw a dense weight as torch does, scaled to its output's variance, encode it, and draw the bias."""
        dense = torch.empty(shape, device=self.decoder.device, dtype=self.decoder.dtype)
        nn.init.kaiming_uniform_(dense, a=math.sqrt(5))
        dense *= self._gain()
        own = self.encoded_weight if self.encoded else self.weight
        own.copy_(encode_weight(self.as_matrix(dense), self.encoders()) if self.encoded else dense)
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(shape[1:]))
            nn.init.uniform_(self.bias, -bound, bound)

    def _gain(self) -> float:
        """The factor that restores the output's variance: ||T|| over ||sum of the products||, 1 for an exact scheme."""
        if self.decoder.is_meta:
            return 1.0
        u, d = (factor if factor.ndim == 2 else factor[0] for factor in (self.encoder_x, self.decoder))
        u, v, w = u.double(), self.encoder_w.double(), d.double().mT
        norm = float((u @ u.mT * (v @ v.mT) * (w @ w.mT)).sum())
        return math.sqrt(math.prod(self.tile) / norm) if norm > 0 else 1.0


def require_encodable(owner: str, weight: Tensor, encoded: bool, calibrated: bool) -> None:
    """Refuse a dense weight that is not finite, and calibration where no encoded weight is to be found."""
    if not weight.is_meta and not torch.isfinite(weight).all():
        raise LayerError(f"layer {owner}: a weight is not finite; encoding would spread it over its tile")
    if calibrated and not encoded:
        raise LayerError(f"layer {owner}: calibration finds encoded weights; pass encoded=True, or leave it out")


def basis_tensors(
    basis: Basis,
    sizes: tuple[int, int],
    sharing: str,
    device: torch.device | str | None,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """The basis under the names of a layer's state.

    Args:
        basis: Of one tile.
        sizes: Input and output features, of which the columns of tiles are counted.
        sharing: One of `SHARING`.
        device: Where the tensors go.
        dtype: Of the tensors.
    """
    found = Encoders.of(basis, device, dtype)
    left, right = (columns_of(*pair, sharing) for pair in zip(sizes, basis.tile[1:], strict=True))
    return {
        "encoder_x": found.x.expand(*left, *found.x.shape).clone() if left else found.x,
        "encoder_w": found.w,
        "decoder": found.decoder.expand(*right, *found.decoder.shape).clone() if right else found.decoder,
    }

"""`stl_matmul`: a matrix product by a scheme or an approximation, tile by tile."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bilinear.layers.checks import require_float
from bilinear.layers.errors import LayerError
from bilinear.layers.kernels import decode, encode, multiply
from bilinear.layers.stl.basis import Basis, Floats, Source
from bilinear.layers.stl.tiles import pad_to_tiles, tiles_of


class Encoders(NamedTuple):
    """The changes of basis as tensors.

    Attributes:
        x: Encodes activation tiles, shape (rank, n m), or one for each column of tiles, (columns, rank, n m).
        w: Encodes weight tiles, shape (rank, m p).
        decoder: Decodes output tiles, shape (n p, rank), or one for each column of tiles, (columns, n p, rank).
        tile: (n, m, p): rows and columns of an activation tile, columns of a weight tile.
    """

    x: Tensor
    w: Tensor
    decoder: Tensor
    tile: tuple[int, int, int]

    @classmethod
    def of(
        cls, source: Source, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
    ) -> Encoders:
        """Those of a scheme over `zt`, `z` or `q`, of an approximation, or of a basis.

        Raises:
            LayerError: If the source multiplies no matrices or holds no real numbers.
        """
        basis = Basis.of(source)

        def tensor(factor: Floats) -> Tensor:
            return torch.tensor(factor, dtype=dtype, device=device)

        return cls(tensor(basis.u), tensor(basis.v), tensor(basis.w.T), basis.tile)


def stl_matmul(x: Tensor, w: Tensor, encoders: Encoders) -> Tensor:
    """`x @ w`, exactly what the scheme computes; sizes that are no multiples of the tile are padded with zeros.

    Args:
        x: Shape (..., K); leading axes are flattened to rows, of which n consecutive ones share a tile.
        w: Shape (K, N).
        encoders: In the dtype and on the device of both.

    Returns:
        Shape (..., N).

    Raises:
        LayerError: If the shapes, the dtypes or the devices do not fit.
    """
    _check(x, w, encoders)
    rows = x.reshape(-1, x.shape[-1])
    y = multiply_encoded(rows, encode_weight(w, encoders), encoders)[: rows.shape[0], : w.shape[1]]
    return y.reshape(*x.shape[:-1], w.shape[1])


def multiply_encoded(rows: Tensor, weight: Tensor, encoders: Encoders, bias: Tensor | None = None) -> Tensor:
    """The product with a weight that is encoded already, with the rows and columns that pad the last tiles.

    Args:
        rows: Shape (M, K).
        weight: Shape (rank, ceil(K / m), J).
        encoders: The encoder of weights is not used.
        bias: Added to every row, shape (N,), where J = ceil(N / p), or None.

    Returns:
        Shape (ceil(M / n) n, J p).
    """
    n, m, p = encoders.tile
    added = padded_bias(bias, weight.shape[2] * p)
    return multiply(pad_to_tiles(rows, (n, m)), encoders.x, weight, encoders.decoder, encoders.tile, added)


def padded_bias(bias: Tensor | None, size: int) -> Tensor | None:
    """A bias with zeros for the columns that pad the last tiles."""
    return None if bias is None else functional.pad(bias, (0, size - bias.shape[0]))


def encode_weight(w: Tensor, encoders: Encoders) -> Tensor:
    """A weight (K, N) encoded in at least float32, in its own dtype again, shape (rank, ceil(K / m), ceil(N / p))."""
    wide, tile = torch.promote_types(w.dtype, torch.float32), encoders.tile[1:]
    return encode(pad_to_tiles(w.to(wide), tile), encoders.w.to(wide), tile).to(w.dtype)


def mean_weight(weight: Tensor, encoders: Encoders) -> Tensor:
    """The dense weight nearest to what an encoded one computes, shape (K, N) with padding.

    Output token i of a tile depends on input token i by a matrix, `sum_q u[q, i] What_q w[q, i]`, and on the other
    tokens by others. This is the mean of the n matrices; it is the encoded weight's own if the scheme is exact.

    Args:
        weight: Shape (rank, I, J).
        encoders: The encoder of weights is not used.
    """
    n, m, p = encoders.tile
    wide = torch.promote_types(weight.dtype, torch.float32)
    rank, rows, columns = weight.shape
    u = encoders.x.to(wide).reshape(-1, rank, n, m).expand(rows, rank, n, m)
    d = encoders.decoder.to(wide).reshape(-1, n, p, rank).expand(columns, n, p, rank)
    if encoders.x.ndim == encoders.decoder.ndim == 2:
        back = torch.einsum("qia,ibq->abq", u[0], d[0]) / n
        return decode(weight.to(wide), back.reshape(m * p, -1), (m, p)).to(weight.dtype)
    tiles = sum(torch.einsum("kqa,jbq,qkj->kajb", u[:, :, i], d[:, i], weight.to(wide)) for i in range(n))
    return (torch.as_tensor(tiles) / n).reshape(rows * m, columns * p).to(weight.dtype)


def is_kept(weight: Tensor, encoders: Encoders, tolerance: float) -> bool:
    """Whether an encoded weight and its encoders compute the product with `mean_weight`, up to rounding.

    The encoders must multiply every tile of the unit matrices rightly, and the weight be that matrix, encoded.

    Args:
        weight: Shape (rank, I, J).
        encoders: Of one layer, not of a column of tiles.
        tolerance: Largest relative root mean square deviation of either.
    """
    if encoders.x.ndim == 3:
        return False
    u, v, d = (factor.double() for factor in encoders[:3])
    n, m, p = encoders.tile
    tensor = torch.einsum("qa,qb,cq->abc", u, v, d).reshape(n, m, m, p, n, p)
    wanted = torch.einsum("ig,kl,jh->iklhgj", *(torch.eye(side, dtype=u.dtype, device=u.device) for side in (n, m, p)))
    again = encode_weight(mean_weight(weight, encoders), encoders)
    return _near(tensor, wanted, tolerance) and _near(again, weight, tolerance)


def _near(found: Tensor, wanted: Tensor, tolerance: float) -> bool:
    return bool((found - wanted).double().norm() <= tolerance * wanted.double().norm())


def columns_of(size: int, side: int, sharing: str) -> tuple[int, ...]:
    """The leading axis of encoders that differ from one column of tiles to the next; none for shared ones."""
    return (tiles_of(size, side),) if sharing == "column" else ()


def _check(x: Tensor, w: Tensor, encoders: Encoders) -> None:
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[0]:
        raise LayerError(f"stl_matmul: shapes {tuple(x.shape)} and {tuple(w.shape)}; (..., K) and (K, N) are needed")
    tensors = {"x": x, "w": w, "the encoders": encoders.decoder}
    for name, tensor in tensors.items():
        require_float(f"stl_matmul: {name} of", tensor.dtype)
        if tensor.device != x.device:
            raise LayerError(f"stl_matmul: x on {x.device}, {name} on {tensor.device}; move one")
        if tensor.dtype != x.dtype:
            raise LayerError(f"stl_matmul: x of {x.dtype}, {name} of {tensor.dtype}; convert one")
    _check_encoders(x, w, encoders)


def _check_encoders(x: Tensor, w: Tensor, encoders: Encoders) -> None:
    (n, m, p), rank = encoders.tile, encoders.w.shape[0]
    shapes = {"x": (rank, n * m), "w": (rank, m * p), "decoder": (n * p, rank)}
    columns = {"x": tiles_of(x.shape[-1], m), "decoder": tiles_of(w.shape[1], p)}
    for name, shape in shapes.items():
        found = tuple(getattr(encoders, name).shape)
        if found not in (shape, (columns.get(name, 0), *shape)):
            raise LayerError(f"stl_matmul: encoder {name} has shape {found}, must be {shape} for tile {n}x{m}x{p}")

"""Encoded weights that suit given activations: one linear system for all columns of tiles of a layer."""

from __future__ import annotations

import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.layers.errors import LayerError
from bilinear.layers.kernels import encode
from bilinear.layers.stl.functional import Encoders, encode_weight, multiply_encoded
from bilinear.layers.stl.tiles import pad_to_tiles

RIDGE = 1e-3
"""Weight of the plain encoding, relative to the mean diagonal of the normal matrix."""

CHUNK = 4096
"""Tokens that are encoded at a time."""


def calibrated_weight(
    owner: str, dense: Tensor, x: Tensor, encoders: Encoders, ridge: float = RIDGE, shift: Tensor | None = None
) -> Tensor:
    """The encoded weight whose outputs on `x` come nearest to those of the dense weight, or to others.

    The outputs in column j of tiles are linear in the encoded weights of that column, What_j, by the same matrix for
    all j. With Xhat the encoded activations and the decoder D, its normal matrix is, for products q, q' and columns
    l, l' of input tiles, G = (D^T D)[q, q'] sum_i Xhat[q, i, l] Xhat[q', i, l']: one Cholesky factor serves them all.
    We minimise the squared error plus `ridge` times the mean of G's diagonal times |What - plain|^2, where plain is the
    encoded dense weight, so that directions of which `x` says nothing stay as they are.

    Args:
        owner: The layer, as error texts name it.
        dense: Shape (N, K).
        x: Activations, shape (..., K); consecutive ones share a tile, as in a forward pass.
        encoders: Of the layer, not of a column of tiles; on the device of the weight.
        ridge: See above; 0 is least squares alone.
        shift: What the outputs should be beyond those of the dense weight, shape (tokens, N); nothing if None.

    Returns:
        Shape (rank, ceil(K / m), ceil(N / p)), in the dtype of the weight.

    Raises:
        LayerError: If `x` is empty, not finite or of another width, or the system cannot be solved.
        TooLargeError: If the system would not fit into memory; it has (rank ceil(K / m))^2 numbers.
    """
    x = checked_activations(owner, x, dense)
    if not ridge >= 0:
        raise LayerError(f"layer {owner}: a ridge of {ridge}; it must be at least 0")
    wide = Encoders(encoders.x.double(), encoders.w.double(), encoders.decoder.double(), encoders.tile)
    weight = dense.detach().double().mT
    start = encode_weight(weight, wide)
    rank, columns, _ = start.shape
    unknowns = rank * columns
    memory.require(8 * (3 * unknowns**2 + unknowns * CHUNK), f"layer {owner}: the calibration of {unknowns} unknowns")
    gram, image = _normal_equations(x, shift, weight, start, wide)
    gram.diagonal().add_(ridge * float(gram.diagonal().mean()))
    factor, failed = torch.linalg.cholesky_ex(gram)
    if failed:
        raise LayerError(f"layer {owner}: the activations do not determine the weight; give more, or a larger ridge")
    change = torch.cholesky_solve(image, factor).reshape(start.shape)
    return (start + change).to(dense.dtype)


def lacking(owner: str, wanted: Tensor, found: Tensor, axis: int) -> Tensor:
    """What outputs lack to be the wanted ones, in float64, shaped as they are.

    Args:
        owner: The layer, as error texts name it.
        wanted: Shaped as `found`, but that leading axes may be flattened where `axis` is the last.
        found: Outputs of the dense layer.
        axis: Of the features.

    Raises:
        LayerError: If the numbers of features or of outputs differ, or an output is not finite.
    """
    if wanted.ndim < 2 or wanted.shape[axis] != found.shape[axis] or wanted.numel() != found.numel():
        raise LayerError(
            f"layer {owner}: outputs of shape {tuple(wanted.shape)} to calibrate to; {tuple(found.shape)} are needed"
        )
    if not torch.isfinite(wanted).all():
        raise LayerError(f"layer {owner}: calibration needs finite outputs")
    return wanted.detach().to(found.device).double().reshape(found.shape) - found.double()


def _normal_equations(
    x: Tensor, shift: Tensor | None, weight: Tensor, start: Tensor, encoders: Encoders
) -> tuple[Tensor, Tensor]:
    """The normal matrix, and the image of what the plain encoding leaves, over all chunks of tokens."""
    n, m, p = encoders.tile
    rank, columns, out = start.shape
    gram = x.new_zeros((rank * columns, rank * columns), dtype=torch.float64)
    image = x.new_zeros((rank, columns, out), dtype=torch.float64)
    chunk = -(-CHUNK // n) * n
    for first in range(0, len(x), chunk):
        part = x[first : first + chunk].double()
        rows = pad_to_tiles(part, (n, m))
        wanted = part @ weight if shift is None else part @ weight + shift[first : first + chunk].double()
        missing = pad_to_tiles(wanted, (n, p)) - multiply_encoded(rows, start, encoders)
        hat = encode(rows, encoders.x, (n, m)).mT
        flat = hat.reshape(rank * columns, -1)
        gram.addmm_(flat, flat.mT)
        image += torch.bmm(hat, encode(missing, encoders.decoder.mT, (n, p)))
    inner = encoders.decoder.mT @ encoders.decoder
    gram.view(rank, columns, rank, columns).mul_(inner[:, None, :, None])
    return gram, image.reshape(rank * columns, out)


def checked_activations(owner: str, x: Tensor, dense: Tensor) -> Tensor:
    """The activations on the device of the weight, one token a row.

    Raises:
        LayerError: If there are none, one is not finite, or they do not fit the weight (N, K).
    """
    if x.ndim == 0 or x.shape[-1] != dense.shape[1]:
        raise LayerError(
            f"layer {owner}: calibration of shape {tuple(x.shape)}; the last axis must be {dense.shape[1]}"
        )
    if x.numel() == 0 or not torch.isfinite(x).all():
        raise LayerError(f"layer {owner}: calibration needs finite activations, at least one token")
    return x.detach().to(dense.device).reshape(-1, dense.shape[1])

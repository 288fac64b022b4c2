"""Encoded weights that suit given activations: one linear system for all columns of tiles of a layer."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.layers.errors import LayerError
from bilinear.layers.kernels import encode
from bilinear.layers.stl.functional import Encoders, encode_weight, multiply_encoded
from bilinear.layers.stl.tiles import pad_to_tiles

RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Weights of the plain encoding that are tried, relative to the mean diagonal of the normal matrix."""

HELD_OUT = 4
"""One token of so many, the last ones, decides between them."""

DOUBT = 0.5
"""Over the square root of what is held out: the share of an error by which another must be lower to be believed."""

CHUNK = 4096
"""Tokens that are encoded at a time."""


def calibrated_weight(
    owner: str,
    dense: Tensor,
    x: Tensor,
    encoders: Encoders,
    ridge: float | None = None,
    shift: Tensor | None = None,
) -> Tensor:
    """The encoded weight whose outputs on `x` come nearest to those of the dense weight, or to others.

    The outputs in column j of tiles are linear in the encoded weights of that column, What_j, by the same matrix for
    all j. With Xhat the encoded activations and the decoder D, its normal matrix is, for products q, q' and columns
    l, l' of input tiles, G = (D^T D)[q, q'] sum_i Xhat[q, i, l] Xhat[q', i, l']: one Cholesky factor serves them all.
    We minimise the squared error plus `ridge` times the mean of G's diagonal times |What - plain|^2, where plain is the
    encoded dense weight, so that directions of which `x` says nothing stay as they are. Without a ridge the last
    quarter of the tokens is held out to choose one of `RIDGES`, and then taken in; where none is better there than the
    plain encoding, as with too few tokens, that is the weight.

    Args:
        owner: The layer, as error texts name it.
        dense: Shape (N, K).
        x: Activations, shape (..., K); consecutive ones share a tile, as in a forward pass.
        encoders: Of the layer, not of a column of tiles; on the device of the weight.
        ridge: See above; 0 is least squares alone; None to choose.
        shift: What the outputs should be beyond those of the dense weight, shape (tokens, N); nothing if None.

    Returns:
        Shape (rank, ceil(K / m), ceil(N / p)), in the dtype of the weight.

    Raises:
        LayerError: If `x` is empty, not finite or of another width, is to choose the ridge and has fewer than two
            tiles of tokens, or the system cannot be solved.
        TooLargeError: If the system would not fit into memory; it has (rank ceil(K / m))^2 numbers.
    """
    x = checked_activations(owner, x, dense)
    if ridge is not None and not ridge >= 0:
        raise LayerError(f"layer {owner}: a ridge of {ridge}; it must be at least 0")
    wide = Encoders(encoders.x.double(), encoders.w.double(), encoders.decoder.double(), encoders.tile)
    start = encode_weight(dense.detach().double().mT, wide)
    rank, columns, _ = start.shape
    unknowns = rank * columns
    memory.require(8 * (3 * unknowns**2 + unknowns * CHUNK), f"layer {owner}: the calibration of {unknowns} unknowns")
    system = _System(owner, dense.detach().double().mT, start, wide)
    if ridge is not None:
        system.add(x, shift)
        return (start + system.change(ridge)).to(dense.dtype)
    first = _kept(owner, len(x), encoders.tile[0])
    system.add(x[:first], None if shift is None else shift[:first])
    held_out = x[first:], None if shift is None else shift[first:]
    best, least = None, _believed((len(x) - first) // encoders.tile[0]) * system.error(start, *held_out)
    for tried in RIDGES:
        error = system.error(start + system.change(tried), *held_out)
        if error < least:
            best, least = tried, error
    if best is None:
        return start.to(dense.dtype)
    system.add(*held_out)
    return (start + system.change(best)).to(dense.dtype)


def mean_error(error: Tensor) -> Tensor:
    """The mean of errors (tokens, N), which a bias can take up; zeros if that of the first is of no use to the last.

    Args:
        error: What outputs lack, in order.
    """
    first = len(error) - len(error) // HELD_OUT
    held_out = error[first:]
    plain = _believed(len(held_out)) * held_out.square().sum()
    if first in (0, len(error)) or (held_out - error[:first].mean(0)).square().sum() >= plain:
        return torch.zeros_like(error[0])
    return error.mean(0)


def _believed(held_out: int) -> float:
    """The share of an error below which another is believed to be lower, on so many tiles or tokens."""
    return 1 - DOUBT / math.sqrt(max(1, held_out))


def _kept(owner: str, tokens: int, n: int) -> int:
    """Tokens, whole tiles of them, that are not held out."""
    tiles = tokens // n
    if tiles < 2:
        raise LayerError(f"layer {owner}: {tokens} tokens to calibrate on; at least {2 * n} are needed, two tiles")
    return (tiles - max(1, tiles // HELD_OUT)) * n


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


class _System:
    """The normal equations of a layer's encoded weight, over all tokens that were added.

    Args:
        owner: The layer, as error texts name it.
        weight: The dense one, shape (K, N).
        start: The plain encoding.
        encoders: In float64.
    """

    def __init__(self, owner: str, weight: Tensor, start: Tensor, encoders: Encoders) -> None:
        rank, columns, out = start.shape
        self._owner, self._weight, self._start, self._encoders = owner, weight, start, encoders
        self._gram, self._image = start.new_zeros((rank * columns,) * 2), start.new_zeros((rank, columns, out))
        inner = encoders.decoder.mT @ encoders.decoder
        self._inner = inner[:, None, :, None]

    def add(self, x: Tensor, shift: Tensor | None) -> None:
        """Take tokens in, by chunks; consecutive ones share a tile."""
        (n, m, p), (rank, columns, _) = self._encoders.tile, self._start.shape
        for rows, missing in self._missing(self._start, x, shift):
            hat = encode(rows, self._encoders.x, (n, m)).mT
            flat = hat.reshape(rank * columns, -1)
            self._gram.addmm_(flat, flat.mT)
            self._image += torch.bmm(hat, encode(missing, self._encoders.decoder.mT, (n, p)))

    def error(self, weight: Tensor, x: Tensor, shift: Tensor | None) -> float:
        """The squared error of an encoded weight on tokens."""
        return sum(float(missing.square().sum()) for _, missing in self._missing(weight, x, shift))

    def change(self, ridge: float) -> Tensor:
        """What is added to the plain encoding."""
        rank, columns, out = self._start.shape
        gram = (self._gram.view(rank, columns, rank, columns) * self._inner).view(rank * columns, rank * columns)
        gram.diagonal().add_(ridge * float(gram.diagonal().mean()))
        factor, failed = torch.linalg.cholesky_ex(gram)
        if failed:
            raise LayerError(
                f"layer {self._owner}: the activations do not determine the weight; give more, or a larger ridge"
            )
        return torch.cholesky_solve(self._image.reshape(rank * columns, out), factor).reshape(self._start.shape)

    def _missing(self, weight: Tensor, x: Tensor, shift: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
        """Chunks of tokens, and what the outputs of an encoded weight lack there, in whole tiles."""
        n, m, p = self._encoders.tile
        chunk = -(-CHUNK // n) * n
        for first in range(0, len(x), chunk):
            part = x[first : first + chunk].double()
            rows = pad_to_tiles(part, (n, m))
            wanted = part @ self._weight
            if shift is not None:
                wanted = wanted + shift[first : first + chunk].double()
            yield rows, pad_to_tiles(wanted, (n, p)) - multiply_encoded(rows, weight, self._encoders)


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

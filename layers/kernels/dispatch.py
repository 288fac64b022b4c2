"""Which implementation computes: by device, dtype and size."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from bilinear.layers.kernels import cpu, plain
from bilinear.layers.kernels.plain import ACTIVATIONS, Tile

if TYPE_CHECKING:
    from bilinear.layers.kernels.registration import Family

LEAST = 1 << 19
"""Numbers of a matrix below which torch's own operations on the CPU, all in its caches, are as fast (measured)."""

TRITON_DTYPES: Final = (torch.float32, torch.bfloat16, torch.float16)
"""What Triton's kernels add up in float32."""

HAS_TRITON: Final = find_spec("triton") is not None


def encode(matrix: Tensor, encoder: Tensor, tile: Tile) -> Tensor:
    """Every tile in the encoder's basis, see `plain.encode`; differentiable."""
    matrix, encoder = _cast(matrix, encoder)
    family = _family(matrix.numel(), matrix, encoder)
    if family is None:
        return plain.encode(matrix, encoder, tile)
    return family.encode(matrix.contiguous(), encoder.contiguous(), *tile)


def decode(
    products: Tensor, decoder: Tensor, tile: Tile, bias: Tensor | None = None, activation: str = "none"
) -> Tensor:
    """The matrix of the decoded tiles, see `plain.decode`; differentiable."""
    products, decoder = _cast(products, decoder)
    family = _family(products.shape[1] * products.shape[2] * tile[0] * tile[1], products, decoder)
    if family is None:
        return plain.decode(products, decoder, tile, bias, activation)
    return family.decode(products.contiguous(), decoder.contiguous(), *tile, _vector(bias, products), activation)


def multiply(
    matrix: Tensor,
    encoder: Tensor,
    weight: Tensor,
    decoder: Tensor,
    tile: tuple[int, int, int],
    bias: Tensor | None = None,
    activation: str = "none",
) -> Tensor:
    """The product with an encoded weight; without gradients, on the CPU, in a workspace of bounded size.

    Args:
        matrix: Shape (I n, K m).
        encoder: Shape (rank, n m), or one for each column of tiles, (K, rank, n m).
        weight: Shape (rank, K, J).
        decoder: Shape (n p, rank), or one for each column of tiles, (J, n p, rank).
        tile: (n, m, p).
        bias: Shape (J p,), or None.
        activation: One of `ACTIVATIONS`.

    Returns:
        Shape (I n, J p).
    """
    tensors = [matrix, encoder, weight, decoder] + ([] if bias is None else [bias])
    tracked = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    if tracked or _family(matrix.numel(), matrix, encoder, decoder) is not cpu.COMPILED or _autocasts(matrix):
        products = torch.bmm(encode(matrix, encoder, tile[:2]), weight)
        return decode(products, decoder, (tile[0], tile[2]), bias, activation)
    operands = [tensor.contiguous() for tensor in tensors[:4]]
    return ACTIVATIONS[activation](cpu.multiply(*operands, list(tile), _vector(bias, matrix)))


def multiply_shared(
    matrix: Tensor,
    encoder: Tensor,
    weights: Sequence[Tensor],
    decoders: Sequence[Tensor],
    tiles: Sequence[tuple[int, int, int]],
    biases: Sequence[Tensor | None],
) -> list[Tensor]:
    """The products of one matrix with several weights (queries, keys and values, say), encoded once.

    Args:
        matrix: Shape (I n, K m).
        encoder: That of all the layers, shape (rank, n m).
        weights: Each of shape (rank, K, J), J their own.
        decoders: One for each weight, shape (n p, rank).
        tiles: (n, m, p) of each; n and m are the same.
        biases: One for each weight, shape (J p,), or None.

    Returns:
        For each weight, shape (I n, J p).
    """
    hat = encode(matrix, encoder, tiles[0][:2])
    return [
        decode(torch.bmm(hat, weight), decoder, (tile[0], tile[2]), bias)
        for weight, decoder, tile, bias in zip(weights, decoders, tiles, biases, strict=True)
    ]


def multiply_chained(
    products: Tensor,
    decoder: Tensor,
    tile: Tile,
    bias: Tensor | None,
    activation: str,
    encoder: Tensor,
    shape: tuple[int, int],
) -> Tensor:
    """Decode, activation and the next layer's encode in one pass, see `plain.recode`; differentiable."""
    family = _family(products.shape[1] * products.shape[2] * tile[0] * tile[1], products, decoder, encoder)
    if family is None or _autocasts(products):
        y = plain.cleared(decode(products, decoder, tile, bias, activation), shape)
        return encode(y, encoder, tile)
    operands = products.contiguous(), decoder.contiguous(), *tile, _vector(bias, products), activation
    return family.recode(*operands, encoder.contiguous(), *shape)


def _family(size: int, first: Tensor, *bases: Tensor) -> Family | None:
    """The kernels for a matrix or products, and encoders or decoders; None where torch's own operations serve.

    They serve in exported and traced programs too, which so need none of our operators, nor ask for an open size.
    """
    if is_recorded():
        return None
    if first.numel() == 0 or any(b.ndim == 3 or b.dtype != first.dtype or b.device != first.device for b in bases):
        return None
    if first.device.type == "cpu" and first.dtype in cpu.DTYPES and size >= LEAST:
        return cpu.COMPILED
    if first.device.type == "cuda" and first.dtype in TRITON_DTYPES and HAS_TRITON:
        from bilinear.layers.kernels.triton_ops import TRITON

        return TRITON
    return None


def is_recorded() -> bool:
    """Whether a program is being exported or traced, which will be run for other numbers of tokens too."""
    return torch.compiler.is_exporting() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def _autocasts(tensor: Tensor) -> bool:
    kind = tensor.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def _cast(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in autocast's dtype, as a matrix product would take them."""
    if not _autocasts(tensors[0]) or torch.float64 in [t.dtype for t in tensors]:
        return tensors
    dtype = torch.get_autocast_dtype(tensors[0].device.type)
    return tuple(tensor.to(dtype) for tensor in tensors)


def _vector(bias: Tensor | None, like: Tensor) -> Tensor | None:
    return None if bias is None else bias.to(like.dtype).contiguous()

"""Operators made of kernels: their shapes, gradients and operation counts, alike for every implementation.

The gradient of an encoding is a decoding by the transposed encoder, and the other way round, so each family of
operators is its own backward pass, and gradients of any order go through the kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from bilinear.layers.kernels.plain import Tile, cleared, flat_tiles

Operator = Callable[..., Tensor]


@dataclass(frozen=True)
class Family:
    """The operators of one implementation.

    Attributes:
        encode: (matrix, encoder, a, b), see `plain.encode`; the matrix contiguous, as every tensor here.
        decode: (products, decoder, a, b, bias, activation), see `plain.decode`.
        recode: (products, decoder, a, b, bias, activation, encoder, rows, columns), see `plain.recode`.
    """

    encode: Operator
    decode: Operator
    recode: Operator


def register(prefix: str, make: Callable[..., Any], encode: Operator, decode: Operator, recode: Operator) -> Family:
    """Operators `bilinear::{prefix}_encode` and so on, with what autograd, the compiler and the counter need.

    Args:
        prefix: Begins their names.
        make: `torch.library.custom_op` or `torch.library.triton_op`.
        encode: Computes the operator, of plain tensors.
        decode: Likewise.
        recode: Likewise.
    """
    made = [
        make(f"bilinear::{prefix}_{name}", function, mutates_args=())
        for name, function in (("encode", encode), ("decode", decode), ("recode", recode))
    ]
    family = Family(*made)
    fakes: tuple[Callable[..., Tensor], ...] = (_fake_encode, _fake_decode, _fake_recode)
    backwards = (_encode_backward(family), _decode_backward(family), _recode_backward(family))
    setups = (_save_encode, _save_decode, _save_recode)
    for op, fake, backward, setup in zip(made, fakes, backwards, setups, strict=True):
        op.register_fake(fake)
        op.register_autograd(backward, setup_context=setup)
    packets = (getattr(torch.ops.bilinear, f"{prefix}_{name}") for name in ("encode", "decode", "recode"))
    formulas: tuple[Callable[..., int], ...] = (_encode_flops, _decode_flops, _recode_flops)
    for packet, formula in zip(packets, formulas, strict=True):
        registered: Callable[[Callable[..., int]], Any] = register_flop_formula(packet)
        registered(formula)
    return family


def _fake_encode(matrix: Tensor, encoder: Tensor, a: int, b: int) -> Tensor:
    return matrix.new_empty((encoder.shape[0], matrix.shape[0] // a, matrix.shape[1] // b))


def _fake_decode(products: Tensor, decoder: Tensor, a: int, b: int, bias: Tensor | None, activation: str) -> Tensor:
    return products.new_empty((products.shape[1] * a, products.shape[2] * b))


def _fake_recode(
    products: Tensor,
    decoder: Tensor,
    a: int,
    b: int,
    bias: Tensor | None,
    activation: str,
    encoder: Tensor,
    rows: int,
    columns: int,
) -> Tensor:
    return products.new_empty((encoder.shape[0], *products.shape[1:]))


def _save_encode(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    matrix, encoder, *ctx.tile = inputs
    ctx.save_for_backward(matrix, encoder)


def _save_decode(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    products, decoder, *ctx.tile, bias, ctx.activation = inputs
    ctx.save_for_backward(products, decoder, bias)


def _save_recode(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    products, decoder, a, b, bias, ctx.activation, encoder, *shape = inputs
    ctx.tile, ctx.shape = (a, b), tuple(shape)
    ctx.save_for_backward(products, decoder, bias, encoder)


def _encode_backward(family: Family) -> Callable[..., Any]:
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        matrix, encoder = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return *_of_encoding(family, grad.contiguous(), matrix, encoder, ctx.tile, needs[0], needs[1]), None, None

    return backward


def _decode_backward(family: Family) -> Callable[..., Any]:
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        products, decoder, bias = ctx.saved_tensors
        found = _of_decoding(family, grad.contiguous(), products, decoder, bias, ctx)
        return *found[:2], None, None, found[2], None

    return backward


def _recode_backward(family: Family) -> Callable[..., Any]:
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        products, decoder, bias, encoder = ctx.saved_tensors
        y = cleared(family.decode(products, decoder, *ctx.tile, bias, ctx.activation), ctx.shape)
        dy, of_encoder = _of_encoding(family, grad.contiguous(), y, encoder, ctx.tile, True, ctx.needs_input_grad[6])
        assert dy is not None
        found = _of_decoding(family, cleared(dy, ctx.shape), products, decoder, bias, ctx)
        return *found[:2], None, None, found[2], None, of_encoder, None, None

    return backward


def _of_encoding(
    family: Family, grad: Tensor, matrix: Tensor, encoder: Tensor, tile: Tile, of_matrix: bool, of_encoder: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of the matrix and of the encoder, where they are wanted."""
    back = family.decode(grad, encoder.mT.contiguous(), *tile, None, "none") if of_matrix else None
    own = grad.reshape(len(grad), -1) @ flat_tiles(matrix, tile).mT if of_encoder else None
    return back, own


def _of_decoding(
    family: Family, grad: Tensor, products: Tensor, decoder: Tensor, bias: Tensor | None, ctx: Any
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients of the products, the decoder and the bias, where they are wanted."""
    if ctx.activation != "none":
        before = family.decode(products, decoder, *ctx.tile, bias, "none")
        grad = (grad * _slope(before, ctx.activation)).contiguous()
    of_products, of_decoder, *_ = ctx.needs_input_grad
    back = family.encode(grad, decoder.mT.contiguous(), *ctx.tile) if of_products else None
    own = flat_tiles(grad, ctx.tile) @ products.reshape(len(products), -1).mT if of_decoder else None
    of_bias = grad.sum(0) if bias is not None and ctx.needs_input_grad[4] else None
    return back, own, of_bias


def _slope(x: Tensor, activation: str) -> Tensor:
    """The derivative of an activation at x."""
    if activation == "relu":
        return (x > 0).to(x.dtype)
    if activation == "silu":
        s = torch.sigmoid(x)
        return s * (1 + x * (1 - s))
    assert activation == "gelu"
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * density


def _encode_flops(matrix: Any, encoder: Any, *_: Any, **__: Any) -> int:
    return 2 * int(matrix[0]) * int(matrix[1]) * int(encoder[0])


def _decode_flops(products: Any, decoder: Any, *_: Any, **__: Any) -> int:
    rank, rows, columns = map(int, products)
    return 2 * rank * rows * columns * int(decoder[0])


def _recode_flops(
    products: Any, decoder: Any, a: int, b: int, bias: Any, name: str, encoder: Any, *_: Any, **__: Any
) -> int:
    own = _decode_flops(products, decoder)
    return own + 2 * int(encoder[0]) * int(encoder[1]) * int(products[1]) * int(products[2])

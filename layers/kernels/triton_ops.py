"""The Triton kernels as operators on CUDA; on the CPU where Triton interprets them (`TRITON_INTERPRET=1`).

Imported on first use, so that layers work without Triton.
"""

from __future__ import annotations

# mypy: disable-error-code="import-untyped, import-not-found"
from collections.abc import Callable
from typing import Any, Final

import torch
import triton
from torch import Tensor

from bilinear.layers.kernels import triton_code
from bilinear.layers.kernels.registration import register

BLOCK: Final = 128
"""Columns of tiles that a program computes."""

MOST_PRODUCTS: Final = 64
"""Products that are held in registers at once, at 128 columns of tiles."""

LEAST_SIDE: Final = 16
"""Of the operands of `tl.dot`."""

INTERPRETED: Final[bool] = triton.knobs.runtime.interpret


def _kernel(function: Any) -> Any:
    """The kernel as the compiler of torch can see it; the interpreter runs it as it is."""
    return function if INTERPRETED else torch.library.wrap_triton(function)


def _constants(a: int, b: int) -> dict[str, int]:
    """What is fixed when a kernel is compiled: the sides of a tile, their paddings, the block."""
    width = triton.next_power_of_2(b)
    height = max(triton.next_power_of_2(a), LEAST_SIDE // width)
    return {"a": a, "b": b, "A": height, "B": width, "BLOCK": BLOCK, "WIDE": INTERPRETED}


def _products(rank: int) -> int:
    return int(min(max(triton.next_power_of_2(rank), LEAST_SIDE), MOST_PRODUCTS))


def _encode(matrix: Tensor, encoder: Tensor, a: int, b: int) -> Tensor:
    rank, rows, columns = len(encoder), matrix.shape[0] // a, matrix.shape[1] // b
    out = matrix.new_empty((rank, rows, columns))
    together = _products(rank)
    grid = (triton.cdiv(columns, BLOCK), rows, triton.cdiv(rank, together))
    operands = matrix, encoder, out, rows, columns, rank
    _kernel(triton_code.encode_kernel)[grid](*operands, **_constants(a, b), R=together)
    return out


def _decode(products: Tensor, decoder: Tensor, a: int, b: int, bias: Tensor | None, activation: str) -> Tensor:
    rank, rows, columns = products.shape
    out = products.new_empty((rows * a, columns * b))
    operands = products, decoder, out if bias is None else bias, out, rows, columns, rank
    _kernel(triton_code.decode_kernel)[(triton.cdiv(columns, BLOCK), rows)](
        *operands, **_constants(a, b), R=_products(rank), BIASED=bias is not None, ACTIVATION=activation
    )
    return out


def _recode(
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
    rank, tile_rows, tile_columns = products.shape
    out = products.new_empty((len(encoder), tile_rows, tile_columns))
    sizes = tile_rows, tile_columns, rank, len(encoder), rows, columns
    operands = products, decoder, out if bias is None else bias, encoder, out
    _kernel(triton_code.recode_kernel)[(triton.cdiv(tile_columns, BLOCK), tile_rows)](
        *operands,
        *sizes,
        **_constants(a, b),
        R=_products(rank),
        S=_products(len(encoder)),
        BIASED=bias is not None,
        ACTIVATION=activation,
    )
    return out


_make: Callable[..., Any] = torch.library.custom_op if INTERPRETED else torch.library.triton_op

TRITON = register("triton", _make, _encode, _decode, _recode)

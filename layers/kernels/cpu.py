"""The compiled kernels as operators on the CPU, with as many threads as torch has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.layers.kernels.plain import ACTIVATIONS, cleared
from bilinear.layers.kernels.registration import register
from bilinear.layers.kernels.workspace import workspace

DTYPES = (torch.float32, torch.float64)

WORKSPACE = 1 << 23
"""Encoded numbers of a panel of tokens in `multiply`: enough for the products to run at full speed (measured)."""


def _encode(matrix: Tensor, encoder: Tensor, a: int, b: int) -> Tensor:
    rows, columns = matrix.shape
    out = matrix.new_empty((len(encoder), rows // a, columns // b))
    encode_into(matrix, encoder, (a, b), out)
    return out


def _decode(products: Tensor, decoder: Tensor, a: int, b: int, bias: Tensor | None, activation: str) -> Tensor:
    _, rows, columns = products.shape
    out = products.new_empty((rows * a, columns * b))
    decode_into(products, decoder, (a, b), bias, out)
    return ACTIVATIONS[activation](out)


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
    y = cleared(_decode(products, decoder, a, b, bias, activation), (rows, columns))
    return _encode(y, encoder, a, b)


COMPILED = register("cpu", torch.library.custom_op, _encode, _decode, _recode)


@torch.library.custom_op("bilinear::cpu_multiply", mutates_args=())
def multiply(
    matrix: Tensor, encoder: Tensor, weight: Tensor, decoder: Tensor, tile: list[int], bias: Tensor | None
) -> Tensor:
    """Encode, multiply and decode, some tokens at a time, in memory used again for the next; without gradients.

    Args:
        matrix: Shape (I n, K m).
        encoder: Shape (rank, n m).
        weight: Shape (rank, K, J).
        decoder: Shape (n p, rank).
        tile: [n, m, p].
        bias: Shape (J p,), or None.

    Returns:
        Shape (I n, J p).
    """
    n, m, p = tile
    rank, inner, columns = weight.shape
    rows = matrix.shape[0] // n
    panel = min(rows, max(1, WORKSPACE // (rank * max(inner, columns))))
    hat, products = workspace((rank, panel, inner), matrix), workspace((rank, panel, columns), matrix)
    y = matrix.new_empty((rows * n, columns * p))
    for start in range(0, rows, panel):
        part = slice(start * n, (start + panel) * n)
        if rows - start < panel:
            hat, products = (workspace((rank, rows - start, width), matrix) for width in (inner, columns))
        encode_into(matrix[part], encoder, (n, m), hat)
        torch.bmm(hat, weight, out=products)
        decode_into(products, decoder, (n, p), bias, y[part])
    return y


@multiply.register_fake
def _(matrix: Tensor, encoder: Tensor, weight: Tensor, decoder: Tensor, tile: list[int], bias: Tensor | None) -> Tensor:
    return matrix.new_empty((matrix.shape[0], weight.shape[2] * tile[2]))


@torch.utils.flop_counter.register_flop_formula(torch.ops.bilinear.cpu_multiply)
def _flops(matrix: Any, encoder: Any, weight: Any, decoder: Any, tile: Any, *_: Any, **__: Any) -> int:
    rank, inner, columns = map(int, weight)
    tiles = int(matrix[0]) // int(tile[0])
    return 2 * rank * tiles * (inner * int(encoder[1]) + inner * columns + columns * int(decoder[0]))


def encode_into(matrix: Tensor, encoder: Tensor, tile: tuple[int, int], out: Tensor) -> None:
    """`plain.encode`, written to `out`, shape (rank, I, J); all contiguous."""
    from bilinear.layers.kernels import cpu_code

    with threads_of_torch():
        cpu_code.encode(_array(matrix), _array(encoder), *tile, _array(out))


def decode_into(products: Tensor, decoder: Tensor, tile: tuple[int, int], bias: Tensor | None, out: Tensor) -> None:
    """`plain.decode` without activation, written to `out`, shape (I a, J b); all contiguous."""
    from bilinear.layers.kernels import cpu_code

    added = out.new_zeros(out.shape[1]) if bias is None else bias
    with threads_of_torch():
        cpu_code.decode(_array(products), _array(decoder), *tile, _array(added), _array(out))


@contextmanager
def threads_of_torch() -> Iterator[None]:
    """Let Numba use as many threads as torch, or as many as it has."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]  # set at import
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().numpy()
    return array

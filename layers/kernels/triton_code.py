"""Encode, decode, and both in one pass, for Triton; a program computes the tiles of one row in `BLOCK` columns.

Sides of tiles and ranks are padded to powers of two (A, B, R), with zeros. A tile matrix of A x BLOCK x B numbers is
read as it lies in memory, so that neighbouring threads read neighbouring numbers, and turned into (A B) x BLOCK.
Sums are taken in float32. WIDE makes the factors float32 too, which changes no result: the interpreter needs it, since
it multiplies the bits of bfloat16 as integers.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-def, untyped-decorator, import-untyped, import-not-found"
import triton
import triton.language as tl


@triton.jit
def encode_kernel(
    matrix,
    encoder,
    out,
    rows,
    columns,
    rank,
    a: tl.constexpr,
    b: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    R: tl.constexpr,
    BLOCK: tl.constexpr,
    WIDE: tl.constexpr,
):
    """out[q, i, j] = sum_c encoder[q, c] tile[i, j][c].

    Args:
        matrix: Shape (rows a, columns b), contiguous.
        encoder: Shape (rank, a b), contiguous.
        out: Shape (rank, rows, columns), contiguous.
    """
    i = tl.program_id(1).to(tl.int64)
    p, j, s = tl.arange(0, A), tl.program_id(0) * BLOCK + tl.arange(0, BLOCK), tl.arange(0, B)
    place = (i * a + p)[:, None, None] * (columns * b) + j[None, :, None] * b + s[None, None, :]
    inside = (p < a)[:, None, None] & (j < columns)[None, :, None] & (s < b)[None, None, :]
    tiles = tl.load(matrix + place, mask=inside, other=0)
    flat = tl.reshape(tl.permute(tiles, (0, 2, 1)), (A * B, BLOCK))
    _store_encoded(flat, encoder, out, i, j, rows, columns, rank, tl.program_id(2) * R, a, b, A, B, R, WIDE)


@triton.jit
def decode_kernel(
    products,
    decoder,
    bias,
    out,
    rows,
    columns,
    rank,
    a: tl.constexpr,
    b: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    R: tl.constexpr,
    BLOCK: tl.constexpr,
    WIDE: tl.constexpr,
    BIASED: tl.constexpr,
    ACTIVATION: tl.constexpr,
):
    """tile[i, j][c] = activation(bias + sum_q decoder[c, q] products[q, i, j]).

    Args:
        products: Shape (rank, rows, columns), contiguous.
        decoder: Shape (a b, rank), contiguous.
        bias: Shape (columns b,), read if BIASED.
        out: Shape (rows a, columns b), contiguous.
    """
    i = tl.program_id(1).to(tl.int64)
    j = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y = _decoded(products, decoder, bias, i, j, rows, columns, rank, a, b, A, B, R, BLOCK, WIDE, BIASED, ACTIVATION)
    p, s = tl.arange(0, A), tl.arange(0, B)
    place = (i * a + p)[:, None, None] * (columns * b) + j[None, :, None] * b + s[None, None, :]
    inside = (p < a)[:, None, None] & (j < columns)[None, :, None] & (s < b)[None, None, :]
    tiles = tl.permute(tl.reshape(y, (A, B, BLOCK)), (0, 2, 1))
    tl.store(out + place, tiles.to(out.dtype.element_ty), mask=inside)


@triton.jit
def recode_kernel(
    products,
    decoder,
    bias,
    encoder,
    out,
    rows,
    columns,
    rank,
    new_rank,
    kept_rows,
    kept_columns,
    a: tl.constexpr,
    b: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    R: tl.constexpr,
    S: tl.constexpr,
    BLOCK: tl.constexpr,
    WIDE: tl.constexpr,
    BIASED: tl.constexpr,
    ACTIVATION: tl.constexpr,
):
    """Decode as above, clear what lies beyond the kept rows and columns, and encode, `S` products at a time.

    Args:
        products: Shape (rank, rows, columns), contiguous.
        decoder: Shape (a b, rank), contiguous.
        bias: Shape (columns b,), read if BIASED.
        encoder: Shape (new_rank, a b), contiguous.
        out: Shape (new_rank, rows, columns), contiguous.
    """
    i = tl.program_id(1).to(tl.int64)
    j = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y = _decoded(products, decoder, bias, i, j, rows, columns, rank, a, b, A, B, R, BLOCK, WIDE, BIASED, ACTIVATION)
    c = tl.arange(0, A * B)
    kept = (i * a + c // B < kept_rows)[:, None] & (j[None, :] * b + (c % B)[:, None] < kept_columns)
    flat = tl.where(kept, y, 0.0).to(out.dtype.element_ty)
    for first in range(0, new_rank, S):
        _store_encoded(flat, encoder, out, i, j, rows, columns, new_rank, first, a, b, A, B, S, WIDE)


@triton.jit
def _store_encoded(
    flat,
    encoder,
    out,
    i,
    j,
    rows,
    columns,
    rank,
    first,
    a: tl.constexpr,
    b: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    R: tl.constexpr,
    WIDE: tl.constexpr,
):
    """Encode tiles, shape (A B, BLOCK), and write R products from the first on."""
    c, q = tl.arange(0, A * B), first + tl.arange(0, R)
    real = (c // B < a) & (c % B < b)
    entry = q[:, None] * (a * b) + ((c // B) * b + c % B)[None, :]
    u = tl.load(encoder + entry, mask=(q < rank)[:, None] & real[None, :], other=0)
    hat = _dot(u, flat, WIDE)
    place = (q.to(tl.int64)[:, None] * rows + i) * columns + j[None, :]
    tl.store(out + place, hat.to(out.dtype.element_ty), mask=(q < rank)[:, None] & (j < columns)[None, :])


@triton.jit
def _decoded(
    products,
    decoder,
    bias,
    i,
    j,
    rows,
    columns,
    rank,
    a: tl.constexpr,
    b: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    R: tl.constexpr,
    BLOCK: tl.constexpr,
    WIDE: tl.constexpr,
    BIASED: tl.constexpr,
    ACTIVATION: tl.constexpr,
):
    """Decoded tiles of a row, in float32, shape (A B, BLOCK)."""
    c = tl.arange(0, A * B)
    real = (c // B < a) & (c % B < b)
    y = tl.zeros((A * B, BLOCK), tl.float32)
    for first in range(0, rank, R):
        q = first + tl.arange(0, R)
        entry = ((c // B) * b + c % B)[:, None] * rank + q[None, :]
        w = tl.load(decoder + entry, mask=real[:, None] & (q < rank)[None, :], other=0)
        place = (q.to(tl.int64)[:, None] * rows + i) * columns + j[None, :]
        hat = tl.load(products + place, mask=(q < rank)[:, None] & (j < columns)[None, :], other=0)
        y += _dot(w, hat, WIDE)
    if BIASED:
        inside = real[:, None] & (j < columns)[None, :]
        y += tl.load(bias + j[None, :] * b + (c % B)[:, None], mask=inside, other=0).to(tl.float32)
    if ACTIVATION == "relu":
        y = tl.maximum(y, 0.0)
    elif ACTIVATION == "gelu":
        y = 0.5 * y * (1.0 + tl.erf(y * 0.7071067811865476))
    elif ACTIVATION == "silu":
        y = y * tl.sigmoid(y)
    return y


@triton.jit
def _dot(left, right, WIDE: tl.constexpr):
    """The product of two matrices, summed in float32."""
    if WIDE:
        left, right = left.to(tl.float32), right.to(tl.float32)
    return tl.dot(left, right, input_precision="ieee")

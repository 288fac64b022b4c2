"""A butterfly factor in one pass, for Triton: no copies to bring the blocks' inputs and outputs side by side.

On CUDA, and on the CPU where Triton interprets it (`TRITON_INTERPRET=1`). Imported on first use, so that layers work
without Triton.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, import-untyped, import-not-found"
from typing import Any, Final

import torch
import triton
import triton.language as tl
from torch import Tensor

TOKENS: Final = 64
"""Tokens that a program takes."""

LEAST_SIDE: Final = 16
"""Of the operands of `tl.dot`."""

INTERPRETED: Final[bool] = triton.knobs.runtime.interpret


@triton.jit
def mix_kernel(
    x,
    right,
    out,
    tokens,
    blocks,
    nodes,
    inputs: tl.constexpr,
    children: tl.constexpr,
    width: tl.constexpr,
    K: tl.constexpr,
    M: tl.constexpr,
    TOKENS: tl.constexpr,
    WIDE: tl.constexpr,
):
    """out[t, a, c, j, o] = sum_k right[a j, k, c o] x[t, a j, k]; a program has one block and some tokens.

    Sums are taken in float32. WIDE makes the operands float32 too, as the interpreter needs for bfloat16. Sides are
    padded to powers of two, K and M, with zeros.

    Args:
        x: Shape (tokens, blocks, inputs), contiguous.
        right: Shape (blocks, inputs, children width), contiguous.
        out: Shape (tokens, blocks / nodes, children, nodes, width), contiguous.
    """
    block = tl.program_id(1).to(tl.int64)
    t = tl.program_id(0).to(tl.int64) * TOKENS + tl.arange(0, TOKENS)
    k, m = tl.arange(0, K), tl.arange(0, M)
    there = (t < tokens)[:, None]
    outputs = children * width
    left = tl.load(
        x + t[:, None] * (blocks * inputs) + block * inputs + k[None, :], mask=there & (k < inputs)[None, :], other=0
    )
    matrix = tl.load(
        right + (block * inputs + k[:, None]) * outputs + m[None, :],
        mask=(k < inputs)[:, None] & (m < outputs)[None, :],
        other=0,
    )
    if WIDE:
        left, matrix = left.to(tl.float32), matrix.to(tl.float32)
    sums = tl.dot(left, matrix, input_precision="ieee")
    place = ((block // nodes * children + m // width) * nodes + block % nodes) * width + m % width
    tl.store(
        out + t[:, None] * (blocks * outputs) + place[None, :],
        sums.to(out.dtype.element_ty),
        mask=there & (m < outputs)[None, :],
    )


def _mix(x: Tensor, right: Tensor, children: int, nodes: int) -> Tensor:
    tokens, (blocks, inputs, outputs) = len(x), right.shape
    out = x.new_empty((tokens, blocks * outputs))
    kernel: Any = mix_kernel if INTERPRETED else torch.library.wrap_triton(mix_kernel)
    sides = (max(triton.next_power_of_2(side), LEAST_SIDE) for side in (inputs, outputs))
    kernel[(triton.cdiv(tokens, TOKENS), blocks)](
        x, right, out, tokens, blocks, nodes, inputs, children, outputs // children, *sides, TOKENS, INTERPRETED
    )
    return out


mix: Any = (torch.library.custom_op if INTERPRETED else torch.library.triton_op)(
    "bilinear::butterfly_mix", _mix, mutates_args=()
)
"""A factor times tokens: x (tokens, blocks inputs), right (blocks, inputs, outputs), row children, column nodes."""


def _fake(x: Tensor, right: Tensor, children: int, nodes: int) -> Tensor:
    return x.new_empty((x.shape[0], right.shape[0] * right.shape[2]))


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, right, ctx.children, ctx.nodes = inputs
    ctx.save_for_backward(x, right)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
    """Both gradients are batched products of what each block takes and makes."""
    x, right = ctx.saved_tensors
    blocks, inputs, outputs = right.shape
    nodes, children = ctx.nodes, ctx.children
    made = grad.reshape(-1, blocks // nodes, children, nodes, outputs // children).permute(1, 3, 0, 2, 4)
    made = made.reshape(blocks, -1, outputs)
    taken = x.reshape(-1, blocks, inputs).transpose(0, 1)
    of_x = torch.bmm(made, right.mT).transpose(0, 1).reshape(x.shape) if ctx.needs_input_grad[0] else None
    of_right = torch.bmm(taken.mT, made) if ctx.needs_input_grad[1] else None
    return of_x, of_right, None, None


mix.register_fake(_fake)
mix.register_autograd(_backward, setup_context=_save)

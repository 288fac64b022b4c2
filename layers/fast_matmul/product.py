"""The matrix product of torch, computed with the products of an exact scheme."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bilinear.decompositions import Scheme
from bilinear.decompositions.programs import SchemeProgram
from bilinear.layers.fast_matmul import accumulating
from bilinear.layers.fast_matmul.additions import Blocks, combine
from bilinear.layers.fast_matmul.plan import (
    ALONE,
    LEFT_GRADIENT,
    PRODUCT,
    RIGHT_GRADIENT,
    Plan,
    Roles,
    group_size,
    groups_of,
    plan_of,
    splits,
)
from bilinear.layers.kernels.workspace import workspace


def multiply(a: Tensor, b: Tensor, plan: Plan) -> Tensor:
    """The product of tensors that fit each other, by a plan; see `fast_matmul`."""
    if b.ndim == 2:
        return _product(a.reshape(-1, a.shape[-1]), b, plan, PRODUCT).reshape(*a.shape[:-1], b.shape[-1])
    batch = broadcast(a, b)
    lefts, rights = (x.expand(*batch, *x.shape[-2:]).reshape(-1, *x.shape[-2:]) for x in (a, b))
    products = [_product(x, y, plan, PRODUCT) for x, y in zip(lefts, rights, strict=True)]
    return torch.stack(products).reshape(*batch, a.shape[-2], b.shape[-1])


def broadcast(a: Tensor, b: Tensor) -> torch.Size:
    """The leading axes of the product."""
    shape: torch.Size = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])  # type: ignore[no-untyped-call]
    return shape


class _Product(torch.autograd.Function):
    """One of the three products that a scheme serves, of two matrices."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, plan: Plan, roles: Roles) -> Tensor:
        """The product as `roles` has it."""
        ctx.save_for_backward(left, right)
        ctx.plan, ctx.roles = plan, roles
        return _peeled(left.detach(), right.detach(), plan, roles)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Each operand's gradient is another of the three products."""
        (grad,), saved = grads, ctx.saved_tensors
        given = {ctx.roles.left: saved[0], ctx.roles.right: saved[1], ctx.roles.out: grad}
        asked = WITHOUT[ctx.roles.left], WITHOUT[ctx.roles.right]
        found = [
            _product(given[roles.left], given[roles.right], ctx.plan, roles) if needed else None
            for needed, roles in zip(ctx.needs_input_grad[:2], asked, strict=True)
        ]
        return found[0], found[1], None, None


WITHOUT = {roles.out: roles for roles in (PRODUCT, LEFT_GRADIENT, RIGHT_GRADIENT)}
"""How each of the three matrices is computed from the other two."""


def _product(left: Tensor, right: Tensor, plan: Plan, roles: Roles) -> Tensor:
    result: Tensor = _Product.apply(left, right, plan, roles)  # type: ignore[no-untyped-call]
    return result


def _peeled(left: Tensor, right: Tensor, plan: Plan, roles: Roles) -> Tensor:
    """The product of two matrices: what the blocks cover by the scheme, the borders by torch."""
    x = left.mT if roles.transpose_left else left
    y = right.mT if roles.transpose_right else right
    sizes = x.shape[0], x.shape[1], y.shape[1]
    rows, inner, columns = (size - size % split for size, split in zip(sizes, splits(roles, plan), strict=True))
    if 0 in (rows, inner, columns):
        return torch.mm(x, y)
    out = torch.empty(sizes[0], sizes[2], dtype=x.dtype, device=x.device)
    core = out[:rows, :columns]
    lefts = left[:inner, :rows] if roles.transpose_left else left[:rows, :inner]
    rights = right[:columns, :inner] if roles.transpose_right else right[:inner, :columns]
    _by_scheme(lefts, rights, core, plan, roles)
    if inner < sizes[1]:
        core.addmm_(x[:rows, inner:], y[inner:, :columns])
    if rows < sizes[0]:
        torch.mm(x[rows:], y, out=out[rows:])
    if columns < sizes[2]:
        out[:rows, columns:] = x[:rows] @ y[:, columns:]
    return out


def _by_scheme(left: Tensor, right: Tensor, out: Tensor, plan: Plan, roles: Roles) -> None:
    """Write the product of two matrices that the grids divide into `out`, one group of products after the other."""
    whole = [_whole(x, plan.grids[name]) for x, name in ((left, roles.left), (right, roles.right), (out, roles.out))]
    if roles is PRODUCT and accumulating.accumulates(plan, whole[2].shape, out.device.type, out.dtype):
        accumulating.multiply(*(blocks.memory[0] for blocks in whole))
        return
    sizes = left.numel(), right.numel(), out.numel()
    size = group_size([blocks.shape for blocks in whole], sizes, plan, out.device.type)
    x, y, z = (workspace((size, *blocks.shape), out) for blocks in whole)
    for group in groups_of(plan, roles, size):
        lefts, rights, products = x[: group.size], y[: group.size], z[: group.size]
        combine(whole[0], Blocks(lefts), group.left)
        combine(whole[1], Blocks(rights), group.right)
        lefts = lefts.mT if roles.transpose_left else lefts
        rights = rights.mT if roles.transpose_right else rights
        _multiply(lefts, rights, products)
        combine(Blocks(products), whole[2], group.out)


def _multiply(lefts: Tensor, rights: Tensor, products: Tensor) -> None:
    """Write the product of each pair of matrices.

    On the CPU a batched product gives each thread whole pairs, and threads without one wait; large pairs are multiplied
    one after the other by all threads (7 of 2048 x 2048 on two threads: 0.64 s for 0.68, measured).
    """
    if products.device.type != "cpu" or products[0].numel() < ALONE:
        torch.bmm(lefts, rights, out=products)
        return
    for left, right, out in zip(lefts, rights, products, strict=True):
        torch.mm(left, right, out=out)


def count_additions(
    sizes: tuple[int, int, int],
    scheme: Scheme,
    levels: int = 1,
    program: SchemeProgram | None = None,
    device: str = "cpu",
) -> int:
    """Additions of two numbers that `fast_matmul` makes outside the products, for matrices that the blocks cover.

    Args:
        sizes: M, K and N of a product (M, K) by (K, N); what its blocks do not cover is left out.
        scheme: As for `fast_matmul`, like the others.
        levels: Likewise.
        program: Likewise.
        device: Type of the device: on others than the CPU more products are computed together, and share their sums.

    Raises:
        LayerError: As `fast_matmul`, for the scheme and the program.
        ProgramError: Likewise.
    """
    plan = plan_of(scheme, levels, program)
    if levels == 0:
        return 0
    rows, inner, columns = (size // split for size, split in zip(sizes, splits(PRODUCT, plan), strict=True))
    blocks = [(rows, inner), (inner, columns), (rows, columns)]
    numbers = [math.prod(block) for block in blocks]
    if 0 in numbers:
        return 0
    grids = [math.prod(plan.grids[name]) for name in (PRODUCT.left, PRODUCT.right, PRODUCT.out)]
    matrices = [number * grid for number, grid in zip(numbers, grids, strict=True)]
    if accumulating.accumulates(plan, blocks[2], device, torch.float32):
        return sum(number * made for number, made in zip(numbers, accumulating.ADDITIONS, strict=True))
    size = group_size(blocks, matrices, plan, device)
    groups = groups_of(plan, PRODUCT, size)
    made = (sum(getattr(group, name).additions for group in groups) for name in ("left", "right", "out"))
    return sum(number * additions for number, additions in zip(numbers, made, strict=True))


def _whole(matrix: Tensor, grid: tuple[int, int]) -> Blocks:
    """The blocks of a matrix, copied only where its columns are not adjacent."""
    return Blocks((matrix if matrix.stride(1) == 1 else matrix.contiguous())[None], grid)

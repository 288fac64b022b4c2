"""Butterfly factors as tensors: applied to tokens, and multiplied into fewer factors of larger blocks.

Blocks are those of `bilinear.decompositions.transforms.ButterflyFactor`: shape (row nodes a, row children c,
column nodes j, width out o, column children b, width in s),
`y[a, c, j, o] = sum_bs blocks[a, c, j, o, b, s] x[a, j, b, s]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from bilinear.layers.kernels.dispatch import HAS_TRITON, TRITON_DTYPES

LARGEST_SIDE = 32
"""Of a block that several levels are multiplied into: 5 levels of radix 2 run as fast as one, see docs."""

Shape = tuple[int, ...]
"""Of blocks, six sizes."""


def inputs_of(shape: Shape) -> int:
    """Length of a vector that the factor takes."""
    a, _, j, _, b, s = shape
    return a * j * b * s


def outputs_of(shape: Shape) -> int:
    """Length of a vector that the factor makes."""
    a, c, j, o, _, _ = shape
    return a * c * j * o


def mixed(x: Tensor, blocks: Tensor) -> Tensor:
    """The factor times each token of x, shape (tokens, inputs): on CUDA by Triton, else as one batched product."""
    a, c, j, o, b, s = blocks.shape
    right = blocks.permute(0, 2, 4, 5, 1, 3).reshape(a * j, b * s, c * o)
    if x.is_cuda and _fits_triton(x, right):
        from bilinear.layers.butterfly.fused import mix

        fused: Tensor = mix(x.contiguous(), right.contiguous(), c, j)
        return fused
    y = torch.bmm(x.reshape(-1, a * j, b * s).transpose(0, 1), right)
    return y.reshape(a, j, -1, c, o).permute(2, 0, 3, 1, 4).reshape(-1, a * c * j * o)


def _fits_triton(x: Tensor, right: Tensor) -> bool:
    """Whether the kernel takes them: numbers that it adds up in float32, blocks that lie in registers."""
    alike = x.dtype == right.dtype and x.dtype in TRITON_DTYPES
    return HAS_TRITON and alike and max(right.shape[1:]) <= 4 * LARGEST_SIDE


def joined(first: Tensor, second: Tensor) -> Tensor:
    """The blocks of `second` after `first`, which are consecutive levels of one butterfly."""
    a, c, _, o, b, s = first.shape
    _, rows, nodes, width, columns, _ = second.shape
    left = second.reshape(a, c, rows, nodes, width, columns, o)
    right = first.reshape(a, c, nodes, columns, o, b, s)
    product = torch.einsum("acejwdo,acjdobs->acejwdbs", left, right)
    return product.reshape(a, c * rows, nodes, width, columns * b, s)


def join(first: Shape, second: Shape) -> Shape | None:
    """The shape of both multiplied; None if they are no consecutive levels."""
    a, c, j, o, b, s = first
    parents, rows, nodes, width, columns, inner = second
    consecutive = (a * c, j, o) == (parents, nodes * columns, inner)
    return (a, c * rows, nodes, width, columns * b, s) if consecutive else None


def groups(shapes: Sequence[Shape]) -> list[int]:
    """How many consecutive factors are multiplied into one each time: as few as fit, and then of sides as even.

    Args:
        shapes: Of factors with nothing between them.
    """
    fewest = _cut(shapes, LARGEST_SIDE)
    side = LARGEST_SIDE
    while side > 1 and len(_cut(shapes, side // 2)) == len(fewest):
        side //= 2
    return _cut(shapes, side)


def _cut(shapes: Sequence[Shape], side: int) -> list[int]:
    """From the left, each as long as its block is no larger than `side`."""
    counts: list[int] = []
    current: Shape | None = None
    for shape in shapes:
        together = None if current is None else join(current, shape)
        if together is not None and max(together[1] * together[3], together[4] * together[5]) <= side:
            counts[-1] += 1
            current = together
        else:
            counts.append(1)
            current = shape
    return counts


def butterfly_shapes(in_features: int, out_features: int, rank: int, radix: int) -> list[Shape]:
    """The factors of a butterfly whose sizes are the powers of the radix next above.

    Where there are more outputs, the first levels only split rows; where there are more inputs, the last only join
    columns. A block between two levels has the rank, or the most that its sides allow.
    """
    rows, columns = (_levels(size, radix) for size in (out_features, in_features))
    both = min(rows, columns)
    levels = [(radix, 1)] * (rows - both) + [(radix, radix)] * both + [(1, radix)] * (columns - both)
    levels = levels or [(1, 1)]
    shapes: list[Shape] = []
    a, j, s = 1, radix**columns, 1
    for place, (c, b) in enumerate(levels):
        j //= b
        last = place == len(levels) - 1
        o = 1 if last else min(rank, radix**rows // (a * c), radix**columns // j)
        shapes.append((a, c, j, o, b, s))
        a, s = a * c, o
    return shapes


def _levels(size: int, radix: int) -> int:
    """The least exponent whose power of the radix is no smaller than the size."""
    levels = 0
    while radix**levels < size:
        levels += 1
    return levels


def orthogonal(shape: Shape, device: torch.device | str | None) -> Tensor:
    """Random blocks, orthogonal where they are square, that keep the variance of their input; float64."""
    a, c, j, o, b, s = shape
    tall, wide = c * o, b * s
    normal = torch.randn(a * j, max(tall, wide), min(tall, wide), dtype=torch.float64, device=device)
    q, r = torch.linalg.qr(normal)
    q = q * torch.diagonal(r, dim1=-2, dim2=-1).sign()[:, None, :]
    q = q if tall >= wide else q.mT
    blocks: Tensor = q * math.sqrt(max(1.0, tall / wide))
    return blocks.reshape(a, j, c, o, b, s).transpose(1, 2).contiguous()

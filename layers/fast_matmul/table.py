"""Measured errors of a scheme by format of floats and by levels, beside those of torch's own product."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bilinear.decompositions import Scheme
from bilinear.layers.checks import dtype_name
from bilinear.layers.fast_matmul.accuracy import measure_accuracy

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class MeasuredError:
    """The error of one product of random matrices.

    Attributes:
        dtype: Of the factors and the result, `float32`.
        levels: Of recursion.
        size: Rows of the square factors.
        fast: ||C' - C||_F / ||C||_F of the scheme against float64.
        torch: Likewise of `torch.matmul`.
    """

    dtype: str
    levels: int
    size: int
    fast: float
    torch: float


def measured_errors(scheme: Scheme, levels: int, size: int, seed: int = 0) -> list[MeasuredError]:
    """Multiply standard normal matrices in every format of floats, at 1 to `levels` levels.

    In float64 the reference is rounded as well, so that the figures there are of its own size.

    Args:
        scheme: An exact scheme of a matrix product, over `zt`, `z` or `q`.
        levels: The most levels.
        size: Rows and columns of both factors.
        seed: Of the factors.

    Raises:
        LayerError: As `fast_matmul`.
    """
    random = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(size, size, generator=random, dtype=torch.float64) for _ in range(2))
    rows = []
    for dtype in DTYPES:
        for level in range(1, levels + 1):
            found = measure_accuracy(a.to(dtype), b.to(dtype), scheme, level)
            name = dtype_name(dtype)
            rows.append(MeasuredError(name, level, size, found.fast, found.torch))
    return rows

"""Measured errors of a scheme by format of floats and by levels, beside those of torch's own product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from bilinear.decompositions import Scheme, memory
from bilinear.layers.checks import dtype_name
from bilinear.layers.errors import LayerError, RangeError
from bilinear.layers.fast_matmul.accuracy import measure_accuracy

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)

MOST_WORK = 10**13
"""Multiplications of all products together: some minutes."""
BYTES_A_NUMBER = 80
"""Of the factors: both in float64 and in another format, three products, two differences, and those of the levels."""


@dataclass(frozen=True)
class MeasuredError:
    """The error of one product of random matrices.

    Attributes:
        dtype: Of the factors and the result, `float32`.
        levels: Of recursion.
        size: Rows of the square factors.
        fast: ||C' - C||_F / ||C||_F of the scheme against float64; infinite where a coefficient is beyond the dtype.
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
        LayerError: As `fast_matmul`; or if that takes more than MOST_WORK multiplications.
        TooLargeError: If the matrices would not fit into memory.
    """
    work = 2 * len(DTYPES) * levels * size**3
    if work > MOST_WORK:
        needed = f"products of {size}x{size} at {levels} levels take {work:.1e} multiplications"
        raise LayerError(f"{needed}, {MOST_WORK:.0e} at most; choose a smaller --size or fewer --levels")
    memory.require(BYTES_A_NUMBER * size * size, f"products of {size}x{size}")
    random = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(size, size, generator=random, dtype=torch.float64) for _ in range(2))
    rows = []
    for dtype in DTYPES:
        for level in range(1, levels + 1):
            x, y, name = a.to(dtype), b.to(dtype), dtype_name(dtype)
            try:
                found = measure_accuracy(x, y, scheme, level)
                fast = found.fast
            except RangeError:
                found, fast = measure_accuracy(x, y, scheme, 0), math.inf
            rows.append(MeasuredError(name, level, size, fast, found.torch))
    return rows

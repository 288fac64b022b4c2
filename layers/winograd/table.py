"""Measured errors of a filter's scheme by format of floats, beside those of torch's own convolution."""

from __future__ import annotations

import torch
from torch.nn import functional

from bilinear.decompositions import Scheme, memory
from bilinear.layers.checks import dtype_name
from bilinear.layers.fast_matmul.table import BYTES_A_NUMBER, DTYPES, MeasuredError
from bilinear.layers.winograd import plain
from bilinear.layers.winograd.schemes import axes_of, transformed, winograd_scheme

CHANNELS = 32
"""Summed up in each output; and outputs."""


def measured_errors(scheme: Scheme, dimensions: int, size: int, seed: int = 0) -> list[MeasuredError]:
    """Filter standard normal data in every format of floats, along a line and, from 2 dimensions on, along both axes.

    Args:
        scheme: A real one of `correlation:MxR`.
        dimensions: `levels` of the rows: 1, or 1 and 2.
        size: Data along each axis, at least the taps.
        seed: Of data and filters.

    Raises:
        TargetError: If it is no such scheme.
        TooLargeError: If the data would not fit into memory.
    """
    taps, side = scheme.target.sizes[1], max(size, scheme.target.sizes[1])
    memory.require(BYTES_A_NUMBER * CHANNELS * side * side, f"{CHANNELS} channels of {side}x{side}")
    random = torch.Generator().manual_seed(seed)
    rows = []
    for dtype in DTYPES:
        for dimension in range(1, min(dimensions, 2) + 1):
            height, kernel = (1, 1) if dimension == 1 else (side, taps)
            x = torch.randn(1, CHANNELS, height, side, generator=random, dtype=torch.float64).to(dtype)
            weight = torch.randn(CHANNELS, CHANNELS, kernel, taps, generator=random, dtype=torch.float64).to(dtype)
            axes = axes_of((kernel, taps), (winograd_scheme(1, 1) if dimension == 1 else scheme, scheme), "accuracy")
            exact = functional.conv2d(x.double(), weight.double())
            found = plain.convolve(x, transformed(weight, axes), axes, (0, 0), 1), functional.conv2d(x, weight)
            errors = [float((y.double() - exact).norm() / exact.norm()) for y in found]
            rows.append(MeasuredError(dtype_name(dtype), dimension, side, *errors))
    return rows

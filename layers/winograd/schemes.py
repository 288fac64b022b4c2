"""From schemes of correlations to what a convolution needs along each of its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.decompositions import Ring, Scheme, parse_target
from bilinear.decompositions.evaluation import Choice, evaluated
from bilinear.decompositions.evaluation.filtering import data_and_output_programs, filtering
from bilinear.decompositions.evaluation.points import ACCURACY
from bilinear.decompositions.programs import Program
from bilinear.decompositions.verify import verify
from bilinear.layers.errors import LayerError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a convolution: m outputs of r taps at a time.

    Attributes:
        outputs: m.
        taps: r.
        data: B^T, shape (rank, m + r - 1).
        filter: G, denominators included, shape (rank, r).
        result: A^T, shape (m, rank).
        into: A straight-line program of B^T.
        out: Likewise of A^T.
    """

    outputs: int
    taps: int
    data: Floats
    filter: Floats
    result: Floats
    into: Program
    out: Program

    @property
    def rank(self) -> int:
        """Products."""
        return len(self.filter)

    @property
    def reach(self) -> int:
        """Data that they need."""
        return self.outputs + self.taps - 1


Axes = tuple[Axis, Axis]


@lru_cache(maxsize=64)
def winograd_scheme(outputs: int, taps: int, points: str = "", prefer: str = ACCURACY) -> Scheme:
    """The scheme of `correlation:MxR` at chosen points, verified.

    Args:
        outputs: M, of a tile.
        taps: R, of the filter.
        points: As `0,1,-1,2,-2,inf`; chosen if empty.
        prefer: `accuracy` or `additions`: what they are chosen by.

    Raises:
        TargetError: If the points do not fit.
    """
    scheme = evaluated(parse_target(f"correlation:{outputs}x{taps}"), Ring.Q, Choice(points=points, prefer=prefer))
    assert verify(scheme).ok
    return scheme


@lru_cache(maxsize=64)
def axis_of(scheme: Scheme) -> Axis:
    """What a convolution needs of a scheme.

    Raises:
        TargetError: If it is no real one of `correlation:MxR`.
    """
    matrices, (into, out) = filtering(scheme), data_and_output_programs(scheme)
    m, r = scheme.target.sizes
    taps = np.array([[float(x) for x in row] for row in matrices.taps])
    return Axis(m, r, matrices.data.astype(np.float64), taps, matrices.outputs.astype(np.float64), into, out)


def axes_of(kernel: Sequence[int], schemes: Sequence[Scheme], owner: str) -> Axes:
    """The axes of a kernel of height and width.

    Raises:
        LayerError: If a scheme has another number of taps than the kernel.
        TargetError: If one is no filter.
    """
    first, second = (axis_of(scheme) for scheme in schemes)
    for axis, size in zip((first, second), kernel, strict=True):
        if axis.taps != size:
            raise LayerError(
                f"layer {owner}: a scheme of {axis.taps} taps for a kernel of {size}; take correlation:{axis.outputs}x"
                f"{size}"
            )
    return first, second


def transformed(weight: Tensor, axes: Axes) -> Tensor:
    """The filters in the bases of the schemes; made in float64, and rounded once.

    Args:
        weight: Shape (out channels, channels of a group, height, width).
        axes: Of height and width.

    Returns:
        Shape (products of both axes, out channels, channels of a group).
    """
    first, second = (matrix(axis.filter, weight, torch.float64) for axis in axes)
    both = torch.einsum("ka,lb,ocab->kloc", first, second, weight.double())
    return both.flatten(0, 1).to(weight.dtype)


def matrix(numbers: Floats, like: Tensor, dtype: torch.dtype) -> Tensor:
    """A matrix on the device of a tensor."""
    return torch.as_tensor(np.asarray(numbers, np.float64)).to(like.device, dtype)


def widened(dtype: torch.dtype) -> torch.dtype:
    """The dtype that sums are made in: float32 for half precision."""
    return dtype if dtype.itemsize >= 4 else torch.float32


Shape = tuple[int, int]
Padding = tuple[int, int]


def output_size(x: Tensor, axes: Axes, padding: Padding) -> Shape:
    """Height and width of the output for an image (batch, channels, height, width)."""
    sizes = zip(x.shape[2:], padding, axes, strict=True)
    height, width = (size + 2 * pad - axis.taps + 1 for size, pad, axis in sizes)
    return height, width


def tiles(size: Shape, axes: Axes) -> Shape:
    """Tiles that cover an output."""
    return -(-size[0] // axes[0].outputs), -(-size[1] // axes[1].outputs)

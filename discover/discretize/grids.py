"""The numbers that entries are rounded to, for each coefficient set."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from bilinear.decompositions.rings import Ring

_SIGNS = ("0", "1")
_HALVES = ("0", "1/2", "1")
_INTEGERS = ("0", "1", "2")
_POWERS = ("0", "1/4", "1/2", "1", "2")
_SMALL = ("0", "1/4", "1/3", "1/2", "2/3", "3/4", "1", "3/2", "2", "3")
_GRIDS: dict[Ring, tuple[tuple[str, ...], ...]] = {
    Ring.ZT: (_SIGNS,),
    Ring.Z: (_SIGNS, _INTEGERS),
    Ring.Q: (_SIGNS, _HALVES, _POWERS, _SMALL),
    Ring.QI: (_SIGNS, _HALVES, _POWERS),
}


def grids(ring: Ring) -> tuple[tuple[Fraction, ...], ...]:
    """The grids of a coefficient set, coarsest first, each sorted; over `qi` they hold for both parts of a number.

    Empty for `f2` and `f3`, whose elements are no limits of floats.
    """
    return tuple(
        tuple(sorted({sign * Fraction(number) for number in grid for sign in (-1, 1)})) for grid in _GRIDS.get(ring, ())
    )


def nearest(x: Tensor, grid: tuple[Fraction, ...]) -> Tensor:
    """The grid number next to each entry; of complex entries, next to each part."""
    if x.is_complex():
        return torch.complex(nearest(x.real, grid), nearest(x.imag, grid))
    values = torch.tensor([float(number) for number in grid], dtype=x.dtype, device=x.device)
    places = torch.bucketize(x.contiguous(), (values[1:] + values[:-1]) / 2)
    return values[places]

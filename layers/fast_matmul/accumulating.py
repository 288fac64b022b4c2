"""Winograd's form of Strassen's scheme at one level, where four of the seven products are added where they belong.

The BLAS adds a product to what a matrix holds while it writes it, so those sums pass over no memory of their own: 26
passes over a block are left, 16 of them for all sums of A and of B, where the products of a group one after the other
take 74 (Strassen's scheme, two products a group).

Source:
    The order of the products is our own; that schedules of this form need few temporaries is from B. Boyer,
    J.-G. Dumas, C. Pernet, W. Zhou, "Memory efficient scheduling of Strassen-Winograd's matrix multiplication
    algorithm", 2009.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import torch
from torch import Tensor

from bilinear.layers.fast_matmul.additions import COMPILED, Blocks, combine
from bilinear.layers.fast_matmul.plan import ALONE, Plan
from bilinear.layers.fast_matmul.rows import Rows, Source
from bilinear.layers.kernels.workspace import workspace

PASSES: Final = (8, 8, 10)
"""Over a block of A, of B and of C, besides the products."""

IN, MADE = Source.SOURCE, Source.TARGET

Sum = Sequence[tuple[Source, int, float]]


ADDITIONS: Final = (4, 4, 3)
"""Of blocks of A, of B and of C outside the products."""


def accumulates(plan: Plan, block: tuple[int, int], device: str, dtype: torch.dtype) -> bool:
    """Whether this code multiplies where blocks of the result have that shape: from matrices that all threads share."""
    return plan.is_winograd and device == "cpu" and dtype in COMPILED and math.prod(block) >= ALONE


@cache
def _rows(*sums: Sum, gains: tuple[bool, ...] = ()) -> Rows:
    """Sums that become the first, second, ... target."""
    kept = gains or (False,) * len(sums)
    return Rows.of([(MADE, t, gain) for t, gain in enumerate(kept)], sums, 0)


LEFT: Final = (
    ((IN, 2, 1.0), (IN, 3, 1.0)),
    ((MADE, 0, 1.0), (IN, 0, -1.0)),
    ((IN, 0, 1.0), (IN, 2, -1.0)),
    ((IN, 1, 1.0), (MADE, 1, -1.0)),
)
"""S1 = A21 + A22, S2 = S1 - A11, S3 = A11 - A21, S4 = A12 - S2."""
RIGHT: Final = (
    ((IN, 1, 1.0), (IN, 0, -1.0)),
    ((IN, 3, 1.0), (MADE, 0, -1.0)),
    ((IN, 3, 1.0), (IN, 1, -1.0)),
    ((MADE, 1, 1.0), (IN, 2, -1.0)),
)
"""T1 = B12 - B11, T2 = B22 - T1, T3 = B22 - B12, T4 = T2 - B21."""


def multiply(left: Tensor, right: Tensor, out: Tensor) -> None:
    """Write the product of two matrices with even sides, rows of adjacent numbers, into `out`."""
    a, b, c = (Blocks(x[None], (2, 2)) for x in (left, right, out))
    s, t = (workspace((4, *blocks.shape), out) for blocks in (a, b))
    u = workspace((1, *c.shape), out)
    combine(a, Blocks(s), _rows(*LEFT))
    combine(b, Blocks(t), _rows(*RIGHT))
    sums, held = Blocks(u), u[0]
    torch.mm(a[0], b[0], out=held)
    torch.mm(a[1], b[2], out=c[0])
    combine(sums, Blocks(c[0][None]), _rows(((IN, 0, 1.0),), gains=(True,)))
    held.addmm_(s[1], t[1])
    torch.mm(s[0], t[0], out=c[3])
    torch.add(held, c[3], out=c[1])
    held.addmm_(s[2], t[2])
    combine(sums, c, Rows.of([(MADE, 2, False), (MADE, 3, True)], [((IN, 0, 1.0),)] * 2, 0))
    c[2].addmm_(a[3], t[3], alpha=-1)
    c[1].addmm_(s[3], b[3])

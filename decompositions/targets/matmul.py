"""Matrix multiplication: A is n x m, B is m x p, C = AB is n x p, all flattened row by row, C not transposed."""

from __future__ import annotations

import itertools

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets.facts import EVERY_RING
from bilinear.decompositions.targets.sized import BYTES_A_NAME, BYTES_AN_ENTRY, require_sizes, whole_number
from bilinear.decompositions.targets.target import Family, LowerBound, Target

USAGE = "matmul:NxMxP"


def matmul(n: int, m: int, p: int) -> Target:
    """The target `matmul:NxMxP`.

    Raises:
        TargetError: If a size is below 1.
        TooLargeError: If its tensor, n m p entries, would not fit into memory.
    """
    name = f"matmul:{n}x{m}x{p}"
    require_sizes(name, (n, m, p))
    memory.require(BYTES_AN_ENTRY * n * m * p + BYTES_A_NAME * (n * m + m * p + n * p), f"the tensor of {name}")
    i, j, k = (axis.ravel() for axis in np.indices((n, m, p), dtype=np.int64))
    indices = np.stack([i * m + j, j * p + k, i * p + k], axis=1)
    names = (_names("a", n, m), _names("b", m, p), _names("c", n, p))
    return Target(name, (n, m, p), (n * m, m * p, n * p), indices, np.ones(n * m * p, np.int64), names)


def build(spec: str) -> Target:
    """From "2x2x3".

    Raises:
        TargetError: If it is not three whole numbers of at least 1.
    """
    parts = spec.strip().lower().split("x")
    if len(parts) != 3:
        raise TargetError(
            f"matmul:{spec[:60]}: {len(parts)} sizes given, three are needed: {USAGE}, as in matmul:2x2x3"
        )
    n, m, p = (whole_number(part, "matmul", spec, f"sizes are written {USAGE}") for part in parts)
    return matmul(n, m, p)


def _names(letter: str, rows: int, columns: int) -> tuple[str, ...]:
    """`a11`, `a12`, ...; with an underscore once an index has two digits, so that names stay unambiguous."""
    between = "_" if max(rows, columns) > 9 else ""
    return tuple(f"{letter}{i}{between}{j}" for i in range(1, rows + 1) for j in range(1, columns + 1))


def lower_bounds(target: Target) -> list[LowerBound]:
    """What is proven of this format; the rank does not depend on the order of the sizes."""
    small, middle, large = sorted(target.sizes)
    bounds = [LowerBound(middle * large, EVERY_RING, "largest flattening rank")]
    if small == middle == large == 2:
        bounds.append(LowerBound(7, EVERY_RING, "7 for 2x2x2 (Winograd 1971; Hopcroft, Kerr 1971)"))
    if small >= 2:
        orders = (order for order in itertools.permutations(target.sizes) if order[0] <= order[2])
        rank = max(k * m + m * n + k - m + n - 3 for k, m, n in orders)
        bounds.append(LowerBound(rank, EVERY_RING, "km + mn + k - m + n - 3 for k x m x n, n >= k >= 2 (Blaser 1999)"))
    if small == middle >= 3:
        rank = 2 * large * small + 2 * small - large - 2
        bounds.append(LowerBound(rank, EVERY_RING, "2mn + 2n - m - 2 for n x m x n, m >= n >= 3 (Blaser 2003)"))
    if small == middle == 2:
        bounds.append(
            LowerBound(-(-7 * large // 2), frozenset({Ring.F2}), "ceil(7n/2) for 2x2xn (Hopcroft, Kerr 1971)")
        )
    return bounds


FAMILY = Family(USAGE, "matrix multiplication of n x m by m x p", build, lower_bounds)

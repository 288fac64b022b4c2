"""Matrix multiplication: A is n x m, B is m x p, C = AB is n x p, all flattened row by row, C not transposed."""

from __future__ import annotations

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.targets.sized import require_sizes, whole_number
from bilinear.decompositions.targets.target import Family, Target

USAGE = "matmul:NxMxP"


def matmul(n: int, m: int, p: int) -> Target:
    """The target `matmul:NxMxP`.

    Raises:
        TargetError: If a size is below 1.
        TooLargeError: If its tensor, n m p entries, would not fit into memory.
    """
    name = f"matmul:{n}x{m}x{p}"
    require_sizes(name, (n, m, p))
    memory.require_tensor(name, (n * m, m * p, n * p), n * m * p)
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


FAMILY = Family(USAGE, "matrix multiplication of n x m by m x p", build)

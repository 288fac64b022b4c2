"""Products of structured matrices, `structured:XY-NxMxP`: X says what A (N x M) is, Y what B (M x P) is, C = A B.

`g` general   `u` upper triangular   `l` lower triangular   `s` symmetric   `k` skew-symmetric
`w` skew-symmetric but for a free diagonal   `t` (second letter) B is the transpose of a matrix like A

A structured matrix has as many coordinates as free entries, row by row along the upper triangle; `l` has those of its
transpose. So has C where its structure follows: `uu` and `ll` are triangular again.

A A^T is quadratic in A, and symmetric. `gt-NxMxN` is the bilinear map of two N x M matrices A and B to the upper
triangle of A B^T; B = A gives the product wanted. The coordinates of B are those of a matrix like A, not transposed.

Source:
    K. Khoruzhii, P. Gelß, S. Pokutta, "Faster algorithms for structured matrix multiplication via flip graph search",
    2025, whose names and coordinates these are.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.targets.sized import (
    Entries,
    require_sizes,
    target_of,
    whole_number,
)
from bilinear.decompositions.targets.target import Family, Target

USAGE = "structured:XY-NxMxP"
KINDS = "gulskw"
TRANSPOSED = "t"
_SPEC = re.compile(r"(?P<left>[a-z])(?P<right>[a-z])-(?P<sizes>.+)")

Places = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For each entry of a matrix its coordinate, -1 where it is zero, and its sign; both of the matrix's shape."""


def build(spec: str) -> Target:
    """From "gt-4x4x4".

    Raises:
        TargetError: If it is not two kinds of matrices and three sizes that fit them.
        TooLargeError: If the tensor would not fit into memory.
    """
    spec = spec.strip().lower()
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise TargetError(f"structured:{spec[:60]}: two letters and three sizes are needed: {USAGE}, as in gt-4x4x4")
    left, right = found["left"], found["right"]
    if left not in KINDS or right not in KINDS + TRANSPOSED:
        raise TargetError(f"structured:{spec[:60]}: A is one of {', '.join(KINDS)}, and B one of them or {TRANSPOSED}")
    n, m, p = _sizes(found["sizes"], spec)
    name = f"structured:{left}{right}-{n}x{m}x{p}"
    _require_square(name, left, n, m, "A")
    if right == TRANSPOSED and p != n:
        raise TargetError(f"{name}: A times the transpose of a matrix like A is {n} x {n}; write {n}x{m}x{n}")
    _require_square(name, right, m, p, "B")
    memory.require_tensor(name, (n * m, m * p, n * p), n * m * p)
    return _target(name, left, right, (n, m, p))


def _sizes(text: str, spec: str) -> tuple[int, int, int]:
    parts = text.split("x")
    if len(parts) != 3:
        raise TargetError(f"structured:{spec[:60]}: {len(parts)} sizes given, three are needed: {USAGE}")
    n, m, p = (whole_number(part, "structured", spec, f"sizes are written {USAGE}") for part in parts)
    require_sizes(f"structured:{spec[:60]}", (n, m, p))
    return n, m, p


def _require_square(name: str, kind: str, rows: int, columns: int, letter: str) -> None:
    if kind not in ("g", TRANSPOSED) and rows != columns:
        raise TargetError(f"{name}: {letter} is {rows} x {columns}; one of kind {kind!r} must be square")


def _matrices(left: str, right: str, n: int, m: int, p: int) -> tuple[Places, Places, Places]:
    """A, B and C."""
    if right == TRANSPOSED:
        coordinate, sign = _matrix(left, n, m)
        return (coordinate, sign), (coordinate.T, sign.T), _matrix("u", n, n)
    kind = left if left == right and left in "ul" else "g"
    return _matrix(left, n, m), _matrix(right, m, p), _matrix(kind, n, p)


def _matrix(kind: str, rows: int, columns: int) -> Places:
    """A matrix of that kind, free entries numbered row by row along the upper triangle (mirrored for `l`)."""
    i, j = np.indices((rows, columns), dtype=np.int64)
    if kind == "g":
        return i * columns + j, np.ones_like(i)
    low, high = np.minimum(i, j), np.maximum(i, j)
    if kind == "k":
        packed = low * (2 * rows - low - 1) // 2 + high - low - 1
        return np.where(i == j, -1, packed), np.where(i <= j, 1, -1)
    packed = low * (2 * rows - low - 1) // 2 + high
    signs = np.where(i <= j, 1, -1) if kind == "w" else np.ones_like(i)
    absent = i > j if kind == "u" else i < j
    return np.where((kind in "ul") & absent, -1, packed), signs


def _target(name: str, left: str, right: str, sizes: tuple[int, int, int]) -> Target:
    """The sum of a_ij b_jk over j, for each place (i, k) of C that has a coordinate."""
    (a, a_sign), (b, b_sign), (c, _) = _matrices(left, right, *sizes)
    i, j, k = (axis.ravel() for axis in np.indices(sizes, dtype=np.int64))
    indices = np.stack([a[i, j], b[j, k], c[i, k]], axis=1)
    values = a_sign[i, j] * b_sign[j, k]
    present = (indices >= 0).all(axis=1)
    if not present.any():
        raise TargetError(f"{name}: a skew-symmetric 1 x 1 matrix is zero; choose a larger size")
    shape = (int(a.max()) + 1, int(b.max()) + 1, int(c.max()) + 1)
    like_a = right == TRANSPOSED
    names = tuple(_names(letter, places) for letter, places in zip("abc", (a, a if like_a else b, c), strict=True))
    return target_of(name, sizes, Entries(indices[present], values[present], shape), names)


def _names(letter: str, places: NDArray[np.int64]) -> tuple[str, ...]:
    """By the first place of each coordinate in its matrix."""
    between = "_" if max(places.shape) > 9 else ""
    order, first = np.unique(places, return_index=True)
    rows, columns = np.unravel_index(first[order >= 0], places.shape)
    return tuple(f"{letter}{i + 1}{between}{j + 1}" for i, j in zip(rows.tolist(), columns.tolist(), strict=True))


FAMILY = Family(
    USAGE,
    "products of structured matrices: X and Y of g, u, l, s, k, w, or Y = t for A B^T, upper triangle (A A^T)",
    build,
)

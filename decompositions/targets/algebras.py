"""Single algebras, coordinates in the order of their basis: complex numbers, quaternions, octonions, vectors, matrices.

`complex`       1, i
`quaternion`    1, i, j, k with ij = k, jk = i, ki = j
`octonion`      1, e1, ..., e7: pairs of quaternions with (a, b)(c, d) = (ac - d'b, da + bc'), where ' conjugates and
                e4 = (0, 1); so e1 e2 = e3, e1 e4 = e5, e2 e4 = e6, e3 e4 = e7
`cross`         the vector product in three dimensions
`commutator:N`  AB - BA of N x N matrices, flattened row by row
"""

from __future__ import annotations

from collections.abc import Callable

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

COMMUTATOR_USAGE = "commutator:N"
QUATERNION_BASIS = ("1", "i", "j", "k")


def doubled(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The algebra of pairs (a, b)(c, d) = (ac - d'b, da + bc') of Cayley and Dickson; ' keeps only the first sign.

    Args:
        table: Coordinates of the products of basis elements, shape (n, n, n).
    """
    n = len(table)
    conjugate = np.diag([1] + [-1] * (n - 1))
    found = np.zeros((2 * n, 2 * n, 2 * n), dtype=np.int64)
    found[:n, :n, :n] = table
    found[n:, n:, :n] = -np.einsum("dc,cbk->bdk", conjugate, table)
    found[:n, n:, n:] = table.transpose(1, 0, 2)
    found[n:, :n, n:] = np.einsum("cd,bdk->bck", conjugate, table)
    return found


def _hypercomplex(name: str, doublings: int, basis: tuple[str, ...]) -> Callable[[str], Target]:
    def build(spec: str) -> Target:
        _refuse_parameters(name, spec)
        table = np.ones((1, 1, 1), dtype=np.int64)
        for _ in range(doublings):
            table = doubled(table)
        return _of_table(name, table, basis)

    return build


def _cross(spec: str) -> Target:
    _refuse_parameters("cross", spec)
    table = np.zeros((3, 3, 3), dtype=np.int64)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        table[j, k, i], table[k, j, i] = 1, -1
    return _of_table("cross", table, ("1", "2", "3"))


def _refuse_parameters(name: str, spec: str) -> None:
    if spec.strip():
        raise TargetError(f"{name}:{spec[:60]}: {name} has no parameters; write {name}")


def _of_table(name: str, table: NDArray[np.int64], basis: tuple[str, ...]) -> Target:
    indices = np.argwhere(table)
    names = tuple(tuple(f"{letter}_{element}" for element in basis) for letter in "abc")
    n = len(table)
    return target_of(name, (), Entries(indices, table[tuple(indices.T)], (n, n, n)), names)


def build_commutator(spec: str) -> Target:
    """From "3".

    Raises:
        TargetError: If it is no whole number of at least 2.
        TooLargeError: If the tensor would not fit into memory.
    """
    n = whole_number(spec.strip(), "commutator", spec, f"it is written {COMMUTATOR_USAGE}")
    name = f"commutator:{n}"
    require_sizes(name, (n,), 2)
    memory.require_tensor(name, (n * n,) * 3, 2 * n**3)
    i, j, k = (axis.ravel() for axis in np.indices((n, n, n), dtype=np.int64))
    product = np.stack([i * n + j, j * n + k, i * n + k], axis=1)
    swapped = product[:, [1, 0, 2]]
    cancelled = (product[:, 0] == product[:, 1]) & (i == j)  # a_ii b_ii stands in both products
    indices = np.concatenate([product[~cancelled], swapped[~cancelled]])
    values = np.repeat(np.array([1, -1], dtype=np.int64), len(indices) // 2)
    between = "_" if n > 9 else ""
    places = [f"{row}{between}{column}" for row in range(1, n + 1) for column in range(1, n + 1)]
    names = tuple(tuple(letter + place for place in places) for letter in "abc")
    return target_of(name, (n,), Entries(indices, values, (n * n, n * n, n * n)), names)


COMPLEX = Family("complex", "the product of complex numbers", _hypercomplex("complex", 1, ("1", "i")))
QUATERNION = Family("quaternion", "the product of quaternions", _hypercomplex("quaternion", 2, QUATERNION_BASIS))
OCTONION = Family(
    "octonion",
    "the product of octonions, as pairs of quaternions",
    _hypercomplex("octonion", 3, ("1", *(f"e{i}" for i in range(1, 8)))),
)
CROSS = Family("cross", "the vector product in three dimensions", _cross)
COMMUTATOR = Family(
    COMMUTATOR_USAGE,
    "AB - BA of N x N matrices",
    build_commutator,
)

"""Group algebras: `group:S3`, `group:C2xC2`, `group:Q8`. Coordinates are the elements, c[gh] += a[g] b[h].

The elements in their order: `Cn` (n of them): r^0, ..., r^(n-1). `Dn` (2n): the same, then s r^0, ..., s r^(n-1), with
r s = s r^-1. `Sn` (n!): permutations of 0, ..., n-1 in lexicographic order of their values, (gh)(x) = g(h(x)).
`Q8`: 1, i, j, k, -1, -i, -j, -k. In a product the last factor runs fastest.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.targets.sized import Entries, target_of
from bilinear.decompositions.targets.target import Family, Target

USAGE = "group:NAME"
MAX_ORDER = 1000
_FACTOR = re.compile(r"(?P<kind>[cdsq])(?P<number>[0-9]{1,6})")
_WRITTEN = "groups are products of Cn, Dn (of order 2n), Sn and Q8, as in group:C2xC2"


@dataclass(frozen=True)
class Factor:
    """One factor of a direct product.

    Attributes:
        kind: `C`, `D`, `S` or `Q`.
        number: As in its name.
    """

    kind: str
    number: int

    @property
    def order(self) -> int:
        """Number of elements; cut above the bound, so that no factorial grows large."""
        if self.kind == "S":
            return math.factorial(min(self.number, 10))
        return self.number * (2 if self.kind == "D" else 1)

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


def build(spec: str) -> Target:
    """From "S3" or "C2xC2".

    Raises:
        TargetError: If it is no product of known groups, of 2 to 1,000 elements.
        TooLargeError: If the tensor would not fit into memory.
    """
    factors = parse_factors(spec)
    name = f"group:{'x'.join(map(str, factors))}"
    order = math.prod(factor.order for factor in factors)
    if not 2 <= order <= MAX_ORDER:
        raise TargetError(f"{name}: {'1 element' if order < 2 else 'too many elements'}; 2 to {MAX_ORDER} are needed")
    memory.require_tensor(name, (order,) * 3, 2 * order * order)
    table = multiplication_table(factors)
    g, h = np.indices((order, order), dtype=np.int64)
    indices = np.stack([g.ravel(), h.ravel(), table.ravel()], axis=1)
    entries = Entries(indices, np.ones(order * order, np.int64), (order, order, order))
    labels = element_names(factors)
    return target_of(name, (), entries, tuple(tuple(f"{letter}_{label}" for label in labels) for letter in "abc"))


def parse_factors(spec: str) -> list[Factor]:
    """The factors of a group as it is written.

    Raises:
        TargetError: If a factor is unknown.
    """
    found = []
    for text in spec.strip().lower().split("x")[: MAX_ORDER + 1]:
        match = _FACTOR.fullmatch(text)
        factor = Factor(match["kind"].upper(), int(match["number"])) if match else None
        if factor is None or factor.number < 1 or (factor.kind == "Q" and factor.number != 8):
            raise TargetError(f"group:{spec[:60]}: {text[:20]!r} is no group known here; {_WRITTEN}")
        found.append(factor)
    return found


def multiplication_table(factors: list[Factor]) -> NDArray[np.int64]:
    """The place of g h for the places of g and h, shape (order, order)."""
    table = np.zeros((1, 1), dtype=np.int64)
    for factor in factors:
        inner = _TABLES[factor.kind](factor.number)
        grid = table[:, None, :, None] * len(inner) + inner[None, :, None, :]
        table = grid.reshape(len(table) * len(inner), -1)
    return table


def _cyclic(n: int) -> NDArray[np.int64]:
    i, j = np.indices((n, n), dtype=np.int64)
    return np.asarray((i + j) % n)


def _dihedral(n: int) -> NDArray[np.int64]:
    """s^a r^i s^b r^j = s^(a+b) r^(j + i or -i)."""
    (a, i), (b, j) = (np.divmod(axis, n) for axis in np.indices((2 * n, 2 * n), dtype=np.int64))
    return np.asarray((a + b) % 2 * n + (j + np.where(b == 1, -i, i)) % n)


def _symmetric(n: int) -> NDArray[np.int64]:
    elements = list(itertools.permutations(range(n)))
    place = {element: index for index, element in enumerate(elements)}
    return np.array([[place[tuple(g[x] for x in h)] for h in elements] for g in elements], dtype=np.int64)


def _quaternion(n: int) -> NDArray[np.int64]:
    """Units 1, i, j, k and their opposites, `n` = 8 places."""
    unit = np.array([[0, 1, 2, 3], [1, 4, 3, 6], [2, 7, 4, 1], [3, 2, 5, 4]], dtype=np.int64)
    signs, units = np.divmod(np.arange(n), 4)
    return np.asarray((unit[units[:, None], units] + 4 * (signs[:, None] + signs)) % n)


_TABLES = {"C": _cyclic, "D": _dihedral, "S": _symmetric, "Q": _quaternion}


def element_names(factors: list[Factor]) -> list[str]:
    """Names of the elements in their order, without spaces: `r2`, `sr1`, `102`, `-i`; `.` between factors."""
    return [".".join(parts) for parts in itertools.product(*(_names(factor) for factor in factors))]


def _names(factor: Factor) -> list[str]:
    n = factor.number
    if factor.kind == "Q":
        return ["1", "i", "j", "k", "-1", "-i", "-j", "-k"]
    if factor.kind == "S":
        return ["".join(map(str, element)) for element in itertools.permutations(range(n))]
    return [f"{reflected}r{i}" for reflected in ("", "s")[: 1 + (factor.kind == "D")] for i in range(n)]


FAMILY = Family(
    USAGE,
    "the algebra of a finite group, a product of Cn, Dn (of order 2n), Sn and Q8",
    build,
)

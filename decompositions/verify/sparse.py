"""The Brent sums product by product, over nonzero coefficients alone: for large schemes, most of which are sparse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.verify.kernel import kernels
from bilinear.decompositions.verify.shared import Shared, work
from bilinear.decompositions.verify.terms import Terms

Words = NDArray[np.uint64]

WRAP = 1 << 64
"""What 64-bit integers are computed modulo, at no cost."""
LIMIT = 1 << 31
"""Primes stay below it."""
LONGEST = 1 << 28
"""About the most multiplications of one call, which cannot be interrupted."""
SPEED = 1e9
"""Multiplications a second."""


def moduli(terms: Terms) -> list[int]:
    """2^64 and primes that decide together; 2^64 alone where numbers of that range are held: modulo 2 and 3."""
    return [WRAP, *terms.moduli(LIMIT, WRAP if not terms.characteristic else WRAP // 2)]


def seconds(terms: Terms, rows: Sequence[Shared]) -> float:
    """About how long it takes."""
    return work(rows) * len(moduli(terms)) / SPEED


def holds(terms: Terms) -> bool:
    """Whether the sums can be computed here: modulo a large prime they leave 64 bits, and are no integers to decide."""
    return not terms.characteristic or terms.bound < WRAP // 2


def plain_seconds(terms: Terms) -> float:
    """The same without forms that rows share."""
    lengths = [np.count_nonzero(factor, axis=1).astype(float) for factor in terms.factors]
    return float(np.prod(lengths, axis=0).sum()) * len(moduli(terms)) / SPEED


class _Rows(NamedTuple):
    """Nonzero coefficients, row by row."""

    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    values: IntArray

    def modulo(self, modulus: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Words]:
        """With residues for the kernels."""
        wide = self.values % modulus if self.values.dtype == object or modulus != WRAP else self.values
        return self.starts, self.places, wide.astype(np.uint64)


def _rows(matrix: IntArray) -> _Rows:
    rows, places = np.nonzero(matrix)
    return _Rows(np.searchsorted(rows, np.arange(len(matrix) + 1)), places, matrix[rows, places])


def _weighted(rows: _Rows, weights: list[int]) -> _Rows:
    lengths = np.diff(rows.starts)
    if all(weight == 1 for weight in weights):
        return rows
    wide = np.repeat(np.array([*weights, 0], dtype=object)[:-1], lengths)
    return rows._replace(values=rows.values.astype(object) * wide)


def differences(terms: Terms, shared: Sequence[Shared]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Where X differs from 0, for one left coordinate after the other, shape (1, right, out); again for each modulus.

    The forms stand behind the coordinates, as coordinates of their own, until the sums are complete.

    Raises:
        TooLargeError: If the sums of one coordinate and those of the forms would not fit into memory.
    """
    left, right, out = terms.shape
    u, v, w = (part for part in shared)
    held = (len(u.forms) + 4) * (right + len(v.forms)) * (out + len(w.forms))
    nonzeros = sum(int(part.lengths.sum()) for part in shared)
    memory.require(8 * held + 100 * nonzeros, f"the Brent equations of {terms.target.name}")
    columns = _rows(np.concatenate([u.parts, u.rest], axis=1).T)
    middle = _rows(np.concatenate([v.rest, v.parts], axis=1))
    last = _weighted(_rows(np.concatenate([w.rest, w.parts], axis=1)), terms.weights)
    effort = np.diff(middle.starts) * np.diff(last.starts)
    forms = [_rows(matrix) for matrix in (u.forms.T, v.forms, w.forms)]
    entries = np.searchsorted(terms.target.indices[:, 0], np.arange(left + 1))
    for modulus in moduli(terms):
        sums = _Sums(modulus, columns, middle, last, forms, effort, (right, out))
        above = np.array([sums.of(place) for place in range(len(u.forms))])
        values = np.array([value % modulus for value in terms.values], dtype=np.uint64)
        for i in range(left):
            slab = sums.of(len(u.forms) + i)
            sums.add_forms(slab, i, above)
            here = slice(entries[i], entries[i + 1])
            _, b, c = terms.target.indices[here].T
            if terms.characteristic:
                exact = slab.view(np.int64)
                exact[b, c] -= values[here].view(np.int64)
                yield i, (exact % terms.characteristic != 0)[None]
            else:
                slab[b, c] -= values[here]
                yield i, (slab != 0)[None]


class _Sums:
    """The sums modulo one modulus."""

    def __init__(
        self,
        modulus: int,
        columns: _Rows,
        middle: _Rows,
        last: _Rows,
        forms: Sequence[_Rows],
        effort: NDArray[np.int64],
        sides: tuple[int, int],
    ) -> None:
        self.p = np.uint64(0 if modulus == WRAP else modulus)
        self.columns, self.middle, self.last = (rows.modulo(modulus) for rows in (columns, middle, last))
        self.forms = [rows.modulo(modulus) for rows in forms]
        self.effort = effort
        self.sides = sides

    def of(self, coordinate: int) -> Words:
        """The sums of one coordinate, or form, of u."""
        starts, places, values = self.columns
        right, out = self.sides
        forms = [len(rows[0]) - 1 for rows in self.forms[1:]]
        sums = np.zeros((right + forms[0], out + forms[1]), np.uint64)
        here = slice(starts[coordinate], starts[coordinate + 1])
        rows, factors = places[here], values[here]
        begin, done = 0, np.cumsum(self.effort[rows])
        while begin < len(rows):
            end = int(np.searchsorted(done, (done[begin - 1] if begin else 0) + LONGEST)) + 1
            kernels().add_products(sums, rows[begin:end], factors[begin:end], self.middle, self.last, self.p)
            begin = end
        if self.p:
            sums %= self.p
        kernels().unfold(sums, self.forms[1], self.forms[2], self.sides, self.p)
        return np.ascontiguousarray(sums[:right, :out])

    def add_forms(self, slab: Words, i: int, above: Words) -> None:
        """Put the forms of u in terms of its coordinates, of which this is one."""
        starts, places, values = self.forms[0]
        for at in range(starts[i], starts[i + 1]):
            kernels().add_multiple(slab.ravel(), above[places[at]].ravel(), values[at], self.p)

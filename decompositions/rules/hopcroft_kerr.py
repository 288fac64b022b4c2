"""Hopcroft and Kerr's schemes of p x 2 x n, p <= n, with ceil((3 p n + n) / 2) products, over the integers.

Rows are taken from M A, where M is n x p with the identity on top, and every p cyclically consecutive rows of it are
unimodular: of column j of the product the p entries around the diagonal are computed, and the column follows. An entry
on the diagonal takes two products, by one of three methods; two entries that mirror each other take three more if their
diagonal entries are computed by different methods. Two of those three compute the sum of the two rows times the sum of
the two columns by the third method, so that sums take part in further steps: where two methods are the same, and for
the last entry of the columns where p is even.

Over the integers coefficients up to 4 occur where n is no multiple of p. Modulo 2 the scheme is one of zeros and ones,
and in most formats signs for these make it ternary.

Source:
    J. Hopcroft, L. Kerr, "On minimizing the number of multiplications necessary for matrix multiplication", SIAM
    Journal on Applied Mathematics 20, 1971. The matrix M is that of the repository solven-eu/matmulcatalog,
    research/hopcroft-kerr-2np; the choice of sums, by which all formats up to 32 are at the formula, is ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import ordered
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.lifting.lift import lift
from bilinear.decompositions.operations import concatenate, tightened
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

Array = NDArray[np.int64]

LARGEST = 32
CHOICES = 4
"""Of a basis, and of an order of the unknowns, in which signs are looked for."""
SIGNED = {
    3: (2,),
    4: (3,),
    5: (2, 3, 4),
    6: (4, 5),
    7: (2, 3, 4, 5, 6),
    8: (3, 5, 6, 7),
    9: (2, 4, 5, 6, 8),
    10: (3, 4, 6, 9),
    11: (2, 3, 4, 5, 6),
    12: (5,),
    13: (2,),
    15: (2,),
}
"""By the larger one of the other two sizes the smaller ones for which signs were found, each in seconds."""
METHODS = {
    1: (((0, 1), (1, 1), 1), ((1, -1), (1, 0), 1)),
    2: (((1, -1), (0, 1), -1), ((1, 0), (1, 1), 1)),
    3: (((0, 1), (0, 1), 1), ((1, 0), (1, 0), 1)),
}
"""a1 x1 + a2 x2 in two products: for each its factor in (a1, a2), that in (x1, x2), and its sign."""
CROSSES = {
    (1, 2): ((0, 1, 1, 0), (1, 0, 0, -1), (0, -1, 0, -1, 0, 1, -1), (-1, 0, 1, 0, 1, 0, 1)),
    (1, 3): ((1, -1, 1, 0), (1, 1, 0, 1), (-1, 0, 0, -1, 0, 1, -1), (0, -1, -1, 0, -1, 0, 1)),
    (2, 3): ((1, -1, 0, -1), (1, 1, 1, 0), (0, -1, -1, 0, 1, 0, 1), (1, 0, 0, -1, 0, 1, -1)),
}
"""The last product of two nodes of different methods, in (a1, a2, b1, b2) and (x1, x2, y1, y2); then a y and b x in
terms of seven products: two of the first node, two of the second, two of their sum, and this one."""


def rank(n: int, m: int, p: int, ring: Ring) -> int | None:
    """The products, without building the scheme; None where no size is 2, or the scheme is not over the ring.

    Over `zt` it is only where the larger one of the other two sizes is a multiple of the smaller one, or signs are
    known to be found.
    """
    if 2 not in (n, m, p) or min(n, m, p) < 1 or max(n, m, p) > LARGEST:
        return None
    small, large = _others(n, m, p)
    known = ring is not Ring.ZT or large % small == 0 or small in SIGNED.get(large, ())
    return -(-(3 * small + 1) * large // 2) if known else None


def build(n: int, m: int, p: int, ring: Ring) -> Scheme:
    """The scheme.

    Raises:
        TargetError: If no size is 2, or one is above 32.
        RingError: If the ring is `zt`, the larger one of the other sizes is no multiple of the smaller one, and no
            signs are known to be found.
        Stopped: If the work is to end while signs are looked for, see `giving_way`.
    """
    ring, target = parse_ring(ring), matmul(n, m, p)
    products = rank(n, m, p, Ring.Z)
    if products is None:
        raise TargetError(f"{target.short} by Hopcroft and Kerr: a size of 2, and none above {LARGEST}, are needed")
    if rank(n, m, p, ring) is None:
        raise RingError(f"{target.short} by Hopcroft and Kerr over {ring}: it has coefficients beyond 1; take z")
    small, large = _others(n, m, p)
    lengths = [small] * (large // small - 1) + [small + large % small]
    parts = [_segment(small, length) for length in lengths]
    joined = reduce(lambda one, two: concatenate(one, two, "p"), parts)
    assert joined.rank == products
    if ring is Ring.ZT and joined.ring is not Ring.ZT:
        joined = _signed(joined)
    return ordered(joined, (n, m, p)).to(ring)


def _signed(scheme: Scheme) -> Scheme:
    """A ternary scheme that is the same modulo 2, up to a change of basis."""
    found = lift(scheme.to(Ring.F2), Ring.ZT, choices=CHOICES, seed=1).scheme
    assert found is not None, "the formats of `SIGNED` lift"
    return found


def _others(n: int, m: int, p: int) -> tuple[int, int]:
    """The sizes beside a 2, the smaller one first."""
    sizes = [n, m, p]
    sizes.remove(2)
    return min(sizes), max(sizes)


def _segment(p: int, n: int) -> Scheme:
    """The scheme of p x 2 x n, p <= n < 2 p."""
    square = _Square(p, n, [1 + i % 3 for i in range(n)] if (p, n) == (4, 6) else _alternating(n))
    u, v = np.array(square.sheet.left), np.array(square.sheet.right)
    w = np.array([square.columns[j][:, : len(u)] for j in range(n)]).transpose(2, 1, 0)
    return tightened(Scheme(matmul(p, 2, n), Ring.Z, u, v, w.reshape(len(u), p * n)))


def _alternating(n: int) -> list[int]:
    """Methods of which no two next to each other are the same; 4 x 2 x 6 needs another choice of them."""
    methods = [1 + i % 2 for i in range(n)]
    return methods if n % 2 == 0 or n == 1 else [*methods[:-1], 3]


class _Node(NamedTuple):
    """A row and a column whose product is computed by one of the three methods.

    Attributes:
        row: In the rows of A, shape (p,).
        column: In the columns of X, shape (n,).
        method: 1, 2 or 3.
        products: The positions of its two products.
    """

    row: Array
    column: Array
    method: int
    products: tuple[int, int]


class _Pair(NamedTuple):
    """Two indices whose columns lack an entry, and nodes that they occur in: each row completes the other column."""

    first: int
    second: int
    one: _Node
    other: _Node


@dataclass
class _Sheet:
    """The products so far.

    Attributes:
        p: Rows of A.
        n: Columns of X.
        left: Factors in the entries of A, each of shape (2 p,).
        right: Factors in the entries of X, each of shape (2 n,).
    """

    p: int
    n: int
    left: list[Array] = field(default_factory=list)
    right: list[Array] = field(default_factory=list)

    def node(self, row: Array, column: Array, method: int) -> _Node:
        """A node, with its two products."""
        first, second = (self._add(np.outer(row, a), np.outer(x, column)) for a, x, _ in METHODS[method])
        return _Node(row, column, method, (first, second))

    def paired(self, one: _Node, other: _Node) -> tuple[_Node, Array, Array]:
        """The sum of two nodes of different methods.

        Returns:
            It, and in terms of products the first row times the second column, and the second row times the first.
        """
        if one.method > other.method:
            joint, backward, forward = self.paired(other, one)
            return joint, forward, backward
        joint = self.node(one.row + other.row, one.column + other.column, 6 - one.method - other.method)
        a, x, *terms = CROSSES[one.method, other.method]
        left = np.outer(one.row, a[:2]) + np.outer(other.row, a[2:])
        right = np.outer(x[:2], one.column) + np.outer(x[2:], other.column)
        places = [*one.products, *other.products, *joint.products, self._add(left, right)]
        forward, backward = (self._terms(places, coefficients) for coefficients in terms)
        return joint, forward, backward

    def own(self, node: _Node) -> Array:
        """A node's row times its column, in terms of products."""
        return self._terms(node.products, [sign for _, _, sign in METHODS[node.method]])

    def _add(self, left: Array, right: Array) -> int:
        self.left.append(left.ravel())
        self.right.append(right.ravel())
        return len(self.left) - 1

    def _terms(self, places: Sequence[int], coefficients: Sequence[int]) -> Array:
        found = np.zeros((3 * self.p * self.n + self.n) // 2 + self.n, np.int64)  # no more products than that
        found[list(places)] = coefficients
        return found


@cache
def _lower(p: int, m: int) -> Array:
    """The rows of M below the identity, shape (m, p)."""
    found = np.zeros((m, p), np.int64)
    rest = p % m if m else 0
    for column in range(p - rest if m else 0):
        found[column % m, column] = 1
    if rest:
        found[:, p - rest :] = _lower(m, rest).T
    return found


class _Square:
    """The problem of p <= n <= 2 p - 1 while it is solved.

    Attributes:
        reach: Entries on either side of the diagonal that are computed of every column.
        cells: Entries of M A X by (row, column), in terms of products.
        columns: Columns of A X that are complete, in terms of products, shape (p, products).
    """

    def __init__(self, p: int, n: int, methods: Sequence[int]) -> None:
        self.p, self.n, self.reach = p, n, (p - 1) // 2
        self.rows = np.concatenate([np.eye(p, dtype=np.int64), _lower(p, n - p)])
        self.units = np.eye(n, dtype=np.int64)
        self.sheet = _Sheet(p, n)
        self.nodes = [self.sheet.node(self.rows[i], self.units[i], methods[i]) for i in range(n)]
        self.sums: dict[tuple[int, int], _Node] = {}
        self.cells = {(i, i): self.sheet.own(node) for i, node in enumerate(self.nodes)}
        self.columns: dict[int, Array] = {}
        for distance in range(1, self.reach + 1):
            for i in range(n):
                self._mirror(i, distance)
        if p % 2:
            for j in range(n):
                self._complete(j)
        else:
            self._one_entry_more()

    def _mirror(self, i: int, distance: int) -> None:
        """Entries (i, j) and (j, i), over the index beside i where i and j have the same method."""
        j, between = (i + distance) % self.n, (i + 1) % self.n
        if (i, j) in self.sums:
            return
        one, other = self.nodes[i], self.nodes[j]
        if one.method != other.method:
            node, forward, backward = self.sheet.paired(one, other)
        else:
            node, forward, backward = self.sheet.paired(one, self.sums[between, j])
            forward, backward = forward - self.cells[i, between], backward - self.cells[between, i]
        self.sums[i, j] = self.sums[j, i] = node
        self.cells[i, j], self.cells[j, i] = forward, backward

    def _window(self, j: int) -> list[int]:
        return [(j + step) % self.n for step in range(-self.reach, self.reach + 1)]

    def _complete(self, j: int, row: Array | None = None, value: Array | None = None) -> None:
        """Column j of A X, from its entries and, if p is even, from one more row and its product with the column."""
        window = self._window(j)
        rows, values = [self.rows[i] for i in window], [self.cells[i, j] for i in window]
        if row is not None and value is not None:
            rows, values = [*rows, row], [*values, value]
        self.columns[j] = _inverse(np.array(rows)) @ np.array(values)

    def _one_entry_more(self) -> None:
        """Indices are matched with those one beyond the reach; where such ways are odd, one of each way is left."""
        step = self.reach + 1
        ways = math.gcd(self.n, step)
        length = self.n // ways
        odd = length % 2 == 1
        chosen = self._left_over(ways) if odd else []
        left = {index % ways: index for one in chosen for index in (one.first, one.second)}
        for start in range(ways):
            last = left.get(start, start)
            way = [(last + t * step) % self.n for t in range(odd, length)]
            for i, j in zip(way[::2], way[1::2], strict=True):
                self._mirror(i, step)
                self._complete(i, self.rows[j], self.cells[j, i])
                self._complete(j, self.rows[i], self.cells[i, j])
            if odd and start not in left:
                node = self.sheet.node(self.rows[(last + step) % self.n], self.units[last], 3)
                self._complete(last, node.row, self.sheet.own(node))
        for pair in chosen:
            _, forward, backward = self.sheet.paired(pair.one, pair.other)
            self._complete(pair.second, pair.one.row, self._freed(pair.second, pair.one, forward, pair.other))
            self._complete(pair.first, pair.other.row, self._freed(pair.first, pair.other, backward, pair.one))

    def _freed(self, j: int, node: _Node, value: Array, other: _Node) -> Array:
        """A node's row times column j, from that row times a sum of columns of which the others are complete."""
        for column in np.flatnonzero(other.column).tolist():
            if column != j:
                value = value - other.column[column] * (node.row @ self.columns[column])
        return value

    def _left_over(self, ways: int) -> list[_Pair]:
        """Indices of two ways each that complete one another's columns, for as many ways as possible."""
        forms = [_inverse(self.rows[[*self._window(j), (j + self.reach + 1) % self.n]])[:, -1] for j in range(self.n)]
        sums = [[self.nodes[c], *(self.sums[c, i] for i in self._window(c) if i != c)] for c in range(self.n)]

        def fitting(first: int, second: int) -> Iterator[_Pair]:
            for one, other in product(sums[first], sums[second]):
                apart = one.method != other.method and not one.column[second] and not other.column[first]
                if apart and abs(one.row @ forms[second]) == 1 and abs(other.row @ forms[first]) == 1:
                    yield _Pair(first, second, one, other)

        def chosen(open_ways: tuple[int, ...], used: Array) -> list[_Pair]:
            """Pairs, none of whose indices occurs in the columns of one before it."""
            if len(open_ways) < 2:
                return []
            best: list[_Pair] = []
            for way in open_ways[1:]:
                rest = tuple(other for other in open_ways[1:] if other != way)
                for first, second in product(range(open_ways[0], self.n, ways), range(way, self.n, ways)):
                    pair = None if used[first] or used[second] else next(fitting(first, second), None)
                    if pair is None:
                        continue
                    found = [pair, *chosen(rest, used | (pair.one.column != 0) | (pair.other.column != 0))]
                    if len(found) == len(open_ways) // 2:
                        return found
                    best = max(best, found, key=len)
            return best

        return chosen(tuple(range(ways)), np.zeros(self.n, np.bool_))


def _inverse(matrix: Array) -> Array:
    """Of a matrix of small integers whose determinant is 1 or -1."""
    found = np.rint(np.linalg.inv(matrix)).astype(np.int64)
    assert (matrix @ found == np.eye(len(matrix), dtype=np.int64)).all()
    return found

"""Cubes of even size by aggregation: schemes with many dense rational rows, to measure what large ones take.

Source:
    The construction of 2026 with N^3/3 + 3 N^2 + 37 N/6 + 4 products, after V. Pan, "New fast algorithms for matrix
    operations", 1980. It is written down here in floats and rounded to fractions: whoever verifies a scheme proves it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import Scheme, parse_target

Floats = NDArray[np.float64]
LARGEST_DENOMINATOR = 200_000


class Forms:
    """Linear forms of one of the matrices A, B, C: blocks with a closing row and column, and what is made of them."""

    def __init__(self, size: int, axis: int) -> None:
        self.half = half = size // 2
        self.weights = np.ones(half + 1)
        self.weights[half] = 2 - half
        self.x = x = self._blocks(size)
        self.g = (x[0, 2, 2] + x[1, 2, 3] + x[2, 3, 2] + x[3, 3, 3]) / 3
        r, c, d = self._gauge(axis)
        self.y = np.stack([x[0] - r[:, None] + c, x[1] + r[:, None] + d, x[2] - c, x[3] - d])
        self.h = {b: self._halves(b) for b in (0, 3)}

    def _blocks(self, size: int) -> Floats:
        half, units = self.half, np.eye(size * size).reshape(size, size, -1)
        x = np.zeros((4, half + 1, half + 1, size * size))
        for b, (row, column) in enumerate(itertools.product(range(2), repeat=2)):
            rows, columns = slice(row * half, (row + 1) * half), slice(column * half, (column + 1) * half)
            x[b, :half, :half] = units[rows, columns] * (-1 if column else 1)
        inner = x[:, :half, :half].copy()
        for b, (row, column) in enumerate(itertools.product(range(2), repeat=2)):
            x[b, :half, half] = (inner[2 * row] + inner[2 * row + 1]).sum(1) / (2 * (half - 2))
            x[b, half, :half] = (inner[column] + inner[2 + column]).sum(0) / (2 * (half - 2))
            x[b, half, half] = inner.sum((0, 1, 2)) / (4 * (half - 2) ** 2)
        return x

    def _gauge(self, axis: int) -> tuple[Floats, Floats, Floats]:
        x, half, g = self.x, self.half, self.g
        r, c, d = (np.zeros((half + 1, x.shape[-1])) for _ in range(3))
        inside = np.arange(half)
        r[:half] = x[0, :half, 0] + x[2, :half, 0]
        if axis == 0:
            r[0] = x[0, 0, 1] + x[2, 0, 1]
            r[1:half] = (x[0] - x[3])[inside[1:], inside[1:]] + x[2, 1, 1:half] + x[3, 1, 1:half]
        if axis == 1:
            r[1] = x[0, 1, 1] - x[3, 1, 1] + x[2, 0, 1] + x[3, 0, 1]
        r[half] = r[:half].sum(0) / (half - 2)
        c[:half], d[:half] = r[:half] - x[0, inside, inside] + g, x[3, inside, inside] - g
        total = (c[:half].sum(0) + d[:half].sum(0)) / (half - 2)
        c[half] = g - (4 * half - 11) * x[0, half, half] + (r[half] + total) / 2
        d[half] = total - c[half]
        return r, c, d

    def _halves(self, b: int) -> Floats:
        rows, columns = (np.einsum(f"k,{axes}->jn", self.weights, self.y[b]) for axes in ("jkn", "kjn"))
        return (rows[None] + columns[:, None]) / 2

    def cycle(self, i: int, j: int, k: int, bar: int) -> Floats:
        """Three forms around a triangle."""
        y = self.y[3 * bar]
        return y[i, j] + y[j, k] + y[k, i]

    def mix(self, i: int, j: int, k: int, bar: int) -> Floats:
        """Likewise, of three blocks."""
        return self.y[2 - bar, j, k] + self.y[1 + bar, k, i] - self.y[3 * bar, i, j]

    def edge(self, i: int, j: int) -> list[tuple[Floats, ...]]:
        """The products of an edge."""
        (a, b, c, d), (a1, b1, c1, d1), g = self.y[:, i, j], self.y[:, j, i], self.g
        upper = {k: self.y[1, k, k] + g for k in (i, j)}
        lower = {k: self.y[2, k, k] + g for k in (i, j)}
        q = b + c1 - g
        return [
            (-c - d, b + d, 2 * (d1 + g - self.h[3][i, j])),
            (c + d + lower[i], q, b1 + d1 + a + c + lower[j] + upper[i]),
            (a + c, 2 * (a1 + g - self.h[0][i, j]), a + b),
            (-a - c - lower[j], a1 + b1 + c + d + lower[i] + upper[j], q),
        ]

    def vertex(self, i: int) -> list[tuple[Floats, ...]]:
        """Those of a vertex."""
        y, g, n = self.y, self.g, self.half
        upper, lower = y[1, i, i] + g, y[2, i, i] + g
        return [
            (2 * upper, lower, self.h[0][i, i] + (2 - n) * (y[1, i, n] + y[2, n, i]) + (n - 4) * g),
            (-2 * lower, upper, self.h[3][i, i] + (2 - n) * (y[1, n, i] + y[2, i, n]) + (n - 4) * g),
        ]

    def closing(self, i: int, bar: int) -> Floats:
        """The cube of an edge to the closing vertex."""
        y, n = self.y[3 * bar], self.half
        return y[i, n] + y[n, i] + ((n - 2) * y[n, n] - self.g) / (n - 3)

    def border(self, i: int, j: int) -> list[tuple[Floats, ...]]:
        """The other products of such an edge."""
        y0, y1, y2, y3 = self.y[:, i, j]
        h0, h1, h2 = y3 - y0, -y2 - y3, -y1 - y3
        return [
            (h0, h0, h0),
            (h1, h2, y0 + self.h[3][i, j]),
            (-y3 - self.h[0][i, j], -h0 - h2, -h0 - h1),
        ]

    def centre(self) -> list[tuple[Floats, ...]]:
        """Those of the closing vertex."""
        n, g = self.half, self.g
        t, s, k = n - 2, n - 3, 2 * n - 5
        a, b, c, d = self.y[:, n, n]
        h, u, v = d - a, a + c, a + b
        e = k * (16 * t**3 - 4 * t * t - 9 * t + 6) * self.x[0, n, n] / 6
        o = k * (8 * t * t + 4 * t - 3) * h / 6
        h0, h3 = self.h[0][n, n], self.h[3][n, n]
        return [
            (-h0 - g + 4 * e - o, 2 * s * u + k * (v + h), k * (u + h) + 2 * s * v),
            (h3 + g - 4 * e - o, k * u + 2 * s * (v + h), 2 * s * (u + h) + k * v),
            (h3 - h0 + (8 * t**3 - 11 * t + 6) * h / (6 * s), 2 * s * (u - v) + k * h, 2 * s * (v - u) + k * h),
        ]


Product = tuple[Floats, Floats, Floats, float]


def _turned(triples: list[list[tuple[Floats, ...]]], factor: float = 1, times: int = 3) -> Iterator[Product]:
    """The products x y z, y z x, z x y of every triple, each form in the matrix that it lands in."""
    for index in range(len(triples[0])):
        for turn in range(times):
            a, b, c = (triples[axis][index][(axis + turn) % 3] for axis in range(3))
            yield a, b, c, factor


def _products(size: int) -> Iterator[Product]:
    forms = [Forms(size, axis) for axis in range(3)]
    n, weights = size // 2, forms[0].weights
    closed = [t for i in range(n) for t in ((i, i, n), (i, n, i), (i, n, n), (n, i, i), (n, i, n), (n, n, i))]
    for i, j, k in [*itertools.permutations(range(n + 1), 3), *closed]:
        weight = weights[i] * weights[j] * weights[k]
        for bar in range(2):
            a, b, c = forms[0].mix(i, j, k, bar), forms[1].mix(k, i, j, bar), forms[2].mix(j, k, i, bar)
            yield a, b, c, -weight if bar else weight
            if i < j < k or k < j < i:
                a, b, c = (one.cycle(i, j, k, bar) for one in forms)
                yield a, b, c, -weight if bar else weight
    for i, j in itertools.permutations(range(n), 2):
        yield from _turned([one.edge(i, j) for one in forms])
    for i in range(n):
        yield from _turned([one.vertex(i) for one in forms])
        for bar in range(2):
            a, b, c = (one.closing(i, bar) for one in forms)
            yield a, b, c, (n - 2) * (n - 3) * (-1 if bar else 1)
        for pair in ((i, n), (n, i)):
            first, *others = zip(*(one.border(*pair) for one in forms), strict=True)
            yield from _turned([[one] for one in first], 2 * (2 - n), 1)
            for three in others:
                yield from _turned([[one] for one in three], 2 * (2 - n))
    t, s = n - 2, n - 3
    factors = (2 * t * t / (4 * t - 3), 2 * t * t / (4 * t - 3), t * t / (2 * s * (4 * t - 3)))
    for three, factor in zip(zip(*(one.centre() for one in forms), strict=True), factors, strict=True):
        yield from _turned([[one] for one in three], factor)


def _fractions(row: Floats) -> tuple[NDArray[np.int64], Fraction]:
    """A row as coprime integers, the first of them positive, times a fraction."""
    found = np.zeros(len(row), np.int64)
    places = np.flatnonzero(np.abs(row) > 1e-9)
    if not len(places):
        return found, Fraction(0)
    _, at, inverse = np.unique(row[places].round(9), return_index=True, return_inverse=True)
    values = [Fraction(row[places[i]]).limit_denominator(LARGEST_DENOMINATOR) for i in at]
    common = math.lcm(*(value.denominator for value in values))
    integers = [int(value * common) for value in values]
    sign = math.gcd(*integers) * (1 if integers[inverse[0]] > 0 else -1)
    found[places] = np.array([x // sign for x in integers])[inverse]
    return found, Fraction(sign, common)


def even_cube(size: int) -> Scheme:
    """The scheme of size x size x size over `q`, size even and at least 8: 8: 416, 20: 3994, 32: 14,196 products."""
    merged: dict[tuple[bytes, bytes], list[Any]] = {}
    for a, b, c, factor in _products(size):
        (u, x), (v, y), (w, z) = map(_fractions, (a, b, c.reshape(size, size).T.ravel()))
        share = x * y * z * Fraction(factor).limit_denominator(LARGEST_DENOMINATOR)
        if not share:
            continue
        held = merged.setdefault((u.tobytes(), v.tobytes()), [u, v, np.zeros_like(w), Fraction(1)])
        common = math.lcm(held[3].denominator, share.denominator)
        total = held[2] * int(held[3] * common) + w * int(share * common)
        by = int(np.gcd.reduce(total)) or 1
        held[2:] = [total // by, Fraction(by, common)]
    rows = [held for held in merged.values() if held[2].any()]
    u, v = (np.array([held[axis] for held in rows]) for axis in range(2))
    w = np.array([held[2] * held[3].numerator for held in rows])
    return Scheme(parse_target(f"{size}x{size}x{size}"), "q", u, v, w, np.array([held[3].denominator for held in rows]))

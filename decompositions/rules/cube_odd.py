"""Cubes of odd size: their forms, what their columns do not sum to zero by, and the products at the closing index."""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from bilinear.decompositions.rules.cube_families import shared
from bilinear.decompositions.rules.cube_forms import (
    Array,
    Closing,
    ClosingForm,
    Family,
    Forms,
    at_closing,
    divided,
    half_sums,
    rotated,
    weights,
)


def forms(size: int, place: int) -> Forms:
    """The forms on the entries of A, B or C; the gauge makes six factors zero.

    Args:
        size: N, odd and at least 9.
        place: 0, 1 or 2: A, B or C.
    """
    last, inner = size // 2, np.arange(size // 2)
    scale = 144 * (last - 2) ** 2 * (last - 3)
    x = _closed(size, scale)
    g = divided(x[0, 0, 0] + x[1, 0, 1] + x[2, 1, 0] + x[3, 1, 1], 3)
    a, b = np.empty((2, *x.shape[2:]), np.int64)
    a[:last], b[:last] = g - x[0, inner, inner], x[3, inner, inner] - g
    total = divided(a[:last].sum(axis=0) + b[:last].sum(axis=0), last - 2)
    corners = x[:, last, last]
    a[last] = (g - corners[0], total + corners[1] + g, total - corners[3] + g)[place]
    b[last] = total - a[last]
    y = np.stack([x[0] + a, x[1] + b, x[2] - a, x[3] - b])
    defects = np.einsum("bkix,k->bix", x[:2] + x[2:], weights(last))
    return Forms(y, g, divided(corners.sum(axis=0), 4), defects, scale, half_sums(y))


def families(size: int) -> Iterator[Family]:
    """All products; six have a zero factor."""
    last = size // 2
    yield from shared(last, with_defects=True)
    yield from columns(last)
    yield from centre(last)


def _closed(size: int, scale: int) -> Array:
    """The four blocks of the matrix with a zero row and a last column that closes its rows, shape (4, K, K, N^2)."""
    k = size // 2 + 1
    last = k - 1
    x = np.zeros((2 * k, 2 * k, size * size), np.int64)
    x[:size, :size] = scale * np.eye(size * size, dtype=np.int64).reshape(size, size, -1)
    x[:, size] = divided(x[:, :k].sum(axis=1) - x[:, k:].sum(axis=1), last - 2)
    x[:, last] = divided(x[:, last], 2 - last)
    x[:, k:size] *= -1
    return x.reshape(2, k, 2, k, -1).transpose(0, 2, 1, 3, 4).reshape(4, k, k, -1)


def columns(last: int) -> Iterator[Family]:
    """For every two different indices: what the columns that do not sum to zero have added."""
    i, j = np.array(list(permutations(range(last + 1), 2))).T
    t = weights(last)
    yield from rotated(
        (
            lambda f: f.defects[0, i],
            lambda f: f.y[0, i, j] + f.y[1, i, j],
            lambda f: f.y[2, i, j] - f.y[2, i, i],
        ),
        t[i] * t[j],
    )
    yield from rotated(
        (
            lambda f: -f.defects[1, i],
            lambda f: f.y[2, i, j] + f.y[3, i, j],
            lambda f: f.y[1, i, j] - f.y[1, i, i],
        ),
        t[i] * t[j],
    )


def centre(last: int) -> Iterator[Family]:
    """Ten products at the closing index: six, and four cubes."""
    t, s = last - 2, last - 3

    def turned(x: Closing) -> Array:
        return 3 * x.gauge - 4 * (5 * last - 12) * x.plain - 2 * t * (x.b - x.c)

    def lower(x: Closing) -> Array:
        return x.a + x.lower + t * (3 * x.gauge - 10 * x.plain + 2 * x.c + 2 * x.d - turned(x))

    def upper(x: Closing) -> Array:
        return -x.d - x.upper - t * (3 * x.gauge - 10 * x.plain + 2 * x.a + 2 * x.c - turned(x))

    def ab(x: Closing) -> Array:
        return x.a + x.b

    def ac(x: Closing) -> Array:
        return x.a + x.c

    def bd(x: Closing) -> Array:
        return x.b + x.d

    def cd(x: Closing) -> Array:
        return x.c + x.d

    def slope(x: Closing) -> Array:
        return divided(x.d - x.a, s)

    triples: tuple[tuple[ClosingForm, ClosingForm, ClosingForm], ...] = (
        (lambda x: cd(x) + slope(x), bd, lower),
        (lambda x: lower(x) + 2 * t * ab(x), cd, bd),
        (bd, lower, cd),
        (upper, ab, lambda x: ac(x) - slope(x)),
        (ac, upper, ab),
        (ab, ac, lambda x: upper(x) - 2 * t * bd(x)),
    )
    for triple in triples:
        yield Family(at_closing(*triple), 2 * t**2)
    for h, m in ((1, 1), (1, -1), (-1, 1), (-1, -1)):

        def cube(x: Closing, h: int = h, m: int = m) -> Array:
            mean = divided(2 * x.gauge - x.a - x.d, 2 * s) - 4 * x.plain
            return turned(x) + h * (x.d - x.a) + m * mean

        yield Family(at_closing(cube, cube, cube), -(t**3) * h * m, 4)

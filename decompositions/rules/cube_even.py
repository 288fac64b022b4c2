"""Cubes of even size: their forms, and the products at the closing index."""

from __future__ import annotations

from collections.abc import Iterator

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
)


def forms(size: int, place: int) -> Forms:
    """The forms on the entries of A, B or C; the gauge makes some factors zero, and some pairs of factors equal.

    Args:
        size: N, even and at least 8.
        place: 0, 1 or 2: A, B or C.
    """
    last, inner = size // 2, np.arange(size // 2)
    scale = 144 * (last - 2) ** 2 * (last - 3)
    x = _closed(size, scale)
    g = divided(x[0, 2, 2] + x[1, 2, 3] + x[2, 3, 2] + x[3, 3, 3], 3)
    r = _gauge_rows(x, place)
    c, d = np.empty((2, *r.shape), np.int64)
    c[:last] = r[:last] - x[0, inner, inner] + g
    d[:last] = x[3, inner, inner] - g
    total = divided(c[:last].sum(axis=0) + d[:last].sum(axis=0), last - 2)
    c[last] = g - (4 * last - 11) * x[0, last, last] + divided(r[last] + total, 2)
    d[last] = total - c[last]
    y = np.stack([x[0] - r[:, None] + c, x[1] + r[:, None] + d, x[2] - c, x[3] - d])
    return Forms(y, g, x[0, last, last], np.zeros((2, *c.shape), np.int64), scale, half_sums(y))


def families(size: int) -> Iterator[Family]:
    """All products; some have a zero factor, or two factors in common with another one."""
    yield from shared(size // 2, with_defects=False)
    yield from centre(size // 2)


def _closed(size: int, scale: int) -> Array:
    """The four blocks, negated in the right half, with their closing rows and columns, shape (4, D + 1, D + 1, N^2)."""
    last = size // 2
    entries = scale * np.eye(size * size, dtype=np.int64).reshape(2, last, 2, last, -1)
    entries[:, :, 1] *= -1
    x = np.zeros((2, 2, last + 1, last + 1, size * size), np.int64)
    x[:, :, :last, :last] = entries.transpose(0, 2, 1, 3, 4)
    x[:, :, :last, last] = divided(entries.sum(axis=(2, 3)), 2 * (last - 2))[:, None]
    x[:, :, last, :last] = divided(entries.sum(axis=(0, 1)), 2 * (last - 2))
    x[:, :, last, last] = divided(entries.sum(axis=(0, 1, 2, 3)), 4 * (last - 2) ** 2)
    return x.reshape(4, last + 1, last + 1, -1)


def _gauge_rows(x: Array, place: int) -> Array:
    """What the gauge takes from the rows, shape (D + 1, N^2); it differs in A, B and C."""
    last = x.shape[1] - 1
    inner = np.arange(1, last)
    r = np.empty(x.shape[2:], np.int64)
    r[:last] = x[0, :last, 0] + x[2, :last, 0]
    if place == 0:
        r[0] = x[0, 0, 1] + x[2, 0, 1]
        r[inner] = x[0, inner, inner] - x[3, inner, inner] + x[2, 1, inner] + x[3, 1, inner]
    if place == 1:
        r[1] = x[0, 1, 1] - x[3, 1, 1] + x[2, 0, 1] + x[3, 0, 1]
    r[last] = divided(r[:last].sum(axis=0), last - 2)
    return r


def centre(last: int) -> Iterator[Family]:
    """Nine products at the closing index, in sums of u = a + c, v = a + b and h = d - a."""
    t, s = last - 2, last - 3
    k, f = 2 * t - 1, 4 * t - 3
    cubic, square = k * (16 * t**3 - 4 * t**2 - 9 * t + 6), k * (8 * t**2 + 4 * t - 3)

    def upper(x: Closing) -> Array:
        return -x.upper - x.gauge + divided(4 * cubic * x.plain - square * (x.d - x.a), 6)

    def lower(x: Closing) -> Array:
        return x.lower + x.gauge - divided(4 * cubic * x.plain + square * (x.d - x.a), 6)

    def both(x: Closing) -> Array:
        return x.lower - x.upper + divided((8 * t**3 - 11 * t + 6) * (x.d - x.a), 6 * s)

    def combined(u: int, v: int, h: int) -> ClosingForm:
        return lambda x: u * (x.a + x.c) + v * (x.a + x.b) + h * (x.d - x.a)

    e = 2 * s
    yield from rotated(at_closing(upper, combined(e, k, k), combined(k, e, k)), 2 * t**2, f)
    yield from rotated(at_closing(lower, combined(k, e, e), combined(e, k, e)), 2 * t**2, f)
    yield from rotated(at_closing(both, combined(e, -e, k), combined(-e, e, k)), t**2, e * f)

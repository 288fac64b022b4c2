"""The families of products that cubes of even and of odd size have in common."""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from bilinear.decompositions.rules.cube_forms import Array, Family, Form, Forms, divided, rotated, weights

KINDS = (0, 1)
"""Plain and barred products; the barred ones are subtracted."""


def shared(last: int, with_defects: bool) -> Iterator[Family]:
    """Triangles, edges, vertices and boundary of a cube.

    Args:
        last: D, the closing index.
        with_defects: Whether the columns' sums have to be taken away at the vertices.
    """
    yield from triangles(last)
    yield from edges(last)
    yield from vertices(last, int(with_defects))
    yield from boundary(last)


def triangles(last: int) -> Iterator[Family]:
    """The products that aggregate: three different indices, the closing one among them."""
    t = weights(last)
    i, j, k = np.array(list(combinations(range(last + 1), 3))).T
    for kind in KINDS:
        for a, b, c in ((i, j, k), (k, j, i)):
            form = _cycle(a, b, c, kind)
            yield Family((form, form, form), (-1) ** kind * t[i] * t[j] * t[k])
    yield from mixed(last, *np.array(list(permutations(range(last + 1), 3))).T)


def mixed(last: int, i: Array, j: Array, k: Array) -> Iterator[Family]:
    """mix(i, j, k) in A, mix(k, i, j) in B, mix(j, k, i) in C, of both kinds."""
    t = weights(last)
    for kind in KINDS:
        forms = (_mix(i, j, k, kind), _mix(k, i, j, kind), _mix(j, k, i, kind))
        yield Family(forms, (-1) ** kind * t[i] * t[j] * t[k])


def _cycle(i: Array, j: Array, k: Array, kind: int) -> Form:
    b = 3 * kind
    return lambda f: f.y[b, i, j] + f.y[b, j, k] + f.y[b, k, i]


def _mix(i: Array, j: Array, k: Array, kind: int) -> Form:
    return lambda f: f.y[2 - kind, j, k] + f.y[1 + kind, k, i] - f.y[3 * kind, i, j]


def edges(last: int) -> Iterator[Family]:
    """For every two different indices below the closing one, in both orders."""
    i, j = np.array(list(permutations(range(last), 2))).T

    def cross(f: Forms) -> Array:
        return f.y[1, i, j] + f.y[2, j, i] - f.gauge

    yield from rotated(
        (
            lambda f: -f.y[2, i, j] - f.y[3, i, j],
            lambda f: f.y[1, i, j] + f.y[3, i, j],
            lambda f: 2 * (f.y[3, j, i] + f.gauge - f.halves[1, i, j]),
        ),
    )
    yield from rotated(
        (
            lambda f: f.y[2, i, j] + f.y[3, i, j] + f.lower(i),
            cross,
            lambda f: f.y[1, j, i] + f.y[3, j, i] + f.y[0, i, j] + f.y[2, i, j] + f.lower(j) + f.upper(i),
        ),
    )
    yield from rotated(
        (
            lambda f: f.y[0, i, j] + f.y[2, i, j],
            lambda f: 2 * (f.y[0, j, i] + f.gauge - f.halves[0, i, j]),
            lambda f: f.y[0, i, j] + f.y[1, i, j],
        ),
    )
    yield from rotated(
        (
            lambda f: -f.y[0, i, j] - f.y[2, i, j] - f.lower(j),
            lambda f: f.y[0, j, i] + f.y[1, j, i] + f.y[2, i, j] + f.y[3, i, j] + f.lower(i) + f.upper(j),
            cross,
        ),
    )


def vertices(last: int, defect: int) -> Iterator[Family]:
    """For every index below the closing one."""
    i = np.arange(last)

    def closed(f: Forms, half: int) -> Array:
        sums = (2 - last) * (f.y[1 + half, i, last] + f.y[2 - half, last, i])
        return f.halves[half, i, i] + sums + (last - 4) * f.gauge - defect * f.defects[half, i]

    yield from rotated((lambda f: 2 * f.upper(i), lambda f: f.lower(i), lambda f: closed(f, 0)))
    yield from rotated((lambda f: -2 * f.lower(i), lambda f: f.upper(i), lambda f: closed(f, 1)))


def boundary(last: int) -> Iterator[Family]:
    """For every index below the closing one, together with it."""
    i, d = np.arange(last), np.full(last, last)

    def ends(b: int) -> Form:
        def form(f: Forms) -> Array:
            rest = divided((last - 2) * f.y[b, last, last] - f.gauge, last - 3)
            return f.y[b, i, d] + f.y[b, d, i] + rest

        return form

    for kind in KINDS:
        form = ends(3 * kind)
        yield Family((form, form, form), (-1) ** kind * (last - 2) * (last - 3))
    for triple in ((i, i, d), (i, d, i), (i, d, d), (d, i, i), (d, i, d), (d, d, i)):
        yield from mixed(last, *triple)
    for left, right in ((i, d), (d, i)):
        yield from _seven(left, right, 2 * (2 - last))


def _seven(i: Array, j: Array, numerator: int) -> Iterator[Family]:
    def first(f: Forms) -> Array:
        return f.y[3, i, j] - f.y[0, i, j]

    def second(f: Forms) -> Array:
        return -f.y[2, i, j] - f.y[3, i, j]

    def third(f: Forms) -> Array:
        return -f.y[1, i, j] - f.y[3, i, j]

    def fourth(f: Forms) -> Array:
        return f.y[0, i, j] + f.halves[1, i, j]

    def fifth(f: Forms) -> Array:
        return -f.y[3, i, j] - f.halves[0, i, j]

    yield Family((first, first, first), numerator)
    yield from rotated((second, third, fourth), numerator)
    yield from rotated((fifth, lambda f: -first(f) - third(f), lambda f: -first(f) - second(f)), numerator)

"""Cutting a matrix-product scheme along any line, not only along a row or column.

Leaving out row i of A and C costs a scheme the products that read only row i of A, or write only row i of C. After a
change of basis "row i" is any pair of a linear form on the rows and a line that it does not vanish on, so the pair that
takes most products with it can be chosen among all that occur.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.operations import AXES, project, sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme

Direction = tuple[int, ...]

# for each size: the factor that gives linear forms and the one that gives lines, with the place of the size in each
FORMS = ((0, 0), (1, 0), (2, 1))
LINES = ((2, 0), (0, 1), (1, 1))


def cut(scheme: Scheme, axis: int, rng: np.random.Generator, slack: float = 0.0) -> Scheme:
    """The scheme of the format one smaller, cut along a line that takes many products with it.

    Args:
        scheme: A scheme of n x m x p over any ring but `qi`; over `zt`, `z` and `q` the result is declared over the
            smallest set that holds it.
        axis: 0, 1 or 2: which of n, m, p becomes one less; it is at least 2.
        rng: Draws among lines that cost alike.
        slack: Products by which a line may be worse than the best and still be drawn.

    Raises:
        SchemeError: If the ring is `qi`.
    """
    p = scheme.ring.characteristic
    if scheme.ring is Ring.QI:
        raise SchemeError("a cut along any line over qi is not offered; take q, f2 or f3")
    size = scheme.target.sizes[axis]
    forms, form_losses = _directions(scheme, *FORMS[axis], axis)
    lines, line_losses = _directions(scheme, *LINES[axis], axis)
    lost = form_losses[:, None] + line_losses[None, :] + rng.uniform(0, max(slack, 1e-9), (len(forms), len(lines)))
    met = forms @ lines.T
    lost[(met % p if p else met) == 0] = -1
    form, line = np.unravel_index(int(lost.argmax()), lost.shape)
    changes = [np.eye(n, dtype=np.int64) for n in scheme.target.sizes]
    changes[axis] = _basis(forms[form], lines[line], size, p)
    return project(sandwich(scheme, *changes), AXES[axis], 0)


def _directions(scheme: Scheme, factor: int, place: int, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vectors of one size, first entry not 0 being 1, and how many products a factor along them has.

    The units are among them, so that every vector has one on which it does not vanish.

    Returns:
        Vectors, shape (directions, size), and products, shape (directions,).
    """
    n, m, q = scheme.target.sizes
    shape = ((n, m), (m, q), (n, q))[factor]
    matrices = scheme.factors[factor].astype(np.int64).reshape(-1, *shape)
    if place == 1:
        matrices = matrices.transpose(0, 2, 1)
    p = scheme.ring.characteristic
    found = Counter(filter(None, (_direction(matrix, p) for matrix in matrices)))
    units = [tuple(int(i == j) for j in range(scheme.target.sizes[axis])) for i in range(scheme.target.sizes[axis])]
    every = sorted({*found, *units})
    return np.array(every, np.int64), np.array([found[vector] for vector in every], np.int64)


def _direction(matrix: NDArray[np.int64], p: int) -> Direction | None:
    """The vector that every column is a multiple of, as `_leading` has it; None where there is none."""
    columns = {_leading(column, p) for column in matrix.T if column.any()}
    return columns.pop() if len(columns) == 1 else None


def _leading(vector: NDArray[np.int64], p: int) -> Direction:
    """Its multiple whose first entry not 0 is 1; in characteristic 0 the primitive one where that entry is positive."""
    first = int(vector[np.flatnonzero(vector)[0]])
    if not p:
        return tuple((vector // (np.gcd.reduce(vector) * (1 if first > 0 else -1))).tolist())
    return tuple(int(x) for x in vector * pow(first, -1, p) % p)


def _basis(form: NDArray[np.int64], line: NDArray[np.int64], size: int, p: int) -> NDArray[np.int64]:
    """A basis, as columns: the line, then vectors on which the form vanishes."""
    if not p:
        pivot = int(np.where(form != 0, np.abs(form), np.abs(form).max() + 1).argmin())
        basis = np.eye(size, dtype=np.int64) * abs(form[pivot])
        basis[pivot] = -form * np.sign(form[pivot])
        return np.concatenate([line[:, None], np.delete(basis, pivot, axis=1)], axis=1)
    pivot = int(np.flatnonzero(form)[0])
    basis = np.eye(size, dtype=np.int64)
    basis[pivot] = -form * pow(int(form[pivot]), -1, p) % p
    return np.concatenate([line[:, None], np.delete(basis, pivot, axis=1)], axis=1)

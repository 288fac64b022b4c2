"""Cutting a matrix-product scheme along any line, not only along a row or column.

Leaving out row i of A and C costs a scheme the products that read only row i of A, or write only row i of C. After a
change of basis "row i" is any pair of a linear form on the rows and a line that it does not vanish on, so the pair that
takes most products with it can be chosen among all that occur.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def cut(scheme: Scheme, axis: int, rng: np.random.Generator, slack: float = 0.0, once: bool = True) -> Scheme:
    """The scheme of the format one smaller, cut along a line that takes many products with it.

    Args:
        scheme: A scheme of n x m x p over any ring but `qi`; over `zt`, `z` and `q` the result is declared over the
            smallest set that holds it.
        axis: 0, 1 or 2: which of n, m, p becomes one less; it is at least 2.
        rng: Draws among lines that cost alike.
        slack: Products by which a line may be worse than the best and still be drawn.
        once: Whether a product that both the form and the line take counts once; else it counts twice, as it did for
            the searches of older entries.

    Raises:
        SchemeError: If the ring is `qi`.
    """
    return cut_along(scheme, axis, *drawn(scheme, axis, rng, slack, once))


def drawn(
    scheme: Scheme, axis: int, rng: np.random.Generator, slack: float = 0.0, once: bool = True
) -> tuple[Direction, Direction]:
    """The form and the line of `cut`.

    Returns:
        A linear form on the indices of the axis and a vector on which it does not vanish; residues over a finite
        field, else integers without a common divisor.

    Raises:
        SchemeError: If the ring is `qi`.
    """
    p = scheme.ring.characteristic
    if scheme.ring is Ring.QI:
        raise SchemeError("a cut along any line over qi is not offered; take q, f2 or f3")
    forms, by_form = _directions(scheme, *FORMS[axis], axis)
    lines, by_line = _directions(scheme, *LINES[axis], axis)
    counts = [np.bincount(by[by >= 0], minlength=len(of)) for by, of in ((by_form, forms), (by_line, lines))]
    lost = counts[0][:, None] + counts[1][None, :] + rng.uniform(0, max(slack, 1e-9), (len(forms), len(lines)))
    if once:
        both = (by_form >= 0) & (by_line >= 0)
        np.subtract.at(lost, (by_form[both], by_line[both]), 1)
    met = forms @ lines.T
    lost[(met % p if p else met) == 0] = -1
    form, line = np.unravel_index(int(lost.argmax()), lost.shape)
    return tuple(forms[form].tolist()), tuple(lines[line].tolist())


def cut_along(scheme: Scheme, axis: int, form: Sequence[int], line: Sequence[int]) -> Scheme:
    """The scheme of the format one smaller: A is left to where a form vanishes, C is projected along a line.

    Args:
        scheme: A scheme of n x m x p over any ring but `qi`.
        axis: 0, 1 or 2: which of n, m, p becomes one less; it is at least 2.
        form: Integers, as many as the size of the axis.
        line: Likewise.

    Raises:
        SchemeError: If the form vanishes on the line, or one of them has another length.
        TargetError: If the size is 1.
    """
    size, p = scheme.target.sizes[axis], scheme.ring.characteristic
    if len(form) != size or len(line) != size:
        raise SchemeError(f"a cut along {AXES[axis]}: a form and a line of {size} numbers are needed")
    met = sum(x * y for x, y in zip(form, line, strict=True))
    if not (met % p if p else met):
        raise SchemeError(f"a cut along {AXES[axis]}: the form vanishes on the line; take another line")
    changes = [np.eye(n, dtype=np.int64) for n in scheme.target.sizes]
    changes[axis] = _basis(np.array(form, np.int64), np.array(line, np.int64), size, p)
    return project(sandwich(scheme, *changes), AXES[axis], 0)


def _directions(scheme: Scheme, factor: int, place: int, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vectors of one size, as `_leading` has them, and which of them each product has a factor along.

    The units are among them, so that every vector has one on which it does not vanish.

    Returns:
        Vectors, shape (directions, size), and for each product the position of its vector or -1, shape (rank,).
    """
    n, m, q = scheme.target.sizes
    shape = ((n, m), (m, q), (n, q))[factor]
    matrices = scheme.factors[factor].reshape(-1, *shape)
    if place == 1:
        matrices = matrices.transpose(0, 2, 1)
    found = [_direction(matrix, scheme.ring.characteristic) for matrix in matrices]
    units = [tuple(int(i == j) for j in range(scheme.target.sizes[axis])) for i in range(scheme.target.sizes[axis])]
    every = sorted({vector for vector in found if vector is not None}.union(units))
    places = {vector: place for place, vector in enumerate(every)}
    return np.array(every), np.array([-1 if vector is None else places[vector] for vector in found], np.int64)


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

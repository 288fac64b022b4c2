"""Operations that keep a scheme valid: a right scheme goes in, a right scheme of the new target comes out.

Here, and nowhere else in the house, the three factors change places; C is transposed for that and transposed back.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from bilinear.decompositions import memory, rings
from bilinear.decompositions.errors import SchemeError, TargetError
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul

AXES = ("n", "m", "p")
ORDERS = tuple(itertools.permutations(range(3)))
"""The six orders of the sizes (n, m, p), as positions into them."""

Factors = tuple[IntArray, IntArray, IntArray]


@overload
def permute(scheme: Scheme, order: Sequence[int]) -> Scheme: ...


@overload
def permute(scheme: Approximation, order: Sequence[int]) -> Approximation: ...


def permute(scheme: Scheme | Approximation, order: Sequence[int]) -> Scheme | Approximation:
    """The scheme, or the approximation, of the format with its sizes in another order.

    With trace(A B C') and C' the transposed output, the three matrices may be turned cyclically, and transposed
    together in reverse order; the six results are the six orders of the sizes.

    Args:
        scheme: A scheme or an approximation of n x m x p.
        order: Which of (n, m, p) stands first, second and third in the new format: (1, 2, 0) gives m x p x n.

    Raises:
        TargetError: If the target is no `matmul`, or `order` no permutation of (0, 1, 2).
    """
    if tuple(order) not in ORDERS:
        raise TargetError(f"order {tuple(order)!r} is no permutation of (0, 1, 2)")
    sizes = _sizes(scheme.target)
    target = matmul(*(sizes[axis] for axis in order))
    if isinstance(scheme, Approximation):
        return Approximation(target, *_permuted(scheme.factors, sizes, tuple(order)))
    return _mapped(scheme, target, lambda factors: _permuted(factors, sizes, tuple(order)))


def _permuted(factors: tuple[Any, Any, Any], sizes: tuple[int, ...], order: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Turn the factors, as matrices of trace(A B C'), until the sizes stand in the new order."""
    n, m, p = sizes
    rank = len(factors[0])
    a, b, c = factors[0].reshape(rank, n, m), factors[1].reshape(rank, m, p), factors[2].reshape(rank, n, p)
    matrices = [a, b, c.transpose(0, 2, 1)]
    for _ in range(order[0]):
        matrices = [matrices[1], matrices[2], matrices[0]]
    if order[1] != (order[0] + 1) % 3:
        matrices = [matrix.transpose(0, 2, 1) for matrix in reversed(matrices)]
    x, y, z = matrices[0], matrices[1], matrices[2].transpose(0, 2, 1)
    return _flat(x), _flat(y), _flat(z)


def with_outputs_transposed(w: IntArray, rows: int, columns: int) -> IntArray:
    """Output factors of trace(A B C'), C transposed, from those of C row by row; or back, with the sizes exchanged.

    Args:
        w: Shape (rank, rows * columns).
        rows: Of C.
        columns: Of C.
    """
    return _flat(w.reshape(len(w), rows, columns).transpose(0, 2, 1))


def _flat(blocks: IntArray) -> IntArray:
    """Matrices, one a product, as rows; also for no products, where reshape cannot guess the width."""
    return blocks.reshape(len(blocks), math.prod(blocks.shape[1:]))


def order_to(source: Target, target: Target) -> tuple[int, int, int] | None:
    """The order of sizes that turns `source` into `target`; None if the two are no permutations of each other."""
    for order in ORDERS:
        if source.family == target.family == "matmul" and tuple(source.sizes[a] for a in order) == target.sizes:
            return order[0], order[1], order[2]
    return None


def canonical(target: Target) -> Target:
    """The same format with its sizes in rising order; any other target as it is."""
    rising = tuple(sorted(target.sizes))
    return matmul(*rising) if target.family == "matmul" and rising != target.sizes else target


def kronecker(first: Scheme, second: Scheme) -> Scheme:
    """The scheme of n1 n2 x m1 m2 x p1 p2, of rank r1 r2, that multiplies blocks by `first` and inside by `second`.

    Raises:
        TargetError: If a target is no `matmul`.
        RingError: If the rings have no common one.
        TooLargeError: If the product would not fit into memory.
    """
    first, second = _common(first, second)
    s, t = _sizes(first.target), _sizes(second.target)
    target = matmul(*(x * y for x, y in zip(s, t, strict=True)))
    memory.require(8 * 4 * first.rank * second.rank * sum(target.shape), f"a scheme of {target.name}")
    shapes = [((s[i], s[j]), (t[i], t[j])) for i, j in ((0, 1), (1, 2), (0, 2))]
    parts = [_kronecker_parts(x, y, shape) for x, y, shape in zip(first.parts, second.parts, shapes, strict=True)]
    denominators = np.array([c * d for c in first.denominators.tolist() for d in second.denominators.tolist()], object)
    return _assembled(target, first.ring, parts, denominators)


def _kronecker_parts(x: Any, y: Any, shape: Any) -> tuple[IntArray, IntArray | None]:
    """Real and imaginary part of the products of two factors' rows."""

    def product(a: IntArray, b: IntArray) -> IntArray:
        (rows, columns), (inner_rows, inner_columns) = shape
        if rings.magnitude(a) * rings.magnitude(b) >= rings.INT64_SAFE:
            a, b = rings.widen(a), rings.widen(b)
        grid = a.reshape(len(a), 1, rows, 1, columns, 1) * b.reshape(1, len(b), 1, inner_rows, 1, inner_columns)
        return grid.reshape(len(a) * len(b), rows * inner_rows * columns * inner_columns)

    if x[1] is None or y[1] is None:
        return product(x[0], y[0]), None
    return product(x[0], y[0]) - product(x[1], y[1]), product(x[0], y[1]) + product(x[1], y[0])


def concatenate(first: Scheme, second: Scheme, axis: str) -> Scheme:
    """The scheme of the format that joins both along one size; the other two sizes must agree. Ranks add up.

    Args:
        first: Comes first along the axis.
        second: Comes behind it.
        axis: `n`, `m` or `p`.

    Raises:
        TargetError: If the other sizes differ, or `axis` is none of the three.
    """
    first, second = _common(first, second)
    position = _axis(axis)
    s, t = _sizes(first.target), _sizes(second.target)
    if any(s[i] != t[i] for i in range(3) if i != position):
        raise TargetError(f"{first.target.short} and {second.target.short} cannot be joined along {axis}: sizes differ")
    sizes = [s[i] + t[i] if i == position else s[i] for i in range(3)]
    target = matmul(*sizes)
    parts: list[tuple[IntArray, IntArray | None]] = []
    for k, (i, j) in enumerate(((0, 1), (1, 2), (0, 2))):
        widths = ((s[i], s[j]), (t[i], t[j]), (sizes[i], sizes[j]))
        joined = [_blocks(x, y, *widths) for x, y in zip(first.parts[k], second.parts[k], strict=True)]
        assert joined[0] is not None
        parts.append((joined[0], joined[1]))
    return _assembled(target, first.ring, parts, np.concatenate([first.denominators, second.denominators]))


def _blocks(x: IntArray | None, y: IntArray | None, a: Any, b: Any, whole: Any) -> IntArray | None:
    """Rows of x placed at the front of the larger matrix, rows of y at its back."""
    if x is None or y is None:
        return None
    top = np.zeros((len(x), *whole), dtype=object)
    top[:, : a[0], : a[1]] = x.reshape(len(x), *a)
    bottom = np.zeros((len(y), *whole), dtype=object)
    bottom[:, whole[0] - b[0] :, whole[1] - b[1] :] = y.reshape(len(y), *b)
    return _flat(np.concatenate([top, bottom]))


def project(scheme: Scheme, axis: str, index: int) -> Scheme:
    """The scheme of the format one smaller along one size; products that become zero are dropped.

    Args:
        scheme: A scheme of n x m x p.
        axis: `n`, `m` or `p`.
        index: The row or column left out, from 0.

    Raises:
        TargetError: If there is no such row or column, or it is the last one.
    """
    position, sizes = _axis(axis), _sizes(scheme.target)
    if not 0 <= index < sizes[position] or sizes[position] == 1:
        raise TargetError(f"{scheme.target.short}: cannot leave out {axis} = {index}; {sizes[position]} are there")
    smaller = [size - (i == position) for i, size in enumerate(sizes)]

    def cut(factors: Factors) -> Factors:
        kept = []
        for factor, (i, j) in zip(factors, ((0, 1), (1, 2), (0, 2)), strict=True):
            block = factor.reshape(len(factor), sizes[i], sizes[j])
            if position in (i, j):
                block = np.delete(block, index, axis=1 if position == i else 2)
            kept.append(_flat(block))
        return kept[0], kept[1], kept[2]

    return without_zero_products(_mapped(scheme, matmul(*smaller), cut))


def without_zero_products(scheme: Scheme) -> Scheme:
    """The same sum without products that have a zero factor."""
    alive = np.ones(scheme.rank, dtype=bool)
    for real, imag in scheme.parts:
        alive &= (real != 0).any(axis=1) if imag is None else ((real != 0) | (imag != 0)).any(axis=1)
    parts = [(real[alive], None if imag is None else imag[alive]) for real, imag in scheme.parts]
    return _assembled(scheme.target, scheme.ring, parts, scheme.denominators[alive])


def sandwich(scheme: Scheme, left: ArrayLike, middle: ArrayLike, right: ArrayLike) -> Scheme:
    """Change of basis: A becomes L A M^-1, B becomes M B R^-1, so that C becomes L C R^-1, and C is taken back.

    Args:
        scheme: A scheme of n x m x p over `zt`, `z`, `q`, `f2` or `f3`; the result over `zt` and `z` is declared over
            the smallest set that holds it.
        left: Integers, invertible over the scheme's field, shape (n, n).
        middle: Likewise, shape (m, m).
        right: Likewise, shape (p, p).

    Raises:
        SchemeError: If a matrix has another shape or is not invertible.
    """
    if scheme.ring is Ring.QI:
        raise SchemeError("a change of basis over qi is not offered; the matrices are integers")
    sizes = _sizes(scheme.target)
    pairs = [_with_inverse(m, size, scheme.ring) for m, size in zip((left, middle, right), sizes, strict=True)]
    (a, a_inv, a_den), (b, b_inv, b_den), (c, c_inv, c_den) = pairs

    def change(factors: Factors) -> Factors:
        u, v, w = (
            rings.widen(f).reshape(len(f), sizes[i], sizes[j])
            for f, (i, j) in zip(factors, ((0, 1), (1, 2), (0, 2)), strict=True)
        )
        changed = (a.T @ u @ b_inv.T, b.T @ v @ c_inv.T, a_inv @ w @ c)
        x, y, z = (_flat(f) for f in changed)
        return x, y, z

    denominators = np.array([d * a_den * b_den * c_den for d in scheme.denominators.tolist()], dtype=object)
    u, v, w = change(scheme.factors)
    if scheme.ring.characteristic:
        p = scheme.ring.characteristic
        return Scheme(scheme.target, scheme.ring, u % p, v % p, w % p)
    return tightened(Scheme(scheme.target, Ring.Q, u, v, w, denominators))


def _with_inverse(matrix: ArrayLike, size: int, ring: Ring) -> tuple[IntArray, IntArray, int]:
    """The matrix, its inverse times a common denominator, and that denominator; residues over `f2` and `f3`."""
    from sympy import GF, QQ
    from sympy.polys.matrices import DomainMatrix
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    array = rings.widen(rings.exact(matrix, 2))
    if array.shape != (size, size):
        raise SchemeError(f"a change of basis of shape {array.shape}: ({size}, {size}) is needed")
    domain = GF(ring.characteristic) if ring.characteristic else QQ
    entries = [[domain(int(x)) for x in row] for row in array]
    try:
        inverse = DomainMatrix(entries, (size, size), domain).inv().to_list()
    except DMNonInvertibleMatrixError:
        raise SchemeError(f"a change of basis that is not invertible over {ring.field}") from None
    if ring.characteristic:
        return array, np.array([[int(x) for x in row] for row in inverse], dtype=object), 1
    scale = math.lcm(*(int(x.denominator) for row in inverse for x in row))
    return array, np.array([[int(x * scale) for x in row] for row in inverse], dtype=object), scale


def tightened(scheme: Scheme) -> Scheme:
    """The scheme with each product's shared factors cancelled, declared over the smallest set that then holds it."""
    from bilinear.decompositions.identity import normal_form

    if scheme.ring.characteristic:
        return scheme
    normal = normal_form(scheme)
    return normal.to(rings.smallest(normal.factors, normal.denominators, normal.imag))


def _mapped(scheme: Scheme, target: Target, change: Callable[[Factors], Factors]) -> Scheme:
    """A scheme of `target` with the factors changed, real and imaginary parts alike."""
    real = change(scheme.factors)
    imag = None if scheme.imag is None else change(scheme.imag)
    return Scheme(target, scheme.ring, *real, scheme.denominators, imag)


def _assembled(target: Target, ring: Ring, parts: Sequence[tuple[IntArray, Any]], denominators: IntArray) -> Scheme:
    (u, ui), (v, vi), (w, wi) = parts
    imag = None if ui is None else (ui, vi, wi)
    if p := ring.characteristic:
        u, v, w = u % p, v % p, w % p
    return Scheme(target, ring, u, v, w, denominators, imag)


def _common(first: Scheme, second: Scheme) -> tuple[Scheme, Scheme]:
    """Both over the larger of their two sets, or modulo p if one is; over `qi` both with imaginary parts."""
    if first.ring != second.ring:
        keeps = first.ring.characteristic or rings.holds(first.ring, second.ring)
        common = first.ring if keeps else second.ring
        first, second = first.to(common), second.to(common)
    return (_with_imag(first), _with_imag(second)) if first.ring is Ring.QI else (first, second)


def _with_imag(scheme: Scheme) -> Scheme:
    if scheme.imag is not None:
        return scheme
    u, v, w = (np.zeros(f.shape, np.int64) for f in scheme.factors)
    return Scheme(scheme.target, scheme.ring, *scheme.factors, scheme.denominators, (u, v, w))


def _sizes(target: Target) -> tuple[int, ...]:
    if target.family != "matmul":
        raise TargetError(f"{target.short}: this operation is defined for matmul only")
    return target.sizes


def _axis(axis: str) -> int:
    if axis not in AXES:
        raise TargetError(f"axis {axis!r}: one of n, m, p is needed")
    return AXES.index(axis)

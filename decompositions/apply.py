"""Using a scheme on NumPy arrays: one bilinear map, or recursive matrix multiplication."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions import rings
from bilinear.decompositions.errors import SchemeError, TargetError
from bilinear.decompositions.floats import float_factors
from bilinear.decompositions.scheme import Approximation, Scheme


def evaluate(scheme: Scheme | Approximation, x: ArrayLike, y: ArrayLike) -> NDArray[Any]:
    """The map's value f(x, y), computed with the scheme's products.

    Integers stay exact: in int64 where nothing can overflow, else as Python integers in an object array; also over `q`,
    whose denominators cancel in the sum. Over `f2` and `f3` the result is reduced.

    Args:
        scheme: A scheme, or an approximation.
        x: Shape (..., left).
        y: Shape (..., right).

    Returns:
        Shape (..., out).

    Raises:
        SchemeError: If the last axes do not fit, or a scheme over `qi` meets integers.
    """
    a, b = np.asarray(x), np.asarray(y)
    if a.shape[-1:] != scheme.target.shape[:1] or b.shape[-1:] != scheme.target.shape[1:2]:
        left, right, _ = scheme.target.shape
        raise SchemeError(
            f"{scheme.target.short}: inputs of shape {a.shape} and {b.shape}; "
            f"the last axes must be {left} and {right} long"
        )
    (u, v, w), a, b, scale = _exactly_or_as_floats(scheme, a, b, levels=1)
    return _descaled((a @ u.T * (b @ v.T)) @ w, scale, scheme)


def multiply(scheme: Scheme | Approximation, a: ArrayLike, b: ArrayLike, levels: int = 1) -> NDArray[Any]:
    """The matrix product A B, with `levels` levels of the scheme's recursion and plain products below.

    Sizes that the recursion does not divide are padded with zeros. Integers stay exact, as in `evaluate`.

    Args:
        scheme: A `matmul` scheme of n x m x p, or an approximation of one.
        a: Shape (rows, inner).
        b: Shape (inner, columns).
        levels: Levels of recursion, at least 0.

    Returns:
        Shape (rows, columns).

    Raises:
        TargetError: If the target is no `matmul`.
        SchemeError: If the inner sizes differ, `levels` is negative, or a scheme over `qi` meets integers.
    """
    x, y = np.asarray(a), np.asarray(b)
    if scheme.target.family != "matmul":
        raise TargetError(f"{scheme.target.short}: recursive multiplication needs a matmul scheme")
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[0]:
        raise SchemeError(f"matrices of shape {x.shape} and {y.shape} cannot be multiplied; inner sizes must agree")
    if levels < 0:
        raise SchemeError(f"{levels} levels of recursion; 0 or more are needed")
    n, m, p = (size**levels for size in scheme.target.sizes)
    rows, columns = len(x), y.shape[1]
    factors, x, y, scale = _exactly_or_as_floats(scheme, x, y, levels, inner=max(x.shape[1], 1))
    product = _recurse(factors, scheme.target.sizes, _padded(x, n, m), _padded(y, m, p), levels)
    return _descaled(product, scale, scheme)[:rows, :columns]


def _padded(matrix: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """The matrix with zeros up to multiples of the two sizes."""
    return np.pad(matrix, ((0, -matrix.shape[0] % rows), (0, -matrix.shape[1] % columns)))


def _recurse(factors: Any, sizes: tuple[int, ...], a: NDArray[Any], b: NDArray[Any], levels: int) -> NDArray[Any]:
    if levels == 0:
        return np.asarray(a @ b)
    u, v, w = factors
    n, m, p = sizes
    left, right = _combined(u, _tiles(a, n, m)), _combined(v, _tiles(b, m, p))
    products = np.zeros((len(left), left.shape[1], right.shape[2]), dtype=np.result_type(left, right))
    for q in range(len(left)):
        products[q] = _recurse(factors, sizes, left[q], right[q], levels - 1)
    tiles = _combined(w.T, products)
    height, width = tiles.shape[1:]
    return np.asarray(tiles.reshape(n, p, height, width).transpose(0, 2, 1, 3).reshape(n * height, p * width))


def _tiles(matrix: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """The blocks of a matrix, row by row, shape (rows * columns, height, width)."""
    height, width = matrix.shape[0] // rows, matrix.shape[1] // columns
    grid = matrix.reshape(rows, height, columns, width).transpose(0, 2, 1, 3)
    return grid.reshape(rows * columns, height, width)


def _combined(factor: NDArray[Any], tiles: NDArray[Any]) -> NDArray[Any]:
    """Linear combinations of blocks: factor (count, blocks) times tiles (blocks, height, width)."""
    return np.tensordot(factor, tiles, axes=1)


def _exactly_or_as_floats(
    scheme: Scheme | Approximation, x: NDArray[Any], y: NDArray[Any], levels: int, inner: int = 1
) -> tuple[tuple[NDArray[Any], ...], NDArray[Any], NDArray[Any], int]:
    """Factors and inputs in arithmetic that fits both, and the common denominator still to be divided out.

    Integers stay exact: int64 where no intermediate value can reach 2^62, else Python integers.
    """
    kinds = {x.dtype.kind, y.dtype.kind}
    if not kinds <= set("biufcO"):
        raise SchemeError(f"{scheme.target.short}: inputs of type {x.dtype} and {y.dtype}; numbers are needed")
    if isinstance(scheme, Approximation) or kinds & set("fc"):
        try:
            return float_factors(scheme), x, y, 1
        except OverflowError:
            raise SchemeError(f"{scheme.target.short}: a coefficient is too large for floats; use integers") from None
    if scheme.imag is not None:
        raise SchemeError(f"{scheme.target.short} over qi: inputs of integers; floats or complex are needed")
    scale = rings.common_multiple(scheme.denominators)
    weight = np.array([scale // d for d in scheme.denominators.tolist()], dtype=object)[:, None]
    factors = scheme.u, scheme.v, weight * scheme.w if scale > 1 else scheme.w
    fits = "O" not in kinds and _bound(factors, x, y, levels) * inner < rings.INT64_SAFE
    dtype = np.int64 if fits else object
    return tuple(f.astype(dtype) for f in factors), x.astype(dtype), y.astype(dtype), scale**levels


def _bound(factors: tuple[NDArray[Any], ...], x: NDArray[Any], y: NDArray[Any], levels: int) -> int:
    """No entry of a form, product or output of integers exceeds this (times the inner size of the product below)."""
    growth = max(len(factors[0]), 1)
    for factor in factors:
        growth *= max(rings.magnitude(factor), 1)
    for factor in factors[:2]:
        growth *= factor.shape[1]
    size = 1
    for values in (x, y):
        size *= max(rings.magnitude(values.astype(np.uint8) if values.dtype.kind == "b" else values), 1)
    return int(size * growth**levels)


def _descaled(values: NDArray[Any], scale: int, scheme: Scheme | Approximation) -> NDArray[Any]:
    """Divide the common denominator out again; reduce over `f2` and `f3`.

    A quotient that is no integer, as a wrong scheme may leave it, stays exact as a fraction.
    """
    if isinstance(scheme, Scheme) and scheme.ring.characteristic:
        return np.asarray(values % scheme.ring.characteristic)
    if scale == 1:
        return values
    if values.dtype != object and scale >= rings.INT64_SAFE:
        values = values.astype(object)
    if (values % scale != 0).any():
        return np.asarray(values.astype(object) * Fraction(1, scale))
    return np.asarray(values // scale)

"""Using a scheme on NumPy arrays: one bilinear map, or recursive matrix multiplication."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decompositions import rings
from decompositions.errors import SchemeError, TargetError
from decompositions.rings import Ring
from decompositions.scheme import Approximation, Scheme


def evaluate(scheme: Scheme | Approximation, x: ArrayLike, y: ArrayLike) -> NDArray[Any]:
    """The map's value f(x, y), computed with the scheme's products.

    Integers stay exact, also over `q`, whose denominators cancel in the sum; over `f2` and `f3` the result is reduced.

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
    u, v, w, scale = _factors(scheme, np.result_type(a, b))
    return _descaled((a @ u.T * (b @ v.T)) @ w, scale, scheme)


def multiply(scheme: Scheme | Approximation, a: ArrayLike, b: ArrayLike, levels: int = 1) -> NDArray[Any]:
    """The matrix product A B, with `levels` levels of the scheme's recursion and plain products below.

    Sizes that the recursion does not divide are padded with zeros.

    Args:
        scheme: A `matmul` scheme of n x m x p, or an approximation of one.
        a: Shape (rows, inner).
        b: Shape (inner, columns).
        levels: Levels of recursion, at least 0.

    Returns:
        Shape (rows, columns).

    Raises:
        TargetError: If the target is no `matmul`.
        SchemeError: If the inner sizes differ, or `levels` is negative.
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
    u, v, w, scale = _factors(scheme, np.result_type(x, y))
    product = _recurse((u, v, w), scheme.target.sizes, _padded(x, n, m), _padded(y, m, p), levels)
    return _descaled(product, scale**levels, scheme)[:rows, :columns]


def _padded(matrix: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """The matrix with zeros up to multiples of the two sizes."""
    return np.pad(matrix, ((0, -matrix.shape[0] % rows), (0, -matrix.shape[1] % columns)))


def _recurse(factors: Any, sizes: tuple[int, ...], a: NDArray[Any], b: NDArray[Any], levels: int) -> NDArray[Any]:
    if levels == 0:
        return np.asarray(a @ b)
    u, v, w = factors
    n, m, p = sizes
    left, right = _combined(u, _tiles(a, n, m)), _combined(v, _tiles(b, m, p))
    products = np.stack([_recurse(factors, sizes, x, y, levels - 1) for x, y in zip(left, right, strict=True)])
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


def _factors(scheme: Scheme | Approximation, dtype: np.dtype[Any]) -> tuple[NDArray[Any], ...]:
    """u, v, w times the common denominator, and that denominator, in arithmetic fit for inputs of `dtype`."""
    if isinstance(scheme, Approximation):
        return *scheme.factors, np.array(1)
    scale = rings.common_multiple(scheme.denominators)
    weight = np.array([scale // d for d in scheme.denominators.tolist()], dtype=object)[:, None]
    parts = [scheme.u, scheme.v, rings.exact(weight * scheme.w, 2) if scale > 1 else scheme.w]
    if scheme.imag is not None:
        if dtype.kind not in "fc":
            raise SchemeError(f"{scheme.target.short} over qi: inputs of type {dtype}; floats or complex are needed")
        parts = [real + 1j * part for real, part in zip(parts, _scaled_imag(scheme, weight), strict=True)]
    return *parts, np.array(scale, dtype=object if scale >= rings.INT64_SAFE else None)


def _scaled_imag(scheme: Scheme, weight: NDArray[Any]) -> list[NDArray[Any]]:
    assert scheme.imag is not None
    u, v, w = scheme.imag
    return [u.astype(np.float64), v.astype(np.float64), (weight * w).astype(np.float64)]


def _descaled(values: NDArray[Any], scale: Any, scheme: Scheme | Approximation) -> NDArray[Any]:
    """Divide the common denominator out again; reduce over `f2` and `f3`."""
    if isinstance(scheme, Scheme) and scheme.ring in (Ring.F2, Ring.F3):
        return np.asarray(values % scheme.ring.characteristic)
    if int(scale) == 1:
        return values
    return np.asarray(values // int(scale) if values.dtype.kind in "iuO" else values / int(scale))

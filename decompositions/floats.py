"""From exact factors to floating-point ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import FloatRangeError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.rings import IntArray, magnitude, widen
from bilinear.decompositions.scheme import Approximation, Scheme

LARGE = 1 << 100
"""Coefficients above it are cancelled where they can be: products of a few of them leave the floats."""

EXACT = 1 << 53
"""Integers up to here are floats themselves, so that a quotient of two is rounded once."""


def float_factors(source: Scheme | Approximation) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """u, v and w, the denominators divided into w: float64, complex128 over `qi`; each number is rounded once.

    Those of an approximation are its own, read-only. Residues over `f2` and `f3` are taken for the integers they are
    written as: who computes with real numbers refuses them first.

    Where a coefficient is above 2^100, the common factors of each product are cancelled first.

    Returns:
        Shapes (rank, left), (rank, right) and (rank, out).

    Raises:
        FloatRangeError: If a coefficient is too large for a float even so.
    """
    if isinstance(source, Approximation):
        return source.factors
    largest = max(magnitude(factor) for part in source.parts for factor in part if factor is not None)
    try:
        return _converted(
            source if largest <= LARGE and magnitude(source.denominators) <= LARGE else normal_form(source)
        )
    except OverflowError:
        bits = largest.bit_length()
        raise FloatRangeError(
            f"{source.target.short}: a coefficient of {bits} bits; floats hold those below 2^1024"
        ) from None


def _converted(source: Scheme) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    u, v, w = _divided(source.factors, source.denominators)
    if source.imag is None:
        return u, v, w
    x, y, z = _divided(source.imag, source.denominators)
    return u + 1j * x, v + 1j * y, w + 1j * z


def _divided(factors: tuple[IntArray, ...], denominators: IntArray) -> list[NDArray[np.float64]]:
    """Three factors, the last over the denominators of its rows; Python divides integers of any size rounding once."""
    u, v, w = factors
    if max(magnitude(w), magnitude(denominators)) > EXACT:
        quotients = (widen(w) / widen(denominators)[:, None]).astype(np.float64)
    else:
        quotients = w.astype(np.float64) / denominators.astype(np.float64)[:, None]
    return [u.astype(np.float64), v.astype(np.float64), quotients]

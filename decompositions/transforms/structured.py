"""Transforms given by parameters, by random numbers, or by polynomials; the controls are among them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator, default_rng

from bilinear.decompositions.registry import normalise
from bilinear.decompositions.rings import INT64_SAFE
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix, Integers, Terms
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.transform import (
    Matrix,
    Transform,
    TransformFamily,
    checked_size,
    from_cyclotomic,
)
from bilinear.decompositions.transforms.trigonometric import hadamard

MAX_COEFFICIENT = INT64_SAFE >> 30
"""Of a given filter, so that sums of residues and coefficients stay inside int64."""


def circulant(coefficients: Integers) -> CyclotomicMatrix:
    """The circular convolution with a filter c: entry (k, n) is c[(k - n) mod size]."""
    size = len(coefficients)

    def terms(k: Integers, n: Integers) -> Terms:
        return [(coefficients[(k - n) % size], 0)]

    return CyclotomicMatrix(size, 1, terms, real=True)


def build_circulant(spec: str, size: int | None, seed: int) -> Transform:
    """From `1,2,0,1`, padded with zeros to the size; a random filter of normal numbers without parameters.

    Raises:
        TransformError: If the filter is not a list of integers, or longer than the size.
    """
    if not spec:
        size = checked_size("circulant", size)
        k = np.arange(size)
        return Transform("circulant", default_rng(seed).standard_normal(size)[(k[:, None] - k) % size])
    given = [_coefficient(part, spec) for part in spec.split(",")]
    size = checked_size("circulant", len(given) if size is None else size)
    if len(given) > size:
        raise TransformError(f"circulant: a filter of {len(given)} numbers for size {size}; give --size {len(given)}")
    padded = np.array(given + [0] * (size - len(given)), dtype=np.int64)
    return from_cyclotomic(f"circulant:{','.join(map(str, given))}", circulant(padded))


def _coefficient(text: str, spec: str) -> int:
    text = text.strip()
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
        raise TransformError(f"circulant:{spec[:40]}: {text[:20]!r} is no integer; a filter is written 1,2,0,1")
    if abs(int(text)) > MAX_COEFFICIENT:
        raise TransformError(f"circulant: coefficient {text} is too large; at most {MAX_COEFFICIENT} is held")
    return int(text)


def _toeplitz(size: int, rng: Generator) -> Matrix:
    k = np.arange(size)
    matrix: Matrix = rng.standard_normal(2 * size - 1)[k[:, None] - k + size - 1]
    return matrix


def _randn(size: int, rng: Generator) -> Matrix:
    return rng.standard_normal((size, size)) / math.sqrt(size)


def _hilbert(size: int, rng: Generator) -> Matrix:
    k = np.arange(size, dtype=np.float64)
    return 1 / (k[:, None] + k + 1)


def _legendre(size: int, rng: Generator) -> Matrix:
    """P_k at `size` equally spaced points of [-1, 1], by the three-term recurrence."""
    x = np.linspace(-1, 1, size)
    rows = [np.ones(size), x]
    for k in range(1, size - 1):
        rows.append(((2 * k + 1) * x * rows[k] - k * rows[k - 1]) / (k + 1))
    return np.stack(rows[:size])


def _vandermonde(size: int, rng: Generator) -> Matrix:
    """x_k^n for sorted random nodes of [-1, 1]."""
    nodes = np.sort(rng.uniform(-1, 1, size))
    return nodes[:, None] ** np.arange(size)


def _fastfood(size: int, rng: Generator) -> Matrix:
    """S H G P H B: signs, Hadamard, a random permutation, normal numbers, Hadamard, lengths.

    Source:
        Q. Le, T. Sarlos, A. Smola, "Fastfood: approximating kernel expansions in loglinear time", ICML 2013.
    """
    index = np.arange(size)
    h = hadamard(size).numeric(index[:, None], index[None, :])
    signs, gaussian = rng.choice([-1.0, 1.0], size), rng.standard_normal(size)
    lengths = np.sqrt(rng.chisquare(size, size))
    middle = (gaussian[:, None] * h[rng.permutation(size)]) * signs
    product: Matrix = lengths[:, None] * (h @ middle) / size
    return product


def _from_numbers(name: str, make: Callable[[int, Generator], Matrix], description: str) -> TransformFamily:
    def build(spec: str, size: int | None, seed: int) -> Transform:
        if spec:
            raise TransformError(f"{name}:{spec[:40]}: {name} takes no parameters; write {normalise(name)} and --size")
        return Transform(name, make(checked_size(name, size), default_rng(seed)))

    return TransformFamily(name, description, build)


CIRCULANT = TransformFamily("circulant[:C0,C1,...]", "C[(k - n) mod N]; normal numbers if not given", build_circulant)
TOEPLITZ = _from_numbers("toeplitz", _toeplitz, "t[k - n], normal numbers")
RANDN = _from_numbers("randn", _randn, "normal numbers; the negative control")
HILBERT = _from_numbers("hilbert", _hilbert, "1 / (k + n + 1); nearly of low rank")
LEGENDRE = _from_numbers("legendre", _legendre, "Legendre polynomial k at point n of [-1, 1]")
VANDERMONDE = _from_numbers("vandermonde", _vandermonde, "x_k^n at random points of [-1, 1]")
FASTFOOD = _from_numbers("fastfood", _fastfood, "lengths, Hadamard, normal numbers, a permutation, Hadamard, signs")

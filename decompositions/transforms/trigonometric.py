"""Transforms whose entries are sums of roots of unity. None is scaled: entries are those of the definition."""

from __future__ import annotations

import math

import numpy as np

from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix, Integers, Terms
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.transform import Transform, TransformFamily, checked_size, from_cyclotomic


def dft(size: int) -> CyclotomicMatrix:
    """exp(-2 pi i k n / size)."""
    return CyclotomicMatrix(size, size, lambda k, n: [(1, -k * n)])


def idft(size: int) -> CyclotomicMatrix:
    """exp(2 pi i k n / size) / size."""
    return CyclotomicMatrix(size, size, lambda k, n: [(1, k * n)], denominator=size)


def hartley(size: int) -> CyclotomicMatrix:
    """cos + sin of 2 pi k n / size."""
    order = math.lcm(size, 4)

    def terms(k: Integers, n: Integers) -> Terms:
        angle = k * n * (order // size)
        return [*_cosine(angle), *_sine(angle, order)]

    return CyclotomicMatrix(size, order, terms, denominator=2, real=True)


def dct_ii(size: int) -> CyclotomicMatrix:
    """cos of pi k (2 n + 1) / (2 size)."""
    return CyclotomicMatrix(size, 4 * size, lambda k, n: _cosine(k * (2 * n + 1)), denominator=2, real=True)


def dct_iii(size: int) -> CyclotomicMatrix:
    """cos of pi (2 k + 1) n / (2 size), the transpose of `dct-ii`."""
    return CyclotomicMatrix(size, 4 * size, lambda k, n: _cosine((2 * k + 1) * n), denominator=2, real=True)


def dct_iv(size: int) -> CyclotomicMatrix:
    """cos of pi (2 k + 1) (2 n + 1) / (4 size)."""
    return CyclotomicMatrix(size, 8 * size, lambda k, n: _cosine((2 * k + 1) * (2 * n + 1)), denominator=2, real=True)


def dst_ii(size: int) -> CyclotomicMatrix:
    """sin of pi (k + 1) (2 n + 1) / (2 size)."""
    order = 4 * size
    return CyclotomicMatrix(size, order, lambda k, n: _sine((k + 1) * (2 * n + 1), order), denominator=2, real=True)


def hadamard(size: int) -> CyclotomicMatrix:
    """(-1)^(number of ones that k and n share in binary); the size is a power of two.

    Raises:
        TransformError: If it is not.
    """
    _check_power_of_two("hadamard", size)
    return CyclotomicMatrix(
        size, 1, lambda k, n: [(1 - 2 * (np.bitwise_count(k & n) % 2).astype(np.int64), 0)], 1, True
    )


def haar(size: int) -> CyclotomicMatrix:
    """Row 0 is all ones; row 2^s + t is 1 and -1 on the halves of block t of size / 2^s; the size is a power of two.

    Raises:
        TransformError: If it is not.
    """
    _check_power_of_two("haar", size)

    def terms(k: Integers, n: Integers) -> Terms:
        scale = np.frexp(np.maximum(k, 1))[1].astype(np.int64) - 1
        half = size >> (scale + 1)
        block = n // np.maximum(2 * half, 1) == k - (1 << scale)
        sign = 1 - 2 * (n // np.maximum(half, 1) % 2)
        return [(np.where(k == 0, 1, np.where(block, sign, 0)), 0)]

    return CyclotomicMatrix(size, 1, terms, real=True)


def _cosine(angle: Integers) -> Terms:
    """Twice the cosine."""
    return [(1, angle), (1, -angle)]


def _sine(angle: Integers, order: int) -> Terms:
    """Twice the sine; 1 / i = zeta^(-order / 4)."""
    quarter = order // 4
    return [(1, angle - quarter), (-1, -angle - quarter)]


def _check_power_of_two(name: str, size: int) -> None:
    if size & (size - 1):
        raise TransformError(f"{name}: size {size} is no power of two; {name} needs 2, 4, 8, ...")


def _family(name: str, description: str) -> TransformFamily:
    def build(spec: str, size: int | None, seed: int) -> Transform:
        if spec:
            raise TransformError(f"{name}:{spec[:40]}: {name} takes no parameters; write {name} and give --size")
        return from_cyclotomic(name, _DEFINITIONS[name](checked_size(name, size)))

    return TransformFamily(name, description, build)


_DEFINITIONS = {
    "dft": dft,
    "idft": idft,
    "hartley": hartley,
    "dct-ii": dct_ii,
    "dct-iii": dct_iii,
    "dct-iv": dct_iv,
    "dst-ii": dst_ii,
    "hadamard": hadamard,
    "haar": haar,
}

DFT = _family("dft", "exp(-2 pi i k n / N)")
IDFT = _family("idft", "exp(2 pi i k n / N) / N")
HARTLEY = _family("hartley", "cos(2 pi k n / N) + sin(2 pi k n / N)")
DCT_II = _family("dct-ii", "cos(pi k (2n + 1) / 2N)")
DCT_III = _family("dct-iii", "cos(pi (2k + 1) n / 2N)")
DCT_IV = _family("dct-iv", "cos(pi (2k + 1)(2n + 1) / 4N)")
DST_II = _family("dst-ii", "sin(pi (k + 1)(2n + 1) / 2N)")
HADAMARD = _family("hadamard", "(-1)^(bits that k and n share)")
HAAR = _family("haar", "1, -1 on the halves of dyadic blocks")

"""Fast transforms known by construction: Cooley and Tukey's, and what is reached through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.registry import Registry
from bilinear.decompositions.transforms.cyclotomic import Integers, prime_factors, roots_of_unity
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import ButterflyFactor, Factor, FastTransform, Selection, diagonal
from bilinear.decompositions.transforms.orders import HALVES, STRIDED, Ordering, fold, tree_nodes, uniform

FAST_CONSTRUCTIONS = Registry(
    "construction",
    {
        "dft": "bilinear.decompositions.transforms.constructions:cooley_tukey",
        "idft": "bilinear.decompositions.transforms.constructions:inverse_cooley_tukey",
        "dct-ii": "bilinear.decompositions.transforms.constructions:fast_dct",
        "dst-ii": "bilinear.decompositions.transforms.constructions:fast_dst",
        "hartley": "bilinear.decompositions.transforms.constructions:fast_hartley",
        "hadamard": "bilinear.decompositions.transforms.constructions:fast_hadamard",
        "haar": "bilinear.decompositions.transforms.constructions:fast_haar",
    },
)
"""`transform -> "module:function"`; the function takes a size."""


def construct(name: str, size: int) -> FastTransform:
    """The known fast algorithm of a transform.

    Raises:
        UnknownNameError: If none is known here.
        TransformError: If it needs another size.
    """
    return cast("Callable[[int], FastTransform]", FAST_CONSTRUCTIONS.load(name))(size)


def cooley_tukey(size: int, sign: int = -1) -> FastTransform:
    """The discrete Fourier transform by one butterfly a prime factor of the size; O(size * sum of prime factors).

    A level splits rows k = i mod q into k = i + q c mod q p; it joins p columns by exp(-2 pi i (i + q c) b / (q p)).

    Source:
        J. Cooley, J. Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.
    """
    radices = prime_factors(size)
    ordering = uniform(radices, STRIDED, STRIDED)
    levels: list[Factor] = []
    q = 1
    for level, radix in enumerate(radices):
        residues = tree_nodes(size, ordering.rows[:level], radices)[:, 0]
        angle = (residues[:, None] + q * np.arange(radix))[:, :, None] * np.arange(radix) * sign % (q * radix)
        blocks = roots_of_unity(q * radix)[angle][:, :, None, None, :, None]
        q *= radix
        levels.append(ButterflyFactor(np.broadcast_to(blocks, (q // radix, radix, size // q, 1, radix, 1))))
    return _ordered(ordering, levels)


def inverse_cooley_tukey(size: int) -> FastTransform:
    """The inverse: the other sign, and a division by the size."""
    return FastTransform((*cooley_tukey(size, 1).factors, diagonal(np.full(size, 1 / size))))


def fast_dct(size: int) -> FastTransform:
    """`dct-ii`: columns evens first, then odds reversed, a Fourier transform, and half of e^(-i pi k / 2N) X_k + conj.

    Source:
        J. Makhoul, "A fast cosine transform in one and two dimensions", 1980. We write the conjugate as X_(N-k), which
        it is for real input, so that the whole is linear.
    """
    order = Selection(fold(np.arange(size, dtype=np.int64)), size)
    return FastTransform((order, *_with_mirror(roots_of_unity(4 * size)[-np.arange(size) % (4 * size)] / 2).factors))


def fast_dst(size: int) -> FastTransform:
    """`dst-ii`: the cosine transform of the input with signs 1, -1, 1, ..., read backwards."""
    signs = diagonal(1.0 - 2.0 * (np.arange(size) % 2))
    back = Selection(np.arange(size, dtype=np.int64)[::-1].copy(), size)
    return FastTransform((signs, *fast_dct(size).factors, back))


def fast_hartley(size: int) -> FastTransform:
    """`hartley`: (1 + i) / 2 X_k + (1 - i) / 2 X_(N-k) of the Fourier transform X."""
    return _with_mirror(np.full(size, 0.5 + 0.5j))


def fast_hadamard(size: int) -> FastTransform:
    """`hadamard`: sums and differences on every level.

    Raises:
        TransformError: If the size is no power of two.
    """
    levels = _levels("hadamard", size)
    mixing = np.array([[1.0, 1.0], [1.0, -1.0]])[None, :, None, None, :, None]
    shapes = [(1 << level, 2, size >> (level + 1), 1, 2, 1) for level in range(levels)]
    return _ordered(
        uniform((2,) * levels, HALVES, STRIDED), [ButterflyFactor(np.broadcast_to(mixing, s)) for s in shapes]
    )


def fast_haar(size: int) -> FastTransform:
    """`haar`: sums and differences of neighbours; then the same of the sums.

    Raises:
        TransformError: If the size is no power of two.
    """
    factors: list[Factor] = []
    for level in range(_levels("haar", size)):
        active = size >> level
        blocks = np.tile(np.eye(2), (size // 2, 1, 1))
        blocks[: active // 2] = [[1, 1], [1, -1]]
        index = np.arange(active, dtype=np.int64)
        order = np.concatenate([index[::2], index[1::2], np.arange(active, size)])
        factors += [ButterflyFactor(blocks[:, None, None, :, None, :]), Selection(order, size)]
    return FastTransform(tuple(factors))


def _with_mirror(weights: NDArray[np.complex128]) -> FastTransform:
    """weights[k] X_k + conj(weights[k]) X_(N-k) of the Fourier transform X."""
    size = len(weights)
    k: Integers = np.arange(size, dtype=np.int64)
    pairs = Selection(np.stack([k, -k % size], axis=1).ravel(), size)
    mixing = ButterflyFactor(np.stack([weights, weights.conj()], axis=1)[:, None, None, None, None, :])
    return FastTransform((*cooley_tukey(size).factors, pairs, mixing))


def _ordered(ordering: Ordering, levels: list[Factor]) -> FastTransform:
    rows, columns = ordering.row_order, ordering.column_order
    return FastTransform((Selection(columns, len(columns)), *levels, Selection(np.argsort(rows), len(rows))))


def _levels(name: str, size: int) -> int:
    if size < 2 or size & (size - 1):
        raise TransformError(f"{name}: size {size} is no power of two; {name} needs 2, 4, 8, ...")
    return size.bit_length() - 1

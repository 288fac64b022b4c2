"""Numbers that no change of basis changes: how the matrices of a scheme's products lie to one another.

A -> P A Q^-1, B -> Q B R^-1, C -> P C R^-1 takes the coefficients of a product, read as matrices U, V, W, to
P^-T U Q^T, Q^-T V R^T, P W R^-1. The ranks of U, V, W stay; so do those of U V', V W'^T, W^T U' and of two such
matrices side by side or one above the other, for every pair of products. Colours are refined by them until they split
no more, as in the test of graph isomorphism by Weisfeiler and Leman (1968).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.modular import LARGE_PRIME, Residues, ranks
from bilinear.decompositions.operations import ORDERS, permute
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme

MAX_RANK = 400  # the pairs of so many products fit into memory


class Colours(NamedTuple):
    """What no change of basis changes.

    Attributes:
        products: A colour for each product, equal for products that look alike, of any scheme, shape (rank,).
        pairs: Likewise for each ordered pair, shape (rank, rank).
    """

    products: NDArray[np.uint64]
    pairs: NDArray[np.uint64]


def matrices(scheme: Scheme) -> tuple[Residues, Residues, Residues]:
    """U, V, W as matrices over the field of `prime_of(scheme)`, scalars of a product left out.

    Returns:
        Shapes (rank, n, m), (rank, m, p), (rank, n, p).

    Raises:
        SchemeError: If the scheme is too large, over `qi`, or no matrix product.
    """
    if scheme.target.family != "matmul":
        raise SchemeError(f"{scheme.target.short}: equivalence is decided for matmul targets only")
    if scheme.ring is Ring.QI:
        raise SchemeError("equivalence over qi is not offered; over zt, z, q, f2 and f3 it is")
    if scheme.rank > MAX_RANK:
        raise SchemeError(f"{scheme.rank} products: equivalence is decided up to {MAX_RANK}")
    n, m, p = scheme.target.sizes
    u, v, w = ((f % prime_of(scheme)).astype(np.int64) for f in scheme.factors)
    return u.reshape(-1, n, m), v.reshape(-1, m, p), w.reshape(-1, n, p)


def prime_of(scheme: Scheme) -> int:
    """The field in which ranks are taken: the scheme's own, or a large one in place of the rationals."""
    return scheme.ring.characteristic or LARGE_PRIME


def colours(scheme: Scheme) -> Colours:
    """The colours of a scheme's products.

    Equal schemes up to a change of basis have equal colours up to order. In characteristic 0 ranks are taken modulo
    2^31 - 1, and can only differ from the true ones if that prime divides a minor.

    Raises:
        SchemeError: As for `matrices`.
    """
    factors, p = matrices(scheme), prime_of(scheme)
    alone = np.stack([ranks(factor, p) for factor in factors], axis=1)
    pairs = _numbers(_pairs(factors, p))
    products = _numbers(alone)
    while True:
        finer = _refined(products, pairs)
        if len(np.unique(finer)) == len(np.unique(products)):
            return Colours(finer, pairs)
        products = finer


def invariant(scheme: Scheme) -> str:
    """A short text that is equal for schemes that a symmetry of their target takes to one another.

    Changes of basis and the permutations of the factors that keep the format are the symmetries.

    Raises:
        SchemeError: As for `matrices`.
    """
    every = [permute(scheme, order) for order in ORDERS]
    same = [other for other in every if other.target == scheme.target]
    return min(hashlib.sha256(np.sort(colours(other).products).tobytes()).hexdigest()[:16] for other in same)


def _pairs(factors: tuple[Residues, Residues, Residues], p: int) -> NDArray[np.int64]:
    """The ranks of every pair, shape (rank, rank, 9)."""
    u, v, w = factors
    number = len(u)
    chains = ((u, v), (v, w.transpose(0, 2, 1)), (w.transpose(0, 2, 1), u))
    found = [_chained(x, y, p) for x, y in chains]
    for factor in factors:
        for matrix in (factor, factor.transpose(0, 2, 1)):
            shape = (number, number, *matrix.shape[1:])
            both = np.concatenate(
                [np.broadcast_to(matrix[:, None], shape), np.broadcast_to(matrix[None], shape)], axis=3
            )
            found.append(ranks(both.reshape(number * number, *both.shape[2:]), p).reshape(number, number))
    return np.stack(found, axis=2)


def _chained(x: Residues, y: Residues, p: int) -> NDArray[np.int64]:
    """The ranks of the products of every matrix of one stack with every one of another."""
    total = np.zeros((len(x), len(y), x.shape[1], y.shape[2]), np.int64)
    for inner in range(x.shape[2]):
        total = (total + x[:, None, :, inner, None] * y[None, :, inner, None, :] % p) % p
    return ranks(total.reshape(-1, *total.shape[2:]), p).reshape(len(x), len(y))


def _refined(products: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A colour from a product's own and those of all others, each with its pair."""
    number = len(products)
    seen = np.stack([pairs, pairs.T, np.broadcast_to(products, (number, number))], axis=2)
    views = [sorted(map(tuple, row)) for row in seen.tolist()]
    return np.array([_hash((own, view)) for own, view in zip(products.tolist(), views, strict=True)], np.uint64)


def _numbers(labels: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One number for each row of the last axis, the same for the same row anywhere."""
    rows, places = np.unique(labels.reshape(-1, labels.shape[-1]), axis=0, return_inverse=True)
    return _hashes(map(tuple, rows.tolist()))[places.reshape(labels.shape[:-1])]


def _hashes(values: Iterable[object]) -> NDArray[np.uint64]:
    return np.array([_hash(value) for value in values], np.uint64)


def _hash(value: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(value).encode()).digest()[:8], "little")

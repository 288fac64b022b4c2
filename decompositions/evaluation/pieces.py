"""Formulas that stand by themselves, and how blocks of coefficients are laid out: what plans are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.evaluation.crt import Place
from bilinear.decompositions.evaluation.fields import Field
from bilinear.decompositions.evaluation.formula import Formula, tensor


@dataclass(frozen=True)
class Plan:
    """A formula that is not built yet.

    Attributes:
        rank: Its number of products.
        build: Makes it.
        window: The outputs that one product reaches lie among so many neighbours; told by plans over `TERNARY` alone.
    """

    rank: int
    build: Callable[[], Formula]
    window: int = 0


@dataclass(frozen=True)
class LocalPlan:
    """A formula of the product modulo a power of an irreducible polynomial; the rank depends on the degrees alone.

    Attributes:
        rank: Its number of products.
        build: Makes it for a place.
    """

    rank: int
    build: Callable[[Place], Formula]


def schoolbook(field: Field, m: int, n: int, out: int) -> Formula:
    """One product for every pair of coefficients that reaches the first `out` coefficients of the product."""
    i, j = (axis.ravel() for axis in np.indices((m, n)))
    i, j = i[i + j < out], j[i + j < out]
    return Formula(field, field.identity(m)[i], field.identity(n)[j], field.identity(out)[i + j])


def pairwise(field: Field, size: int) -> Formula:
    """The products a_i b_i and (a_i + a_j)(b_i + b_j), which are joined with signs only.

    Source:
        A. Weimerskirch, C. Paar, "Generalizations of the Karatsuba algorithm for efficient implementations", 2006.
    """
    identity, out = field.identity(size), field.identity(2 * size - 1)
    i, j = np.triu_indices(size, 1)
    factors = np.concatenate([identity, field.plus(identity[i], identity[j])])
    squares = out[::2].copy()
    for a, b in zip(i, j, strict=True):
        squares[a], squares[b] = field.minus(squares[a], out[a + b]), field.minus(squares[b], out[a + b])
    return Formula(field, factors, factors, np.concatenate([squares, out[i + j]]))


def block_sizes(m: int, n: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of factors with m and n coefficients: how many blocks of `size` each has, and coefficients of a block."""
    return (-(-m // size), -(-n // size)), (min(m, size), min(n, size))


def in_blocks(outer: Formula, inner: Formula, m: int, n: int, size: int) -> Formula:
    """The product of polynomials with m and n coefficients, as polynomials in x^size of polynomials.

    Args:
        outer: Of the blocks as coefficients, of so many as `block_sizes` says.
        inner: Of two blocks, likewise.
        m: Coefficients of the left factor.
        n: Coefficients of the right factor.
        size: Coefficients of a block.
    """
    _, (a, b) = block_sizes(m, n, size)
    field, whole = inner.field, tensor(outer, inner)
    width, out = a + b - 1, field.zeros(whole.rank, m + n - 1)
    for block in range(outer.w.shape[1]):
        start = block * size
        end = min(start + width, m + n - 1)
        part = whole.w[:, block * width : block * width + end - start]
        out[:, start:end] = field.plus(out[:, start:end], part)
    x, y = (np.arange(length) // size * short + np.arange(length) % size for length, short in ((m, a), (n, b)))
    return Formula(field, whole.u[:, x], whole.v[:, y], out).alive()

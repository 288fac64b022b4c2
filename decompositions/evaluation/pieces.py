"""Formulas that stand by themselves, and how blocks of coefficients are laid out: what plans are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.evaluation.crt import Place
from bilinear.decompositions.evaluation.fields import Elements, Field
from bilinear.decompositions.evaluation.formula import Formula


@dataclass(frozen=True)
class Plan:
    """A formula that is not built yet.

    Attributes:
        rank: Its number of products.
        build: Makes it.
    """

    rank: int
    build: Callable[[], Formula]


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


def block_positions(field: Field, blocks: int, width: int, step: int, length: int) -> Elements:
    """The matrix from `length` coefficients to blocks of `width` that begin every `step`; zeros beyond the end."""
    position = (np.arange(blocks)[:, None] * step + np.arange(width)).ravel()
    return field.array((position[:, None] == np.arange(length)).astype(np.int64))

"""Pan's pair: two disjoint matrix products, of n x r x p and of p x n x r, in fewer products than one after the other.

One product of three sums, (a_ij + a'_ki) (b_jk + b'_ij) (c_ki + c'_jk), holds a term of each; what it holds besides is
taken away by one product a pair of indices: n r p + n p + n r + r p in all. Signs only, so it holds over any ring.

Source:
    V. Pan, "New fast algorithms for matrix operations", SIAM Journal on Computing 9, 1980.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError

Array = NDArray[np.int64]


class Factors(NamedTuple):
    """Factors on the entries of one matrix product, -1, 0 and 1, row by row, the output not transposed.

    Attributes:
        u: On the left matrix, shape (products, entries).
        v: On the right matrix, likewise.
        w: On the output, likewise.
    """

    u: Array
    v: Array
    w: Array


class Pair(NamedTuple):
    """Two disjoint matrix products computed together: product q is (first.u[q] A + second.u[q] A') and so on.

    Attributes:
        first: Factors on n x r x p.
        second: Factors on p x n x r.
    """

    first: Factors
    second: Factors


def rank(n: int, r: int, p: int) -> int:
    """The products of the pair n x r x p and p x n x r."""
    return n * r * p + n * p + n * r + r * p


def build(n: int, r: int, p: int) -> Pair:
    """The pair.

    Raises:
        TargetError: If a size is below 1.
        TooLargeError: If it would not fit into memory.
    """
    if min(n, r, p) < 1:
        raise TargetError(f"a pair {n}x{r}x{p} and {p}x{n}x{r}: sizes from 1 on are needed")
    products = rank(n, r, p)
    memory.require(8 * 2 * products * (n * r + r * p + n * p), f"the pair {n}x{r}x{p} and {p}x{n}x{r}")
    i, j, k = (index.ravel() for index in np.indices((n, r, p)))
    ij, jk, ki, ik, kj = i * r + j, j * p + k, k * n + i, i * p + k, k * r + j
    triple = np.arange(n * r * p)
    # the products after the n r p triples: one a pair (k, i), then one a pair (i, j), then one a pair (j, k)
    at_ki, at_ij, at_jk = triple[-1] + 1 + ki, triple[-1] + 1 + n * p + ij, triple[-1] + 1 + n * p + n * r + jk
    first, second = (
        Factors(*(np.zeros((products, size), np.int64) for size in sizes))
        for sizes in ((n * r, r * p, n * p), (p * n, n * r, p * r))
    )
    for product, left, right, out in (
        (triple, (ij, ki), (jk, ij), (ik, kj)),
        (at_ki, (None, ki), (jk, ij), (ik, None)),
        (at_ij, (ij, None), (None, ij), (ik, kj)),
        (at_jk, (ij, ki), (jk, None), (None, kj)),
    ):
        for place, factors in enumerate((first, second)):
            for factor, entries in zip(factors, (left[place], right[place], out[place]), strict=True):
                if entries is not None:
                    factor[product, entries] = 1
    for factors in (first, second):
        factors.u[n * r * p :] *= -1
    return Pair(first, second)

"""Block flips: a product's u (x) v is replaced by another rank-one combination of the u_r (x) v_r of several products.

If a (x) b = sum_r c_r u_r (x) v_r and c_p is not 0, product p becomes a (x) b (x) w_p / c_p, and every other w_r loses
c_r / c_p w_p. Two products in the sum make an ordinary flip; more make a move for which flip graphs have no edge.

Source:
    K. Khoruzhii, F. Serafin, P. Gelss, S. Pokutta, repository khoruzhii/lita, 2026.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import modular
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.operations import without_zero_products
from bilinear.decompositions.rules.dependence import balanced, dependence, product
from bilinear.decompositions.scheme import Scheme

Residues = NDArray[np.int64]

CANDIDATES = 1024
"""Vectors a that are tried at once."""
EXTRA = 12
"""Equations beyond the width of b, drawn from all; what passes them is looked at with all."""
LEAST = 3
"""Products in the sum, at least."""


def moved(scheme: Scheme, rng: np.random.Generator) -> Scheme | None:
    """The scheme after one block flip of three or more products; None where the vectors tried give none.

    Tried are sums and differences of two products' factors, for one of the six choices of an outer and an inner factor.

    Args:
        scheme: A scheme over `f2` or `f3`.
        rng: Draws all choices.

    Raises:
        RingError: If the ring is no finite field.
    """
    p = scheme.ring.characteristic
    if not p:
        raise RingError(f"{scheme.target.short} over {scheme.ring}: block flips are offered over f2 and f3")
    first, second, third = rng.permutation(3).tolist()
    x, y, z = (scheme.factors[axis] for axis in (first, second, third))
    tensors = (x[:, :, None] * y[:, None, :] % p).reshape(len(x), -1)
    for a, b in _rank_ones(x, y.shape[1], _annihilators(tensors, p), p, rng):
        terms = _terms(tensors, np.outer(a, b).ravel() % p, p)
        if np.count_nonzero(terms) >= LEAST:
            gone = int(rng.choice(np.flatnonzero(terms)))
            inverse = pow(int(terms[gone]), -1, p)
            factors = [factor.copy() for factor in scheme.factors]
            factors[third] = (z - np.outer(terms * inverse, z[gone])) % p
            factors[first][gone], factors[second][gone], factors[third][gone] = a, b, z[gone] * inverse % p
            u, v, w = factors
            return without_zero_products(Scheme(scheme.target, scheme.ring, u, v, w))
    return None


def _annihilators(tensors: Residues, p: int) -> Residues:
    """A basis of the linear forms that vanish on all tensors, shape (forms, a b)."""
    basis, dependent, coefficients = dependence(balanced(tensors.astype(np.float64), p), p)
    found = np.zeros((len(dependent), tensors.shape[1]), np.int64)
    found[:, basis] = -coefficients.T.astype(np.int64)
    found[np.arange(len(dependent)), dependent] = 1
    return found % p


def _rank_ones(
    x: Residues, width: int, forms: Residues, p: int, rng: np.random.Generator
) -> Iterator[tuple[Residues, Residues]]:
    """Some a (x) b in the span, a being a sum or a difference of two rows of x."""
    one, other = rng.integers(len(x), size=(2, CANDIDATES))
    every = (x[one] + rng.integers(1, p, CANDIDATES)[:, None] * x[other]) % p
    every = np.unique(every[every.any(axis=1)], axis=0)
    rng.shuffle(every)
    drawn = balanced(rng.integers(0, p, (width + EXTRA, len(forms))).astype(np.float64), p)
    fewer = product(drawn, balanced(forms.astype(np.float64), p), p).reshape(width + EXTRA, -1, width)
    equations = np.einsum("ca,eab->ceb", every.astype(np.float64), fewer).astype(np.int64) % p
    for place in np.flatnonzero(modular.ranks(equations, p) < width).tolist():
        space = modular.kernel(np.einsum("a,eab->eb", every[place], forms.reshape(len(forms), -1, width)) % p, p)
        if len(space):
            b = rng.integers(0, p, len(space)) @ space % p
            if b.any():
                yield every[place], b


def _terms(tensors: Residues, wanted: Residues, p: int) -> Residues:
    """The combination of independent tensors that is the one wanted, shape (tensors,)."""
    matrix = np.concatenate([tensors, wanted[None]]).T.astype(np.float64)
    basis, dependent, coefficients = dependence(balanced(matrix, p), p)
    found = np.zeros(len(tensors), np.int64)
    found[basis] = coefficients[:, list(dependent).index(len(tensors))].astype(np.int64) % p
    return found

"""A scheme as a sum of real products over one common denominator: what the exact check decides, whatever the ring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bilinear.decompositions import memory, modular, rings
from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target

MAX_BITS = 1 << 20
"""Of the common denominator."""


@dataclass(frozen=True)
class Terms:
    """Integers X[i,j,k] = sum_q weight[q] u[q,i] v[q,j] w[q,k] - scale T[i,j,k], all of which must vanish.

    Modulo 2 or 3 they must vanish modulo that. A complex product is up to four real ones: the outputs stand twice, real
    parts before imaginary ones.

    Attributes:
        target: The bilinear map.
        characteristic: 0, 2 or 3.
        factors: u, v and w; products that vanish are left out. w has `planes` times the target's outputs.
        weights: scale / denominators, one a product.
        scale: The least common multiple of the denominators.
        values: scale times the target's values, modulo the characteristic.
        planes: 2 where there are imaginary parts, else 1.
    """

    target: Target
    characteristic: int
    factors: tuple[IntArray, IntArray, IntArray]
    weights: list[int]
    scale: int
    values: list[int]
    planes: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of X."""
        left, right, out = self.target.shape
        return left, right, self.planes * out

    @cached_property
    def bound(self) -> int:
        """No partial sum of an X[i,j,k] is larger: sum_q weight[q] max|u[q]| max|v[q]| max|w[q]| + scale max|T|."""
        largest = [np.abs(factor).max(axis=1, initial=0).tolist() for factor in self.factors]
        sums: int = sum(d * a * b * c for d, a, b, c in zip(self.weights, *largest, strict=True))
        return sums + max(map(abs, self.values))

    def moduli(self, primes_below: int, first: int = 1) -> list[int]:
        """Primes whose product with `first`, a power of 2, exceeds the bound.

        They are pairwise coprime, so an X divisible by all of them is divisible by their product; and 0 is the only
        such number within the bound. Whether a prime divides a denominator does not matter, as X is an integer.
        """
        found, product, bound = [], first, self.bound
        primes = modular.primes(primes_below)
        while product <= bound:
            found.append(next(primes))
            product *= found[-1]
        return found


def terms_of(scheme: Scheme) -> Terms:
    """The scheme's products over their common denominator.

    Raises:
        TooLargeError: If they would not fit into memory.
    """
    planes = 2 if scheme.imag is not None and any(map(rings.magnitude, scheme.imag)) else 1
    what = f"the Brent equations of {scheme.target.name}"
    memory.require(8 * scheme.rank * planes**3 * sum(scheme.target.shape), what)
    factors = scheme.factors if planes == 1 else _real(scheme)
    alive = np.logical_and.reduce([(factor != 0).any(axis=1) for factor in factors])
    u, v, w = (factor if alive.all() else factor[alive] for factor in factors)
    denominators = np.tile(scheme.denominators, planes**2)[alive]
    scale = rings.common_multiple(denominators)
    if scale.bit_length() > MAX_BITS:
        raise TooLargeError(f"{what}: a common denominator of {scale.bit_length()} bits; at most {MAX_BITS} are held")
    memory.require(len(denominators) * scale.bit_length() // 8, what)
    weights = [scale // d for d in denominators.tolist()]
    p = scheme.ring.characteristic
    values = [scale * (value % p if p else value) for value in scheme.target.values.tolist()]
    return Terms(scheme.target, p, (u, v, w), weights, scale, values, planes)


def _real(scheme: Scheme) -> tuple[IntArray, IntArray, IntArray]:
    """(a + bi)(c + di)(e + fi) as ac (e, f) + bd (-e, -f) + ad (-f, e) + bc (-f, e)."""
    assert scheme.imag is not None
    (a, c, e), (b, d, f) = scheme.factors, scheme.imag
    straight, turned = np.concatenate([e, f], axis=1), np.concatenate([-f, e], axis=1)
    u, v = np.concatenate([a, b, a, b]), np.concatenate([c, d, d, c])
    return u, v, np.concatenate([straight, -straight, turned, turned])

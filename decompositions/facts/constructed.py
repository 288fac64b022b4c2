"""Ranks that `bilinear.decompositions.evaluation` reaches, told from its plans without building a scheme."""

from __future__ import annotations

from functools import cache

from bilinear.decompositions.evaluation.fields import INTEGERS
from bilinear.decompositions.evaluation.finite import prime_field
from bilinear.decompositions.evaluation.plans import local_plan, product
from bilinear.decompositions.rings import Ring

CONSTRUCTION = "construction here, by bilinear.decompositions.evaluation"
LARGEST = 64
"""Coefficients up to which plans are compared, all of them in a second."""


@cache
def product_rank(m: int, n: int, ring: Ring) -> int:
    """The rank of products of polynomials with m and n coefficients.

    Args:
        m: Coefficients of the left polynomial.
        n: Coefficients of the right one.
        ring: `z`, `f2` or `f3`.

    Returns:
        m * n where there are more coefficients than `LARGEST`.
    """
    if max(m, n) > LARGEST:
        return m * n
    return product(prime_field(ring.characteristic) if ring.characteristic else INTEGERS, m, n).rank


@cache
def block_rank(prime: int, d: int, e: int) -> int:
    """The rank modulo the e-th power of an irreducible polynomial of degree d; (d e)^2 if that is above `LARGEST`."""
    n = d * e
    return n * n if n > LARGEST else local_plan(prime_field(prime), d, e, n, n).rank

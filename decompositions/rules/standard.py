"""The standard algorithm as a rule without parts: n m p products, over any ring; the best where a size is 1."""

from __future__ import annotations

from bilinear.decompositions import constructions
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul


def rank(n: int, m: int, p: int, ring: Ring) -> int | None:
    """Its products."""
    return n * m * p


def build(n: int, m: int, p: int, ring: Ring) -> Scheme:
    """The scheme of the definition."""
    return constructions.standard(matmul(n, m, p)).to(ring)

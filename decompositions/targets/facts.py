"""What the families' lower bounds and known ranks have in common: sets of rings, and facts of Kronecker products."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets.target import KnownRank

EVERY_RING = frozenset(Ring)
INFINITE_FIELDS = frozenset({Ring.Q, Ring.QI})
REAL = frozenset({Ring.ZT, Ring.Z, Ring.Q})
"""Sets inside the rationals: what is proven over `q` is proven for them."""
DIVISION_FREE = frozenset({Ring.Z, Ring.Q, Ring.QI, Ring.F2, Ring.F3})
"""Sets for which a scheme over the integers is known too."""
GAUSSIAN = frozenset({Ring.QI})


def finite(prime: int) -> Ring:
    """`f2` or `f3`."""
    return Ring.F2 if prime == 2 else Ring.F3


def modulo(prime: int) -> frozenset[Ring]:
    """The sets that a bound modulo 2 or 3 holds for: schemes over `z` and `zt` can be reduced."""
    return frozenset({finite(prime), Ring.Z, Ring.ZT})


def field_of(prime: int) -> frozenset[Ring]:
    """`f2` or `f3` alone."""
    return frozenset({finite(prime)})


def best(known: Sequence[KnownRank], ring: Ring) -> KnownRank | None:
    """The smallest rank that is known over the set."""
    return min((fact for fact in known if ring in fact.rings), key=lambda fact: fact.rank, default=None)


def product_of(factors: Sequence[list[KnownRank]]) -> list[KnownRank]:
    """Ranks known of a Kronecker product: over each set, the product of the smallest ranks of the factors."""
    if len(factors) == 1:
        return factors[0]
    found = []
    for ring in Ring:
        facts = [best(known, ring) for known in factors]
        present = [fact for fact in facts if fact is not None]
        if len(present) == len(facts):
            rank = math.prod(fact.rank for fact in present)
            sources = "; ".join(dict.fromkeys(fact.source for fact in present))
            found.append(KnownRank(rank, frozenset({ring}), f"Kronecker product of schemes: {sources}"))
    return found

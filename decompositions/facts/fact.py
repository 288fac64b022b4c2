"""Lower bounds and known ranks, the sets of rings they hold for, and those of Kronecker products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target

EVERY_RING = frozenset(Ring)
INFINITE_FIELDS = frozenset({Ring.Q, Ring.QI})
REAL = frozenset({Ring.ZT, Ring.Z, Ring.Q})
"""Sets inside the rationals: what is proven over `q` is proven for them."""
DIVISION_FREE = frozenset({Ring.Z, Ring.Q, Ring.QI, Ring.F2, Ring.F3})
"""Sets for which a scheme over the integers is known too."""
GAUSSIAN = frozenset({Ring.QI})


@dataclass(frozen=True)
class LowerBound:
    """No scheme over the named sets has fewer products.

    Attributes:
        rank: The proven bound.
        rings: The coefficient sets it holds for.
        source: The theorem or paper.
    """

    rank: int
    rings: frozenset[Ring]
    source: str


@dataclass(frozen=True)
class KnownRank:
    """A scheme over the named sets with that many products is known.

    Attributes:
        rank: The number of products.
        rings: The coefficient sets it is known for.
        source: Where it was published, or how it is composed.
    """

    rank: int
    rings: frozenset[Ring]
    source: str


@dataclass(frozen=True)
class Facts:
    """What is proven and known of the ranks of a family, in the registry.

    Attributes:
        lower_bounds: Proven lower bounds of a member.
        known_ranks: Ranks that published schemes of a member have; none, unless the family tells some.
    """

    lower_bounds: Callable[[Target], list[LowerBound]]
    known_ranks: Callable[[Target], list[KnownRank]] = field(default=lambda target: [])


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

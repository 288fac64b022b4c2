"""From a target to what is proven and known of its rank: the registry of families."""

from __future__ import annotations

from bilinear.decompositions.facts.fact import EVERY_RING, Facts, KnownRank, LowerBound
from bilinear.decompositions.facts.flattening import bound_modulo
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target

FACTS = Registry(
    "family",
    {
        "matmul": "bilinear.decompositions.facts.matmul:FACTS",
        "polymul": "bilinear.decompositions.facts.polynomial:OF_TWO_SIZES",
        "correlation": "bilinear.decompositions.facts.polynomial:OF_TWO_SIZES",
        "middle": "bilinear.decompositions.facts.polynomial:OF_ONE_SIZE",
        "toeplitz": "bilinear.decompositions.facts.polynomial:OF_ONE_SIZE",
        "hankel": "bilinear.decompositions.facts.polynomial:OF_ONE_SIZE",
        "cyclic": "bilinear.decompositions.facts.residue:CYCLIC",
        "negacyclic": "bilinear.decompositions.facts.residue:NEGACYCLIC",
        "shortmul": "bilinear.decompositions.facts.residue:SHORTMUL",
        "polymod": "bilinear.decompositions.facts.residue:POLYMOD",
        "complex": "bilinear.decompositions.facts.algebras:COMPLEX",
        "quaternion": "bilinear.decompositions.facts.algebras:QUATERNION",
        "octonion": "bilinear.decompositions.facts.algebras:OCTONION",
        "cross": "bilinear.decompositions.facts.algebras:CROSS",
        "commutator": "bilinear.decompositions.facts.algebras:COMMUTATOR",
        "group": "bilinear.decompositions.facts.group:FACTS",
        "structured": "bilinear.decompositions.facts.structured:FACTS",
        "file": "bilinear.decompositions.facts.flattening:FACTS",
    },
)


def lower_bounds(target: Target, ring: Ring | None = None) -> list[LowerBound]:
    """Proven lower bounds on the rank, largest first.

    Args:
        target: The bilinear map.
        ring: Only bounds that hold for this set; every bound if None.
    """
    bounds = _facts_of(target).lower_bounds(target)
    if ring is not None and ring not in EVERY_RING:
        of_all = [bound for bound in bounds if bound.rings == EVERY_RING]
        bounds = of_all or [bound_modulo(target, ring.characteristic, frozenset({ring}))]
    else:
        bounds = [bound for bound in bounds if ring is None or ring in bound.rings]
    return sorted(bounds, key=lambda bound: -bound.rank)


def known_ranks(target: Target, ring: Ring | None = None) -> list[KnownRank]:
    """Ranks of published schemes, smallest first, as far as they are told here.

    Args:
        target: The bilinear map.
        ring: Only ranks that are known over this set; every rank if None.
    """
    known = _facts_of(target).known_ranks(target)
    over = Ring.Z if ring is not None and ring not in EVERY_RING else ring  # integers can be reduced modulo any prime
    return sorted((k for k in known if over is None or over in k.rings), key=lambda k: k.rank)


def _facts_of(target: Target) -> Facts:
    """Those of its family; of a family that is not registered those of a tensor from a file, which hold for any map."""
    facts = FACTS.load(target.family if target.family in FACTS else "file")
    assert isinstance(facts, Facts)
    return facts

"""Over the integers no division is allowed: formulas over `f2` and `f3` are lifted."""

from __future__ import annotations

from bilinear.decompositions.evaluation.fields import INTEGERS, prime_field
from bilinear.decompositions.evaluation.formula import Formula, to_scheme
from bilinear.decompositions.evaluation.plans import product
from bilinear.decompositions.lifting.lift import lift
from bilinear.decompositions.rings import Ring, holds
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.polynomial import POLYMUL

LARGEST = 5
"""Coefficients of a factor up to which products are lifted; the schemes of more that were tried do not lift."""
CHOICES = 3
"""Tries of a lift; what lifts at all did so at the first or the second."""


def lifted_to(ring: Ring, scheme: Scheme) -> Scheme | None:
    """A scheme over `zt` or `z` with these residues, or None if lifting leads to none."""
    found = lift(scheme, ring, choices=CHOICES).scheme
    return found if found is not None and holds(ring, found.ring) else None


def lifted_product(m: int, n: int, below: int) -> Formula | None:
    """The product of polynomials over the integers with fewer than `below` products, or None."""
    if max(m, n) > LARGEST:
        return None
    target = POLYMUL.build(f"{m}x{n}")
    for field in sorted((prime_field(2), prime_field(3)), key=lambda field: product(field, m, n).rank):
        plan = product(field, m, n)
        found = lifted_to(Ring.Z, to_scheme(plan.build(), target, field)) if plan.rank < below else None
        if found is not None:
            return Formula(*(INTEGERS.array(factor) for factor in found.factors))
    return None

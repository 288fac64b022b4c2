"""Over the integers no division is allowed: formulas over `f2` and `f3` are lifted."""

from __future__ import annotations

from collections.abc import Iterable

from bilinear.decompositions.evaluation.fields import INTEGERS, Field
from bilinear.decompositions.evaluation.formula import Formula, to_scheme
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


def lifted_product(m: int, n: int, formulas: Iterable[tuple[Field, Formula]]) -> Formula | None:
    """The product of polynomials with m and n coefficients over the integers: the first of the formulas that lifts.

    Args:
        m: Coefficients of the left polynomial.
        n: Coefficients of the right one.
        formulas: Of that product, over prime fields; one is asked for after the other.
    """
    target = POLYMUL.build(f"{m}x{n}")
    for field, formula in formulas:
        found = lifted_to(Ring.Z, to_scheme(formula, target, field))
        if found is not None:
            return Formula(INTEGERS, *(INTEGERS.array(factor) for factor in found.factors))
    return None

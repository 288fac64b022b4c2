"""The rule of a cut along a line: the format one smaller, without the products that vanish, over any ring but `qi`."""

from __future__ import annotations

from collections.abc import Sequence

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.cutting import cut_along
from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.operations import AXES
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.parameters import only, table
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.scheme import Scheme


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], axis: object, form: object, line: object) -> Scheme:
    """The part, cut.

    Args:
        sizes: The format made.
        ring: The coefficient set that still holds it.
        parts: One scheme.
        axis: `n`, `m` or `p`, of the part.
        form: Integers, as many as the part's size along the axis: A (or B) is left to where this form vanishes.
        line: Likewise: C (or A) is projected along it.

    Raises:
        RecipeError: If there is another number of parts, or the form or the line does not fit.
        RingError: If the ring does not hold what is left.
    """
    part = only(parts)
    if axis not in AXES:
        raise RecipeError(f"axis {str(axis)[:20]!r}; n, m or p is needed")
    place = AXES.index(str(axis))
    if part.target.sizes[place] < 2:
        raise RecipeError(f"{part.target.short} has nothing to cut along {axis}")
    try:
        smaller = cut_along(part, place, table(form, 1, "form"), table(line, 1, "line"))
    except SchemeError as error:
        raise RecipeError(str(error)) from None
    return smaller.to(ring)

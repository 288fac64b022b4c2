"""The rule of two blocks joined along one axis: R(n, m, p1 + p2) <= R(n, m, p1) + R(n, m, p2), over any ring."""

from __future__ import annotations

from collections.abc import Sequence

from bilinear.decompositions.composition import Sizes, aligned
from bilinear.decompositions.operations import AXES, concatenate
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.parameters import several
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.scheme import Scheme


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], axis: object) -> Scheme:
    """Two parts joined.

    Args:
        sizes: The format made.
        ring: The coefficient set.
        parts: The block in front and the one behind it, their sizes in any order.
        axis: `n`, `m` or `p`.

    Raises:
        RecipeError: If there is another number of parts, or they do not make the format.
    """
    first, second = several(parts, 2)
    if axis not in AXES:
        raise RecipeError(f"axis {str(axis)[:20]!r}; n, m or p is needed")
    place = AXES.index(str(axis))
    try:
        front, back = (aligned(part, sizes, place) for part in (first, second))
    except ValueError:
        shown = f"{first.target.short} and {second.target.short}"
        raise RecipeError(f"{shown} do not join to {'x'.join(map(str, sizes))} along {axis}") from None
    return concatenate(front, back, AXES[place])

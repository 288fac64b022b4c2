"""The rule of products: R(n1 n2, m1 m2, p1 p2) <= R(n1, m1, p1) R(n2, m2, p2), over any ring."""

from __future__ import annotations

from collections.abc import Sequence

from bilinear.decompositions import operations
from bilinear.decompositions.composition import Sizes, ordered
from bilinear.decompositions.operations import ORDERS
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.parameters import several, table
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.scheme import Scheme


def build(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], outer: object) -> Scheme:
    """Blocks multiplied by one scheme, and inside them by another.

    Args:
        sizes: The format made.
        ring: The coefficient set.
        parts: The outer scheme and the inner one, their sizes in any order.
        outer: The sizes of the outer scheme, in the order of `sizes`.

    Raises:
        RecipeError: If there is another number of parts, or they do not make the format.
        TooLargeError: If the scheme would not fit into memory.
    """
    first, second = several(parts, 2)
    blocks = tuple(table(outer, 1, "outer"))
    turns = [tuple(part.target.sizes[axis] for axis in order) for part in (second,) for order in ORDERS]
    inner = next((turn for turn in turns if tuple(a * b for a, b in zip(blocks, turn, strict=False)) == sizes), None)
    if sorted(blocks) != sorted(first.target.sizes) or inner is None:
        shown = f"{first.target.short} and {second.target.short}"
        raise RecipeError(f"{shown} do not make {'x'.join(map(str, sizes))} with {list(blocks)} blocks")
    return operations.kronecker(ordered(first, blocks), ordered(second, inner))

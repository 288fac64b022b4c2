"""Rules of one part that change neither its format, up to the order of sizes, nor its rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import ORDERS, permute, sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.parameters import only, table
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.scheme import Scheme


def permutation(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], order: object) -> Scheme:
    """The part with its sizes in another order.

    Args:
        sizes: The format made.
        ring: The coefficient set.
        parts: One scheme.
        order: Which of its sizes stands first, second and third.

    Raises:
        RecipeError: If there is another number of parts, or `order` is no permutation of [0, 1, 2].
    """
    wanted = tuple(table(order, 1, "order"))
    if wanted not in ORDERS:
        raise RecipeError(f"order {list(wanted)}: a permutation of [0, 1, 2] is needed")
    return permute(only(parts), wanted)


def basis(sizes: Sizes, ring: Ring, parts: Sequence[Scheme], left: object, middle: object, right: object) -> Scheme:
    """The part after a change of basis of each of its three spaces, its products in the order of their normal form.

    Args:
        sizes: The format made.
        ring: The coefficient set that still holds it.
        parts: One scheme.
        left: Integers, invertible, n rows of n.
        middle: Likewise of m.
        right: Likewise of p.

    Raises:
        RecipeError: If there is another number of parts, or a matrix has another shape or no inverse.
        RingError: If the changed coefficients do not lie in the ring.
    """
    part = only(parts)
    matrices = [_square(matrix, size) for matrix, size in zip((left, middle, right), part.target.sizes, strict=True)]
    try:
        changed = sandwich(part, *matrices)
    except SchemeError as error:
        raise RecipeError(str(error)) from None
    return normal_form(changed).to(ring)


def _square(rows: object, size: int) -> NDArray[np.int64]:
    matrix = table(rows, 2, "basis")
    if len(matrix) != size or any(len(row) != size for row in matrix):
        raise RecipeError(f"a basis of {len(matrix)} rows; {size} rows of {size} numbers are needed")
    return np.array(matrix, dtype=np.int64)

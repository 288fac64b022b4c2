"""What is proven of the rank of matrix multiplication; the ranks of known schemes are in `catalog/records.json`."""

from __future__ import annotations

import itertools

from bilinear.decompositions.facts.fact import EVERY_RING, Facts, LowerBound
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets import Target


def lower_bounds(target: Target) -> list[LowerBound]:
    """What is proven of this format; the rank does not depend on the order of the sizes."""
    small, middle, large = sorted(target.sizes)
    bounds = [LowerBound(middle * large, EVERY_RING, "largest flattening rank")]
    if small == middle == large == 2:
        bounds.append(LowerBound(7, EVERY_RING, "7 for 2x2x2 (Winograd 1971; Hopcroft, Kerr 1971)"))
    if small >= 2:
        orders = (order for order in itertools.permutations(target.sizes) if order[0] <= order[2])
        rank = max(k * m + m * n + k - m + n - 3 for k, m, n in orders)
        bounds.append(LowerBound(rank, EVERY_RING, "km + mn + k - m + n - 3 for k x m x n, n >= k >= 2 (Blaser 1999)"))
    if small == middle >= 3:
        rank = 2 * large * small + 2 * small - large - 2
        bounds.append(LowerBound(rank, EVERY_RING, "2mn + 2n - m - 2 for n x m x n, m >= n >= 3 (Blaser 2003)"))
    if small == middle == 2:
        bounds.append(
            LowerBound(-(-7 * large // 2), frozenset({Ring.F2}), "ceil(7n/2) for 2x2xn (Hopcroft, Kerr 1971)")
        )
    return bounds


FACTS = Facts(lower_bounds)

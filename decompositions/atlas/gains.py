"""What falls if this falls: how many formats of an atlas lose products where a leaf loses one."""

from __future__ import annotations

from typing import NamedTuple

from bilinear.decompositions.atlas.table import Atlas
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rules.recipe import Step


class Gain(NamedTuple):
    """What one product less of a leaf is worth.

    Attributes:
        leaf: The step that has its format without parts.
        formats: How many others lose products, by the recipes of the atlas; other recipes may make it more.
        products: How many they lose together.
    """

    leaf: Step
    formats: int
    products: int


def gains(atlas: Atlas) -> list[Gain]:
    """Each leaf with what its fall is worth, the most valuable first; those with a size 1 are left out."""
    found = []
    for sizes, line in atlas.lines.items():
        if not line.parts and line.step.rule != "standard":
            fallen = _without_one(atlas, sizes)
            lost = [other.step.rank - fallen[key] for key, other in atlas.lines.items() if key != sizes]
            found.append(Gain(line.step, sum(loss > 0 for loss in lost), sum(lost)))
    return sorted(found, key=lambda gain: (-gain.formats, -gain.products, gain.leaf.sizes))


def _without_one(atlas: Atlas, leaf: Sizes) -> dict[Sizes, int]:
    """Ranks of all formats if one leaf had one product less; whatever composes a format stands before it."""
    ranks: dict[Sizes, int] = {leaf: atlas.lines[leaf].step.rank - 1}
    for sizes, line in atlas.lines.items():
        ranks[sizes] = line.rank(ranks)
    return ranks

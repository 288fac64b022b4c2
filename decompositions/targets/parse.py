"""From a name to a target: the registry of families."""

from __future__ import annotations

from decompositions.errors import TargetError
from decompositions.registry import Registry
from decompositions.rings import Ring
from decompositions.targets.target import Family, LowerBound, Target

TARGETS = Registry(
    "target",
    {
        "matmul": "decompositions.targets.matmul:FAMILY",
        "file": "decompositions.targets.file:FAMILY",
    },
)


def parse_target(name: str) -> Target:
    """The target of that name: `2x2x3`, `matmul:2x2x3`, `file:map.npy`.

    Raises:
        UnknownNameError: If no family has that name.
        TargetError: If the family cannot build it from the text after the colon.
        TooLargeError: If its tensor would not fit into memory.
    """
    family, colon, spec = name.strip().partition(":")
    if not colon and _looks_like_sizes(family):
        family, colon, spec = "matmul", ":", family
    found = family_of(family)
    if not colon:
        raise TargetError(f"target {family!r} needs its parameters: {found.usage}")
    return found.build(spec)


def family_of(name: str) -> Family:
    """The registered family of that name.

    Raises:
        UnknownNameError: If there is none.
    """
    family = TARGETS.load(name)
    assert isinstance(family, Family)
    return family


def lower_bounds(target: Target, ring: Ring | None = None) -> list[LowerBound]:
    """Proven lower bounds on the rank, largest first.

    Args:
        target: The bilinear map.
        ring: Only bounds that hold for this set; every bound if None.
    """
    bounds = family_of(target.family).lower_bounds(target)
    return sorted((b for b in bounds if ring is None or ring in b.rings), key=lambda b: -b.rank)


def _looks_like_sizes(text: str) -> bool:
    return "x" in text.lower() and any(c.isdigit() for c in text)

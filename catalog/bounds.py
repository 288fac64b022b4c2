"""Proven lower bounds on the rank: theorems of `bilinear.decompositions.facts`, and single published results."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from bilinear.decompositions import LowerBound, Ring, Target
from bilinear.decompositions import lower_bounds as theorems
from bilinear.decompositions.rings import parse_ring

BOUNDS_FILE = Path(__file__).with_name("bounds.json")


def lower_bounds(target: Target, ring: Ring | str | None = None) -> list[LowerBound]:
    """Proven lower bounds, largest first.

    Args:
        target: The bilinear map; `matmul` in any order of the sizes.
        ring: Only bounds that hold for this set; every bound if None.
    """
    wanted = None if ring is None else parse_ring(ring)
    single = _single().get(tuple(sorted(target.sizes)), []) if target.family == "matmul" else []
    bounds = [*theorems(target, wanted), *(bound for bound in single if wanted is None or wanted in bound.rings)]
    return sorted(bounds, key=lambda bound: -bound.rank)


@cache
def _single() -> dict[tuple[int, ...], list[LowerBound]]:
    found: dict[tuple[int, ...], list[LowerBound]] = {}
    for row in json.loads(BOUNDS_FILE.read_text(encoding="utf-8"))["bounds"]:
        rings = frozenset(Ring(name) for name in row["rings"])
        found.setdefault(tuple(row["format"]), []).append(LowerBound(row["rank"], rings, row["source"]))
    return found

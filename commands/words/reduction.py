"""What span reduction left of a scheme."""

from __future__ import annotations

from typing import Any

from bilinear.decompositions.scheme import Scheme


def reduction_as_dict(given: Scheme, found: Scheme, entry: str | None) -> dict[str, Any]:
    """For programs."""
    return {
        "target": found.target.name,
        "rank": found.rank,
        "ring": str(found.ring),
        "before": {"target": given.target.name, "rank": given.rank, "ring": str(given.ring)},
        "id": entry,
    }


def reduction_as_lines(given: Scheme, found: Scheme) -> list[str]:
    """For people."""
    before = f"{given.target.short}:{given.rank}"
    if found.target != given.target:
        return [f"{before} cut to {found.target.short}:{found.rank} over {found.ring}"]
    if found.rank == given.rank:
        return [f"{before} is not reducible over {found.ring}: no product can go"]
    return [f"{before} reduced to rank {found.rank} over {found.ring}"]

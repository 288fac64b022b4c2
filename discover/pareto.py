"""The schemes of a target side by side: products, additions, growth of errors; and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import Listing
from bilinear.catalog.store import Catalog
from bilinear.decompositions.rings import holds, parse_ring
from bilinear.decompositions.stability import growth
from bilinear.decompositions.targets import Target
from bilinear.discover.optimize.programs import program_of


@dataclass(frozen=True)
class Row:
    """One entry.

    Attributes:
        listing: What the index knows of it.
        additions: Of its program, if one was found, else as its factors stand.
        gamma: Growth factor, see `stability.growth`.
        efficient: Whether no other entry, over its coefficient set or a smaller one, is as good in all three and
            better in one.
    """

    listing: Listing
    additions: int
    gamma: float
    efficient: bool

    @property
    def costs(self) -> tuple[int, int, float]:
        """Products, additions, gamma; less is better in each."""
        return self.listing.rank or 0, self.additions, self.gamma


def pareto(catalog: Catalog, target: Target, on_progress: Callable[[str], None] = lambda name: None) -> list[Row]:
    """The schemes of a target over zt, z and q, by their products, additions and growth.

    A bad entry is passed over with a warning.

    Args:
        catalog: Where to look.
        target: In the order of sizes of the catalog.
        on_progress: Called with the id of each entry before it is read.
    """
    rows = []
    for listing in catalog.of_target(target):
        if listing.kind != "scheme" or listing.ring not in ("zt", "z", "q"):
            continue
        on_progress(listing.id)
        proved = unless_bad(partial(catalog.proved, listing))
        if proved is None:
            continue
        scheme = proved.value
        additions = program_of(catalog, scheme).operations.additions
        rows.append(Row(listing, additions, growth(scheme).gamma, True))
    return judged(rows)


def judged(rows: Sequence[Row]) -> list[Row]:
    """Entries of one target by their costs, each with whether no other one beats it."""
    marked = [replace(row, efficient=not any(_beats(other, row) for other in rows)) for row in rows]
    return sorted(marked, key=lambda row: row.costs)


def _beats(other: Row, row: Row) -> bool:
    """Whether the other scheme serves wherever this one does, costs no more, and less in something.

    At equal costs the one over the smaller coefficient set is better: it serves in more places.
    """
    ring, own = parse_ring(other.listing.ring or ""), parse_ring(row.listing.ring or "")
    no_worse = all(a <= b for a, b in zip(other.costs, row.costs, strict=True))
    return holds(own, ring) and no_worse and (other.costs != row.costs or ring != own)

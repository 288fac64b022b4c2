"""How the catalog stands against what is published and what is proven."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from bilinear.catalog import lookup
from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import Listing, target_named
from bilinear.catalog.records import formats, published
from bilinear.catalog.store import Catalog
from bilinear.decompositions import LowerBound, Ring, Target, parse_target
from bilinear.decompositions.rings import parse_ring

ORDER = ("beaten", "proven optimal", "matched", "behind", "no record", "missing")
"""Verdicts as they are sorted, by their first words."""


@dataclass(frozen=True)
class StatusRow:
    """One target over one coefficient set.

    Attributes:
        target: Its short name; of a matrix format with the sizes in rising order, `2x2x3`.
        ring: The coefficient set.
        here: The best rank in the catalog, proved now; None if there is no scheme.
        id: Of the entry that has it.
        published: The best published rank.
        source: Where it was published.
        bound: The best proven lower bound.
        verdict: `beaten` (the published rank, by ours), `proven optimal`, `matched`, `behind by k`, `no record`
            (nothing published to compare with) or `missing` (nothing here).
    """

    target: str
    ring: Ring
    here: int | None
    id: str | None
    published: int | None
    source: str | None
    bound: LowerBound | None
    verdict: str


def status(catalog: Catalog, ring: Ring | str | None = None) -> list[StatusRow]:
    """A row for each matrix format that is published and each target that is here; beaten records first.

    A scheme over `zt` counts for `z`, `q` and `qi` as well, and by reduction for `f2` and `f3`. Entries are ordered by
    file name; each that is shown is read and proved, and a bad one is passed over with a warning.

    Args:
        catalog: Whose entries are compared.
        ring: One coefficient set; all of them if None.
    """
    wanted = list(Ring) if ring is None else [parse_ring(ring)]
    targets: dict[str, tuple[Target, lookup.Sets | None]]
    targets = {f"matmul:{n}x{m}x{p}": (parse_target(f"{n}x{m}x{p}"), None) for n, m, p in formats()}
    targets |= {
        target.name: (target, here) for folder in catalog.folders() for target, here in _schemes(catalog, folder)
    }
    is_proved = cache(lambda listing: unless_bad(lambda: catalog.proved(listing)) is not None)
    rows = (
        _row(target, over, None if here is None else _best(catalog, here, over, is_proved))
        for target, here in targets.values()
        for over in wanted
    )
    return sorted((row for row in rows if row is not None), key=_place)


def _schemes(catalog: Catalog, folder: Path) -> Iterator[tuple[Target, lookup.Sets]]:
    """The target of a folder and its schemes; nothing for one from a file, and where no target can be read."""
    sets = lookup.Sets(catalog, folder)
    for name in chain.from_iterable(sets.places.values()):
        for listing in catalog.named(folder, [name]):
            target = target_named(listing.target)
            if target is not None:
                yield target, sets
                return


def _row(target: Target, ring: Ring, best: Listing | None) -> StatusRow | None:
    """None where nothing is published and nothing is here."""
    known = published(target, ring)
    if best is None and known is None:
        return None
    bound = next(iter(lower_bounds(target, ring)), None)
    here = None if best is None else best.rank
    return StatusRow(
        target=target.short,
        ring=ring,
        here=here,
        id=None if best is None else best.id,
        published=None if known is None else known.rank,
        source=None if known is None else known.source,
        bound=bound,
        verdict=verdict(here, None if known is None else known.rank, None if bound is None else bound.rank),
    )


def verdict(here: int | None, known: int | None, bound: int | None) -> str:
    """Where a rank stands against the published one and the proven bound."""
    if here is None:
        return "missing"
    if known is not None and here < known:
        return "beaten"
    if here == bound:
        return "proven optimal"
    if known is None:
        return "no record"
    return "matched" if here == known else f"behind by {here - known}"


def _best(catalog: Catalog, here: lookup.Sets, ring: Ring, is_proved: Callable[[Listing], bool]) -> Listing | None:
    """The entry of lowest rank that is right and counts over the ring; a file is read only if it could be that one."""
    return next(filter(is_proved, _rising(catalog, here, ring)), None)


def _rising(catalog: Catalog, here: lookup.Sets, ring: Ring) -> Iterator[Listing]:
    """The entries that count over the ring, by rank and name, each listed when it is asked for."""
    for rank in sorted({rank for rank, _ in here.places}):
        for name in sorted(name for own in here.rings for name in here.serving(rank, own, ring)):
            yield from catalog.named(here.folder, [name])


def _place(row: StatusRow) -> tuple[int, str, list[int], int]:
    """By verdict; matrix formats by their sizes, then other targets by family and numbers."""
    order = next(i for i, words in enumerate(ORDER) if row.verdict.startswith(words))
    family, colon, _ = row.target.partition(":")
    text = "" if family[0].isdigit() else family + colon
    return order, text, [int(number) for number in re.findall("[0-9]+", row.target)], row.ring.place

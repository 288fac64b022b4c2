"""How the catalog stands against what is published and what is proven."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from bilinear.catalog import credits, lookup
from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import Listing, target_named
from bilinear.catalog.origins import Origins
from bilinear.catalog.records import collected, formats, published
from bilinear.catalog.store import Catalog
from bilinear.decompositions import LowerBound, Ring, Target, parse_target
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.rings import parse_ring

BELOW = "below the tables of"
FORMULAS = "below the formulas known here"
ORDER = (BELOW, FORMULAS, "proven optimal", "matched", "behind", "no record", "missing")
"""Verdicts as they are sorted, by their first words."""
_FORMAT = re.compile(r"[0-9]+x[0-9]+x[0-9]+")


@dataclass(frozen=True)
class StatusRow:
    """One target over one coefficient set.

    Attributes:
        target: Its short name; of a matrix format with the sizes in rising order, `2x2x3`.
        ring: The coefficient set.
        here: The best rank that was found here, proved now; None if there is no such scheme.
        id: Of the entry that has it.
        served: The best rank of all in the catalog: of what was found here, of what others published, and of what is
            made of that.
        served_id: Of the entry that has it.
        by: Who published what it is, or what its lineage leads to; empty if it was found here.
        published: The best published rank.
        source: Where it was published.
        bound: The best proven lower bound.
        verdict: Of what was found here: `below the tables of DATE` (below the published rank), `below the formulas
            known here` (of a target that no table has), `proven optimal`, `matched`, `behind by k`, `no record`
            (nothing published to compare with) or `missing` (nothing here).
    """

    target: str
    ring: Ring
    here: int | None
    id: str | None
    served: int | None
    served_id: str | None
    by: str
    published: int | None
    source: str | None
    bound: LowerBound | None
    verdict: str

    @property
    def is_behind(self) -> bool:
        """Whether the rank here is above the published one."""
        return self.here is not None and self.published is not None and self.here > self.published

    @property
    def sizes(self) -> tuple[int, int, int] | None:
        """Of a matrix format; None for other targets."""
        if not _FORMAT.fullmatch(self.target):
            return None
        n, m, p = map(int, self.target.split("x"))
        return n, m, p

    def is_within(self, largest: int | None) -> bool:
        """Whether no size of a matrix format is above a number; None for no bound. Other targets have no such sizes."""
        return largest is None or max(self.sizes or (0,)) <= largest


def status(catalog: Catalog, ring: Ring | str | None = None, target: Target | None = None) -> list[StatusRow]:
    """A row for each matrix format that is published and each target that is here; what is below the tables first.

    A scheme over `zt` counts for `z`, `q` and `qi` as well, and by reduction for `f2` and `f3`. Entries are ordered by
    file name; each that is shown is read and proved, and a bad one is passed over with a warning. Of what others
    published, and came with the program, it is seen that the file is the one that was proved then.

    Args:
        catalog: Whose entries are compared.
        ring: One coefficient set; all of them if None.
        target: One target, in any order of its sizes; all of them if None.
    """
    wanted = list(Ring) if ring is None else [parse_ring(ring)]
    targets: dict[str, tuple[Target, lookup.Sets | None]]
    targets = {f"matmul:{n}x{m}x{p}": (parse_target(f"{n}x{m}x{p}"), None) for n, m, p in formats()}
    targets |= {found.name: (found, here) for folder in catalog.folders() for found, here in _schemes(catalog, folder)}
    if target is not None:
        one = canonical(target)
        targets = {one.name: targets.get(one.name, (one, None))}
    judge = _Judge(catalog)
    rows = (
        _row(found, over, *((None, None) if here is None else _best(catalog, here, over, judge)), judge)
        for found, here in targets.values()
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


class _Judge:
    """What entries count for: whether they are right, and who found them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self._origins = catalog, Origins(catalog)
        self.others = cache(self._others)

    def _others(self, listing: Listing) -> frozenset[str] | None:
        """Who else than us an entry leads to; None if it is not right."""
        if listing.published:
            return self._origins.of_listing(listing) if credits.is_as_proved(listing) else None
        proved = unless_bad(lambda: self._catalog.proved(listing))
        return None if proved is None else self._origins.of(proved.entry)


def _row(target: Target, ring: Ring, best: Listing | None, served: Listing | None, judge: _Judge) -> StatusRow | None:
    """None where nothing is published and nothing is here."""
    known = published(target, ring)
    if served is None and known is None:
        return None
    bound = next(iter(lower_bounds(target, ring)), None)
    here = None if best is None else best.rank
    return StatusRow(
        target=target.short,
        ring=ring,
        here=here,
        id=None if best is None else best.id,
        served=None if served is None else served.rank,
        served_id=None if served is None else served.id,
        by="" if served is None else "; ".join(sorted(judge.others(served) or ())),
        published=None if known is None else known.rank,
        source=None if known is None else known.source,
        bound=bound,
        verdict=verdict(
            here,
            None if known is None else known.rank,
            None if bound is None else bound.rank,
            known is None or known.is_tabled,
        ),
    )


def verdict(here: int | None, known: int | None, bound: int | None, is_tabled: bool = True) -> str:
    """Where a rank stands against the published one and the proven bound."""
    if here is None:
        return "missing"
    if known is not None and here < known:
        return f"{BELOW} {collected()}" if is_tabled else FORMULAS
    if here == bound:
        return "proven optimal"
    if known is None:
        return "no record"
    return "matched" if here == known else f"behind by {here - known}"


def _best(catalog: Catalog, here: lookup.Sets, ring: Ring, judge: _Judge) -> tuple[Listing | None, Listing | None]:
    """The entries of lowest rank that are right and count over the ring: found here, and of all; ours of equal ones.

    A file is read only if it could be one of them.
    """
    served: Listing | None = None
    for listing in _rising(catalog, here, ring):
        others = judge.others(listing)
        if others is not None and not others:
            return listing, listing if served is None or listing.rank == served.rank else served
        if others is not None and served is None:
            served = listing
    return None, served


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

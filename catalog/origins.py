"""Who found an entry: here, unless it, or what its lineage leads to, was published by others, imported, or is not here.

Lineage decides. An entry that a search, a composition or a change of basis made of a published one is served, and
never counts as found here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bilinear.catalog import credits, layout
from bilinear.catalog.index import Index, read_or_none
from bilinear.catalog.layout import Listing

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

IMPORTED = "import"
"""The solver that an entry names which was read from another program's file."""


ABSENT = ", which is not here"
"""What is said of a parent that no folder has: who found it cannot be told."""


class Origins:
    """What entries of a catalog lead to that was not found here; each parent is read once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._listings: dict[str, list[Listing]] | None = None
        self._known: dict[str, frozenset[str]] = {}

    def found_here(self, listing: Listing) -> bool:
        """Whether it was found here; a damaged entry was not."""
        return not self.of_listing(listing)

    def of_listing(self, listing: Listing) -> frozenset[str]:
        """As `of`, of the entry of a listing; what came with the program need not be read for it."""
        if listing.shipped:
            return frozenset([credited(listing) or f"{listing.id} (published)"] if listing.published else [])
        entry = read_or_none(listing)
        return frozenset([f"{listing.name}, which is damaged"]) if entry is None else self.of(entry)

    def of(self, entry: AnyEntry) -> frozenset[str]:
        """Who else found it, or what its lineage leads to, in words; nothing if it was found here."""
        own = _foreign(entry)
        return frozenset([own]) if own else self.of_parents(entry.lineage.parents)

    def of_parents(self, parents: Iterable[str]) -> frozenset[str]:
        """As `of`, of what would be made of entries of these hashes."""
        return frozenset().union(*(self._of_hash(parent) for parent in parents))

    def _of_hash(self, content_hash: str) -> frozenset[str]:
        """What a parent leads to: of several entries of one hash the one that was found here."""
        if content_hash not in self._known:
            self._known[content_hash] = frozenset([f"{content_hash[:16]}{ABSENT}"])  # also of a circle
            found = [self.of_listing(listing) for listing in self._with_hash(content_hash)]
            if found:
                self._known[content_hash] = min(found, key=lambda words: (len(words), sorted(words)))
        return self._known[content_hash]

    def _with_hash(self, content_hash: str) -> list[Listing]:
        if self._listings is None:
            self._listings = {}
            for listing in self._index:
                self._listings.setdefault(listing.hash[: layout.NAME_DIGITS], []).append(listing)
        alike = self._listings.get(content_hash[: layout.NAME_DIGITS], [])
        return [listing for listing in alike if self._has_hash(listing, content_hash)]

    def _has_hash(self, listing: Listing, content_hash: str) -> bool:
        if listing.shipped:
            return content_hash.startswith(listing.hash)
        entry = read_or_none(listing)
        return entry is not None and entry.hash == content_hash


def is_foreign(entry: AnyEntry) -> bool:
    """Whether the entry itself was published by others or imported, whatever it is made of."""
    return bool(_foreign(entry))


def credited(listing: Listing) -> str | None:
    """Who found one that others published and that came with the program; None for every other entry."""
    known = credits.told(listing)
    return None if known is None else f"{known.authors} {known.year}"


def _foreign(entry: AnyEntry) -> str:
    """Who found the entry itself; empty if nobody else is named."""
    if entry.kind == "scheme" and entry.found_by is not None:
        return f"{entry.found_by.authors} {entry.found_by.year}"
    past = entry.provenance
    return f"{past.command.partition(' import ')[2]} (imported)" if past.solver == IMPORTED else ""

"""The one way into a catalog: proved entries, written under one lock, each of them whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bilinear.catalog import atomic, layout
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, read_or_none
from bilinear.catalog.layout import Listing
from bilinear.catalog.verifiers import Proved
from bilinear.decompositions import Scheme, content_hash
from bilinear.decompositions.operations import ORDERS, permute

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

ORIGINAL = "original"
SYNCING = 16
"""Threads that wait for the disk, which joins what they ask for."""


class Added(NamedTuple):
    """What became of an entry that was added.

    Attributes:
        id: Of the entry in the catalog.
        status: `added` or `duplicate`.
        note: What the user should know, such as a changed order of sizes; empty if nothing.
    """

    id: str
    status: str
    note: str


def add_all(index: Index, root: Path, waiting: Iterable[Proved]) -> list[Added]:
    """Write entries that no folder holds, with their originals, in the order given.

    A scheme of matrix multiplication is stored with its sizes in rising order.

    Args:
        index: The folders that may hold them.
        root: The folder that is written; left alone if nothing is new.
        waiting: Verified entries.

    Raises:
        StoreError: If the folder cannot be written; each entry that is there is whole, and has its originals.
    """
    offers = [_Offer(proved) for proved in waiting]
    before = _Batch(index, root)
    known = [before.duplicate(offer) for offer in offers]
    if all(known):
        return list(filter(None, known))
    with atomic.writing(root):
        batch = _Batch(index, root)
        added = [one or batch.duplicate(offer) or batch.put(offer) for one, offer in zip(known, offers, strict=True)]
        batch.write()
    return added


class _Offer:
    """An entry, and where it may lie: a matrix product in each order in which its sizes rise."""

    def __init__(self, proved: Proved) -> None:
        self.proved, self.note = proved, ""
        self.schemes: list[Scheme] = []
        if not isinstance(proved.value, Scheme):
            self.places = [(layout.entry_folder(proved.entry), proved.entry.hash)]
            return
        self.schemes = list(_in_order(proved.value))
        self.places = [(layout.target_folder(scheme.target), content_hash(scheme)) for scheme in self.schemes]
        if self.schemes[0] is not proved.value:
            self.note = f"{proved.value.target.short} is stored as {self.schemes[0].target.short}, by a permutation"

    def entry(self) -> AnyEntry:
        """What is written at the first place; the check that was just made replaces one by the same method."""
        from bilinear.catalog.convert import entry_from_scheme, record

        entry, verification = self.proved.entry, self.proved.verification
        if self.note:  # what was checked of the other order is dropped
            entry = entry_from_scheme(self.schemes[0], entry.provenance, entry.lineage)
        others = [known for known in entry.verification if known.method != verification.method]
        return entry.model_copy(update={"verification": (record(verification), *others)})


def _in_order(scheme: Scheme) -> Iterator[Scheme]:
    """A matrix product with its sizes in rising order, in each way in which that can be done; others as they are."""
    sizes = list(scheme.target.sizes)
    if scheme.target.family != "matmul" or sizes == sorted(sizes):
        yield scheme
        return
    for order in ORDERS:
        if [sizes[axis] for axis in order] == sorted(sizes):
            yield permute(scheme, order)


class _Batch:
    """What the folders hold, each listed when it is first asked for, and what will be written."""

    def __init__(self, index: Index, root: Path) -> None:
        self._index, self._root = index, root
        self._listed: dict[Path, dict[str, list[Listing]]] = {}
        self._placed: dict[tuple[Path, str], str] = {}
        self._entries: dict[Path, bytes] = {}
        self._originals: dict[Path, bytes] = {}

    def duplicate(self, offer: _Offer) -> Added | None:
        """What holds the entry in one of its forms; None if nothing does."""
        for place in offer.places:
            known = self._placed.get(place) or self._stored(*place)
            if known is not None:
                return Added(known, "duplicate", offer.note)
        return None

    def _stored(self, folder: Path, wanted: str) -> str | None:
        if folder not in self._listed:
            listed = self._listed[folder] = {}
            for listing in self._index.in_folder(folder):
                listed.setdefault(listing.hash[: layout.NAME_DIGITS], []).append(listing)
        candidates = self._listed[folder].get(wanted[: layout.NAME_DIGITS], [])
        return next((listing.id for listing in candidates if _holds(listing, wanted)), None)

    def put(self, offer: _Offer) -> Added:
        """Take up what is new."""
        from bilinear.catalog.text import dumps

        entry, (folder, own_hash) = offer.entry(), offer.places[0]
        stem = self._free_stem(entry, folder)
        self._entries[self._root / folder / f"{stem}.json"] = dumps(entry)
        attached = self._root / layout.ATTACHMENTS / own_hash
        self._originals |= {attached / f"{ORIGINAL}{end}": data for end, data in offer.proved.originals.items()}
        self._placed[folder, own_hash] = identifier = layout.identifier(folder, stem)
        return Added(identifier, "added", offer.note)

    def _free_stem(self, entry: AnyEntry, folder: Path) -> str:
        """A name that no folder has: eight digits of the hash, more where they belong to another entry."""
        for digits in range(layout.NAME_DIGITS, len(entry.hash) + 1):
            stem = layout.entry_stem(entry, digits)
            paths = [root / folder / f"{stem}.json" for root, _ in self._index.roots]
            if not any(path in self._entries or path.exists() for path in paths):
                return stem
        raise CatalogError(f"{self._root / folder}: a damaged file has the name of entry {entry.hash}; remove it")

    def write(self) -> None:
        """Write the originals, then the entries.

        Raises:
            StoreError: If one cannot be written.
        """
        _write(self._originals)
        _write(self._entries)


def _holds(listing: Listing, wanted: str) -> bool:
    """Whether an entry has this hash, by its name and by what the file states; a damaged file holds nothing."""
    entry = read_or_none(listing) if wanted.startswith(listing.hash) else None
    return entry is not None and entry.hash == wanted


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write each file whole or not at all, several at once."""
    if not contents:
        return
    atomic.make_folders({path.parent for path in contents})
    with ThreadPoolExecutor(min(SYNCING, len(contents))) as pool:
        list(pool.map(atomic.write, contents.keys(), contents.values()))

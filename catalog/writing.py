"""The one way into a catalog: proved entries, written under one lock, each of them whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bilinear.catalog import atomic, figures, layout
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, read_or_none
from bilinear.catalog.layout import Listing
from bilinear.catalog.origins import is_foreign
from bilinear.catalog.parts import parts_of
from bilinear.catalog.verifiers import Proved, prove
from bilinear.decompositions import BilinearError, Ring, Scheme, Verification, content_hash
from bilinear.decompositions.operations import ORDERS, permute
from bilinear.decompositions.rings import holds

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

ORIGINAL = "original"
DAMAGED = ".damaged"
"""What is appended to the name of a file that has the name of an entry and is not that entry."""

RECORDS = {"found_by", "provenance", "lineage", "verification"}
"""Keys of an entry that say where it comes from; the others are what it claims."""

SYNCING = 16
"""Threads that wait for the disk, which joins what they ask for."""


class Added(NamedTuple):
    """What became of an entry that was added.

    Attributes:
        id: Of the entry in the catalog.
        status: `added` or `duplicate`.
        note: What the user should know, such as a changed order of sizes, or what stood in its place; empty if nothing.
    """

    id: str
    status: str
    note: str


def add_all(index: Index, root: Path, waiting: Iterable[Proved]) -> list[Added]:
    """Write entries that no folder holds, with their originals.

    A scheme of matrix multiplication is stored with its sizes in rising order. A folder holds an entry if it has
    one of that hash which is right and declared over no larger set; an equal one declared over a larger set makes room
    in the user's folder, and a damaged file of the same name is set aside.

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
        for place, offer in sorted(enumerate(offers), key=lambda numbered: numbered[1].width):
            known[place] = known[place] or batch.duplicate(offer) or batch.put(offer)
        batch.write()
    return list(filter(None, known))


class _Offer:
    """An entry, and where it may lie: a matrix product in each order in which its sizes rise."""

    def __init__(self, proved: Proved) -> None:
        self.proved, self.note = proved, ""
        self._forms: dict[int, AnyEntry] = {}
        self.values: list[Any] = [proved.value]
        if not isinstance(proved.value, Scheme):
            self.places = [(layout.entry_folder(proved.entry), proved.entry.hash)]
            return
        self.values = list(_in_order(proved.value))
        self.places = [(layout.target_folder(scheme.target), content_hash(scheme)) for scheme in self.values]
        if self.values[0] is not proved.value:
            self.note = f"{proved.value.target.short} is stored as {self.values[0].target.short}, by a permutation"

    def form(self, k: int) -> AnyEntry:
        """The entry at one of the places, made when it is asked for; a new one if another order was checked."""
        from bilinear.catalog.convert import turned

        if k not in self._forms:
            entry = self.proved.entry
            self._forms[k] = turned(entry, self.values[k]) if self.note else entry
        return self._forms[k]

    @property
    def width(self) -> int:
        """How large the declared set is; the smallest is written first, and holds what is declared over larger ones."""
        value = self.proved.value
        return list(Ring).index(value.ring) if isinstance(value, Scheme) else 0


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
        self._listed: dict[Path, list[str]] = {}
        self._placed: dict[tuple[Path, str], str] = {}
        self._entries: dict[Path, bytes] = {}
        self._known: list[tuple[Path, AnyEntry, Any]] = []
        self._originals: dict[Path, bytes] = {}
        self._damaged: set[Path] = set()
        self._outdone: dict[tuple[Path, str], list[Listing]] = {}

    def duplicate(self, offer: _Offer) -> Added | None:
        """What holds the entry in one of its forms; None if nothing does."""
        for k, place in enumerate(offer.places):
            known = self._placed.get(place) or self._stored(place, partial(offer.form, k))
            if known is not None:
                return Added(known, "duplicate", offer.note)
        return None

    def _stored(self, place: tuple[Path, str], form: Callable[[], AnyEntry]) -> str | None:
        """The entry that holds a form; what has its hash and does not hold it is remembered."""
        folder, wanted = place
        if folder not in self._listed:
            self._listed[folder] = [layout.all_names(root, folder) for root, _ in self._index.roots]
        outdone = []
        digits = wanted[: layout.NAME_DIGITS]
        names = sorted({name for listed in self._listed[folder] for name in layout.with_digits(listed, digits)})
        for listing in self._index.named(folder, names) if names else ():
            entry = read_or_none(listing) if wanted.startswith(listing.hash) else None
            if entry is None or entry.hash != wanted:
                continue
            if not _is_right(self._index, listing, entry, form()):
                self._damaged.add(listing.path)
            elif listing.published and not is_foreign(form()):
                continue  # found here as well, which its own entry says
            elif not _says_less(entry, form()):
                return listing.id
            else:
                outdone.append(listing)
        if outdone:
            self._outdone[place] = outdone
        return None

    def put(self, offer: _Offer) -> Added:
        """Take up what is new."""
        from bilinear.catalog.text import dumps

        k = next((k for k, place in enumerate(offer.places) if place in self._outdone), 0)
        place, form, value = offer.places[k], offer.form(k), offer.values[k]
        folder, own_hash = place
        stem = self._free_stem(form, folder)
        self._entries[path := self._root / folder / f"{stem}.json"] = dumps(
            _with_record(form, offer.proved.verification)
        )
        self._known.append((path, form, value))
        attached = self._root / layout.ATTACHMENTS / own_hash
        self._originals |= {attached / f"{ORIGINAL}{end}": data for end, data in offer.proved.originals.items()}
        self._placed[place] = identifier = layout.identifier(folder, stem)
        return Added(identifier, "added", "; ".join(filter(None, (offer.note, *self._displaced(path, place)))))

    def _displaced(self, path: Path, place: tuple[Path, str]) -> Iterator[str]:
        """What an entry takes the place of, for the user."""
        for listing in self._outdone.get(place, []):
            how = "beside" if listing.shipped else "in the place of"
            yield f"{how} {listing.id}, which was declared over {listing.ring}"
        if path in self._damaged:
            yield f"a damaged file had its name, and is kept as {path.name}{DAMAGED}"

    def _free_stem(self, entry: AnyEntry, folder: Path) -> str:
        """A name that no folder has: eight digits of the hash, more where they belong to another entry."""
        for digits in range(layout.NAME_DIGITS, len(entry.hash) + 1):
            stem = layout.entry_stem(entry, digits)
            paths = [root / folder / name for root, _ in self._index.roots for name in layout.file_names(stem)]
            if not any(path in self._entries or (path.exists() and path not in self._damaged) for path in paths):
                return stem
        raise CatalogError(f"{self._root / folder}: a damaged file has the name of entry {entry.hash}; remove it")

    def write(self) -> None:
        """Write the originals, then the entries; then what they outdo is taken away.

        Raises:
            StoreError: If one cannot be written.
        """
        _write(self._originals)
        for path in self._damaged & self._entries.keys():
            atomic.rename(path, path.with_name(f"{path.name}{DAMAGED}"))
        _write(self._entries)
        for listing in chain.from_iterable(self._outdone.values()):
            if not listing.shipped:
                atomic.remove(listing.path)
        figures.keep(self._index, self._root, self._known)


def _is_right(index: Index, listing: Listing, entry: AnyEntry, form: AnyEntry) -> bool:
    """Whether what stands is what it claims, under its own name; claiming what `form` does, it is as right as that."""
    if layout.entry_stem(entry, len(listing.hash)) != listing.stem:
        return False
    claims = type(form).model_fields.keys() - RECORDS
    if type(entry) is type(form) and all(getattr(entry, key) == getattr(form, key) for key in claims):
        return True
    try:
        return prove(entry, str(listing.path), parts_of(index)).entry is entry
    except BilinearError:
        return False


def _says_less(entry: AnyEntry, form: AnyEntry) -> bool:
    """Whether an entry declares a larger coefficient set than the other one of its hash."""
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.recipes import RecipeEntry

    if not isinstance(entry, SchemeEntry | RecipeEntry) or not isinstance(form, SchemeEntry | RecipeEntry):
        return False
    return entry.ring is not form.ring and holds(entry.ring, form.ring)


def _with_record(entry: AnyEntry, verification: Verification) -> AnyEntry:
    """The entry with the check that was just made in the place of an earlier one by the same method."""
    from bilinear.catalog.convert import record

    others = [known for known in entry.verification if known.method != verification.method]
    return entry.model_copy(update={"verification": (record(verification), *others)})


def _write(contents: Mapping[Path, bytes]) -> None:
    """Write each file whole or not at all, several at once."""
    if not contents:
        return
    atomic.make_folders({path.parent for path in contents})
    with ThreadPoolExecutor(min(SYNCING, len(contents))) as pool:
        list(pool.map(atomic.write, contents.keys(), contents.values()))

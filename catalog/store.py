"""The catalog: the user's own folder, which can be written, joined with the one that came with the program."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bilinear.catalog import atomic, attachments, layout, lookup
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.layout import Listing
from bilinear.catalog.verifiers import require_right
from bilinear.decompositions import Approximation, Scheme, Target, Verification
from bilinear.decompositions.operations import ORDERS, canonical, permute
from bilinear.decompositions.rings import Ring

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.text import AnyEntry

SHIPPED = Path(__file__).parent
ENVIRONMENT = "BILINEAR_CATALOG"


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


class Served(NamedTuple):
    """A verified scheme that answers a query.

    Attributes:
        scheme: In the order of sizes, and over the ring, that was asked for.
        entry: As it is stored.
        note: How the scheme was made of the entry; empty if it is the entry's own.
    """

    scheme: Scheme
    entry: SchemeEntry
    note: str


def user_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """The user's folder: the one given, else `BILINEAR_CATALOG`, else the system's place for a user's data."""
    chosen = given or os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_dir

    return Path(user_data_dir("bilinear")) / "catalog"


class Catalog:
    """Entries by id, hash or target. Listing goes by file names; every entry is verified when it is read for use.

    Attributes:
        root: The user's folder; it need not exist until something is added.
        shipped: The folder that came with the program, never written.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None, shipped: Path | None = SHIPPED) -> None:
        self.root = user_folder(root)
        self.shipped = shipped

    @property
    def roots(self) -> list[tuple[Path, bool]]:
        """The folders, each with whether it is the shipped one; the user's first."""
        shipped = [] if self.shipped is None else [(self.shipped, True)]
        return [(self.root, False), *shipped]

    def __iter__(self) -> Iterator[Listing]:
        """All entries by file name, unread; one that is in both folders is listed once, as the user's."""
        return self._joined(layout.listings(root, shipped) for root, shipped in self.roots)

    def of_target(self, target: Target) -> list[Listing]:
        """The entries of a target, whose sizes stand in rising order if it is `matmul`."""
        folder = layout.target_folder(target)
        return list(self._joined(layout.listings_in(root, folder, shipped) for root, shipped in self.roots))

    def _joined(self, parts: Iterator[Iterator[Listing]] | Sequence[Iterator[Listing]]) -> Iterator[Listing]:
        seen = set()
        for listing in chain.from_iterable(parts):
            if listing.id not in seen:
                seen.add(listing.id)
                yield listing

    def find(self, query: str, ring: Ring | str | None = None) -> lookup.Found:
        """The file that a query means; see `lookup.find` for what can be asked."""
        return lookup.find(self, query, ring)

    def entry(self, query: str) -> AnyEntry:
        """The verified entry that a query means.

        Raises:
            CatalogError: If there is none, or it cannot be read.
            WrongSchemeError: If it does not compute its target.
        """
        found = self.find(query)
        return self.read(found.listing) if found.listing is not None else read_file(found.path)

    def scheme(self, query: str, ring: Ring | str | None = None) -> Served:
        """A verified scheme, in the order of sizes that the query names, over `ring` if one is given.

        Raises:
            CatalogError: If there is none, it cannot be read, or the entry is no scheme.
            WrongSchemeError: If it does not compute its target.
            RingError: If its coefficients do not fit into `ring`.
        """
        from bilinear.catalog.convert import to_scheme

        found = self.find(query, ring)
        entry = self.read(found.listing) if found.listing is not None else read_file(found.path)
        if entry.kind != "scheme":
            raise CatalogError(f"{found.path}: kind: {entry.kind}; a scheme is needed")
        scheme, note = to_scheme(entry), ""
        if found.order is not None:
            scheme = permute(scheme, found.order)
            note = f"{scheme.target.short} is served from {found.path.stem} of {entry.target.name} by a permutation"
        return Served(scheme if ring is None else scheme.to(ring), entry, note)

    def approximation(self, query: str) -> Approximation:
        """A certified approximation, in the order of sizes that the query names.

        Raises:
            CatalogError: If there is none, it cannot be read, or the entry is no approximation.
        """
        from bilinear.catalog.convert import to_approximation

        found = self.find(query)
        entry = self.read(found.listing) if found.listing is not None else read_file(found.path)
        if entry.kind != "approximation":
            raise CatalogError(f"{found.path}: kind: {entry.kind}; an approximation is needed")
        approximation = to_approximation(entry)
        return approximation if found.order is None else permute(approximation, found.order)

    def read(self, listing: Listing) -> AnyEntry:
        """The entry of a listing, verified, and lying where its content says.

        Raises:
            CatalogError: If it cannot be read, or its file name belongs to another entry.
            WrongSchemeError: If it does not compute its target.
        """
        entry = read_file(listing.path)
        stem = layout.entry_stem(entry, len(listing.hash))
        if layout.identifier(layout.entry_folder(entry), stem) != listing.id:
            raise CatalogError(f"{listing.path}: name: belongs to another entry; {stem}.json is needed")
        return entry

    def add(self, entry: AnyEntry) -> Added:
        """Verify an entry and write it to the user's folder, unless either folder holds it already.

        A scheme of matrix multiplication is stored with its sizes in rising order.

        Raises:
            WrongSchemeError: If it does not compute its target.
            CatalogError: If its kind cannot be verified, or its hash is not its own.
            StoreError: If the folder cannot be written.
        """
        verification = require_right(entry, f"entry {entry.hash[: layout.HASH_DIGITS]}")
        forms = self._forms(entry)
        for form, note in forms:
            known = self._holding(form)
            if known is not None:
                return Added(known.id, "duplicate", note)
        form, note = forms[0]
        return self._write(_with_record(form, verification), note)

    def _forms(self, entry: AnyEntry) -> list[tuple[AnyEntry, str]]:
        """The entry as it may be stored; for a `matmul` scheme in another order of sizes each way to put them right."""
        if entry.kind != "scheme" or not entry.target.name.startswith("matmul:"):
            return [(entry, "")]
        from bilinear.catalog.convert import to_scheme

        scheme = to_scheme(entry)
        wanted = canonical(scheme.target)
        if wanted == scheme.target:
            return [(entry, "")]
        sizes = scheme.target.sizes
        orders = [order for order in ORDERS if tuple(sizes[axis] for axis in order) == wanted.sizes]
        note = f"{scheme.target.short} is stored as {wanted.short}, by a permutation"
        return [(_rewritten(entry, permute(scheme, order)), note) for order in orders]

    def _holding(self, entry: AnyEntry) -> Listing | None:
        """The listing with the same content hash, if there is one; a damaged file holds nothing."""
        folder = layout.entry_folder(entry)
        for listing in self._joined(layout.listings_in(root, folder, shipped) for root, shipped in self.roots):
            if entry.hash.startswith(listing.hash) and lookup.stored_hash(listing) == entry.hash:
                return listing
        return None

    def _write(self, entry: AnyEntry, note: str) -> Added:
        from bilinear.catalog.text import dumps

        data, folder = dumps(entry), layout.entry_folder(entry)
        with atomic.writing(self.root):
            known = self._holding(entry)
            if known is not None:
                return Added(known.id, "duplicate", note)
            stem = self._free_stem(entry, folder)
            atomic.write(self.root / folder / f"{stem}.json", data)
        return Added(layout.identifier(folder, stem), "added", note)

    def _free_stem(self, entry: AnyEntry, folder: Path) -> str:
        """A name that neither folder has: eight digits of the hash, more where they belong to another entry."""
        for digits in range(layout.HASH_DIGITS, len(entry.hash) + 1):
            stem = layout.entry_stem(entry, digits)
            if not any((root / folder / f"{stem}.json").exists() for root, _ in self.roots):
                return stem
        raise CatalogError(f"{self.root / folder}: a damaged file has the name of entry {entry.hash}; remove it")

    def remove(self, name: str) -> Listing:
        """Take an entry out of the user's folder, by its id; its attachments stay, keyed by its hash.

        Raises:
            CatalogError: If there is none of that id, or it came with the program.
            StoreError: If the folder cannot be written.
        """
        listing = lookup.by_id(self, name)
        if listing.shipped:
            raise CatalogError(
                f"{listing.id}: shipped with the program, read-only; only entries of {self.root} are removed"
            )
        with atomic.writing(self.root):
            atomic.remove(listing.path)
        return listing

    def attach(self, content_hash: str, name: str, data: bytes) -> None:
        """Keep something found out later about an entry; see `attachments.attach`."""
        attachments.attach(self.root, content_hash, name, data)

    def attachments(self, content_hash: str) -> list[str]:
        """Names of what is attached to an entry, sorted."""
        return sorted({name for root, _ in self.roots for name in attachments.names(root, content_hash)})

    def read_attachment(self, content_hash: str, name: str) -> bytes:
        """An attachment's bytes, the user's own first.

        Raises:
            CatalogError: If there is none.
        """
        return attachments.read([root for root, _ in self.roots], content_hash, name)


def read_file(path: Path) -> AnyEntry:
    """The verified entry in any file.

    Raises:
        CatalogError: If it cannot be read.
        WrongSchemeError: If it does not compute its target.
    """
    from bilinear.catalog.text import read

    entry = read(path)
    require_right(entry, str(path))
    return entry


def _with_record(entry: AnyEntry, verification: Verification) -> AnyEntry:
    """The entry with the check that was just made in the place of an earlier one by the same method."""
    from bilinear.catalog.convert import record

    others = [known for known in entry.verification if known.method != verification.method]
    return entry.model_copy(update={"verification": (record(verification), *others)})


def _rewritten(entry: SchemeEntry, scheme: Scheme) -> SchemeEntry:
    """The entry of another form of its scheme; what was checked of the old form is dropped."""
    from bilinear.catalog.convert import entry_from_scheme

    return entry_from_scheme(scheme, entry.provenance, entry.lineage)

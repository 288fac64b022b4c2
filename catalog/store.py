"""The catalog: the user's own folder, which can be written, joined with the one that came with the program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from bilinear.catalog import atomic, attachments, figures, layout, lookup
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, by_id, pass_over
from bilinear.catalog.layout import Listing
from bilinear.catalog.parts import parts_of
from bilinear.catalog.verifiers import Proved, prove
from bilinear.catalog.writing import Added, add_all
from bilinear.decompositions import Approximation, BilinearError, Scheme
from bilinear.decompositions.operations import permute
from bilinear.decompositions.rings import Ring

if TYPE_CHECKING:
    from bilinear.catalog.entries import ApproximationEntry, SchemeEntry
    from bilinear.catalog.text import AnyEntry

Value = TypeVar("Value")
Stored = TypeVar("Stored")

SHIPPED = Path(__file__).parent
ENVIRONMENT = "BILINEAR_CATALOG"


@dataclass(frozen=True)
class Served(Generic[Value, Stored]):
    """What answers a query, verified.

    Attributes:
        value: Scheme, approximation, border scheme or exact transform; the first two in the order of sizes, a scheme
            over the ring, that was asked for.
        entry: As it is stored.
        path: Its file.
        listing: Of the catalog; None for a file outside it.
        note: How the value was made of the entry; empty if it is the entry's own.
    """

    value: Value
    entry: Stored
    path: Path
    listing: Listing | None = None
    note: str = ""

    @property
    def id(self) -> str | None:
        """Of the entry in the catalog; None for a file outside it."""
        return None if self.listing is None else self.listing.id

    def only(self, *types: type) -> Served[Any, Any]:
        """This answer, if its value is of one of these types.

        Raises:
            CatalogError: If it is not.
        """
        if not isinstance(self.value, types):
            raise CatalogError(f"{self.path}: kind: {cast('AnyEntry', self.entry).kind}; a scheme is needed")
        return self


def user_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """The user's folder: the one given, else `BILINEAR_CATALOG`, else the system's place for a user's data."""
    chosen = given or os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_dir

    return Path(user_data_dir("bilinear")) / "catalog"


class Catalog(Index):
    """Entries by id, hash or target. Listing goes by file names; every entry is verified when it is read for use.

    Attributes:
        root: The user's folder; it need not exist until something is added.
        shipped: The folder that came with the program, never written.
        roots: Both and the shipped one of what others published, the user's first: an entry of several is listed once.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None, shipped: Path | None = SHIPPED) -> None:
        self.root = user_folder(root)
        self.shipped = shipped
        came = [] if shipped is None else [(shipped, True), (shipped / layout.PUBLISHED, True)]
        super().__init__([(self.root, False), *came])

    def find(self, query: str, ring: Ring | str | None = None) -> lookup.Found:
        """The file that a query means; see `lookup.find` for what can be asked."""
        return lookup.find(self, query, ring)

    def serve(self, query: str, ring: Ring | str | None = None) -> Served[Any, AnyEntry]:
        """What a query means, read and verified once: in the order of sizes that it names, over `ring` if one is given.

        Raises:
            CatalogError: If there is none, it cannot be read, or a ring is given and the entry is no scheme.
            WrongSchemeError: If it does not compute its target.
            RingError: If its coefficients do not fit into `ring`.
        """
        found, proved = self._answer(query, ring)
        value, note = proved.value, ""
        if found.order is not None and isinstance(value, Scheme | Approximation):
            value = permute(value, found.order)
            stored = f"{layout.stem_of(found.path.name)} of {cast('SchemeEntry', proved.entry).target.name}"
            note = f"{value.target.short} is served from {stored} by a permutation"
        served = Served(value, proved.entry, found.path, found.listing, note)
        return served if ring is None else replace(served.only(Scheme), value=value.to(ring))

    def _answer(self, query: str, ring: Ring | str | None) -> tuple[lookup.Found, Proved]:
        """What a query means, proved; where several entries answer, bad ones are passed over with a warning."""
        faults: list[BilinearError] = []
        index = self
        while True:
            try:
                found = lookup.find(index, query, ring)
            except CatalogError:
                if faults:
                    raise faults[0] from None
                raise
            try:
                proved = self._proved(found.path, found.listing, found.entry)
            except BilinearError as error:
                if not lookup.is_choice(query):
                    raise
                faults.append(error)
                index = index.without(found.path)
            else:
                for fault in faults:
                    pass_over(fault)
                return found, proved

    def scheme(self, query: str, ring: Ring | str | None = None) -> Served[Scheme, SchemeEntry]:
        """What `serve` answers, where it is a scheme.

        Raises:
            CatalogError: If the entry is of another kind, or as for `serve`.
            WrongSchemeError: If it does not compute its target.
            RingError: If its coefficients do not fit into `ring`.
        """
        return self.serve(query, ring).only(Scheme)

    def factors(self, query: str) -> Served[Scheme | Approximation, SchemeEntry | ApproximationEntry]:
        """What `serve` answers, where it is a scheme or an approximation.

        Raises:
            CatalogError: If the entry is of another kind, or as for `serve`.
            WrongSchemeError: If it does not compute its target.
        """
        return self.serve(query).only(Scheme, Approximation)

    def read(self, listing: Listing) -> AnyEntry:
        """The entry of a listing, verified, and lying where its content says.

        Raises:
            CatalogError: If it cannot be read, or its file name belongs to another entry.
            WrongSchemeError: If it does not compute its target.
        """
        return self.proved(listing).entry

    def proved(self, listing: Listing) -> Proved:
        """The entry of a listing with its value, as for `read`.

        Raises:
            CatalogError: If it cannot be read, or its file name belongs to another entry.
            WrongSchemeError: If it does not compute its target.
        """
        return self._proved(listing.path, listing)

    def _proved(self, path: Path, listing: Listing | None, entry: AnyEntry | None = None) -> Proved:
        """The verified entry of a file, which must lie where its content says if it has a listing."""
        from bilinear.catalog.text import read

        proved = prove(read(path) if entry is None else entry, str(path), parts_of(self))
        if listing is not None:
            stem = layout.entry_stem(proved.entry, len(listing.hash))
            if layout.identifier(layout.entry_folder(proved.entry), stem) != listing.id:
                raise CatalogError(f"{path}: name: belongs to another entry; {stem}.json is needed")
        return proved

    def add(self, entry: AnyEntry) -> Added:
        """Verify an entry and write it to the user's folder, unless either folder holds it already.

        Raises:
            WrongSchemeError: If it does not compute its target.
            CatalogError: If its kind cannot be verified, or its hash is not its own.
            StoreError: If the folder cannot be written.
        """
        source = f"entry {entry.hash[: layout.NAME_DIGITS]}"
        (added,) = self.add_all([prove(entry, source, parts_of(self))])
        return added

    def add_all(self, proved: Iterable[Proved]) -> list[Added]:
        """Write verified entries under one lock; see `writing.add_all`.

        Raises:
            StoreError: If the folder cannot be written; each entry that is there is whole, and has its originals.
        """
        return add_all(self, self.root, proved)

    def remove(self, name: str) -> Listing:
        """Take an entry out of the user's folder, by its id; its attachments stay, keyed by its hash.

        Raises:
            CatalogError: If there is none of that id, or it came with the program.
            StoreError: If the folder cannot be written.
        """
        listing = by_id(self, name)
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
        figures.forget(self.root, content_hash)

    def attachments(self, content_hash: str) -> list[str]:
        """Names of what is attached to an entry, sorted."""
        return sorted({name for root, _ in self.roots for name in attachments.names(root, content_hash)})

    def read_attachment(self, content_hash: str, name: str) -> bytes:
        """An attachment's bytes, the user's own first.

        Raises:
            CatalogError: If there is none.
        """
        return attachments.read([root for root, _ in self.roots], content_hash, name)

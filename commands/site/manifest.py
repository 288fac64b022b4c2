"""What a site was made of the last time, so that only what changed is made again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.bounds import BOUNDS_FILE
from bilinear.catalog.index import read_or_none
from bilinear.catalog.layout import NAME_DIGITS, Listing
from bilinear.catalog.records import RECORDS_FILE
from bilinear.decompositions import BilinearError, __version__
from bilinear.decompositions.files import write_atomic

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

NAME = "site.json"
GUIDES = "guides"
"""The folder that `make docs` writes beside the pages."""
FORMAT = 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9+,=_^-]{0,199}")
_HERE = Path(__file__).parent


class SiteError(BilinearError):
    """A folder that no site can be written into."""


@dataclass(frozen=True)
class Record:
    """One page.

    Attributes:
        sha256: Of the entry's file.
        key: Of all that the page was made of.
        hash: The entry's content hash.
        parents: Of the entry.
        row: Of the index.
    """

    sha256: str
    key: str
    hash: str
    parents: tuple[str, ...]
    row: dict[str, Any]


@dataclass
class Manifest:
    """The pages of a site by id.

    Attributes:
        records: One an entry.
        index: Of all that the index was made of.
    """

    records: dict[str, Record] = field(default_factory=dict)
    index: str = ""


def read(out: Path) -> Manifest:
    """What is known of the site in a folder; nothing of an empty one, or where it was made by another version.

    Raises:
        SiteError: If there are files that are no site.
    """
    path = out / NAME
    if not path.is_file():
        _require_new(out)
        return Manifest()
    try:
        known = json.loads(path.read_bytes())
        records = {name: Record(**(one | {"parents": tuple(one["parents"])})) for name, one in known["records"].items()}
        is_ours = known["format"] == FORMAT and all(map(_ID.fullmatch, records))
        return Manifest(records, str(known["index"])) if is_ours else Manifest()
    except (ValueError, TypeError, KeyError, AttributeError):
        return Manifest()


def _require_new(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SiteError(f"{out}: not a folder; an empty or new one is needed")
    if out.is_dir() and any(path.name != GUIDES for path in out.iterdir()):
        raise SiteError(f"{out}: holds files that are no site of this program; an empty or new folder is needed")


def write(out: Path, manifest: Manifest) -> None:
    """Keep it beside the pages."""
    records = {name: asdict(record) for name, record in sorted(manifest.records.items())}
    document = {"format": FORMAT, "index": manifest.index, "records": records}
    write_atomic(out / NAME, json.dumps(document, separators=(",", ":")).encode())


class Keys:
    """Digests of what pages are made of: files of entries, programs kept with them, what their lineage leads to."""

    def __init__(self, catalog: Catalog, known: Manifest) -> None:
        self._catalog, self._known = catalog, known
        self._by_digits: dict[str, list[Listing]] = {}
        for listing in catalog:
            self._by_digits.setdefault(listing.hash[:NAME_DIGITS], []).append(listing)
        self.file = cache(self._file)
        self._parents = cache(self._parents_of)

    def of(self, listing: Listing, content_hash: str, parents: tuple[str, ...]) -> str:
        """What the page of an entry depends on."""
        kept = [
            hashlib.sha256(self._catalog.read_attachment(content_hash, name)).hexdigest()
            for name in self._names(content_hash)
        ]
        beyond = [] if listing.shipped else sorted(self._ancestors(parents, set()))
        return digest(maker(), listing.id, self.file(listing), *kept, *beyond)

    def alike(self, content_hash: str) -> list[Listing]:
        """The entries whose names begin with the digits of a hash."""
        return self._by_digits.get(content_hash[:NAME_DIGITS], [])

    def _names(self, content_hash: str) -> list[str]:
        return [name for name in self._catalog.attachments(content_hash) if name.startswith("program")]

    def _ancestors(self, parents: tuple[str, ...], seen: set[str]) -> Iterator[str]:
        """The files that the lineage leads to, from which it is told who found an entry."""
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                yield parent
                for listing in self.alike(parent):
                    yield self.file(listing)
                    if not listing.shipped:
                        yield from self._ancestors(self._parents(listing), seen)

    def _file(self, listing: Listing) -> str:
        try:
            return hashlib.sha256(listing.path.read_bytes()).hexdigest()
        except OSError:
            return ""

    def _parents_of(self, listing: Listing) -> tuple[str, ...]:
        known = self._known.records.get(listing.id)
        if known is not None and known.sha256 == self.file(listing):
            return known.parents
        entry = read_or_none(listing)
        return () if entry is None else entry.lineage.parents


@cache
def maker() -> str:
    """The program and its tables, as far as pages show them."""
    files = sorted(path for path in _HERE.rglob("*") if path.suffix in (".py", ".html", ".js", ".css"))
    return digest(
        __version__, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in (*files, RECORDS_FILE, BOUNDS_FILE))
    )


def digest(*parts: str) -> str:
    """SHA-256 of texts, one after the other."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

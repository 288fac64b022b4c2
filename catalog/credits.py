"""What others published and came with the program, told without reading it: authors, sources, figures, digests.

`published/figures.json` says it; `catalog/crediting.py` makes it of the entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bilinear.catalog import layout
from bilinear.catalog.layout import Listing

TABLE = "figures.json"


class Told(NamedTuple):
    """What the table says of one file.

    Attributes:
        hash: The content hash.
        sha256: Of the file as it was when it was proved.
        additions: Of its factors.
        f2: Whether the scheme can be read modulo 2: 0 or 1.
        f3: Likewise modulo 3.
        authors: Who found it.
        source: Where it was published.
        year: When.
        licence: Of the file that was read.
    """

    hash: str
    sha256: str
    additions: int
    f2: int
    f3: int
    authors: str
    source: str
    year: int
    licence: str


def told(listing: Listing) -> Told | None:
    """What is told of an entry; None if it is not one that others published and that came with the program."""
    if not listing.published:
        return None
    root, folder = listing.folder.parents[1], listing.folder.relative_to(listing.folder.parents[1])
    return _table(root).get(f"{folder.as_posix()}/{listing.name}")


def is_as_proved(listing: Listing) -> bool:
    """Whether the file is byte for byte the one that was proved when the table was made."""
    known = told(listing)
    try:
        return known is not None and hashlib.sha256(listing.path.read_bytes()).hexdigest() == known.sha256
    except OSError:
        return False


def figures(root: Path, folder: Path, names: Iterable[str], columns: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
    """Figures of entries in one folder of such a catalog, by name; nothing of those that the table has not.

    Args:
        root: The catalog.
        folder: Relative to it.
        names: Of the files.
        columns: Fields of `Told` that are numbers.
    """
    table = _table(root) if root.name == layout.PUBLISHED else {}
    if any(column not in Told._fields for column in columns):
        return {}
    rows = ((name, table.get(f"{folder.as_posix()}/{name}")) for name in names)
    return {name: tuple(getattr(row, column) for column in columns) for name, row in rows if row is not None}


@cache
def _table(root: Path) -> dict[str, Told]:
    try:
        document = json.loads((root / TABLE).read_text(encoding="utf-8"))
        return {name: Told(**row) for name, row in document["entries"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # what it says is read in the entries then

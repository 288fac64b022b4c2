"""What queries ask of entries beyond their names, without reading those that were read before."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog import attachments, credits, layout
from bilinear.catalog.cache import Cache, Row
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, Places, read_or_none
from bilinear.decompositions import Approximation, BilinearError, Scheme
from bilinear.decompositions.formulas import additions
from bilinear.decompositions.row_norms import norms

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.text import AnyEntry

FEW = 1000
"""So many files are each compared with what is known of them; of more, the one that is chosen."""

HELD = 100
"""Entries that are held after they were read, so that the chosen one is seldom read twice."""

STAMP = ("size", "mtime_ns", "program_ns", "hash")
Figure = tuple[float, ...]


class Figures:
    """Figures of entries of one folder: from the cache of the catalog's folder that has them, else read and kept there.

    Attributes:
        values: For each name the figures asked for; infinity for what the entry has not, or if it is damaged.
    """

    def __init__(self, index: Index, folder: Path, start: str, places: Places, columns: Sequence[str]) -> None:
        """Look up what is known, and read the others.

        Args:
            index: That lists the entries.
            folder: Relative to the catalog.
            start: How the names begin.
            places: The entries.
            columns: Figures of a `Row` that are asked for.
        """
        self._index, self._folder, self._places, self._columns = index, folder, places, columns
        self._entries: dict[str, AnyEntry | None] = {}
        known: dict[str, Figure] = {}
        for root in dict.fromkeys(root for root, shipped in places.values() if not shipped):
            found = Cache(root).rows(str(folder), start, columns)
            known |= {name: row for name, row in found.items() if places.get(name) == (root, False)}
        if len(places) <= FEW:
            known = {name: known[name] for name in self._current(start, known)}
        for root in dict.fromkeys(root for root, shipped in places.values() if shipped):
            names = [name for name, place in places.items() if place == (root, True)]
            known |= credits.figures(root, folder, names, columns)
        self.values: Mapping[str, Figure] = known | self._read(places.keys() - known.keys())

    def least(self, key: Callable[[Figure], Any] = lambda figure: figure) -> tuple[str, AnyEntry | None]:
        """The first name of the least figures, looked at once more, and its entry if it was read for that."""
        while True:
            best = min(self.values, key=lambda name: (key(self.values[name]), name))
            if best in self._entries:
                return best, self._entries[best]
            if list(self._current(best, [best])):
                return best, None
            self.values = {**self.values, **self._read([best])}

    def _current(self, start: str, names: Iterable[str]) -> Iterable[str]:
        """Those of the names whose files are the ones that were read."""
        stamps: dict[Path, Mapping[str, tuple[Any, ...]]] = {}
        for name in names:
            root, shipped = self._places[name]
            if shipped:
                yield name  # what came with the program does not change
                continue
            if root not in stamps:
                stamps[root] = Cache(root).rows(str(self._folder), start, STAMP)
            stamp = stamps[root].get(name)
            if stamp is not None and stamp[:3] == _stamp(self._index, root / self._folder / name, stamp[3]):
                yield name

    def _read(self, names: Iterable[str]) -> dict[str, Figure]:
        found: dict[str, Figure] = {}
        rows: dict[Path, list[Row]] = {}
        for name in names:
            root, shipped = self._places[name]
            row, entry = _read(self._index, root, self._folder, name, shipped)
            values = [None if row is None else getattr(row, column) for column in self._columns]
            found[name] = tuple(math.inf if value is None else value for value in values)
            self._entries[name] = entry if len(self._entries) < HELD else None
            if row is not None and not shipped:
                rows.setdefault(root, []).append(row)
        for root, fresh in rows.items():
            Cache(root).put(fresh)
        return found


def keep(index: Index, root: Path, written: Iterable[tuple[Path, AnyEntry, Any]]) -> None:
    """Take up entries that were just written, so that they need not be read: file, entry and what it holds of each."""
    rows = [row for path, entry, value in written if (row := _row(index, root, path, entry, value)) is not None]
    if rows:
        Cache(root).put(rows)


def forget(root: Path, content_hash: str) -> None:
    """Have the entries of a hash read again, because what is kept with them has changed."""
    Cache(root).forget(content_hash)


def _read(index: Index, root: Path, folder: Path, name: str, shipped: bool) -> tuple[Row | None, AnyEntry | None]:
    """What is to be known of one file, and its entry; nothing of a damaged one."""
    from bilinear.catalog.convert import to_approximation, to_scheme

    (listing,) = layout.listings_in(root, folder, shipped, [name])
    path, before = listing.path, _stamp(index, listing.path)
    entry = read_or_none(listing)
    if entry is None:
        return None, None
    value: Scheme | Approximation | None = None
    try:
        if entry.kind == "scheme":
            value = to_scheme(entry)
        elif entry.kind == "approximation":
            value = to_approximation(entry)
    except BilinearError:
        return None, entry
    row = _row(index, root, path, entry, value)
    return row if row is not None and row[2:4] == before[:2] else None, entry


def _row(index: Index, root: Path, path: Path, entry: AnyEntry, value: Any) -> Row | None:
    """What is to be known of an entry; None if its file is gone."""
    size, mtime_ns, program_ns = _stamp(index, path, entry.hash)
    if size < 0:
        return None
    known: dict[str, Any] = {"kind": entry.kind, "hash": entry.hash}
    if entry.kind == "transform":
        known["ring"] = entry.field
    else:
        known |= {"target": entry.target.name, "rank": entry.rank}
    if entry.kind == "recipe":
        known |= {
            "ring": entry.ring.value,
            "f2": 0,
            "f3": 0,
        }  # what it is modulo a prime is not known until it is built
    if entry.kind == "scheme" and isinstance(value, Scheme):
        known |= {"ring": entry.ring.value}
        known["additions"] = _additions(index, entry.hash, value) if program_ns else additions(value)
        known |= {"f2": int(reduces(entry, 2)), "f3": int(reduces(entry, 3))}
    if entry.kind == "approximation" and isinstance(value, Approximation):
        known |= {"residual": entry.residual.value, "longest": float(norms(value.factors).max(initial=0.0))}
    return Row(str(path.parent.relative_to(root)), path.name, size, mtime_ns, program_ns, **known)


def _stamp(index: Index, path: Path, content_hash: str = "") -> tuple[int, int, int]:
    """Size and time of a file, and the time of the program kept with its entry; -1 for no file, 0 for no program."""
    from bilinear.decompositions.programs.text import ATTACHMENT

    try:
        file = os.stat(path)  # noqa: PTH116
    except OSError:
        return -1, -1, 0
    for root, _ in index.roots if content_hash else ():
        try:
            program = os.stat(f"{root}/{layout.ATTACHMENTS}/{content_hash}/{ATTACHMENT}")  # noqa: PTH116
        except OSError:
            continue
        return file.st_size, file.st_mtime_ns, program.st_mtime_ns
    return file.st_size, file.st_mtime_ns, 0


def _additions(index: Index, content_hash: str, scheme: Scheme) -> int:
    """Those of the program kept with an entry, else those of its factors."""
    from bilinear.decompositions.programs.program import ProgramError
    from bilinear.decompositions.programs.text import ATTACHMENT, loads

    try:
        text = attachments.read([root for root, _ in index.roots], content_hash, ATTACHMENT)
        return loads(text, content_hash, scheme).operations.additions
    except (CatalogError, ProgramError):
        return additions(scheme)


def reduces(entry: SchemeEntry, p: int) -> bool:
    """Whether a scheme of characteristic 0 can be read modulo p: it is real, and no denominator stands against it."""
    return entry.imag is None and all(int(d) % p for d in entry.denominators or ())

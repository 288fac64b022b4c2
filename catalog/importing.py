"""Taking over what other programs found: files and folders of any known format, each scheme proved, then kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bilinear.catalog import layout
from bilinear.catalog.errors import CatalogError, WrongSchemeError
from bilinear.catalog.index import Index
from bilinear.catalog.origins import IMPORTED
from bilinear.catalog.parts import proved_file
from bilinear.catalog.verifiers import Proved
from bilinear.decompositions import Approximation, BilinearError, Scheme, __version__
from bilinear.decompositions.formats import detect, read
from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.draft import Draft, Fault, settle
from bilinear.decompositions.formats.plinopt_sms import first_part
from bilinear.decompositions.formats.source import Source, open_source

if TYPE_CHECKING:
    from bilinear.catalog.entries import Provenance
    from bilinear.catalog.store import Catalog

STATUSES = ("imported", "duplicate", "wrong", "unreadable")
OWN = "entry"
"""Name of the catalog's own format."""

BATCH = 256
BATCH_BYTES = 64 * 10**6
BYTES_A_NUMBER = 16
MAX_EXTRA = 20_000
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Imported:
    """What became of one scheme, or of a file that holds none.

    Attributes:
        path: The file.
        record: Which scheme of the file; empty if it is the only one.
        format: How the file was read; empty if its format is not known.
        status: `imported`, `duplicate`, `wrong` (does not compute its target) or `unreadable`.
        detail: The id here, or the reason on one line.
        note: What else the user should know; empty if nothing.
    """

    path: Path
    status: str
    detail: str
    format: str = ""
    record: str = ""
    note: str = ""

    @property
    def source(self) -> str:
        """The file and the scheme in it, for people."""
        return f"{self.path}: {self.record}" if self.record else str(self.path)


@dataclass(frozen=True)
class Report:
    """What became of everything.

    Attributes:
        results: In the order of the files.
        interrupted: Whether the user stopped it; what was read until then is kept.
    """

    results: list[Imported]
    interrupted: bool = False

    def count(self, status: str) -> int:
        """How many schemes, or unreadable files, ended so."""
        return sum(result.status == status for result in self.results)


def import_paths(
    catalog: Catalog,
    paths: Iterable[str | os.PathLike[str]],
    on_progress: Callable[[int, int], None] = lambda done, all: None,
) -> Report:
    """Read files and folders, prove each scheme, and write those that are right and new to the user's folder.

    Args:
        catalog: Whose user's folder is written.
        paths: Files, and folders with files at any depth; what begins with a dot is passed over.
        on_progress: Called with the files done and of all there are.

    Raises:
        StoreError: If the user's folder cannot be written.
    """
    return _taken(catalog, files_below(map(Path, paths)), partial(_read, catalog), on_progress)


def merge(catalog: Catalog, other: Path) -> Report:
    """Import every file of another catalog; a bad one is reported and passed over.

    Args:
        catalog: Whose user's folder is written.
        other: A folder of the same layout.

    Raises:
        CatalogError: If there is no such folder.
        StoreError: If the user's folder cannot be written.
    """
    files = list(layout.json_files(layout.existing(other)))
    both = Index([(other, False), *catalog.roots])
    return _taken(catalog, files, partial(_entries, both), lambda done, all: None)


def _taken(
    catalog: Catalog,
    files: Sequence[Path],
    reader: Callable[[Path], Iterable[Imported | _Waiting]],
    on_progress: Callable[[int, int], None],
) -> Report:
    """What became of the files, everything written that was read before the user stopped it."""
    writer = _Writer(catalog)
    try:
        for done, path in enumerate(files):
            on_progress(done, len(files))
            for result in reader(path):
                writer.take(result)
        on_progress(len(files), len(files))
    except KeyboardInterrupt:
        return Report(writer.finish(), interrupted=True)
    return Report(writer.finish())


def _files(path: Path) -> Iterator[Path]:
    """The files below a path, sorted; of a scheme in three files the first."""
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield _first(Path(folder, name))
    else:
        yield _first(path)


def _first(path: Path) -> Path:
    first = path.with_name(first_part(path.name))
    return first if first.is_file() else path


@dataclass(frozen=True)
class _Waiting:
    """A result that is `imported` or `duplicate` once its entry is written.

    Attributes:
        result: As far as it is known.
        proved: The entry.
        news: What is told beside the result's note if the entry is new.
    """

    result: Imported
    proved: Proved
    news: str = ""


class _Writer:
    """Collects results in order, and writes entries in batches."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._results: list[Imported] = []
        self._waiting: list[tuple[int, _Waiting]] = []
        self._bytes = 0

    def take(self, result: Imported | _Waiting) -> None:
        """Take a result up; a full batch is written."""
        if isinstance(result, Imported):
            self._results.append(result)
            return
        self._waiting.append((len(self._results), result))
        self._results.append(result.result)
        self._bytes += _size(result.proved)
        if len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        added = self._catalog.add_all([one.proved for _, one in self._waiting])
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        for (place, one), done in zip(waiting, added, strict=True):
            is_new = done.status == "added"
            note = "; ".join(filter(None, (one.result.note, one.news if is_new else "", done.note)))
            status = "imported" if is_new else done.status
            self._results[place] = replace(one.result, status=status, detail=done.id, note=note)

    def finish(self) -> list[Imported]:
        """All results, everything written."""
        self._flush()
        return self._results


def _size(proved: Proved) -> int:
    """Bytes that an entry takes while it waits, with its value and its originals, about."""
    factors = proved.value.factors if isinstance(proved.value, Scheme | Approximation) else ()
    return sum(map(len, proved.originals.values())) + BYTES_A_NUMBER * sum(factor.size for factor in factors)


class Foreign(NamedTuple):
    """The scheme of another program's file, proved.

    Attributes:
        scheme: In our conventions.
        note: What the user should know of it; empty if nothing.
    """

    scheme: Scheme
    note: str


def foreign(index: Index, path: Path) -> Foreign | None:
    """The one scheme of another program's file; None where there is no file, or an entry of the catalog in it.

    Raises:
        CatalogError: If it cannot be read, or holds no scheme or several.
        WrongSchemeError: If the scheme does not compute its target.
    """
    try:
        if not path.is_file() or _is_entry(open_source(path)):
            return None
    except BilinearError:
        if path.suffix == ".json":
            return None  # the catalog says what is wrong with an entry
    found = list(islice(_read(index, path), 2))
    if len(found) != 1:
        count = "no scheme" if not found else "several schemes"
        raise CatalogError(f"{path}: {count} in it; one is needed: bilinear import {path} keeps all, with their names")
    [one] = found
    if isinstance(one, Imported):
        raise CatalogError(one.detail)
    scheme = one.proved.value
    if not isinstance(scheme, Scheme):
        raise CatalogError(f"{path}: an approximate algorithm; a scheme is needed")
    return Foreign(scheme, "; ".join(filter(None, (f"{path}: read as {one.result.format}", one.result.note))))


def proved_schemes(index: Index, path: Path) -> Iterator[Scheme | str]:
    """The schemes of a file, each proved; of what is wrong with it a line. The index has the parts of recipes."""
    for found in _read(index, path):
        if isinstance(found, Imported):
            yield found.detail
        elif isinstance(found.proved.value, Scheme):
            yield found.proved.value


def files_below(paths: Iterable[Path]) -> list[Path]:
    """The files at these paths and below them, each once, in the order of names; what begins with a dot is not."""
    return list(dict.fromkeys(chosen for path in paths for chosen in _files(path)))


def _read(index: Index, path: Path) -> Iterator[Imported | _Waiting]:
    """What the schemes of a file are; whatever is wrong with it is a result."""
    name = ""
    try:
        source = open_source(path)
        if _is_entry(source):
            yield from _entries(index, path)
            return
        name = detect(source)
        for found in read(source, name):
            if isinstance(found, Border):
                yield _border(path, name, source, found)
            else:
                yield _settled(path, name, source, found)
    except BilinearError as error:
        yield Imported(path, "unreadable", _line(path, str(error)), name)
    except (MemoryError, RecursionError) as error:
        yield Imported(path, "unreadable", _line(path, f"too large to be read ({type(error).__name__})"), name)
    except Exception as error:  # a fault of a reader, not of the user's; the other files are still read
        reason = f"the reader failed ({type(error).__name__}: {str(error)[:80]}); please report this file"
        yield Imported(path, "unreadable", _line(path, reason), name)


def _line(path: Path, reason: str, record: str = "") -> str:
    return " ".join(f"{path}: {record and f'{record}: '}{reason}".split())


def _is_entry(source: Source) -> bool:
    return "format_version" in source.document


def _entries(index: Index, path: Path) -> Iterator[Imported | _Waiting]:
    """The entry of a catalog, taken over with its provenance."""
    try:
        yield _Waiting(Imported(path, "imported", "", OWN), proved_file(index, path))
    except WrongSchemeError as error:
        yield Imported(path, "wrong", " ".join(str(error).split()), OWN)
    except BilinearError as error:
        yield Imported(path, "unreadable", " ".join(str(error).split()), OWN)


def _settled(path: Path, name: str, source: Source, found: Draft | Fault) -> Imported | _Waiting:
    """A draft that is proved, or what is wrong with it."""
    from bilinear.catalog.convert import entry_from_scheme
    from bilinear.catalog.entries import Lineage

    if isinstance(found, Fault):
        return Imported(path, "unreadable", _line(path, found.reason, found.record), name, found.record)
    try:
        settled = settle(found)
    except BilinearError as error:
        return Imported(path, "unreadable", _line(path, str(error), found.record), name, found.record)
    scheme, verification = settled.scheme, settled.verification
    if not verification.ok:
        reason = f"not {scheme.target.name} over {scheme.ring}: {verification.detail}"
        return Imported(path, "wrong", _line(path, reason, found.record), name, found.record, settled.note)
    provenance, lineage = _provenance(name, source, found.record, found.extra), Lineage(recipe=_recipe(name, source))
    proved = Proved(scheme, verification, lambda: entry_from_scheme(scheme, provenance, lineage), found.originals)
    return _Waiting(Imported(path, "imported", "", name, found.record, settled.note), proved)


def _border(path: Path, name: str, source: Source, found: Border) -> Imported | _Waiting:
    """A border scheme that is proved, or what is wrong with it."""
    from bilinear.catalog.borders import entry_from_border
    from bilinear.catalog.entries import Lineage

    verification = found.verify()
    detail = f"an approximate algorithm: {verification.detail}"
    if not verification.ok:
        return Imported(path, "wrong", _line(path, detail), name)
    entry = entry_from_border(found, _provenance(name, source), Lineage(recipe=_recipe(name, source)))
    return _Waiting(
        Imported(path, "imported", "", name), Proved(found, verification, lambda: entry, source.whole), detail
    )


def _recipe(name: str, source: Source) -> str:
    return f"imported from {source.name} ({name})"


def _provenance(name: str, source: Source, record: str = "", extra: Mapping[str, Any] = NOTHING) -> Provenance:
    """Where an imported scheme comes from: nothing here found it, and no command here finds it again."""
    from bilinear.catalog.entries import Provenance

    facts: dict[str, Any] = {"format": name, "file": source.name}
    if record:
        facts["record"] = record
    if extra and len(repr(extra)) <= MAX_EXTRA:
        facts["extra"] = dict(extra)
    return Provenance(solver=IMPORTED, parameters=facts, version=__version__, command=f"bilinear import {source.name}")

"""Taking over what other programs found: files and folders of any known format, each scheme proved, then kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.batch import ORIGINAL, Proved, add_proved
from bilinear.catalog.errors import CatalogError, StoreError, WrongSchemeError
from bilinear.decompositions import BilinearError, __version__
from bilinear.decompositions.formats import detect, fast_matmul, format_named
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

SOLVER = "import"
BATCH = 256
BATCH_BYTES = 64 * 10**6
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
    heard: Callable[[int, int], None] = lambda done, all: None,
) -> Report:
    """Read files and folders, prove each scheme, and write those that are right and new to the user's folder.

    Args:
        catalog: Whose user's folder is written.
        paths: Files, and folders with files at any depth; what begins with a dot is passed over.
        heard: Told of the files done and of all there are.

    Raises:
        StoreError: If the user's folder cannot be written.
    """
    files = list(dict.fromkeys(chosen for path in paths for chosen in _files(Path(path))))
    writer = _Writer(catalog)
    try:
        for done, path in enumerate(files):
            heard(done, len(files))
            for result in _read(catalog, path):
                writer.take(result)
        heard(len(files), len(files))
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
    """A result that is `imported` or `duplicate` once its scheme is written."""

    result: Imported
    proved: Proved


class _Writer:
    """Collects results in order, and writes schemes in batches."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._results: list[Imported] = []
        self._waiting: list[tuple[int, Proved]] = []
        self._bytes = 0

    def take(self, result: Imported | _Waiting) -> None:
        """Take a result up; a full batch is written."""
        if isinstance(result, Imported):
            self._results.append(result)
            return
        self._waiting.append((len(self._results), result.proved))
        self._results.append(result.result)
        self._bytes += sum(map(len, result.proved.originals.values())) + 8 * sum(
            f.size for f in result.proved.scheme.factors
        )
        if len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        added = add_proved(self._catalog, [proved for _, proved in self._waiting]) if self._waiting else []
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        for (place, _), one in zip(waiting, added, strict=True):
            result = self._results[place]
            status = "imported" if one.status == "added" else one.status
            note = "; ".join(filter(None, (result.note, one.note)))
            self._results[place] = replace(result, status=status, detail=one.id, note=note)

    def finish(self) -> list[Imported]:
        """All results, everything written."""
        self._flush()
        return self._results


def _read(catalog: Catalog, path: Path) -> Iterator[Imported | _Waiting]:
    """What the schemes of a file are; whatever is wrong with it is a result."""
    name = ""
    try:
        source = open_source(path)
        if _is_entry(source):
            yield _own(catalog, path)
            return
        name = detect(source)
        for found in format_named(name).read(source):
            if isinstance(found, Border):
                yield _border(catalog, path, name, source, found)
            else:
                yield _settled(path, name, source, found)
    except StoreError:
        raise
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


def _own(catalog: Catalog, path: Path) -> Imported:
    """An entry of a catalog, taken over with its provenance."""
    from bilinear.catalog.store import read_file

    try:
        added = catalog.add(read_file(path))
    except StoreError:
        raise
    except WrongSchemeError as error:
        return Imported(path, "wrong", " ".join(str(error).split()), OWN)
    except CatalogError as error:
        return Imported(path, "unreadable", " ".join(str(error).split()), OWN)
    return Imported(path, "imported" if added.status == "added" else added.status, added.id, OWN, note=added.note)


def _settled(path: Path, name: str, source: Source, found: Draft | Fault) -> Imported | _Waiting:
    """A draft that is proved, or what is wrong with it."""
    if isinstance(found, Fault):
        return Imported(path, "unreadable", _line(path, found.reason, found.record), name, found.record)
    try:
        settled = settle(found)
    except StoreError:
        raise
    except BilinearError as error:
        return Imported(path, "unreadable", _line(path, str(error), found.record), name, found.record)
    scheme, verification = settled.scheme, settled.verification
    if not verification.ok:
        reason = f"not {scheme.target.name} over {scheme.ring}: {verification.detail}"
        return Imported(path, "wrong", _line(path, reason, found.record), name, found.record, settled.note)
    provenance = _provenance(name, source, found.record, found.extra)
    proved = Proved(scheme, verification, provenance, _recipe(name, source), found.originals)
    return _Waiting(Imported(path, "imported", "", name, found.record, settled.note), proved)


def _border(catalog: Catalog, path: Path, name: str, source: Source, found: Border) -> Imported:
    """A border scheme, proved and written."""
    from bilinear.catalog.borders import entry_from_border
    from bilinear.catalog.entries import Lineage

    verification = found.verify()
    if not verification.ok:
        return Imported(path, "wrong", _line(path, f"an approximate algorithm: {verification.detail}"), name)
    lineage = Lineage(recipe=_recipe(name, source))
    entry = entry_from_border(found, _provenance(name, source), lineage, [verification])
    added = catalog.add(entry)
    if added.status != "added":
        return Imported(path, added.status, added.id, name)
    for ending, data in source.whole.items():
        catalog.attach(entry.hash, f"{ORIGINAL}{ending}", data)
    return Imported(path, "imported", added.id, name, note=f"an approximate algorithm: {verification.detail}")


def _recipe(name: str, source: Source) -> str:
    return f"imported from {source.name} ({name})"


def _provenance(name: str, source: Source, record: str = "", extra: Mapping[str, Any] = NOTHING) -> Provenance:
    """Where an imported scheme comes from: nothing here found it, and no command here finds it again."""
    from bilinear.catalog.entries import Provenance

    told: dict[str, Any] = {"format": name, "file": source.name}
    if record:
        told["record"] = record
    if extra and len(repr(extra)) <= MAX_EXTRA:
        told["extra"] = dict(extra)
    return Provenance(solver=SOLVER, parameters=told, version=__version__, command=f"bilinear import {source.name}")


def export(catalog: Catalog, query: str, name: str) -> tuple[dict[str, bytes], str]:
    """The files of an entry's scheme in a format, by what is appended to the name of the first, and a note.

    Args:
        catalog: Where the entry is.
        query: What `Catalog.find` understands.
        name: Of the format; `entry` is the catalog's own.

    Raises:
        UnknownNameError: If there is no such format.
        FormatError: If the format cannot hold the scheme; only `fast-matmul` and `entry` hold border schemes.
        CatalogError: If there is no such entry.
    """
    from bilinear.catalog.borders import to_border
    from bilinear.catalog.text import dumps

    if name == OWN:
        return {"": dumps(catalog.entry(query))}, ""
    if name == fast_matmul.NAME and (entry := catalog.entry(query)).kind == "border":
        return fast_matmul.write_border(to_border(entry)), ""
    served = catalog.scheme(query)
    extra = served.entry.provenance.parameters.get("extra")
    known = extra if isinstance(extra, dict) and not served.note else {}
    return format_named(name).write(served.scheme, known), served.note


def paths_of(out: Path, contents: Sequence[str]) -> list[Path]:
    """Where the files of an export go: the one file at `out`; of several the endings replace its own."""
    return [out if not ending else out.with_name(f"{_stem(out)}{ending}") for ending in contents]


def _stem(out: Path) -> str:
    return out.name.removesuffix(".sms").removesuffix(".slp").removesuffix("_L")

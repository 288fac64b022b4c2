"""A table beside the entries, kept by SQLite, of what was read in their files: it may be lost or wrong at any time."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlite3

NAME = ".index.sqlite"
BUSY_SECONDS = 2.0
"""How long one process waits for another one's writing before it goes on without the table."""

_TABLE = """CREATE TABLE entries (
 folder TEXT NOT NULL, name TEXT NOT NULL, size INTEGER, mtime_ns INTEGER, program_ns INTEGER,
 kind TEXT NOT NULL, target TEXT, ring TEXT, rank INTEGER, hash TEXT,
 additions REAL, residual REAL, longest REAL, f2 INTEGER, f3 INTEGER,
 PRIMARY KEY (folder, name)) WITHOUT ROWID"""
_BY_HASH = "CREATE INDEX by_hash ON entries (hash)"
_PRAGMAS = ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = OFF")


class Row(NamedTuple):
    """What one file held when it was read.

    Attributes:
        folder: Relative to the catalog.
        name: Of the file.
        size: Of the file, in bytes; with `mtime_ns` it tells whether the file is still the one that was read.
        mtime_ns: When the file was written.
        program_ns: When the program kept with the entry was written; 0 without one.
        kind: Of the entry.
        target: Its name; None of a transform.
        ring: The coefficient set, the field of a transform.
        rank: Number of products.
        hash: As stated.
        additions: Of the program kept with a scheme, else of its factors.
        residual: Of an approximation, as stated.
        longest: The largest norm of a row of an approximation of a matrix product.
        f2: Whether a scheme can be read modulo 2: 0 or 1.
        f3: Likewise modulo 3.
    """

    folder: str
    name: str
    size: int
    mtime_ns: int
    program_ns: int
    kind: str
    target: str | None = None
    ring: str | None = None
    rank: int | None = None
    hash: str | None = None
    additions: float | None = None
    residual: float | None = None
    longest: float | None = None
    f2: int | None = None
    f3: int | None = None


class Cache:
    """The table of one folder of entries. Whatever fails here costs time, never an answer.

    Attributes:
        path: The file: in the folder itself; in the user's cache where that cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.path = _place(root)

    def rows(self, folder: str, start: str, columns: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """Columns of the files of a folder whose names begin so, by name; nothing where there is no sound table."""
        words = f"SELECT name, {', '.join(columns)} FROM entries WHERE folder = ? AND name >= ? AND name < ?"
        with suppress(*_faults()), self._opened() as table:
            return {
                row[0]: row[1:]
                for row in table.execute(words, (folder, start, f"{start}\x7f"))
                if isinstance(row[0], str)
            }
        return {}

    def put(self, rows: Iterable[Row]) -> None:
        """Take up what was read, in the place of what was known of the same files."""
        words = f"INSERT OR REPLACE INTO entries VALUES ({', '.join('?' * len(Row._fields))})"
        self._change(lambda table: table.executemany(words, rows))

    def forget(self, content_hash: str) -> None:
        """Drop what is known of the entries of a hash, because what is kept with them has changed."""
        if self.path.is_file():
            self._change(lambda table: table.execute("DELETE FROM entries WHERE hash = ?", (content_hash,)))

    def _change(self, how: Any) -> None:
        for _ in range(2):
            try:
                with self._opened(create=True) as table, table:
                    how(table)
                return
            except _faults() as error:
                if not _is_damaged(error):
                    return
                self._discard()

    @contextmanager
    def _opened(self, create: bool = False) -> Iterator[sqlite3.Connection]:
        """The table; one that is not exactly ours is an error, so that it is made anew by the next writing."""
        import sqlite3

        mode = "rwc" if create else "rw"
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not stat.S_ISREG(self.path.lstat().st_mode):
            raise OSError(f"{self.path}: not a regular file")
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(address, timeout=BUSY_SECONDS, uri=True)) as table:
            for pragma in _PRAGMAS:
                table.execute(f"PRAGMA {pragma}")
            shape = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name DESC"
            found = [sql for (sql,) in table.execute(shape)]
            if not found and create:
                with table:
                    table.execute("BEGIN IMMEDIATE")
                    if not table.execute(shape).fetchall():
                        table.execute(_TABLE)
                        table.execute(_BY_HASH)
            elif found != [_TABLE, _BY_HASH]:
                raise sqlite3.DatabaseError("another table")
            yield table

    def _discard(self) -> None:
        for ending in ("", "-journal"):
            with suppress(OSError):
                self.path.with_name(f"{self.path.name}{ending}").unlink()


def _place(root: Path) -> Path:
    if not root.exists() or os.access(root, os.W_OK):
        return root / NAME
    from platformdirs import user_cache_dir

    key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return Path(user_cache_dir("bilinear")) / "catalogs" / f"{key}.sqlite"


def _faults() -> tuple[type[BaseException], ...]:
    import sqlite3

    return OSError, ValueError, OverflowError, sqlite3.Error


def _is_damaged(error: BaseException) -> bool:
    """Whether the file is no table of ours, so that a new one may take its place; a busy or a full disk is not that."""
    import sqlite3

    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)

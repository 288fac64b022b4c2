"""The table of figures beside the entries: answers never depend on it, whatever becomes of it."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from entry_samples import PROVENANCE, another_strassen, entry_of, strassen_entry, users_catalog

from bilinear.catalog import Catalog, Proved, cache, dumps, entry_from_approximation, figures, status, text
from bilinear.catalog.cache import Cache
from bilinear.catalog.entries import SchemeEntry
from bilinear.decompositions import Approximation, Ring, Scheme, strassen, verify, winograd
from bilinear.discover.optimize.programs import attach, program_of

processes = multiprocessing.get_context("fork")


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    """Strassen's scheme with 18 additions, Winograd's with 24, and twenty that need more."""
    catalog = users_catalog(tmp_path)
    catalog.add_all([proved(scheme) for scheme in (winograd(), strassen(), *map(another_strassen, range(2, 22)))])
    return catalog


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read."""
    found: list[str] = []
    read = text.read

    def reading(path: Path) -> text.AnyEntry:
        found.append(path.name)
        return read(path)

    monkeypatch.setattr(text, "read", reading)
    return found


def proved(scheme: Scheme) -> Proved:
    return Proved(scheme, verify(scheme), lambda: entry_of(scheme))


def table(catalog: Catalog) -> Path:
    return catalog.root / cache.NAME


def rows(catalog: Catalog) -> list[tuple[Any, ...]]:
    with sqlite3.connect(table(catalog)) as connection:
        return connection.execute("SELECT * FROM entries ORDER BY folder, name").fetchall()


def best(catalog: Catalog) -> str:
    return catalog.serve("2x2x2:7").entry.hash


def test_what_was_written_or_read_once_is_not_read_again(mine: Catalog, reads: list[str]) -> None:
    assert best(mine) == strassen_entry().hash
    assert len(reads) == 1, "writing took the figures up"
    table(mine).unlink()
    first = len(list(mine.names(Path("matmul", "2x2x2"), "r7-zt-")))
    reads.clear()
    assert best(mine) == strassen_entry().hash
    assert len(set(reads)) == first
    reads.clear()
    assert best(mine) == strassen_entry().hash
    assert len(reads) == 1


def test_the_table_made_by_reading_is_the_one_made_by_writing(mine: Catalog) -> None:
    mine.add(entry_from_approximation(Approximation(strassen().target, *strassen().factors), PROVENANCE))
    written = [row for row in rows(mine) if row[7] == "zt" or row[5] == "approximation"]
    assert len({row[9] for row in written}) == len(written)
    table(mine).unlink()
    mine.serve("2x2x2:7")
    mine.serve("lowest:2x2x2:7")
    assert rows(mine) == written


def test_files_that_come_go_and_change_are_seen(mine: Catalog) -> None:
    best(mine)
    path = next(listing.path for listing in mine if strassen_entry().hash.startswith(listing.hash))
    data = path.read_bytes()
    path.unlink()
    assert best(mine) == entry_of(winograd()).hash
    path.write_bytes(data)
    assert best(mine) == strassen_entry().hash
    path.write_bytes(data[:-9])
    assert best(mine) == entry_of(winograd()).hash
    with path.open("r+b") as file:
        file.write(data)
    assert best(mine) == strassen_entry().hash, "a file that was healed in its place"


def test_a_changed_file_is_seen_among_many(mine: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FEW", 3)
    test_files_that_come_go_and_change_are_seen(mine)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_program_that_is_kept_later_counts(by_hand: bool, mine: Catalog, tmp_path: Path) -> None:
    assert best(mine) == strassen_entry().hash
    if by_hand:
        other = users_catalog(tmp_path / "other")
        attach(other, winograd(), program_of(other, winograd()))
        shutil.copytree(other.root / "attachments", mine.root / "attachments")
    else:
        attach(mine, winograd(), program_of(mine, winograd()))
    assert best(mine) == entry_of(winograd()).hash


def test_a_program_counts_among_many(mine: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FEW", 3)
    assert best(mine) == strassen_entry().hash
    attach(mine, winograd(), program_of(mine, winograd()))
    assert best(mine) == entry_of(winograd()).hash


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\0" * (len(data) // 3))


def others_table(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (folder, name)")


def endless_view(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        counting = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS folder FROM c"
        connection.execute(f"CREATE VIEW entries AS {counting}")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def lies(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET additions = 'few', size = -1, hash = x'00'")


@pytest.mark.parametrize("spoil", [garbage, torn, others_table, endless_view, a_folder, a_pipe, lies])
def test_a_spoiled_table_changes_no_answer(spoil: Any, mine: Catalog) -> None:
    spoil(table(mine))
    for _ in range(2):
        assert best(mine) == strassen_entry().hash
        assert mine.add(entry_of(another_strassen(50))).status in ("added", "duplicate")
    if spoil not in (a_folder, a_pipe):
        assert len(rows(mine)) > 2, "it was made anew"


def test_a_lie_is_served_by_nobody_as_a_proof(mine: Catalog) -> None:
    """The table only prefers: what it prefers is proved, and an entry that it hides is found by its name."""
    with sqlite3.connect(table(mine)) as connection:
        connection.execute("UPDATE entries SET additions = 1 WHERE hash = ?", (entry_of(winograd()).hash,))
    assert best(mine) == entry_of(winograd()).hash
    assert mine.scheme(strassen_entry().hash[:8]).value.rank == 7


def test_without_rights_the_table_lies_elsewhere(
    mine: Catalog, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    """The right is denied by the system and by its answer, since root may write everywhere."""
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    table(mine).unlink()
    mine.root.chmod(0o500)
    try:
        best(mine)
        assert not table(mine).exists()
        reads.clear()
        assert best(mine) == strassen_entry().hash
        assert len(reads) == 1
    finally:
        mine.root.chmod(0o700)


def test_no_place_for_a_table_at_all(mine: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "_place", lambda root: tmp_path / "file" / "table.sqlite")
    assert best(mine) == strassen_entry().hash


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "none")
    catalog.serve("2x2x2:7")
    assert not (tmp_path / "none").exists()


def test_rational_schemes_that_reduce_are_known(tmp_path: Path, reads: list[str]) -> None:
    catalog, s = users_catalog(tmp_path), strassen()
    u = s.u.copy()
    u[0] *= 2
    catalog.add(entry_of(Scheme(s.target, Ring.Q, u, s.v, s.w, [2, 1, 1, 1, 1, 1, 1])))
    reads.clear()
    here = {row.ring: row.here for row in status(catalog) if row.target == "2x2x2"}
    assert here == {Ring.ZT: None, Ring.Z: None, Ring.Q: 7, Ring.QI: 7, Ring.F2: None, Ring.F3: 7}
    assert len(reads) == 1, "what is shown is proved"


def write_for_ever(root: Path, entries: list[SchemeEntry], seed: int) -> None:
    catalog, rng = users_catalog(root), random.Random(seed)
    while True:
        entry = rng.choice(entries)
        catalog.add(entry)
        if rng.random() < 0.5:
            catalog.remove(catalog.find(entry.hash).listing.id)  # type: ignore[union-attr]  # it was just added
        best(catalog)


def test_killed_writers_leave_the_table_right(tmp_path: Path) -> None:
    kept, entries = users_catalog(tmp_path), [entry_of(another_strassen(step)) for step in range(2, 6)]
    kept.add(strassen_entry())
    moments = random.Random(0)
    for kill in range(8):
        writers = [processes.Process(target=write_for_ever, args=(tmp_path, entries[i::2], kill + i)) for i in range(2)]
        for writer in writers:
            writer.start()
        time.sleep(moments.uniform(0.05, 0.3))
        for writer in writers:
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
        assert best(kept) == strassen_entry().hash
        known = Cache(tmp_path).rows("matmul/2x2x2", "r7-", ("hash", "additions"))
        for listing in kept:
            assert kept.read(listing).hash == known.get(listing.name, [kept.read(listing).hash])[0]
    table(kept).unlink()
    assert best(kept) == strassen_entry().hash


def test_an_entry_by_hand_is_as_good_as_one_of_ours(mine: Catalog) -> None:
    best(mine)
    folder = mine.root / "matmul" / "2x2x2"
    for listing in mine:
        if strassen_entry().hash.startswith(listing.hash):
            mine.remove(listing.id)
    assert best(mine) == entry_of(winograd()).hash
    (folder / f"r7-zt-{strassen_entry().hash[:8]}.json").write_bytes(dumps(strassen_entry()))
    assert best(mine) == strassen_entry().hash

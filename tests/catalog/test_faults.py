"""Real processes: two that add the same scheme at once, and some that are killed while they write."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pytest
from entry_samples import another_strassen, entry_of, leftovers, strassen_entry, users_catalog

from bilinear.catalog import StoreError, atomic, read_file
from bilinear.catalog.entries import SchemeEntry
from bilinear.decompositions import files

RACES = 100
KILLS = 20
processes = multiprocessing.get_context("fork")


def add_in_turn(root: Path, entry: SchemeEntry, barrier: Barrier, name: str) -> None:
    for race in range(RACES):
        barrier.wait(timeout=60)
        added = users_catalog(root / str(race)).add(entry)
        (root / f"{name}-{race}").write_text(added.status)


def test_two_processes_that_add_the_same_scheme_leave_one(tmp_path: Path) -> None:
    entry, barrier = strassen_entry(), processes.Barrier(2)
    both = [processes.Process(target=add_in_turn, args=(tmp_path, entry, barrier, name)) for name in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=120)
    assert [process.exitcode for process in both] == [0, 0]
    for race in range(RACES):
        (listing,) = users_catalog(tmp_path / str(race))
        assert users_catalog(tmp_path / str(race)).read(listing).hash == entry.hash
        assert sorted((tmp_path / f"{name}-{race}").read_text() for name in "ab") == ["added", "duplicate"]
    assert leftovers(tmp_path) == []


def write_for_ever(root: Path, entries: list[SchemeEntry]) -> None:
    mine = users_catalog(root)
    while True:
        for entry in entries:
            mine.remove(mine.add(entry).id) if random.random() < 0.5 else mine.add(entry)
            mine.attach(entry.hash, "program.json", os.urandom(1 << 16))


def test_a_writer_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    entries = [entry_of(another_strassen(step)) for step in range(4)]
    moments = random.Random(0)
    for _ in range(KILLS):
        writer = processes.Process(target=write_for_ever, args=(tmp_path, entries))
        writer.start()
        time.sleep(moments.uniform(0.01, 0.15))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        mine = users_catalog(tmp_path)
        for listing in mine:
            assert mine.read(listing).hash in {entry.hash for entry in entries}
        for path in tmp_path.glob("attachments/*/program.json"):
            assert path.stat().st_size == 1 << 16
        mine.add(entries[0])
        mine.remove(mine.find(entries[0].hash).listing.id)  # type: ignore[union-attr]  # it was just added
        assert leftovers(tmp_path) == [], "the next writer clears up after a killed one"


def hold_the_lock(root: Path, held: Event) -> None:
    with atomic.writing(root):
        held.set()
        time.sleep(60)


def test_a_lock_that_stays_held_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = processes.Event()
    holder = processes.Process(target=hold_the_lock, args=(tmp_path, held))
    holder.start()
    assert held.wait(timeout=30)
    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.05)
    with pytest.raises(StoreError, match="locked by another process for 0 s; try again once it is done"):
        users_catalog(tmp_path).add(strassen_entry())
    holder.kill()
    holder.join()
    assert users_catalog(tmp_path).add(strassen_entry()).status == "added"


def test_the_sweep_takes_what_our_writers_left_and_nothing_of_others(tmp_path: Path) -> None:
    ours = f"{files.TEMPORARY}123-0a1b2c3d"
    attached = Path("attachments") / ("0" * 64)
    left = [tmp_path / folder / ours for folder in ("matmul/2x2x2", "transform/dft-8", attached)]
    others = [tmp_path / folder / ours for folder in (".", "letters", "letters/2x2x2", "matmul", "matmul/2x2x2/mine")]
    others += [tmp_path / "matmul" / "2x2x2" / name for name in (".tmp-notes", f"{ours}.txt", f"x{ours}", ".tmp-1-xyz")]
    for path in (*left, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{")
    users_catalog(tmp_path).add(strassen_entry())
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)


def test_leftovers_of_a_killed_writer_are_no_entries(tmp_path: Path) -> None:
    folder = tmp_path / "matmul" / "2x2x2"
    folder.mkdir(parents=True)
    (folder / f"{files.TEMPORARY}1-00000000").write_bytes(b"{")
    mine = users_catalog(tmp_path)
    assert list(mine) == []
    mine.add(strassen_entry())
    assert leftovers(tmp_path) == []
    assert read_file(next(iter(mine)).path).kind == "scheme"

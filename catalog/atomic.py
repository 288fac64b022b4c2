"""Writing into a catalog: under one lock, whole files only, and nothing left behind by a writer that was killed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bilinear.catalog import layout
from bilinear.catalog.errors import StoreError
from bilinear.decompositions import files

LOCK_SECONDS = 30.0
LOCK_NAME = ".lock"
SWEPT = ".swept"
"""Stands in a catalog while nobody writes, and says that no writer was killed: looking for leftovers takes long."""


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the catalog's lock; leftovers of killed writers are removed on the way in.

    Raises:
        StoreError: If the folder cannot be written, or another process holds the lock for too long.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / LOCK_NAME, timeout=LOCK_SECONDS)
    try:
        files.make_folder(root)
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"{root}: locked by another process for {LOCK_SECONDS:.0f} s; try again once it is done"
        ) from None
    except OSError as error:
        raise unwritable(root, error) from None
    try:
        if not _took(root / SWEPT):
            _sweep(root)
        yield
        with suppress(OSError):
            (root / SWEPT).touch()
    finally:
        lock.release()


def write(path: Path, data: bytes) -> None:
    """Put a whole file in place, or nothing.

    Raises:
        StoreError: If it cannot be written; the old state stays.
    """
    try:
        files.make_folder(path.parent)
        files.write_atomic(path, data)
    except OSError as error:
        raise unwritable(path, error) from None


def make_folders(folders: Iterable[Path]) -> None:
    """Create folders; each folder in which they lie is forced to disk once.

    Raises:
        StoreError: If one cannot be created.
    """
    at, parents = Path(), set()
    try:
        for at in folders:
            if not at.is_dir():
                files.make_folder(at.parent)
                at.mkdir(exist_ok=True)
                parents.add(at.parent)
        for at in parents:
            files.sync_folder(at)
    except OSError as error:
        raise unwritable(at, error) from None


def rename(path: Path, new: Path) -> None:
    """Give a file another name, in the place of an earlier one of that name.

    Raises:
        StoreError: If it cannot be renamed; the old state stays.
    """
    try:
        path.replace(new)
    except OSError as error:
        raise unwritable(path, error) from None


def remove(path: Path) -> None:
    """Take a file away, for good once this returns.

    Raises:
        StoreError: If it cannot be removed.
    """
    try:
        path.unlink()
        files.sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed: {error.strerror or error}; check who may write there") from None


def unwritable(path: Path, error: OSError) -> StoreError:
    """One line for a path that the system would not let us write."""
    return StoreError(
        f"{path}: cannot be written: {error.strerror or error}; free space or rights there, or choose --catalog DIR"
    )


def _took(path: Path) -> bool:
    """Take a mark away; whether it was there."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _sweep(root: Path) -> None:
    """Remove temporary files of ours; whoever holds the lock knows that their writers are dead."""
    for folder in _ours(root):
        for name in _names(folder):
            if files.LEFT.fullmatch(name):
                with suppress(OSError):
                    (folder / name).unlink()


def _ours(root: Path) -> Iterator[Path]:
    """The folders that are written: of targets, and of attachments. The user may keep other things beside them."""
    for family in layout.families():
        yield from (root / family / name for name in _names(root / family))
    yield from (root / layout.ATTACHMENTS / name for name in _names(root / layout.ATTACHMENTS))


def _names(folder: Path) -> list[str]:
    """Names in a folder; none where there is no such folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208  # a Path for each of 100,000 names takes ten times as long
    except OSError:
        return []

"""Writing into a catalog: under one lock, whole files only, and nothing left behind by a writer that was killed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog.errors import StoreError

LOCK_SECONDS = 30.0
LOCK_NAME = ".lock"
TEMPORARY = ".tmp-"


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the catalog's lock; leftovers of killed writers are removed on the way in.

    Raises:
        StoreError: If the folder cannot be written, or another process holds the lock for too long.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / LOCK_NAME, timeout=LOCK_SECONDS)
    try:
        make_folder(root)
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"{root}: locked by another process for {LOCK_SECONDS:.0f} s; try again once it is done"
        ) from None
    except OSError as error:
        raise unwritable(root, error) from None
    try:
        _sweep(root)
        yield
    finally:
        lock.release()


def write(path: Path, data: bytes) -> None:
    """Put a whole file in place, or nothing: written beside it, forced to disk, then renamed.

    Raises:
        StoreError: If it cannot be written; the old state stays.
    """
    temporary = path.parent / f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        make_folder(path.parent)
        _write_through(temporary, data)
        os.replace(temporary, path)  # noqa: PTH105  # the call whose atomicity is relied on
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Take a file away, for good once this returns.

    Raises:
        StoreError: If it cannot be removed.
    """
    try:
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed: {error.strerror or error}; check who may write there") from None


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, each of them forced to disk."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> StoreError:
    """One line for a path that the system would not let us write."""
    return StoreError(
        f"{path}: cannot be written: {error.strerror or error}; free space or rights there, or choose --catalog DIR"
    )


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(root: Path) -> None:
    """Remove temporary files; whoever holds the lock knows that their writers are dead."""
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith(TEMPORARY):
                with suppress(OSError):
                    Path(folder, name).unlink()

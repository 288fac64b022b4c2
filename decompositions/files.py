"""Files are written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".tmp-"
"""Start of the names of files that are being written."""

TOKEN = 4  # random bytes in such a name
LEFT = re.compile(rf"{re.escape(TEMPORARY)}[0-9]{{1,10}}-[0-9a-f]{{{2 * TOKEN}}}")
"""Such a name, whole; a file that bears it and is not being written was left by a kill."""


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step; readers see the old content or the new, never a part.

    Raises:
        OSError: If the folder cannot be written or the disk is full; the old content stays and nothing else is left.
    """
    write_together({path: data})


def write_together(contents: Mapping[Path, bytes | Sequence[bytes | memoryview]]) -> None:
    """Replace several files of one folder: all are written under other names and forced to disk, then all renamed.

    Args:
        contents: The bytes of each, in one piece or in several.

    Raises:
        OSError: If one cannot be written; then none was replaced and nothing else is left.
    """
    waiting = {path.parent / f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(TOKEN)}": path for path in contents}
    try:
        for temporary, path in waiting.items():
            _write_through(temporary, contents[path])
        for temporary, path in waiting.items():
            os.replace(temporary, path)  # noqa: PTH105  # the call whose atomicity is relied on
        for folder in {path.parent for path in contents}:
            sync_folder(folder)
    finally:
        for temporary in waiting:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace a folder and what is in it: all is written under another name, then renamed, and not forced to disk.

    For what can be made again at any time, as pages can; readers see the old files or the new ones.

    Args:
        folder: Its parent is there.
        contents: The bytes of each file in it.

    Raises:
        OSError: If one cannot be written; then the old folder stays and nothing else is left.
    """
    waiting, leaving = (folder.parent / f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(TOKEN)}" for _ in range(2))
    try:
        waiting.mkdir()
        for name, data in contents.items():
            (waiting / name).write_bytes(data)
        if folder.exists():
            folder.rename(leaving)
        waiting.rename(folder)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
        shutil.rmtree(leaving, ignore_errors=True)


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
    """Force the names in a folder to disk, where the system lets folders be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_through(path: Path, data: bytes | Sequence[bytes | memoryview]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        for part in [data] if isinstance(data, bytes) else data:
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Memory and time are bounded before they are taken: the one owner of bounds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from bilinear.decompositions.errors import TooLargeError

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CGROUP_USED = Path("/sys/fs/cgroup/memory.current")

ALWAYS = 1 << 24
"""Bytes that are taken without a look: asking the kernel costs more than a small scheme does."""
MOST_COORDINATES = 1 << 20
"""Of one side of a target: they are named one by one, which takes a second for so many."""
BYTES_AN_ENTRY = 4 * 3 * 8
"""Of a tensor: three indices and a value, with the temporaries that build them."""
BYTES_A_NAME = 100
"""Of a coordinate."""


def available() -> int:
    """Bytes that can be taken now: free physical memory, or what the control group leaves if that is less."""
    free = os.sysconf("SC_PAGE_SIZE") * _free_pages()
    try:
        left = int(_read(_CGROUP_LIMIT)) - int(_read(_CGROUP_USED))
    except (OSError, ValueError):
        return free
    return max(min(free, left), 0)


def used() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * int(_read("/proc/self/statm").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _free_pages() -> int:
    """Pages free or reclaimable; the kernel's own estimate where it gives one."""
    try:
        _, found, rest = _read("/proc/meminfo").partition(b"MemAvailable:")
    except OSError:
        found = rest = b""
    return int(rest.split(None, 1)[0]) * 1024 // os.sysconf("SC_PAGE_SIZE") if found else os.sysconf("SC_PHYS_PAGES")


def _read(path: str | Path) -> bytes:
    """The first bytes of a file of the kernel, without a buffer: small schemes ask often."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def require(needed: int, what: str) -> None:
    """Refuse work that would not fit.

    Args:
        needed: Bytes the work would take, as estimated.
        what: The work, as the message names it.

    Raises:
        TooLargeError: If fewer than `needed` bytes are available.
    """
    if needed > ALWAYS and needed > (have := available()):
        raise TooLargeError(f"{what} needs about {human(needed)}, {human(have)} are available; choose a smaller size")


def require_tensor(name: str, shape: Sequence[int], nonzeros: int) -> None:
    """Refuse a target that would not fit, or whose coordinates nobody could name.

    Args:
        name: Of the target.
        shape: (left, right, out).
        nonzeros: Entries of its tensor.

    Raises:
        TooLargeError: If fewer bytes are available, or a side has more than 1,048,576 coordinates.
    """
    require(BYTES_AN_ENTRY * nonzeros + BYTES_A_NAME * sum(shape), f"the tensor of {name}")
    if max(shape) > MOST_COORDINATES:
        raise TooLargeError(f"{name}: a side of {max(shape)} coordinates; at most {MOST_COORDINATES} are held")


def contents(path: Path, most: int, each: int = 2) -> bytes:
    """The bytes of a regular file, its kind and size looked at before it is read; a named pipe does not hang.

    Args:
        path: The file.
        most: Bytes that it may have.
        each: Bytes of memory that each of them takes until it is understood.

    Raises:
        OSError: If it cannot be read, or is no regular file, such as a folder or a device.
        TooLargeError: If it has more bytes, or those would not fit into memory.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if status.st_size > most:
            raise TooLargeError(f"{path}: {human(status.st_size)}; at most {human(most)} are read")
        require(each * status.st_size, f"reading {path}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def human(size: int) -> str:
    """A byte count for people."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB" if value < 1e6 else f"{value:.1e} TB"

"""Memory is bounded before it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from bilinear.decompositions.errors import TooLargeError

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_CGROUP_USED = Path("/sys/fs/cgroup/memory.current")


def available() -> int:
    """Bytes that can be taken now: free physical memory, or what the control group leaves if that is less."""
    free = os.sysconf("SC_PAGE_SIZE") * _free_pages()
    try:
        left = int(_read(_CGROUP_LIMIT)) - int(_read(_CGROUP_USED))
    except (OSError, ValueError):
        return free
    return max(min(free, left), 0)


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
    have = available()
    if needed > have:
        raise TooLargeError(f"{what} needs about {human(needed)}, {human(have)} are available; choose a smaller size")


def human(size: int) -> str:
    """A byte count for people."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB" if value < 1e6 else f"{value:.1e} TB"

"""The journal of a campaign: JSON lines, each appended whole; what is done is forced to disk before anybody goes on.

Events: `session` (a run begins: who, where, with what), `begun` (a task, all that it takes to do it again), `done`
(what came of it), `end` (of a session). A scheme is in the catalog before its task is `done`; so a task that was begun
and is not done, whatever was killed at whatever byte, is done again with the same seed, and finds the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError

MOST = 1 << 30  # bytes
BYTES_A_BYTE = 20  # of memory, once parsed
EVENTS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "session": {"pid": (int,), "host": (str,), "time": (float, int), "workers": (int,), "budget": (str,)},
    "begun": {"task": (int,), "target": (str,), "ring": (str,), "move": (str,), "method": (str,), "solver": (str,),
              "options": (dict,), "seed": (int,), "steps": (int,), "rank": (int, type(None)), "starts": (list,),
              "before": (int, type(None)), "at": (float, int)},
    "done": {"task": (int,), "status": (str,), "cpu": (float, int), "gain": (float, int), "rank": (int, type(None)),
             "kept": (list,), "at": (float, int), "time": (float, int)},
    "end": {"reason": (str,), "at": (float, int)},
}  # fmt: skip
"""Which fields a line of each event has, and of which types."""

Line = Mapping[str, Any]


class JournalError(BilinearError):
    """A journal that cannot be read or written, or that another run writes."""


def read(path: Path) -> list[Line]:
    """The whole lines; a broken last one, left by a kill, is passed over.

    Raises:
        JournalError: If a line before it is damaged.
        OSError: If it cannot be read.
    """
    if not path.is_file():
        return []
    *whole, _broken = memory.contents(path, MOST, BYTES_A_BYTE).split(b"\n")
    return [_parsed(path, number, line) for number, line in enumerate(whole, 1)]


def _parsed(path: Path, number: int, line: bytes) -> Line:
    try:
        held = json.loads(line)
        fields = EVENTS[held["event"]]
        sound = all(type(held[name]) in kinds for name, kinds in fields.items())
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise JournalError(f"{path}: line {number} is damaged, or of another version; delete it, or the file")
    found: Line = held
    return found


class Journal:
    """The journal of a campaign that runs: one writer at a time, as a context.

    Attributes:
        path: Of the file.
        lines: That it held when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: Sequence[Line] = ()
        self._lock: Any = None
        self._descriptor = -1

    def __enter__(self) -> Journal:
        """Lock the journal, and cut off what a kill left of its last line.

        Raises:
            JournalError: If another process writes it, the file is damaged, or it cannot be opened.
        """
        self._lock = _locked(self.path)
        try:
            self.lines = read(self.path)
            with _failing(self.path):
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                os.ftruncate(self._descriptor, _whole(self._descriptor))
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._descriptor)
        self._lock.release()

    def write(self, event: str, **fields: Any) -> None:
        """Append a line; what cannot be written whole is taken back.

        Raises:
            JournalError: If the disk is full, or the file cannot be written.
        """
        data = json.dumps({"event": event, **fields}).encode() + b"\n"
        before = os.fstat(self._descriptor).st_size
        try:
            with _failing(self.path):
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
                if event != "begun":  # one that a power failure takes back was not done; a kill takes nothing back
                    os.fsync(self._descriptor)
        except JournalError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise


def is_running(path: Path) -> bool:
    """Whether a process writes the journal now."""
    try:
        _locked(path).release()
    except JournalError:
        return True
    return False


def _locked(path: Path) -> Any:
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        sessions = [line for line in read(path) if line["event"] == "session"]
        who = f"process {sessions[-1]['pid']} on {sessions[-1]['host'][:60]}" if sessions else "another process"
        raise JournalError(f"{path}: {who} runs this campaign; wait for its end, or interrupt it") from error
    except OSError as error:
        raise JournalError(f"{lock.lock_file}: it cannot be locked: {error.strerror or error}") from error
    return lock


def _whole(descriptor: int) -> int:
    """The size up to the end of the last whole line."""
    size = end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - 4096)
        cut = os.pread(descriptor, end - start, start).rfind(b"\n")
        if cut >= 0:
            return start + cut + 1
        end = start
    return 0 if size else size


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"{path}: the journal cannot be written: {error.strerror or error}; mend that and run the campaign again"
        ) from error

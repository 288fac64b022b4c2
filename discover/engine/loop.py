"""The one loop of all searches: advance, keep the state safe, and end for one of four reasons."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.outcome import Status

CHECKPOINT_SECONDS = 30.0


class Work(Protocol):
    """What goes on slice by slice.

    Attributes:
        steps: Done so far.
        seconds: Wall time so far, as the budget counts it.
    """

    @property
    def steps(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    def ended(self) -> Status | None:
        """Why nothing is left to do; None if something is."""
        ...

    def advance(self) -> None:
        """One slice, about a second of work; whoever listens is told of it."""
        ...

    def save(self) -> None:
        """Write the state, so that it can be taken up again; nothing where it cannot."""
        ...


def loop(work: Work, budget: Budget, stopped: Callable[[], bool]) -> Status:
    """Advance until the work is done, the user stops it, or the budget is spent; save every 30 s, not at the end."""
    saved = time.monotonic()
    while True:
        if (status := work.ended()) is not None:
            return status
        if stopped():
            return Status.INTERRUPTED
        if budget.spent(work.seconds, work.steps):
            return Status.BUDGET
        work.advance()
        if time.monotonic() - saved >= CHECKPOINT_SECONDS:
            work.save()
            saved = time.monotonic()


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask the search to stop after its slice; a second Ctrl-C stops it at once.

    Signals reach Python's main thread only; elsewhere nothing is caught.
    """
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

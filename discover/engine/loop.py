"""The one loop of all searches: advance, keep the state safe, and end for one of four reasons."""

from __future__ import annotations

import itertools
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
AT_ONCE = 2  # presses of Ctrl-C
HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""Sent when the terminal is closed, where there is such a signal."""


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


class Interruption:
    """Whether the user, or the system, has asked for the end; called, it says so."""

    def __init__(self) -> None:
        self._asked, self._presses, self._writes = threading.Event(), itertools.count(1), False

    def __call__(self) -> bool:
        return self._asked.is_set()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written at the end, in a moment, is written whole: here no press of Ctrl-C ends anything."""
        self._writes = True
        try:
            yield
        finally:
            self._writes = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signals."""
        self._asked.set()
        if number == signal.SIGINT and next(self._presses) >= AT_ONCE and not self._writes:
            raise KeyboardInterrupt


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Ctrl-C, SIGTERM and a closed terminal ask the search to stop; a second Ctrl-C ends it at once.

    Signals reach Python's main thread only; elsewhere nothing is caught. A closed terminal that the caller ignores, as
    `nohup` does, stays ignored.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
        numbers.append(HANGUP)
    before = {number: signal.signal(number, asked.note) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

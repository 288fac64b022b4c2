"""Processes that search, and the pipes to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bilinear.decompositions.errors import BilinearError
from bilinear.discover.engine.loop import HANGUP

PATIENCE = 10.0  # seconds that a process is given to end by itself

CONTEXT = multiprocessing.get_context("spawn")


class JobError(BilinearError):
    """Jobs that cannot be run, or that all died."""


class Worker:
    """One process and the near end of the pipe to it.

    Attributes:
        job: Its number.
        pipe: To hear from it, and to tell it something.
        process: The process.
    """

    def __init__(self, job: int, work: Callable[..., None], *given: object) -> None:
        """Start `work(pipe, *given)` in a process that is deaf to Ctrl-C, until it listens itself, and to hangups."""
        self.job = job
        self.pipe, far = CONTEXT.Pipe()
        self.process: Any = CONTEXT.Process(target=work, args=(far, *given), daemon=True)
        with _deaf():
            self.process.start()
        far.close()

    def tell(self, message: object) -> None:
        """Send it something; one that died is noticed when it is listened to."""
        try:
            self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return

    def cause_of_death(self) -> str:
        """How it died, `signal 9`, once its pipe has closed; empty if it ended well."""
        self.process.join()
        code = self.process.exitcode
        if code == 0:
            return ""
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Wait for its end, and bring it about if it does not come."""
        self.process.join(timeout=PATIENCE)
        if self.process.is_alive():
            self.process.terminate()


def require_cores(jobs: int) -> None:
    """Refuse a number of jobs that the machine cannot run side by side.

    Raises:
        JobError: If it is below 1 or above the number of cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not 1 <= jobs <= cores:
        raise JobError(f"--jobs {jobs}: this machine has {cores} cores; choose 1 to {cores}")


def send(pipe: Connection, message: object) -> None:
    """Tell the parent something; a closed pipe means that nobody listens any more, and ends the process."""
    try:
        pipe.send(message)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C and hangups are ignored meanwhile, and by the processes started; signals are the main thread's alone."""
    numbers = [signal.SIGINT] if HANGUP is None else [signal.SIGINT, HANGUP]
    try:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Long work gives way: whoever began it says when it is to end, and the work asks between two pieces of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[Callable[[], bool] | None] = ContextVar("asked", default=None)


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """The work was told to end before it was done; what it had begun to change is to be thrown away."""


@contextmanager
def heard(is_over: Callable[[], bool]) -> Iterator[None]:
    """What runs inside, in this thread, gives way once `is_over` says so; it is asked often, and must answer fast."""
    token = _asked.set(is_over)
    try:
        yield
    finally:
        _asked.reset(token)


def give_way(*_: object) -> None:
    """End here if that is wanted; nothing where nobody listens. Takes what a listener to progress is told.

    Raises:
        Stopped: If the work is to end.
    """
    is_over = _asked.get()
    if is_over is not None and is_over():
        raise Stopped

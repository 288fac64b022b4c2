"""What a search is at just now, beyond walking: whoever shows it hears of it at once, before the slice is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_tell: ContextVar[Callable[[str], None] | None] = ContextVar("tell", default=None)


@contextmanager
def told(tell: Callable[[str], None]) -> Iterator[None]:
    """What runs inside, in this thread, tells what it is at; with an empty text that it is at that no more."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


@contextmanager
def doing(words: str) -> Iterator[None]:
    """What runs inside is this, such as `lifting 4x4x4:47 from f2`."""
    tell = _tell.get()
    if tell is None:
        yield
        return
    tell(words)
    try:
        yield
    finally:
        tell("")

"""What a journal adds up to: time spent, gains, what runs now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bilinear.discover.campaign.journal import Line

Key = tuple[str, str]
"""A target's name and a coefficient set."""


Finder = tuple[str, str]
"""A solver by its name in the plan, and its move."""


@dataclass
class Account:
    """Of one target over one coefficient set, or of one finder.

    Attributes:
        tasks: Done.
        cpu: Processor seconds.
        improved: When something was last lowered, seconds since 1970; None if it was not.
        gained: How often it was.
        finder: By whom it was last.
    """

    tasks: int = 0
    cpu: float = 0.0
    improved: float | None = None
    gained: int = 0
    finder: Finder | None = None

    def take(self, line: Line, finder: Finder) -> None:
        """Count a task that is done."""
        self.tasks, self.cpu = self.tasks + 1, self.cpu + line["cpu"]
        if line["gain"] > 0:
            self.improved, self.gained, self.finder = float(line["time"]), self.gained + 1, finder


@dataclass(frozen=True)
class Fall:
    """A rank that fell.

    Attributes:
        cpu: Processor seconds of the whole campaign until then.
        key: Of what.
        before: The rank before; None if there was none.
        rank: The rank now.
        finder: By whom.
    """

    cpu: float
    key: Key
    before: int | None
    rank: int
    finder: Finder


@dataclass
class Ledger:
    """The sum of the lines heard so far.

    Attributes:
        accounts: By target and coefficient set.
        finders: By solver and move.
        begun: Tasks that are not done, by number.
        done: Tasks done, in all.
        cpu: Processor seconds, in all.
        falls: In order.
        next: The number of the next task.
        session: The last session's line.
        at: Seconds since it began, by the clock that only goes forward.
        session_done: Tasks done in it.
        ended: Why it ended; empty while it runs, and if it was killed.
    """

    accounts: dict[Key, Account] = field(default_factory=dict)
    finders: dict[Finder, Account] = field(default_factory=dict)
    begun: dict[int, Line] = field(default_factory=dict)
    done: int = 0
    cpu: float = 0.0
    falls: list[Fall] = field(default_factory=list)
    next: int = 0
    session: dict[str, Any] = field(default_factory=dict)
    at: float = 0.0
    session_done: int = 0
    ended: str = ""

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Ledger:
        """That of a journal."""
        found = cls()
        for line in lines:
            found.hear(line)
        return found

    def hear(self, line: Line) -> Line | None:
        """Take a line up; for one of a task that is done, the line that began it."""
        self.at = max(self.at, float(line.get("at", 0.0)))
        if line["event"] == "session":
            self.session, self.at, self.session_done, self.ended = dict(line), 0.0, 0, ""
        elif line["event"] == "begun":
            self.begun[line["task"]] = line
            self.next = max(self.next, line["task"] + 1)
        elif line["event"] == "done":
            return self._done(line)
        else:
            self.ended = line["reason"]
        return None

    @property
    def running(self) -> Counter[Key]:
        """How many tasks of each target are being done."""
        return Counter((line["target"], line["ring"]) for line in self.begun.values())

    @property
    def speed(self) -> float | None:
        """Tasks a second in the last session; None before the first is done."""
        return self.session_done / self.at if self.session_done and self.at > 0 else None

    def _done(self, line: Line) -> Line | None:
        begun = self.begun.pop(line["task"], None)
        if begun is None:  # done before: a journal that somebody has joined to another
            return None
        key, finder = (begun["target"], begun["ring"]), (begun["method"], begun["move"])
        self.done, self.session_done = self.done + 1, self.session_done + 1
        self.cpu += line["cpu"]
        self.accounts.setdefault(key, Account()).take(line, finder)
        self.finders.setdefault(finder, Account()).take(line, finder)
        if line["gain"] > 0 and line["rank"] is not None:
            self.falls.append(Fall(self.cpu, key, begun["before"], line["rank"], finder))
        return begun


def gains(falls: Iterable[Fall]) -> dict[Key, dict[Finder, int]]:
    """How many products each finder took from each rank that fell; 0 for the first scheme of a target.

    What another task had found meanwhile is not counted twice.
    """
    held: dict[Key, int] = {}
    found: dict[Key, dict[Finder, int]] = {}
    for fall in falls:
        before = min((rank for rank in (fall.before, held.get(fall.key)) if rank is not None), default=fall.rank)
        held[fall.key] = min(before, fall.rank)
        own = found.setdefault(fall.key, {})
        own[fall.finder] = own.get(fall.finder, 0) + max(0, before - fall.rank)
    return found

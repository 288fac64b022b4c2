"""How long a search may go on: wall time or steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bilinear.decompositions.errors import BilinearError

GRACE = 0.5
"""Seconds in which a slice may end by itself, once the time is up or the user has asked for the end."""
OVERRUN = 0.02
"""Of the time given, where that is longer."""
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class BudgetError(BilinearError):
    """A budget that is not written as one."""


@dataclass(frozen=True)
class Budget:
    """A limit on a search; the first one reached ends it.

    Attributes:
        seconds: Wall time, or None.
        steps: Steps of the solver, or None.
    """

    seconds: float | None = None
    steps: int | None = None

    def spent(self, seconds: float, steps: int) -> bool:
        """Whether the search has reached its limit."""
        if self.seconds is not None and seconds >= self.seconds:
            return True
        return self.steps is not None and steps >= self.steps

    def overrun(self, seconds: float) -> bool:
        """Whether a slice goes on after the time is up for longer than any that is to be finished may."""
        return self.seconds is not None and seconds >= self.seconds + max(GRACE, OVERRUN * self.seconds)

    def __str__(self) -> str:
        seconds = "" if self.seconds is None else f"{self.seconds:g}s"
        steps = "" if self.steps is None else f"{self.steps}steps"
        return " or ".join(filter(None, (seconds, steps))) or "no limit"


def parse_budget(text: str) -> Budget:
    """From `60s`, `10m`, `2h` or `5000steps`.

    Raises:
        BudgetError: If it is none of these, or not above zero.
    """
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(s|m|min|h|d|steps?)", text.strip().lower())
    if match is None:
        raise BudgetError(
            f"budget {text[:40]!r}: a time or a number of steps is needed, as in 60s, 10m, 2h or 5000steps"
        )
    number, unit = float(match[1]), match[2]
    if number <= 0:
        raise BudgetError(f"budget {text[:40]!r}: nothing can be searched in it; a number above zero is needed")
    if unit.startswith("step"):
        if number != int(number):
            raise BudgetError(f"budget {text[:40]!r}: a whole number of steps is needed")
        return Budget(steps=int(number))
    return Budget(seconds=number * _UNITS[unit])

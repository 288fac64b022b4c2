"""Runs that share nothing, each with a seed of its own, slice by slice, on the workers of a crew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import interruption
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.parallel.crew import Crew, Failed, JobError


class Run(Protocol):
    """What goes on slice by slice; plain data, which is sent to workers and back.

    Attributes:
        steps: Slices done.
    """

    @property
    def steps(self) -> int: ...

    def advance(self) -> None:
        """One slice."""
        ...


Made = TypeVar("Made", bound=Run)


@dataclass(frozen=True)
class Worked:
    """A run after a round, as it comes back from a worker.

    Attributes:
        run: The run.
        cpu: Processor seconds so far.
    """

    run: Any
    cpu: float


@dataclass(frozen=True)
class Together:
    """Runs that have ended.

    Attributes:
        status: Why.
        runs: In the order in which they were begun.
        cpu: Processor seconds of them all.
        seconds: Wall time since all were begun.
        notes: What befell the workers.
    """

    status: Status
    runs: list[Any]
    cpu: float
    seconds: float
    notes: tuple[str, ...]


def together(
    begin: Sequence[Callable[[], Made]],
    finish: Callable[[Made], None],
    budget: Budget,
    cluster: str | None,
    told: Callable[[Sequence[Made], float], bool],
) -> Together:
    """Begin each, advance all by a slice in every round until the budget is spent, and finish them.

    Args:
        begin: Makes a run, on the worker.
        finish: The last thing done to each, on the worker.
        budget: Wall time, or slices of each.
        cluster: Whose workers; None for as many processes of this machine as there are runs.
        told: Hears of the runs and the seconds after every round; true if nothing is left to do.

    Returns:
        The runs; one that killed every worker it was given to is left where it stood.

    Raises:
        JobError: If the workers cannot be had, a run cannot begin, or the cluster is gone.
        KeyboardInterrupt: If the user stops it before all have begun.
    """
    crew = Crew(len(begin), cluster)
    with interruption() as interrupted, crew:
        held = _gathered(crew.round(_begun, begin, interrupted), [None] * len(begin))
        began, status = time.monotonic(), Status.BUDGET
        while not told([one.run for one in held], time.monotonic() - began):
            if interrupted():
                status = Status.INTERRUPTED
                break
            if budget.spent(time.monotonic() - began, min(one.run.steps for one in held)):
                break
            held = _gathered(crew.round(_advanced, held, interrupted), held)
        else:
            status = Status.EXHAUSTED
        held = _gathered(crew.round(partial(_finished, finish), held, lambda: False), held)
    cpu = sum(one.cpu for one in held)
    return Together(status, [one.run for one in held], cpu, time.monotonic() - began, tuple(crew.notes))


def _begun(begin: Callable[[], Run]) -> Worked:
    clock = time.process_time()
    run = begin()
    return Worked(run, time.process_time() - clock)


def _advanced(held: Worked) -> Worked:
    clock = time.process_time()
    held.run.advance()
    return Worked(held.run, held.cpu + time.process_time() - clock)


def _finished(finish: Callable[[Any], None], held: Worked) -> Worked:
    clock = time.process_time()
    finish(held.run)
    return Worked(held.run, held.cpu + time.process_time() - clock)


def _gathered(done: Sequence[Worked | Failed | None] | None, before: Sequence[Worked | None]) -> list[Worked]:
    """The runs after a round; those that came to nothing as they were before."""
    found = []
    for job, (one, last) in enumerate(zip([None] * len(before) if done is None else done, before, strict=True)):
        if isinstance(one, Failed):
            raise JobError(f"job {job}: {one.text}")
        kept = last if one is None else one
        if kept is None:
            raise KeyboardInterrupt if done is None else JobError(f"job {job} killed every worker that it was given to")
        found.append(kept)
    return found

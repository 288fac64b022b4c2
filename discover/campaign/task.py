"""A task of a campaign: a search with fixed steps, seed and starts, or an optimisation; any worker can do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import LowerGrowth, lower_growth
from bilinear.decompositions.targets import parse_target
from bilinear.discover.campaign.plan import ACCURACY, OPTIMIZE
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.growth import STARTS
from bilinear.discover.optimize.search import Optimum, Standing, optimize

INTERRUPTED = "interrupted"


class _Stopped(Exception):  # noqa: N818  # no error
    """The user ends an optimisation."""


@dataclass(frozen=True, eq=False)
class Task:
    """What a worker is given.

    Attributes:
        begun: The journal's line: all that it takes to do the task again.
        starts: The schemes that the line names.
    """

    begun: Mapping[str, Any]
    starts: tuple[Scheme, ...] = ()

    @property
    def order(self) -> Order:
        """The search."""
        line = self.begun
        problem = Problem(parse_target(line["target"]), line["rank"], parse_ring(line["ring"]))
        budget = Budget(steps=line["steps"])
        return Order(problem, line["solver"], dict(line["options"]), line["seed"], budget, self.starts)


@dataclass(frozen=True)
class Report:
    """What came of a task.

    Attributes:
        status: `budget`, `found`, `exhausted` or `interrupted`.
        cpu: Processor seconds.
        found: The best scheme; nothing is believed of it.
        optimum: Of an optimisation.
        calmer: Of a search for a basis in which errors grow less.
    """

    status: str
    cpu: float
    found: Found | None = None
    optimum: Optimum | None = None
    calmer: LowerGrowth | None = None


def attempt(task: Task, stopped: Callable[[], bool] = lambda: False) -> Report:
    """Do a task; the same task gives the same report, but for its time.

    Args:
        task: What to do.
        stopped: Whether the user ends it, which is asked between two slices of a search.

    Raises:
        BilinearError: If the solver cannot take the task.
    """
    began = time.process_time()
    if task.begun["solver"] == OPTIMIZE:
        return _optimised(task, began, stopped)
    if task.begun["solver"] == ACCURACY:
        calmer = lower_growth(task.starts[0], STARTS, task.begun["seed"])
        return Report(_name(Status.EXHAUSTED), time.process_time() - began, calmer=calmer)
    outcome = run(task.order, Hooks(should_stop=stopped))
    return Report(_name(outcome.status), time.process_time() - began, outcome.found)


def _optimised(task: Task, began: float, stopped: Callable[[], bool]) -> Report:
    def ask(_: Standing) -> None:
        if stopped():
            raise _Stopped

    budget = Budget(steps=task.begun["steps"])
    try:
        optimum = optimize(task.starts[0], budget, seed=task.begun["seed"], on_progress=ask)
    except _Stopped:
        return Report(INTERRUPTED, time.process_time() - began)
    return Report(_name(optimum.status), time.process_time() - began, optimum=optimum)


def _name(status: Status) -> str:
    return status.name.lower()

"""The pure function of a round: a search taken up where it stood, what others share taken in, and so many steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome
from bilinear.discover.engine.run import Hooks, Search
from bilinear.discover.engine.solver import Sharing


@dataclass(frozen=True)
class Leg:
    """What a job does in a round.

    Attributes:
        order: The job's own.
        held: Where it stands, as a checkpoint; None to begin.
        gifts: What the others shared.
        end: Steps at which it stops, with the slice that reaches them.
    """

    order: Order
    held: bytes | None
    gifts: tuple[Scheme, ...]
    end: int


@dataclass(frozen=True)
class Stand:
    """A job after a round.

    Attributes:
        held: Its checkpoint.
        shared: What the others may have.
        search: How it would end here, with the best that it has found so far.
    """

    held: bytes
    shared: tuple[Scheme, ...]
    search: Outcome


def leg(task: Leg) -> Stand:
    """Go on with a search; the same task gives the same stand, wherever it is done.

    Raises:
        ProblemError: If the solver cannot take the problem.
        CheckpointError: If the search cannot be taken up.
    """
    order = task.order
    search = Search.of(replace(order, checkpoint=None), Hooks())
    if task.held is None:
        search.begin(order.turned_starts, resume=False)
    else:
        path = order.checkpoint or Path("search")
        search.take_up(checkpoints.from_bytes(task.held, path, search.name, search.solver, search.problem, search.seed))
    if task.gifts:
        rng = np.random.default_rng([order.seed, search.steps])
        search.state = search.solver.accept(search.state, task.gifts, rng)
    status = search.loop(Budget(), lambda: search.steps >= task.end)
    shared = tuple(search.solver.share(search.state)) if isinstance(search.solver, Sharing) else ()
    return Stand(checkpoints.to_bytes(search.name, search.solver, search.held()), shared, search.outcome(status))

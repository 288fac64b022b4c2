"""A search as it was asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.operations import canonical, order_to, permute
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import make_solver, parameters

AUTO = "auto"
BELOW = "below"
"""The hyperparameter of a search that looks below a scheme that is known."""
DEFAULT_BUDGET = Budget(seconds=60.0)


@dataclass(frozen=True)
class Order:
    """A search as it was asked for; everything that a replay needs.

    Attributes:
        problem: What is searched for, as asked for.
        solver: A name of the registry, or `auto` for the one that suits the search.
        options: Its hyperparameters.
        seed: Of the first job.
        budget: Time, or steps of each job.
        starts: Verified schemes, or approximations, to begin from.
        jobs: Processes, with seeds seed, seed + 1, ...
        checkpoint: File for the state; None for none.
        resume: Go on from that file.
        cluster: The address of a Dask scheduler, or its file; None for processes of this machine.
    """

    problem: Problem
    solver: str = AUTO
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    budget: Budget = DEFAULT_BUDGET
    starts: tuple[Scheme | Approximation, ...] = ()
    jobs: int = 1
    checkpoint: Path | None = None
    resume: bool = False
    cluster: str | None = None

    @property
    def searched(self) -> Problem:
        """What is searched for, the sizes of a `matmul` in rising order."""
        return replace(self.problem, target=canonical(self.problem.target))

    @property
    def turned_starts(self) -> tuple[Scheme | Approximation, ...]:
        """The starts, schemes in the order of sizes that is searched."""
        target = self.searched.target
        return tuple(turned(start, target) if isinstance(start, Scheme) else start for start in self.starts)


def default_checkpoint(order: Order) -> Path:
    """A file in the user's cache; its name tells searches apart that differ in anything but budget and jobs.

    One that looks below what is known has the same file whatever is known: it is gone on with once more is.

    Args:
        order: Its solver a name of the registry.
    """
    from platformdirs import user_cache_dir

    problem, solver = order.searched, order.solver
    chosen = parameters(make_solver(solver, order.options))
    known = chosen.pop(BELOW, None) is not None
    starts = [] if known else [content_hash(start) for start in order.starts]
    text = json.dumps([problem.target.key, problem.rank, problem.ring, solver, chosen, order.seed, starts])
    plain = [text.replace(":", "-").replace("/", "-")[:40] for text in (problem.target.short, solver)]
    name = f"{plain[0]}-{plain[1]}-{order.seed}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Path(user_cache_dir("bilinear")) / "checkpoints" / f"{name}-{digest}.npz"


def turned(scheme: Scheme, target: Target) -> Scheme:
    """The scheme in the target's order of sizes; as it is if the target is another one."""
    turn = None if scheme.target == target else order_to(scheme.target, target)
    return scheme if turn is None else permute(scheme, turn)

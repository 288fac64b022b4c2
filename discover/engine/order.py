"""A search as it was asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.operations import canonical, order_to, permute
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.auto import AUTO, resolve
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.outcome import Outcome
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import make_solver, parameters

DEFAULT_SOLVER = AUTO
DEFAULT_BUDGET = Budget(seconds=60.0)


@dataclass(frozen=True)
class Order:
    """A search as it was asked for; everything that a replay needs.

    Attributes:
        target: The bilinear map, as asked for.
        rank: Products wanted; None for as few as the budget allows.
        ring: The coefficient set.
        solver: A name of the registry, or `auto` for the one that suits the search.
        options: Its hyperparameters.
        seed: Of the first job.
        budget: Time, or steps of each job.
        starts: Verified schemes, or approximations, to begin from.
        jobs: Processes, with seeds seed, seed + 1, ...
        checkpoint: File for the state; by default one in the user's cache, named after the search.
        resume: Go on from that file.
    """

    target: Target
    rank: int | None = None
    ring: Ring = Ring.ZT
    solver: str = DEFAULT_SOLVER
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    budget: Budget = DEFAULT_BUDGET
    starts: tuple[Scheme | Approximation, ...] = ()
    jobs: int = 1
    checkpoint: Path | None = None
    resume: bool = False

    @property
    def problem(self) -> Problem:
        """What is searched for, the sizes of a `matmul` in rising order."""
        return Problem(canonical(self.target), self.rank, self.ring)

    @property
    def turned_starts(self) -> tuple[Scheme | Approximation, ...]:
        """The starts, schemes in the problem's order of sizes."""
        target = self.problem.target
        return tuple(turned(start, target) if isinstance(start, Scheme) else start for start in self.starts)

    @property
    def checkpoint_path(self) -> Path:
        """Where the state is kept; the name tells searches apart that differ in anything but budget and jobs."""
        if self.checkpoint is not None:
            return self.checkpoint
        from platformdirs import user_cache_dir

        solver = resolve(self)[0].solver
        chosen = parameters(make_solver(solver, self.options))
        starts = [content_hash(start) for start in self.starts]
        text = json.dumps([self.problem.target.key, self.rank, self.ring, solver, chosen, self.seed, starts])
        name = f"{canonical(self.target).short.replace(':', '-').replace('/', '-')[:40]}-{solver}-{self.seed}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return Path(user_cache_dir("bilinear")) / "checkpoints" / f"{name}-{digest}.npz"

    def of_job(self, job: int) -> Order:
        """What job k of several does: seed + k, with a checkpoint of its own."""
        path = self.checkpoint_path.with_suffix(f".job{job}.npz")
        return replace(self, seed=self.seed + job, jobs=1, checkpoint=path, resume=self.resume and path.is_file())

    def run(self, hooks: Hooks) -> Outcome:
        """Search in this process, by the solver named."""
        return run(
            self.problem,
            self.solver,
            dict(self.options),
            seed=self.seed,
            budget=self.budget,
            starts=self.turned_starts,
            checkpoint=self.checkpoint_path,
            resume=self.resume,
            hooks=hooks,
        )


def turned(scheme: Scheme, target: Target) -> Scheme:
    """The scheme in the target's order of sizes; as it is if the target is another one."""
    turn = None if scheme.target == target else order_to(scheme.target, target)
    return scheme if turn is None else permute(scheme, turn)

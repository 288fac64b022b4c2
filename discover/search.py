"""The main job in one call: search, prove, keep."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from decompositions.identity import content_hash
from decompositions.operations import canonical, order_to, permute
from decompositions.rings import Ring, parse_ring
from decompositions.scheme import Scheme
from decompositions.targets import Target, parse_target
from decompositions.verify import verify
from discover.auto import AUTO, resolve
from discover.budget import Budget, parse_budget
from discover.jobs import Task, require_cores, run_jobs
from discover.outcome import Found, Outcome
from discover.problem import Problem
from discover.run import Hooks
from discover.solver import make_solver, parameters

if TYPE_CHECKING:
    from catalog.entries import Provenance
    from catalog.store import Added, Catalog

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
        budget: Time or steps.
        starts: Verified schemes to begin from.
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
    starts: tuple[Scheme, ...] = ()
    jobs: int = 1
    checkpoint: Path | None = None
    resume: bool = False

    @property
    def problem(self) -> Problem:
        """What is searched for, the sizes of a `matmul` in rising order."""
        return Problem(canonical(self.target), self.rank, self.ring)

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


@dataclass(frozen=True)
class Result:
    """The end of a search, and what was kept of it.

    Attributes:
        outcome: How it ended.
        scheme: The best scheme in the order of sizes asked for; None if none was found.
        added: What became of each scheme in the catalog; empty without a catalog.
        unsaved: Why the catalog could not be written; empty if it could.
        notes: What else the user should know.
    """

    outcome: Outcome
    scheme: Scheme | None
    added: tuple[Added, ...] = ()
    unsaved: str = ""
    notes: tuple[str, ...] = ()


def search(
    target: str | Target,
    rank: int | None = None,
    *,
    ring: str = "zt",
    solver: str = DEFAULT_SOLVER,
    options: Mapping[str, object] | None = None,
    seed: int = 0,
    budget: str = "60s",
    starts: Sequence[Scheme] = (),
    jobs: int = 1,
    checkpoint: Path | None = None,
    resume: bool = False,
    catalog: Catalog | None = None,
) -> Result:
    """Search for a scheme, verify it exactly and symbolically, and keep it.

    Args:
        target: `2x2x3`, `file:map.npy`, or a target.
        rank: Products wanted; None for as few as the budget allows, where the solver can.
        ring: The coefficient set.
        solver: A name of `discover.SOLVERS`, or `auto` for the one that suits the search.
        options: Its hyperparameters.
        seed: Same seed, same steps, same result.
        budget: `60s`, `2h` or `5000steps`.
        starts: Schemes to begin from.
        jobs: Processes, each with a seed of its own.
        checkpoint: File for the state of the search.
        resume: Go on from that file.
        catalog: Where schemes are kept; nothing is kept if not given.

    Raises:
        BilinearError: If the problem is impossible or an argument makes no sense; the text says which.
    """
    built = parse_target(target) if isinstance(target, str) else target
    order = Order(
        built,
        rank,
        parse_ring(ring),
        solver,
        dict(options or {}),
        seed,
        parse_budget(budget),
        tuple(starts),
        jobs,
        checkpoint,
        resume,
    )
    return execute(order, catalog)


def execute(order: Order, catalog: Catalog | None = None, hooks: Hooks = Hooks()) -> Result:  # noqa: B008  # frozen
    """Run a search as ordered; every scheme that is found is kept at once, so that no fault can lose it.

    Raises:
        BilinearError: As `search`.
    """
    order, choice = resolve(order)
    keeper = _Keeper(order, catalog)

    def keep(found: Found) -> None:
        keeper.keep(found)
        hooks.on_found(found)

    task = Task(
        order.problem,
        order.solver,
        dict(order.options),
        order.seed,
        order.budget,
        tuple(_turned(start, order.problem.target) for start in order.starts),
        order.checkpoint_path,
        order.resume,
    )
    heard = Hooks(hooks.on_progress, keep, hooks.should_stop)
    require_cores(order.jobs)
    outcome = task.run(heard) if order.jobs == 1 else run_jobs(task, order.jobs, heard)
    if outcome.found is not None and not keeper.added and not keeper.unsaved:
        keeper.keep(outcome.found)
    scheme = None if outcome.scheme is None else _turned(outcome.scheme, order.target)
    notes = (*filter(None, [choice]), *_notes(order), *outcome.notes)
    return Result(outcome, scheme, tuple(keeper.added), keeper.unsaved, notes)


class _Keeper:
    """Puts found schemes into the catalog, with their provenance."""

    def __init__(self, order: Order, catalog: Catalog | None) -> None:
        self.order, self.catalog = order, catalog
        self.added: list[Added] = []
        self.unsaved = ""

    def keep(self, found: Found) -> None:
        """Add it; a folder that cannot be written is no reason to lose the scheme, so that is told at the end."""
        if self.catalog is None:
            return
        from catalog.convert import entry_from_scheme
        from catalog.entries import Lineage
        from catalog.errors import StoreError

        symbolic = verify(found.scheme, "symbolic")
        assert symbolic.ok, f"the exact and the symbolic check disagree: {symbolic.detail}"
        parents = tuple(content_hash(_turned(start, self.order.problem.target)) for start in self.order.starts)
        lineage = Lineage(parents=parents, recipe="started from the parents" if parents else "")
        entry = entry_from_scheme(found.scheme, provenance(self.order, found), lineage, [symbolic])
        try:
            self.added.append(self.catalog.add(entry))
        except StoreError as error:
            self.unsaved = str(error)


def provenance(order: Order, found: Found) -> Provenance:
    """How a scheme is found again: the same search, by the solver it was given to, with its steps as the budget."""
    from catalog.entries import Provenance
    from decompositions import __version__

    return Provenance(
        solver=order.solver,
        parameters=parameters(make_solver(order.solver, order.options)),
        rank=order.rank,
        seed=found.seed,
        steps=found.steps,
        cpu_seconds=round(found.cpu_seconds, 3),
        version=__version__,
        command=_command(order, found),
    )


def _command(order: Order, found: Found) -> str:
    """The command line that finds it again."""
    words = ["bilinear", "search", order.problem.target.short]
    if order.rank is not None:
        words += ["--rank", str(order.rank)]
    words += ["--ring", str(order.ring), "--solver", order.solver, "--seed", str(found.seed)]
    words += ["--budget", f"{found.steps}steps"]
    for key, value in parameters(make_solver(order.solver, order.options)).items():
        words += ["--option", f"{key}={value}"]
    for start in order.starts:
        words += ["--start", content_hash(_turned(start, order.problem.target))[:16]]
    return shlex.join(words)


def _turned(scheme: Scheme, target: Target) -> Scheme:
    """The scheme in the target's order of sizes; as it is if the target is another one."""
    turn = None if scheme.target == target else order_to(scheme.target, target)
    return scheme if turn is None else permute(scheme, turn)


def _notes(order: Order) -> list[str]:
    problem = order.problem
    if problem.target == order.target:
        return []
    return [f"{order.target.short} is searched as {problem.target.short}; the result is permuted back"]

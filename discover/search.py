"""The main job in one call: search, prove, keep."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.decompositions.verify import verify
from bilinear.discover.auto import resolve
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.jobs import run_jobs
from bilinear.discover.engine.order import DEFAULT_SOLVER, Order, turned
from bilinear.discover.engine.outcome import Found, Outcome
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.sharing import shares
from bilinear.discover.engine.solver import make_solver, parameters
from bilinear.discover.engine.workers import require_cores
from bilinear.discover.pieces import with_pieces

if TYPE_CHECKING:
    from bilinear.catalog.entries import Provenance
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added


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
    starts: Sequence[Scheme | Approximation] = (),
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
        starts: Schemes or approximations to begin from; `composition` takes the catalog's best if there are none.
        jobs: Processes, with seeds seed, seed + 1, ...; those of a flip solver exchange schemes.
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
    return execute(order if catalog is None else with_pieces(order, catalog), catalog)


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

    heard = Hooks(hooks.on_progress, keep, hooks.should_stop)
    require_cores(order.jobs)
    outcome = order.run(heard) if order.jobs == 1 else run_jobs(order, heard)
    if outcome.found is not None and not keeper.added and not keeper.unsaved:
        keeper.keep(outcome.found)
    scheme = None if outcome.scheme is None else turned(outcome.scheme, order.target)
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
        from bilinear.catalog.convert import entry_from_scheme
        from bilinear.catalog.entries import Lineage
        from bilinear.catalog.errors import StoreError

        symbolic = verify(found.scheme, "symbolic")
        assert symbolic.ok, f"the exact and the symbolic check disagree: {symbolic.detail}"
        parents = tuple(content_hash(start) for start in self.order.turned_starts)
        lineage = Lineage(parents=parents, recipe="started from the parents" if parents else "")
        entry = entry_from_scheme(found.scheme, provenance(self.order, found), lineage, [symbolic])
        try:
            self.added.append(self.catalog.add(entry))
        except StoreError as error:
            self.unsaved = str(error)


def provenance(order: Order, found: Found) -> Provenance:
    """How a scheme is found again: the same search, by the solver it was given to, with its steps as the budget."""
    from bilinear.catalog.entries import Provenance
    from bilinear.decompositions import __version__

    return Provenance(
        solver=order.solver,
        parameters=parameters(make_solver(order.solver, order.options)),
        rank=order.rank,
        seed=found.seed,
        steps=found.steps,
        threads=threads(order),
        cpu_seconds=round(found.cpu_seconds, 3),
        version=__version__,
        command=_command(order, found),
    )


def threads(order: Order) -> int:
    """The jobs that a scheme came from: all of those that share, or the one that found it."""
    return order.jobs if order.jobs > 1 and shares(order) else 1


def _command(order: Order, found: Found) -> str:
    """The command line that finds it again."""
    words = ["bilinear", "search", order.problem.target.short]
    if order.rank is not None:
        words += ["--rank", str(order.rank)]
    words += ["--ring", str(order.ring), "--solver", order.solver, "--seed", str(found.seed)]
    words += ["--budget", f"{found.steps}steps"]
    if threads(order) > 1:
        words += ["--jobs", str(order.jobs)]
    for key, value in parameters(make_solver(order.solver, order.options)).items():
        words += ["--option", f"{key}={value}"]
    for start in order.turned_starts:
        words += ["--start", content_hash(start)[:16]]
    return shlex.join(words)


def _notes(order: Order) -> list[str]:
    problem = order.problem
    if problem.target == order.target:
        return []
    return [f"{order.target.short} is searched as {problem.target.short}; the result is permuted back"]

"""The main job in one call: search, prove, keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.discover.auto import resolve
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.jobs import run_jobs
from bilinear.discover.engine.order import AUTO, Order, default_checkpoint, turned
from bilinear.discover.engine.outcome import Found, Outcome
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.sharing import shares
from bilinear.discover.engine.solver import make_solver, parameters
from bilinear.discover.engine.workers import require_cores
from bilinear.discover.keep import Made, keep, option_words, start_words
from bilinear.discover.leaves import with_leaves

if TYPE_CHECKING:
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
    solver: str = AUTO,
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
        Problem(built, rank, parse_ring(ring)),
        solver,
        dict(options or {}),
        seed,
        parse_budget(budget),
        tuple(starts),
        jobs,
        checkpoint,
        resume,
    )
    return execute(order if catalog is None else with_leaves(order, catalog), catalog)


def execute(order: Order, catalog: Catalog | None = None, hooks: Hooks = Hooks()) -> Result:  # noqa: B008  # frozen
    """Run a search as ordered; every scheme that is found is kept at once, so that no fault can lose it.

    The state is kept in the user's cache where the order names no file.

    Raises:
        BilinearError: As `search`.
    """
    require_cores(order.jobs)
    order, choice = resolve(order)
    order = replace(order, checkpoint=order.checkpoint or default_checkpoint(order))
    kept = _Kept(order, catalog)

    def on_found(found: Found) -> None:
        kept.add(found)
        hooks.on_found(found)

    outcome = run_jobs(order, Hooks(hooks.on_progress, on_found, hooks.should_stop))
    if outcome.found is not None and not kept.added and not kept.unsaved:
        kept.add(outcome.found)
    scheme = None if outcome.scheme is None else turned(outcome.scheme, order.problem.target)
    notes = (*filter(None, [choice]), *_notes(order), *outcome.notes, *_credit(order, catalog))
    return Result(outcome, scheme, tuple(kept.added), kept.unsaved, notes)


class _Kept:
    """What became of found schemes; a folder that cannot be written loses none of them, and is told at the end."""

    def __init__(self, order: Order, catalog: Catalog | None) -> None:
        self.order, self.catalog = order, catalog
        self.added: list[Added] = []
        self.unsaved = ""

    def add(self, found: Found) -> None:
        """Keep it."""
        from bilinear.catalog.errors import CatalogError, WrongSchemeError

        if self.catalog is None:
            return
        try:
            self.added.append(keep(self.catalog, found.scheme, made(self.order, found)))
        except (CatalogError, WrongSchemeError) as error:
            self.unsaved = str(error)
        except OSError as error:
            self.unsaved = f"{error.filename or self.catalog.root}: cannot be written: {error.strerror or error}"


def made(order: Order, found: Found) -> Made:
    """How a scheme is found again: the same search, by the solver it was given to, with its steps as the budget."""
    threads = order.jobs if order.jobs > 1 and shares(order) else 1
    chosen = parameters(make_solver(order.solver, order.options))
    parents = tuple(content_hash(start) for start in order.turned_starts)
    problem = order.searched
    words = ["search", problem.target.short]
    if problem.rank is not None:
        words += ["--rank", str(problem.rank)]
    words += ["--ring", str(problem.ring), "--solver", order.solver, "--seed", str(found.seed)]
    words += ["--budget", f"{found.steps}steps"]
    if threads > 1:
        words += ["--jobs", str(threads)]
    return Made(
        order.solver,
        [*words, *option_words(chosen), *start_words(parents)],
        rank=problem.rank,
        parameters=chosen,
        seed=found.seed,
        steps=found.steps,
        threads=threads,
        cpu_seconds=found.cpu_seconds,
        parents=parents,
        recipe="started from the parents" if parents else "",
    )


def _credit(order: Order, catalog: Catalog | None) -> list[str]:
    """That the search began from what others published, so that what it finds is not counted as found here."""
    from bilinear.catalog.origins import ABSENT, Origins

    if catalog is None or not order.starts:
        return []
    others = Origins(catalog).of_parents(content_hash(start) for start in order.turned_starts)
    named = sorted(words for words in others if not words.endswith(ABSENT))
    return [f"begun from what others published, so not counted as found here: {'; '.join(named)}"] if named else []


def _notes(order: Order) -> list[str]:
    asked, searched = order.problem.target, order.searched.target
    return [] if asked == searched else [f"{asked.short} is searched as {searched.short}; the result is permuted back"]

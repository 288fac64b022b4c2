"""The main job in one call: search, prove, keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.origins import credited
from bilinear.catalog.writing import Added
from bilinear.decompositions.evaluation import FAMILIES
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.discover.auto import can_walk, resolve
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.checkpoint import begun_with
from bilinear.discover.engine.order import AUTO, BELOW, Order, default_checkpoint, turned
from bilinear.discover.engine.outcome import Found, Outcome, Status
from bilinear.discover.engine.parallel.crew import require_jobs
from bilinear.discover.engine.parallel.team import run_jobs, shares
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.solver import make_solver, parameters
from bilinear.discover.keep import Made, keep, option_words, start_words
from bilinear.discover.leaves import composed, is_open, neighbours, with_leaves
from bilinear.discover.standing import best_here

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

LEAST_LEFT = 0.1  # seconds of the budget for what is searched below a scheme that took them all


@dataclass(frozen=True)
class Result:
    """The end of a search, and what was kept of it.

    Attributes:
        outcome: How it ended.
        scheme: The best scheme in the order of sizes asked for; None if none was found.
        added: What became of the scheme in the catalog, or of each of them; empty without a catalog.
        unsaved: Why the catalog could not be written; empty if it could.
        notes: What else the user should know.
    """

    outcome: Outcome
    scheme: Scheme | None
    added: tuple[Added, ...] = ()
    unsaved: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begun:
    """Where a search begins.

    Attributes:
        order: What is to be searched; None if nothing is left to.
        first: What is known; None if nothing is.
        words: That, for people; empty if there is nothing to say.
    """

    order: Order | None
    first: Result | None = None
    words: str = ""

    def joined(self, second: Result) -> Result:
        """What is known and what was found below it, as one end."""
        if self.first is None or (second.scheme is not None and second.scheme.rank < _rank(self.first)):
            return second
        status = Status.FOUND if second.outcome.status is Status.EXHAUSTED else second.outcome.status
        outcome = replace(second.outcome, status=status, found=self.first.outcome.found)
        notes = (*second.notes, f"nothing below {_rank(self.first)} was found")
        return replace(second, outcome=outcome, scheme=self.first.scheme, added=self.first.added, notes=notes)


def _rank(result: Result) -> int:
    assert result.scheme is not None
    return result.scheme.rank


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
    cluster: str | None = None,
    catalog: Catalog | None = None,
    keep_all: bool = False,
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
        starts: Schemes or approximations to begin from; `composition` takes the catalog's best if there are none, and
            so does `auto` without a rank.
        jobs: Processes, with seeds seed, seed + 1, ...; those of a flip solver exchange schemes.
        checkpoint: File for the state of the search.
        resume: Go on from that file.
        cluster: The address of a Dask scheduler whose workers run the jobs, or its file; None for this machine.
        catalog: Where the best scheme is kept; nothing is kept if not given.
        keep_all: Keep the schemes of higher ranks that were found before it as well.

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
        cluster,
    )
    if catalog is None:
        return execute(order)
    begun = begin(order, catalog, catalog)
    if begun.order is None:
        assert begun.first is not None
        return begun.first
    return begun.joined(execute(begun.order, catalog, keep_all=keep_all))


def execute(
    order: Order,
    catalog: Catalog | None = None,
    hooks: Hooks = Hooks(),  # noqa: B008  # frozen
    keep_all: bool = False,
) -> Result:
    """Run a search as ordered; every scheme that is found is kept at once, so that no fault can lose it.

    A better one takes the place of the one before it, unless all are to be kept. The state is kept in the user's cache
    where the order names no file.

    Raises:
        BilinearError: As `search`.
    """
    require_jobs(order.jobs, order.cluster)
    order, choice = resolve(order)
    order = replace(order, checkpoint=order.checkpoint or default_checkpoint(order))
    kept = _Kept(order, catalog, keep_all)

    def on_found(found: Found) -> None:
        kept.add(found)
        hooks.on_found(found)

    outcome = run_jobs(order, Hooks(hooks.on_progress, on_found, hooks.should_stop))
    if outcome.found is not None and not kept.added and not kept.unsaved:
        kept.add(outcome.found)
    scheme = None if outcome.scheme is None else turned(outcome.scheme, order.problem.target)
    notes = (*filter(None, [choice]), *_notes(order), *outcome.notes, *_credit(order, catalog))
    return Result(outcome, scheme, tuple(kept.added), kept.unsaved, notes)


def begin(order: Order, catalog: Catalog, kept: Catalog | None) -> Begun:
    """Take what is known at the place where a search by `auto` without a rank begins: nothing above it is worth a step.

    That is the best of the catalog's own scheme and of what the schemes of its other formats make together, which is
    kept as `composition` finds it. Any other search begins as it was ordered, with the schemes that it is made of.

    Args:
        order: As asked for.
        catalog: Where schemes are looked up.
        kept: Where what is found goes; None to keep nothing.

    Raises:
        BilinearError: As `search`.
    """
    if not is_open(order):
        return Begun(with_leaves(order, catalog))
    if order.resume and (before := _before(order, catalog)) is not None:
        return before
    own, put_together = best_here(catalog, order.problem.target, order.problem.ring), composed(order, catalog)
    if put_together is not None and (own is None or put_together.rank < own[1].rank):
        first = execute(put_together.order, kept)
        start = first.outcome.scheme
        words = f"put together of the catalog's schemes: {put_together.rank} products, {put_together.words}"
    elif own is not None:
        first, start = _served(order, own[0].id, own[1]), own[1]
        by = credited(own[0])
        words = f"the catalog has {own[1].rank} products: {own[0].id}" + (f", published, {by}" if by else "")
    else:
        return Begun(order)
    if start is None:  # stopped before it was put together
        return Begun(None, first, words)
    return going_on(order, first, start, words, catalog)


def _before(order: Order, catalog: Catalog) -> Begun | None:
    """Where the search that left the checkpoint began; None if it began at nothing that was known."""
    for solver, more in (("meta", {}), ("flip-graph", {}), ("flip-graph", {"walk": str(Ring.ZT)})):
        asked = replace(order, solver=solver, options={**more, **order.options, BELOW: 1})
        left = begun_with(order.checkpoint or default_checkpoint(asked))
        if left is None or BELOW not in left[0] or not left[1]:
            continue
        served = [catalog.scheme(parent) for parent in left[1]]
        starts = tuple(one.value for one in served)
        first = _served(order, served[0].path.stem, starts[0])
        return Begun(replace(order, starts=starts, options=left[0]), first, f"going on below {starts[0].rank}")
    return None


def _served(order: Order, name: str, scheme: Scheme) -> Result:
    """An entry of the catalog as the end of a search."""
    found = Found(scheme.to(order.problem.ring), order.seed, 0, 0.0)
    outcome = Outcome(Status.FOUND, found, None, order.seed, 0, 0.0, 0.0)
    return Result(outcome, turned(found.scheme, order.problem.target), (Added(name, "duplicate", ""),))


def going_on(order: Order, first: Result, scheme: Scheme, words: str, catalog: Catalog) -> Begun:
    """What is searched below a scheme that is known; nothing where nothing lies below, or no solver goes there.

    A scheme that lifts in seconds is gone on from together with its neighbours, any other over `zt` itself.
    """
    from bilinear.discover.solvers.flip_graph.prize import QUICK_TO_LIFT

    problem = order.searched
    bound = lower_bounds(problem.target, problem.ring)[0]
    if scheme.rank <= bound.rank:
        return Begun(None, first, f"{words}; none has fewer: {bound.source}")
    if not can_walk(problem):
        return Begun(None, first, f"{words}; no solver searches below it")
    words = f"{words}; looking below"
    if problem.target.family in FAMILIES:
        return Begun(order, first, words)
    options: dict[str, object] = {**order.options, BELOW: scheme.rank}
    near: tuple[Scheme, ...] = ()
    if not problem.ring.characteristic and scheme.rank * sum(problem.target.shape) > QUICK_TO_LIFT:
        options = {"walk": str(Ring.ZT)} | options
    else:
        near = neighbours(order, catalog)
    seconds = order.budget.seconds
    left = None if seconds is None else max(seconds - first.outcome.seconds, LEAST_LEFT)
    return Begun(
        replace(order, starts=(scheme, *near), options=options, budget=replace(order.budget, seconds=left)),
        first,
        words,
    )


class _Kept:
    """What became of found schemes; a folder that cannot be written loses none of them, and is told at the end."""

    def __init__(self, order: Order, catalog: Catalog | None, keep_all: bool) -> None:
        self.order, self.catalog, self.keep_all = order, catalog, keep_all
        self.added: list[Added] = []
        self.unsaved = ""

    def add(self, found: Found) -> None:
        """Keep it."""
        from bilinear.catalog.errors import CatalogError, WrongSchemeError

        if self.catalog is None:
            return
        try:
            before, self.added = self.added, [keep(self.catalog, found.scheme, made(self.order, found))]
            if self.keep_all:
                self.added = [*before, *self.added]
            else:
                self._remove(before)
        except (CatalogError, WrongSchemeError) as error:
            self.unsaved = str(error)
        except OSError as error:
            self.unsaved = f"{error.filename or self.catalog.root}: cannot be written: {error.strerror or error}"

    def _remove(self, before: Sequence[Added]) -> None:
        """Take out what this search itself added, and what nobody else has taken out meanwhile."""
        from bilinear.catalog.errors import CatalogError

        for one in before:
            if one.status == "added" and self.catalog is not None:
                with suppress(CatalogError):
                    self.catalog.remove(one.id)


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

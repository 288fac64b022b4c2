"""Finding an entry again, to see that its provenance tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bilinear.catalog.convert import to_scheme
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.origins import IMPORTED
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.jobs import run_jobs
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.recipes import RecipeEntry


StartOf = Callable[[str], Scheme | Approximation]
DERIVED = Registry(
    "derivation",
    {
        "accuracy": "bilinear.discover.growth:replay",
        "optimize": "bilinear.discover.optimize.kept:replay",
        "reduce": "bilinear.discover.reduction:replay",
    },
)
"""What makes an entry of another one, and how to make it again: from an entry and its parent to the scheme."""


class Searched(NamedTuple):
    """What a search is repeated from."""

    rank: int | None
    solver: str
    parameters: Mapping[str, Any]
    seed: int
    steps: int
    threads: int


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        same: Whether it is the entry's scheme.
        steps: Steps that were made.
        detail: The answer in words.
    """

    same: bool
    steps: int
    detail: str


def replay(entry: SchemeEntry | RecipeEntry, start_of: StartOf, hooks: Hooks = Hooks()) -> Replay:  # noqa: B008
    """Run the search of the entry's provenance again and compare what it finds.

    Args:
        entry: A verified entry.
        start_of: From the hash of a parent to its scheme or approximation.
        hooks: What the caller hears of.

    Raises:
        CatalogError: If the provenance names no search, or a parent is missing.
    """
    if entry.kind == "recipe":
        return _rebuilt(entry, start_of)
    if entry.provenance.solver in DERIVED:
        return _derived(entry, start_of)
    past = _searched(entry)
    order = Order(
        Problem(entry.target.resolve(), past.rank, entry.ring),
        past.solver,
        dict(past.parameters),
        past.seed,
        Budget(steps=past.steps),
        tuple(start_of(parent) for parent in entry.lineage.parents),
        past.threads,
    )
    outcome = run_jobs(order, hooks)
    if outcome.scheme is None:
        return Replay(False, outcome.steps, f"found nothing within {past.steps} steps")
    return _compared(entry, outcome.scheme, outcome.found.steps if outcome.found else 0, outcome.steps)


def _rebuilt(entry: RecipeEntry, start_of: StartOf) -> Replay:
    """Build a recipe again of its parts."""
    from bilinear.catalog.recipes import to_recipe
    from bilinear.decompositions.rules.recipe import build

    def part(wanted: str) -> Scheme:
        found = start_of(wanted)
        if isinstance(found, Approximation):
            raise CatalogError(f"entry {entry.hash[:8]}: its part {wanted[:16]} is an approximation")
        return found

    recipe = to_recipe(entry)
    scheme = build(recipe, part)
    same = content_hash(scheme) == entry.hash
    words = f"rank {scheme.rank} in {len(recipe.steps)} steps"
    return Replay(same, 0, f"built the same scheme: {words}" if same else f"built another scheme: {words}")


def _searched(entry: SchemeEntry) -> Searched:
    """The seed and steps of the search that found an entry."""
    past, credit = entry.provenance, entry.found_by
    if credit is not None:
        by = f"published by {credit.authors}, {credit.year} ({credit.source})"
        raise CatalogError(f"entry {entry.hash[:8]}: {by}; no search found it here")
    if past.solver == IMPORTED:
        raise CatalogError(f"entry {entry.hash[:8]}: imported from a file, by {past.command}; no search found it here")
    if past.seed is None or past.steps is None:
        raise CatalogError(f"entry {entry.hash[:8]}: its provenance names no seed and steps; it cannot be replayed")
    return Searched(past.rank, past.solver, past.parameters, past.seed, past.steps, past.threads)


def _derived(entry: SchemeEntry, start_of: StartOf) -> Replay:
    """Make an entry of its one parent again."""
    if not entry.lineage.parents:
        raise CatalogError(f"entry {entry.hash[:8]}: no parent is named; it cannot be made of it again")
    again = cast("Callable[[SchemeEntry, Scheme], Scheme]", DERIVED.load(entry.provenance.solver))
    steps, parent = entry.provenance.steps or 0, start_of(entry.lineage.parents[0])
    if isinstance(parent, Approximation):
        raise CatalogError(f"entry {entry.hash[:8]}: its parent is an approximation; a scheme is needed")
    return _compared(entry, again(entry, parent), steps, steps)


def _compared(entry: SchemeEntry, scheme: Scheme, found: int, steps: int) -> Replay:
    same = content_hash(scheme) == content_hash(to_scheme(entry))
    words = f"rank {scheme.rank} after {found} steps"
    return Replay(same, steps, f"found the same scheme: {words}" if same else f"found another scheme: {words}")

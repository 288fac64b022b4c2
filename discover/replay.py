"""Finding an entry again, to see that its provenance tells the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.convert import to_scheme
from catalog.errors import CatalogError
from decompositions.identity import content_hash
from decompositions.scheme import Scheme
from discover.budget import Budget
from discover.outcome import Outcome
from discover.problem import Problem
from discover.run import Hooks, run

if TYPE_CHECKING:
    from catalog.entries import SchemeEntry


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        same: Whether it is the entry's scheme.
        outcome: How the search ended.
        detail: The answer in words.
    """

    same: bool
    outcome: Outcome
    detail: str


def replay(entry: SchemeEntry, scheme_of: Callable[[str], Scheme], hooks: Hooks = Hooks()) -> Replay:  # noqa: B008
    """Run the search of the entry's provenance again and compare what it finds.

    Args:
        entry: A verified entry.
        scheme_of: From the hash of a parent to its scheme.
        hooks: What the caller hears of.

    Raises:
        CatalogError: If the provenance names no search, or a parent is missing.
    """
    past = entry.provenance
    if past.seed is None or past.steps is None:
        raise CatalogError(f"entry {entry.hash[:8]}: its provenance names no seed and steps; it cannot be replayed")
    problem = Problem(entry.target.resolve(), past.rank, entry.ring)
    options: dict[str, object] = dict(past.parameters)
    starts = [scheme_of(parent) for parent in entry.lineage.parents]
    budget = Budget(steps=past.steps)
    outcome = run(problem, past.solver, options, seed=past.seed, budget=budget, starts=starts, hooks=hooks)
    if outcome.scheme is None:
        return Replay(False, outcome, f"found nothing within {past.steps} steps")
    same = content_hash(outcome.scheme) == content_hash(to_scheme(entry))
    found = f"rank {outcome.scheme.rank} after {outcome.found.steps if outcome.found else 0} steps"
    return Replay(same, outcome, f"found the same scheme: {found}" if same else f"found another scheme: {found}")

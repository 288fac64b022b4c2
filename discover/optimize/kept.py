"""What becomes of an optimum: programs are attached to entries, neighbours are entries of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.program import ProgramError
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine.budget import Budget
from bilinear.discover.keep import HASH_WORD, Made, keep
from bilinear.discover.optimize.neighbours import SUMS
from bilinear.discover.optimize.programs import attach
from bilinear.discover.optimize.search import Optimum, optimize

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "optimize"
RECIPE = "flips and changes of basis at equal rank, for fewer additions"


@dataclass(frozen=True)
class Kept:
    """What became of an optimum.

    Attributes:
        attached: Hashes of the entries whose program was written.
        added: What became of the neighbour; None if the scheme stayed.
    """

    attached: tuple[str, ...]
    added: Added | None


def keep_optimum(catalog: Catalog, given: Scheme, optimum: Optimum) -> Kept:
    """Attach the programs; add a neighbour that has fewer additions, with its lineage and the command that finds it.

    Args:
        catalog: Whose user's folder is written.
        given: The scheme that was optimised, of an entry of this catalog.
        optimum: What was found.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    attached = [content_hash(given)] if attach(catalog, given, optimum.own) else []
    if optimum.scheme is given:
        return Kept(tuple(attached), None)
    added = keep(catalog, optimum.scheme, _made(given, optimum))
    stored = catalog.scheme(added.id).value
    try:
        if attach(catalog, stored, optimum.program):
            attached.append(content_hash(stored))
    except ProgramError:  # the same scheme was there already, in another order of its products
        pass
    return Kept(tuple(attached), added)


def _made(given: Scheme, optimum: Optimum) -> Made:
    """How a neighbour is found again: the same optimisation of its parent, with as many slices."""
    parent, words = content_hash(given), ["--seed", str(optimum.seed), "--budget", f"{optimum.found}steps"]
    judge = {} if optimum.judge == SUMS else {"judge": optimum.judge}
    return Made(
        SOLVER,
        ["optimize", parent[:HASH_WORD], *(word for name in judge for word in (f"--{name}", judge[name])), *words],
        rank=given.rank,
        parameters=judge,
        seed=optimum.seed,
        steps=optimum.found,
        cpu_seconds=optimum.cpu_seconds,
        parents=(parent,),
        recipe=RECIPE,
    )


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that the optimisation of an entry's provenance finds again, from its parent.

    Raises:
        ProgramError: If the provenance is of another command.
    """
    past = entry.provenance
    if past.solver != SOLVER or past.seed is None or past.steps is None:
        raise ProgramError(f"entry {entry.hash[:8]}: found by {past.solver}, not by {SOLVER}; it is no optimum")
    judge = str(past.parameters.get("judge", SUMS))
    return optimize(parent, Budget(steps=past.steps), seed=past.seed, judge=judge).scheme

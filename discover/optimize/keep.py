"""Keeping what an optimisation found: programs as attachments, neighbours as entries of their own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.program import ProgramError
from bilinear.decompositions.programs.scheme_program import SchemeProgram, short_program
from bilinear.decompositions.programs.text import ATTACHMENT, BASIS_ATTACHMENT, dumps, loads
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.optimize.search import Optimum, optimize

if TYPE_CHECKING:
    from bilinear.catalog.entries import Provenance, SchemeEntry
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


def read_program(catalog: Catalog, scheme: Scheme, name: str = ATTACHMENT) -> SchemeProgram | None:
    """The program kept for a scheme, verified on its symbols; None if there is none.

    Args:
        catalog: Where attachments lie.
        scheme: In the order of products, and of sizes, that its entry has.
        name: `program.json`, or `program-basis.json` for the one in an alternative basis.

    Raises:
        ProgramError: If the file there is damaged, or of another order of products.
    """
    key = content_hash(scheme)
    if name not in catalog.attachments(key):
        return None
    return loads(catalog.read_attachment(key, name), f"attachment {name} of {key[:8]}", scheme)


def program_of(catalog: Catalog, scheme: Scheme) -> SchemeProgram:
    """The program kept for a scheme; where there is none, or one of another order of products, one made now.

    Raises:
        SchemeError: If the scheme is over `qi`.
    """
    known = known_program(catalog, scheme)
    return short_program(scheme) if known is None else known


def known_program(catalog: Catalog, scheme: Scheme, name: str = ATTACHMENT) -> SchemeProgram | None:
    """The program kept, if it is one of the scheme in this order of products."""
    try:
        return read_program(catalog, scheme, name)
    except ProgramError:
        return None


def attach(catalog: Catalog, scheme: Scheme, program: SchemeProgram) -> bool:
    """Keep a program with its entry, unless the one there has as few additions; whether it was written.

    Raises:
        ProgramError: If it does not compute the scheme.
        StoreError: If the catalog cannot be written.
    """
    name, key = (ATTACHMENT if program.basis is None else BASIS_ATTACHMENT), content_hash(scheme)
    data = dumps(program)
    loads(data, f"program of {key[:8]}", scheme)
    known = known_program(catalog, scheme, name)
    if known is not None and _merit(known) <= _merit(program):
        return False
    catalog.attach(key, name, data)
    return True


def _merit(program: SchemeProgram) -> tuple[int, int, int]:
    """Additions of a level, then those of the changes of basis, then multiplications by constants and negations."""
    cost, basis = program.operations, program.basis_operations
    return cost.additions, basis.additions, sum(cost[1:]) + sum(basis[1:])


def keep(catalog: Catalog, given: Scheme, optimum: Optimum) -> Kept:
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
    from bilinear.catalog.convert import entry_from_scheme
    from bilinear.catalog.entries import Lineage

    symbolic = verify(optimum.scheme, "symbolic")
    assert symbolic.ok, f"the exact and the symbolic check disagree: {symbolic.detail}"
    lineage = Lineage(parents=(content_hash(given),), recipe=RECIPE)
    added = catalog.add(entry_from_scheme(optimum.scheme, provenance(given, optimum), lineage, [symbolic]))
    stored = catalog.scheme(added.id).value
    try:
        if attach(catalog, stored, optimum.program):
            attached.append(content_hash(stored))
    except ProgramError:  # the same scheme was there already, in another order of its products
        pass
    return Kept(tuple(attached), added)


def provenance(given: Scheme, optimum: Optimum) -> Provenance:
    """How a neighbour is found again: the same optimisation of its parent, with as many slices."""
    from bilinear.catalog.entries import Provenance
    from bilinear.decompositions import __version__

    words = ["bilinear", "optimize", content_hash(given)[:16]]
    words += ["--seed", str(optimum.seed), "--budget", f"{optimum.found}steps"]
    return Provenance(
        solver=SOLVER,
        rank=given.rank,
        seed=optimum.seed,
        steps=optimum.found,
        cpu_seconds=round(optimum.cpu_seconds, 3),
        version=__version__,
        command=shlex.join(words),
    )


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that the optimisation of an entry's provenance finds again, from its parent.

    Raises:
        ProgramError: If the provenance is of another command.
    """
    from bilinear.discover.engine.budget import Budget

    past = entry.provenance
    if past.solver != SOLVER or past.seed is None or past.steps is None:
        raise ProgramError(f"entry {entry.hash[:8]}: found by {past.solver}, not by {SOLVER}; it is no optimum")
    return optimize(parent, Budget(steps=past.steps), seed=past.seed).scheme

"""Schemes in a basis that lets rounding errors grow less, kept as entries of their own."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import Calmed, calmed
from bilinear.decompositions.verify import verify

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "accuracy"
STARTS = 8
RECIPE = "change of basis"


def calm(scheme: Scheme, seed: int) -> tuple[Calmed, float]:
    """The search of `bilinear accuracy --calm`, and its CPU seconds."""
    began = time.process_time()
    found = calmed(scheme, STARTS, seed)
    return found, time.process_time() - began


def keep(catalog: Catalog, given: Scheme, found: Calmed, seed: int, cpu_seconds: float) -> Added | None:
    """Add the scheme in the new basis with its lineage; None where no better basis was found.

    Args:
        catalog: Whose user's folder is written.
        given: The scheme of an entry of this catalog.
        found: What `calm` found.
        seed: Of that search.
        cpu_seconds: Of that search.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    if found.scheme is given:
        return None
    from bilinear.catalog.convert import entry_from_scheme
    from bilinear.catalog.entries import Lineage, Provenance
    from bilinear.decompositions import __version__

    parent = content_hash(given)
    words = ["bilinear", "accuracy", parent[:16], "--calm", "--seed", str(seed)]
    past = Provenance(
        solver=SOLVER,
        rank=given.rank,
        seed=seed,
        steps=STARTS,
        cpu_seconds=round(cpu_seconds, 3),
        version=__version__,
        command=shlex.join(words),
    )
    verification = verify(found.scheme)
    assert verification.ok, f"a change of basis broke the scheme: {verification.detail}"
    return catalog.add(entry_from_scheme(found.scheme, past, Lineage(parents=(parent,), recipe=RECIPE), [verification]))


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that the search of an entry's provenance gives again, from its parent.

    Raises:
        SchemeError: If the provenance is of another command.
    """
    past = entry.provenance
    if past.solver != SOLVER or past.seed is None:
        raise SchemeError(f"entry {entry.hash[:8]}: found by {past.solver}, not by {SOLVER}")
    return calm(parent, past.seed)[0].scheme

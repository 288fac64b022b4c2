"""Schemes in a basis in which rounding errors grow less, kept as entries of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import LowerGrowth, lower_growth
from bilinear.discover.keep import HASH_WORD, Made, keep

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "accuracy"
STARTS = 8  # descents of a search
FORMER_LARGEST = 1 << 20  # the bound of entries that name none
RECIPE = "change of basis"


def keep_lower(
    catalog: Catalog, given: Scheme, found: LowerGrowth, seed: int, largest: int, cpu_seconds: float
) -> Added | None:
    """Add the scheme in the new basis with its lineage; None where no better basis was found.

    Args:
        catalog: Whose user's folder is written.
        given: The scheme of an entry of this catalog.
        found: What `lower_growth` found.
        seed: Of that search.
        largest: Its bound on coefficients.
        cpu_seconds: Of that search.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    if found.scheme is given:
        return None
    parent = content_hash(given)
    made = Made(
        SOLVER,
        ["accuracy", parent[:HASH_WORD], "--calm", "--seed", str(seed), "--largest", str(largest)],
        rank=given.rank,
        parameters={"largest": largest},
        seed=seed,
        steps=STARTS,
        cpu_seconds=cpu_seconds,
        parents=(parent,),
        recipe=RECIPE,
    )
    return keep(catalog, found.scheme, made)


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that the search of an entry's provenance gives again, from its parent.

    Raises:
        SchemeError: If the provenance is of another command.
    """
    past = entry.provenance
    if past.solver != SOLVER or past.seed is None:
        raise SchemeError(f"entry {entry.hash[:8]}: found by {past.solver}, not by {SOLVER}")
    largest = past.parameters.get("largest", FORMER_LARGEST)
    if not isinstance(largest, int):
        raise SchemeError(f"entry {entry.hash[:8]}: parameter largest is {largest!r}; a whole number is needed")
    return lower_growth(parent, STARTS, past.seed, largest).scheme

"""Where a search stands: beside what the catalog has, what is published, and what is proven to be necessary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.index import unless_bad
from bilinear.catalog.records import collected, published
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.rings import Ring, serves
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import Problem

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog


@dataclass(frozen=True)
class Standing:
    """What is known of a target over a coefficient set.

    Attributes:
        here: Products of the catalog's best scheme before the search; None if it has none.
        id: Of that entry.
        published: The best published rank; None if none is known.
        source: Where it was published.
        tables: The day to which the published tables go; empty where it is what the formulas of its family give.
        bound: Products that are proven to be necessary.
        bound_source: By whom.
    """

    here: int | None
    id: str | None
    published: int | None
    source: str | None
    tables: str
    bound: int
    bound_source: str


def standing(problem: Problem, catalog: Catalog) -> Standing:
    """Where a problem stands; the catalog's entry is proved now."""
    best = best_here(catalog, problem.target, problem.ring)
    record = published(problem.target, problem.ring)
    bound = lower_bounds(problem.target, problem.ring)[0]
    return Standing(
        None if best is None else best[1].rank,
        None if best is None else best[0].id,
        None if record is None else record.rank,
        None if record is None else record.source,
        collected() if record is None or record.is_tabled else "",
        bound.rank,
        bound.source,
    )


def best_here(catalog: Catalog, target: Target, ring: Ring) -> tuple[Listing, Scheme] | None:
    """The catalog's right scheme of fewest products that counts over a ring, its sizes rising; None without one."""
    proved = ((one, unless_bad(partial(catalog.proved, one))) for one in _rising(catalog, target, ring))
    return next(((one, found.value) for one, found in proved if found is not None), None)


def _rising(catalog: Catalog, target: Target, ring: Ring) -> Iterator[Listing]:
    """The schemes of a target that count over a ring, those of fewest products first."""
    listed = (one for one in catalog.of_target(canonical(target)) if fits(ring, one))
    yield from sorted(listed, key=merit)


def fits(wanted: Ring, listing: Listing) -> bool:
    """Whether an entry is a scheme, and one over that set."""
    known = listing.kind == "scheme" and listing.ring in list(Ring)
    return known and serves(wanted, Ring(str(listing.ring)))


def merit(listing: Listing) -> tuple[int, str]:
    """By which entries are compared: fewer products first."""
    return listing.rank or 0, listing.id

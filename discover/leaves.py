"""The schemes of a catalog from which a larger matrix product is put together."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import target_named
from bilinear.decompositions.composition import LARGEST, Recipe, Sizes, cheapest, rising
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.registry import normalise
from bilinear.decompositions.rings import Ring, holds
from bilinear.discover.engine.order import AUTO, Order
from bilinear.discover.solvers.composition import COMPOSITION

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog


def with_leaves(order: Order, catalog: Catalog) -> Order:
    """The order with the best schemes of the catalog as its starts, if it is one of `composition` that names none.

    So is one of `auto`, without options, if they reach the rank asked for. The target's own entries are left out. What
    others published, and came with the program, is taken only where the rest does not reach that rank. The starts are
    named in the provenance, so that a replay takes the same ones. A bad entry is passed over with a warning.

    Raises:
        TargetError: If `composition` is asked for a format that is too large.
    """
    asked = normalise(order.solver) == COMPOSITION
    if order.starts or order.problem.target.family != "matmul" or not (asked or _is_open(order)):
        return order
    bad: set[str] = set()
    while True:
        best, recipe = _best_of(order, catalog, bad)
        if not asked and order.problem.rank is not None and recipe.rank > order.problem.rank:
            return order
        proved = {best[sizes].id: unless_bad(partial(catalog.proved, best[sizes])) for sizes in sorted(recipe.given)}
        starts = [one.value for one in proved.values() if one is not None]
        if len(starts) == len(proved):
            return dataclasses.replace(order, starts=tuple(starts))
        bad |= {name for name, one in proved.items() if one is None}


def _is_open(order: Order) -> bool:
    """Whether `auto` may put the scheme together."""
    plain = normalise(order.solver) == AUTO and not order.options
    return plain and order.problem.rank is not None and max(order.problem.target.sizes) <= LARGEST


def _best_of(order: Order, catalog: Catalog, bad: set[str]) -> tuple[dict[Sizes, Listing], Recipe]:
    """The leaves and what they make: with what others published if only that reaches the rank asked for."""
    for with_published in (False, True):
        best = _best(order, catalog, bad, with_published)
        recipe = cheapest(order.problem.target.sizes, {sizes: listing.rank or 0 for sizes, listing in best.items()})
        if order.problem.rank is None or recipe.rank <= order.problem.rank:
            break
    return best, recipe


def _best(order: Order, catalog: Catalog, bad: set[str], with_published: bool) -> dict[Sizes, Listing]:
    """The entry of fewest products of each format, by file name, without the bad ones."""
    best: dict[Sizes, Listing] = {}
    target = canonical(order.problem.target)
    for listing in catalog:
        if listing.kind != "scheme" or not listing.target.startswith("matmul:") or listing.id in bad:
            continue
        if listing.published and not with_published:
            continue
        held = target_named(listing.target)
        if held is None or not _fits(order.problem.ring, listing.ring):
            continue
        sizes = rising(held.sizes)
        if held != target and (sizes not in best or _merit(listing) < _merit(best[sizes])):
            best[sizes] = listing
    return best


def _fits(wanted: Ring, held: str | None) -> bool:
    """Whether a scheme over one set is one over the other, by inclusion or by reduction."""
    if held not in list(Ring):
        return False
    ring = Ring(held)
    return (holds(wanted, ring) and ring is not Ring.QI) or (bool(wanted.characteristic) and holds(Ring.Z, ring))


def _merit(listing: Listing) -> tuple[int, str]:
    return listing.rank or 0, listing.id

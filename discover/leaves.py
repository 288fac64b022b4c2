"""The schemes of a catalog from which a larger matrix product is put together."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import target_named
from bilinear.decompositions.composition import LARGEST, Recipe, Sizes, cheapest, described, rising
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.registry import normalise
from bilinear.decompositions.rings import Ring
from bilinear.discover.engine.order import AUTO, Order
from bilinear.discover.solvers.composition import COMPOSITION
from bilinear.discover.standing import fits, merit

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions.scheme import Scheme


def with_leaves(order: Order, catalog: Catalog) -> Order:
    """The order with the best schemes of the catalog as its starts, if it is one of `composition` that names none.

    So is one of `auto`, without options, if they reach the rank asked for. The target's own entries are left out. What
    others published, and came with the program, is taken only where the rest does not reach that rank. The starts are
    named in the provenance, so that a replay takes the same ones. A bad entry is passed over with a warning.

    Raises:
        TargetError: If `composition` is asked for a format that is too large.
    """
    asked = normalise(order.solver) == COMPOSITION
    if order.starts or order.problem.target.family != "matmul" or not (asked or _may_compose(order)):
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


class Composed(NamedTuple):
    """What the schemes of a catalog make of a format.

    Attributes:
        order: Of the solver `composition`, with those schemes.
        rank: Its products.
        words: How it is put together.
    """

    order: Order
    rank: int
    words: str


def is_open(order: Order) -> bool:
    """Whether a search is one by `auto` that may begin anywhere: without a rank and starts, with options of flips."""
    from bilinear.discover.solvers.flip_graph.growing import FlipGraph

    plain = normalise(order.solver) == AUTO and order.problem.rank is None and not order.starts
    return plain and set(order.options) <= {field.name for field in dataclasses.fields(FlipGraph)}


def composed(order: Order, catalog: Catalog) -> Composed | None:
    """What the catalog's schemes of other formats make of the target; None if that is the standard algorithm."""
    target = order.problem.target
    if target.family != "matmul" or max(target.sizes) > LARGEST:
        return None
    whole = dataclasses.replace(order, solver=COMPOSITION, options={}, jobs=1, checkpoint=None, resume=False)
    whole = with_leaves(whole, catalog)
    ranks = {rising(start.target.sizes): start.rank for start in whole.starts}
    recipe = cheapest(target.sizes, ranks)
    return None if recipe.kind == "standard" else Composed(whole, recipe.rank, described(recipe))


def neighbours(order: Order, catalog: Catalog) -> tuple[Scheme, ...]:
    """The catalog's best schemes of the formats around a matrix product, which `meta` cuts, extends and joins.

    None where the options are not all its own, or walk over `zt`, which it does not.
    """
    from bilinear.discover.solvers.flip_graph.formats import around
    from bilinear.discover.solvers.flip_graph.meta import Meta

    target, options = order.searched.target, dict(order.options)
    own = set(options) <= {field.name for field in dataclasses.fields(Meta)} and options.get("walk") != Ring.ZT
    if target.family != "matmul" or not own:
        return ()
    near = around(rising(target.sizes), Meta().above)
    best = _best(order, catalog, set(), with_published=True)
    proved = (unless_bad(partial(catalog.proved, best[sizes])) for sizes in near if sizes in best)
    return tuple(one.value for one in proved if one is not None)


def _may_compose(order: Order) -> bool:
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
        if held is None or not fits(order.problem.ring, listing) or listing.ring == Ring.QI:
            continue
        sizes = rising(held.sizes)
        if held != target and (sizes not in best or merit(listing) < merit(best[sizes])):
            best[sizes] = listing
    return best

"""The basis that a layer begins from when none is named: the nearest that the catalog and the seeds have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bilinear.decompositions import Ring, Target, parse_target
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.rings import holds, named_ring
from bilinear.decompositions.row_norms import longest_row, norms
from bilinear.decompositions.seeds import seed as seeded
from bilinear.layers.stl.basis import Basis

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

SEEDS: Final = ("pruned-standard", "pruned-strassen", "pruned-winograd", "kronecker")
"""Those that are tried: random ones are further off, and `turned-winograd` takes seconds for what the catalog has."""

DIGITS: Final = 6
"""Of errors that differ by less the entry of a catalog is taken, which has an id."""


def best_basis(tile: tuple[int, int, int], rank: int, seed: int, catalog: Catalog) -> Basis:
    """The basis of a tile with at most `rank` products whose error on random data is the least.

    An exact scheme of that many products, or of the next fewer that the catalog has, goes before all; then what keeps
    to bounded rows (see `longest_row`) goes before what does not, and the nearest of those is taken.

    Args:
        tile: (n, m, p).
        rank: Most products; where the catalog has nothing of that rank it has, perhaps, of a lower one.
        seed: Of the seeds.
        catalog: Where to look.

    Raises:
        BilinearError: If an entry that answers is bad.
    """
    target = parse_target("x".join(map(str, tile)))
    products = min(rank, math.prod(tile))
    exact = _exact(target, products, catalog)
    if exact is not None:
        return exact
    found = [*_of_catalog(target, products, catalog), *_of_seeds(target, products, seed)]
    return min(found, key=lambda one: (one[0], round(one[1], DIGITS)))[2]


def _exact(target: Target, rank: int, catalog: Catalog) -> Basis | None:
    ranks = {
        listing.rank
        for listing in catalog.of_target(canonical(target))
        if listing.kind == "scheme" and listing.rank is not None and listing.rank <= rank and _is_real(listing.ring)
    }
    if not ranks:
        return None
    served = catalog.scheme(f"{target.short}:{max(ranks)}", Ring.Q)
    return Basis.of(served.value, served.id)


def _is_real(name: str | None) -> bool:
    ring = named_ring(name or "")
    return ring is not None and holds(Ring.Q, ring)


def _of_catalog(target: Target, rank: int, catalog: Catalog) -> Iterator[tuple[bool, float, Basis]]:
    here = (listing.rank or 0 for listing in catalog.of_target(canonical(target)) if listing.kind == "approximation")
    nearest = max((products for products in here if products <= rank), default=0)
    if nearest:
        served = catalog.factors(f"approximation:{target.short}:{nearest}")
        yield _judged(Basis.of(served.value, served.id))


def _of_seeds(target: Target, rank: int, seed: int) -> Iterator[tuple[bool, float, Basis]]:
    for name in SEEDS:
        try:
            value = seeded(name, target, rank, np.random.default_rng(seed))
        except BilinearError:
            continue  # a seed that does not take this tile or rank
        yield _judged(replace(Basis.of(value), seed=name))


def _judged(basis: Basis) -> tuple[bool, float, Basis]:
    """Whether its rows are beyond the bound, its error, and the basis."""
    bound = longest_row(parse_target(basis.target))
    return float(norms((basis.u, basis.v, basis.w)).max()) > bound, basis.residual, basis

"""Bases by name: what a layer may begin from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from bilinear.decompositions import parse_target
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.registry import Registry
from bilinear.layers.errors import LayerError
from bilinear.layers.stl.basis import Basis

if TYPE_CHECKING:
    from bilinear.catalog.entries import ApproximationEntry, SchemeEntry
    from bilinear.catalog.store import Catalog, Served
    from bilinear.decompositions import Approximation, Scheme
    from bilinear.decompositions.seeds import Seed

CATALOG = "catalog:"
BEST = "best"
"""The nearest that the catalog and the seeds have, see `best_basis`."""
INITIALISATIONS = Registry(
    "initialisation",
    {
        "random": "bilinear.decompositions.seeds.randomly:random",
        "strassen": "bilinear.decompositions.seeds.pruning:strassen_exactly",
        "pruned-strassen": "bilinear.decompositions.seeds.pruning:pruned_strassen",
        "pruned-winograd": "bilinear.decompositions.seeds.pruning:pruned_winograd",
        "pruned-standard": "bilinear.decompositions.seeds.pruning:pruned_standard",
        "kronecker": "bilinear.decompositions.seeds.kronecker:kronecker_of_approximations",
        "evaluation": "bilinear.decompositions.seeds.polynomial:polynomial",
    },
)


def initial_basis(
    name: str,
    tile: int | tuple[int, int, int],
    rank: int,
    seed: int = 0,
    catalog: Catalog | None = None,
) -> Basis:
    """The basis of that name.

    Args:
        name: `best`, a name of `INITIALISATIONS`, or `catalog:ID` with whatever the catalog understands,
            `catalog:4x4x4:49`; where it has no scheme of a rank, its approximation of that rank is meant.
        tile: (n, m, p), or one number for all three.
        rank: Number of products; `best` may take fewer, where it is exact.
        seed: Of all randomness; a seed and a name always give the same basis.
        catalog: Where IDs are looked up; the user's and the shipped one if None.

    Raises:
        UnknownNameError: If there is no such name.
        LayerError: If a size is below 1, or the entry has another tile or rank.
        BilinearError: If the initialisation cannot take the tile or the rank, or the catalog has no such entry.
    """
    sides = (tile,) * 3 if isinstance(tile, int) else tile
    text = "x".join(map(str, sides))
    if min(sides) < 1 or rank < 1:
        raise LayerError(f"tile {text}, rank {rank}; sizes and rank must be at least 1")
    if name == BEST:
        from bilinear.catalog.store import Catalog
        from bilinear.layers.stl.best import best_basis

        return best_basis(sides, rank, seed, catalog or Catalog())
    if name.startswith(CATALOG):
        return _of_entry(name.removeprefix(CATALOG), sides, rank, catalog)
    seeded = cast("Seed", INITIALISATIONS.load(name))
    try:
        return replace(Basis.of(seeded(parse_target(text), rank, np.random.default_rng(seed))), seed=name)
    except BilinearError as error:
        raise LayerError(f"initialisation {name!r}, tile {text}, rank {rank}: {error}") from error


def _of_entry(query: str, tile: tuple[int, int, int], rank: int, catalog: Catalog | None) -> Basis:
    from bilinear.catalog.store import Catalog

    served = _served(query, catalog or Catalog())
    basis = Basis.of(served.value, served.id)
    if (basis.tile, basis.rank) != (tile, rank):
        found = f"{'x'.join(map(str, basis.tile))} of rank {basis.rank}"
        raise LayerError(
            f"catalog:{query}: tile {found}; {'x'.join(map(str, tile))} of rank {rank} was asked for, change one"
        )
    return basis


def _served(query: str, catalog: Catalog) -> Served[Scheme | Approximation, SchemeEntry | ApproximationEntry]:
    """What a query means; of `4x4x4:32` the approximation, where there is no scheme of that rank."""
    from bilinear.catalog.approximations import BOUNDED
    from bilinear.catalog.errors import CatalogError

    try:
        return catalog.factors(query)
    except CatalogError as error:
        try:
            return catalog.factors(f"{BOUNDED}:{query}")
        except BilinearError:
            raise error from None

"""Bases by name: what a layer may begin from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from bilinear.decompositions import parse_target
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.registry import Registry
from bilinear.layers.errors import LayerError
from bilinear.layers.stl.basis import Basis

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions.seeds import Seed

CATALOG = "catalog:"
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
        name: A name of `INITIALISATIONS`, or `catalog:ID` with whatever the catalog understands, `catalog:4x4x4:49`.
        tile: (n, m, p), or one number for all three.
        rank: Number of products.
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
    if name.startswith(CATALOG):
        return _of_entry(name.removeprefix(CATALOG), sides, rank, catalog)
    seeded = cast("Seed", INITIALISATIONS.load(name))
    try:
        return Basis.of(seeded(parse_target(text), rank, np.random.default_rng(seed)))
    except BilinearError as error:
        raise LayerError(f"initialisation {name!r}, tile {text}, rank {rank}: {error}") from error


def _of_entry(query: str, tile: tuple[int, int, int], rank: int, catalog: Catalog | None) -> Basis:
    from bilinear.catalog.store import Catalog

    served = (catalog or Catalog()).factors(query)
    basis = Basis.of(served.value, served.id)
    if (basis.tile, basis.rank) != (tile, rank):
        found = f"{'x'.join(map(str, basis.tile))} of rank {basis.rank}"
        raise LayerError(
            f"catalog:{query}: tile {found}; {'x'.join(map(str, tile))} of rank {rank} was asked for, change one"
        )
    return basis

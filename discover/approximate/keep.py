"""Approximations in the catalog: two a rank at most, the nearest, and the nearest of bounded norms."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate.bounding import row_bound
from bilinear.discover.approximate.pool import GAIN, Best, Pool
from bilinear.discover.starts import PREFIX

if TYPE_CHECKING:
    from bilinear.catalog.entries import ApproximationEntry, Provenance
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "approximate"
EXACT = 1e-10
DIGITS = 4  # of a norm in a provenance


@dataclass(frozen=True)
class Held:
    """An approximation that a catalog holds.

    Attributes:
        id: Of the entry.
        rank: Number of products.
        residual: As certified.
        norm: The largest norm of a row at equal scaling.
        bounded: Whether that keeps to the target's bound.
    """

    id: str
    rank: int
    residual: float
    norm: float
    bounded: bool


def held(catalog: Catalog, target: Target) -> list[Held]:
    """The approximations of a `matmul` target in a catalog, by rank and residual, each certified again.

    Raises:
        ProblemError: If the target is no `matmul`.
        CatalogError: If an entry cannot be read.
    """
    from bilinear.catalog.convert import to_approximation

    found, bound = [], row_bound(target)
    for listing in catalog.of_target(target):
        if listing.kind == "approximation":
            entry = catalog.read(listing)
            assert entry.kind == "approximation"
            norm = float(norms(to_approximation(entry).factors).max())
            found.append(Held(listing.id, entry.rank, entry.residual.value, norm, norm <= bound))
    return sorted(found, key=lambda entry: (entry.rank, entry.residual))


def by_rank(entries: Sequence[Held], bounded: bool) -> dict[int, list[Held]]:
    """The entries of each rank that the bound leaves: those that keep to it, or all."""
    found: dict[int, list[Held]] = {}
    for one in entries:
        if one.bounded or not bounded:
            found.setdefault(one.rank, []).append(one)
    return found


def keep(catalog: Catalog, pool: Pool, starts: Sequence[Scheme | Approximation], rng_seed: int) -> list[Added]:
    """Add what is nearer than everything that the catalog holds of that rank and kind.

    What is exact but for rounding is left out: of that rank there are schemes.

    Args:
        catalog: Whose user's folder is written.
        pool: At the end of its search.
        starts: That the search was given; they become parents.
        rng_seed: Of the search.

    Raises:
        StoreError: If the folder cannot be written.
    """
    known = held(catalog, pool.fit.target)
    added = []
    for best, bounded in pool.kept():
        others = by_rank(known, bounded).get(best.rank, [])
        if best.residual > EXACT and all(best.residual < other.residual - GAIN for other in others):
            added.append(catalog.add(entry(pool, best, starts, rng_seed)))
    return added


def entry(pool: Pool, best: Best, starts: Sequence[Scheme | Approximation], rng_seed: int) -> ApproximationEntry:
    """What the catalog keeps of an approximation, with the command line that finds it again."""
    from bilinear.catalog.convert import entry_from_approximation
    from bilinear.catalog.entries import Lineage

    parents = tuple(content_hash(start) for start in starts)
    lineage = Lineage(parents=parents, recipe="products dropped, then fitted" if parents else "")
    approximation = Approximation(pool.fit.target, *best.factors)
    return entry_from_approximation(approximation, _provenance(pool, best, parents, rng_seed), lineage)


def _provenance(pool: Pool, best: Best, parents: Sequence[str], rng_seed: int) -> Provenance:
    from bilinear.catalog.entries import Provenance
    from bilinear.decompositions import __version__

    first, last = pool.ranks[0], pool.ranks[-1]
    words = ["bilinear", SOLVER, pool.fit.target.short, "--ranks", f"{first}-{last}", "--seed", str(rng_seed)]
    words += ["--budget", f"{best.step}steps"]
    for name in pool.named:
        words += ["--start", f"{PREFIX}{name}"]
    for parent in parents:
        words += ["--start", parent[:16]]
    return Provenance(
        solver=SOLVER,
        parameters={"ranks": f"{first}-{last}", "origin": best.origin, "largest row": round(best.norm, DIGITS)},
        rank=best.rank,
        seed=rng_seed,
        steps=best.step,
        cpu_seconds=round(best.seconds, 3),
        version=__version__,
        command=shlex.join(words),
    )

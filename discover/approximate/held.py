"""Approximations in the catalog: two a rank at most, the nearest, and the nearest of bounded norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bilinear.catalog.index import unless_bad
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate.bounding import row_bound
from bilinear.discover.approximate.pool import GAIN, Best, Pool
from bilinear.discover.keep import Made, keep, start_words
from bilinear.discover.starts import PREFIX

if TYPE_CHECKING:
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

    A bad entry is passed over with a warning.

    Raises:
        ProblemError: If the target is no `matmul`.
    """
    from bilinear.catalog.convert import to_approximation

    found, bound = [], row_bound(target)
    for listing in catalog.of_target(target):
        if listing.kind == "approximation":
            entry = unless_bad(partial(catalog.read, listing))
            if entry is None:
                continue
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


def keep_nearer(catalog: Catalog, pool: Pool, starts: Sequence[Scheme | Approximation], rng_seed: int) -> list[Added]:
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
            added.append(
                keep(catalog, Approximation(pool.fit.target, *best.factors), _made(pool, best, starts, rng_seed))
            )
    return added


def _made(pool: Pool, best: Best, starts: Sequence[Scheme | Approximation], rng_seed: int) -> Made:
    """How an approximation of the pool is found again."""
    ranks, seed = f"{pool.ranks[0]}-{pool.ranks[-1]}", rng_seed + best.job
    words = [SOLVER, pool.fit.target.short, "--ranks", ranks, "--seed", str(seed), "--budget", f"{best.step}steps"]
    parents = tuple(content_hash(start) for start in starts)
    for name in pool.named:
        words += ["--start", f"{PREFIX}{name}"]
    return Made(
        SOLVER,
        [*words, *start_words(parents)],
        rank=best.rank,
        parameters={"ranks": ranks, "origin": best.origin, "largest row": round(best.norm, DIGITS)},
        seed=seed,
        steps=best.step,
        cpu_seconds=best.seconds,
        parents=parents,
        recipe="products dropped, then fitted" if parents else "",
    )

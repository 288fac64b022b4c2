"""Two catalogs side by side: how they differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bilinear.catalog import layout
from bilinear.catalog.index import Index
from bilinear.catalog.layout import Listing


@dataclass(frozen=True)
class RankPair:
    """The best ranks of one target over one ring, in both catalogs; None where there is no scheme."""

    target: str
    ring: str
    here: int | None
    there: int | None


@dataclass(frozen=True)
class Diff:
    """How two catalogs differ.

    Attributes:
        only_here: Entries that the other one does not have.
        only_there: Entries that this one does not have.
        ranks: For each target and ring the best rank on both sides.
    """

    only_here: list[Listing]
    only_there: list[Listing]
    ranks: list[RankPair]


def diff(catalog: Index, other: Path) -> Diff:
    """Compare by file names: an entry is known by its folder and the digits of its hash.

    Raises:
        CatalogError: If there is no such folder.
    """
    here, there = list(catalog), list(layout.listings(layout.existing(other), shipped=False))
    return Diff(_without(here, there), _without(there, here), _best_ranks(here, there))


def _key(listing: Listing) -> tuple[Path, str]:
    return listing.path.parent.relative_to(listing.path.parents[2]), listing.hash[: layout.NAME_DIGITS]


def _without(listings: Iterable[Listing], others: Iterable[Listing]) -> list[Listing]:
    """Listings whose hash no other one has; digits beyond the eighth count where both names show them."""
    known: dict[tuple[Path, str], list[str]] = {}
    for other in others:
        known.setdefault(_key(other), []).append(other.hash)
    return [x for x in listings if not any(_agree(x.hash, digits) for digits in known.get(_key(x), []))]


def _agree(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)


def _best_ranks(here: Iterable[Listing], there: Iterable[Listing]) -> list[RankPair]:
    best: tuple[dict[tuple[str, str], int], ...] = ({}, {})
    for side, listings in zip(best, (here, there), strict=True):
        for x in listings:
            if x.kind == "scheme" and x.ring is not None and x.rank is not None:
                key = (x.target, x.ring)
                side[key] = min(x.rank, side.get(key, x.rank))
    return [RankPair(*key, best[0].get(key), best[1].get(key)) for key in sorted({*best[0], *best[1]})]

"""Two catalogs side by side: taking over what another one holds, and telling how they differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bilinear.catalog import layout
from bilinear.catalog.errors import CatalogError, StoreError, WrongSchemeError
from bilinear.catalog.layout import Listing
from bilinear.catalog.store import Catalog, read_file
from bilinear.decompositions import BilinearError


@dataclass(frozen=True)
class Merged:
    """What became of one file of the other catalog.

    Attributes:
        path: The file.
        status: `added`, `duplicate`, `wrong` (does not compute its target) or `unreadable`.
        detail: The id here, or the reason.
    """

    path: Path
    status: str
    detail: str


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


def merge(catalog: Catalog, other: Path) -> list[Merged]:
    """Verify every file of another catalog and add it; a bad file is reported and passed over.

    Args:
        catalog: Whose user's folder is written.
        other: A folder of the same layout.

    Raises:
        CatalogError: If there is no such folder.
        StoreError: If the user's folder cannot be written.
    """
    return [_merged(catalog, path) for path in layout.json_files(_existing(other))]


def _merged(catalog: Catalog, path: Path) -> Merged:
    try:
        added = catalog.add(read_file(path))
    except StoreError:
        raise
    except WrongSchemeError as error:
        return Merged(path, "wrong", str(error))
    except BilinearError as error:
        return Merged(path, "unreadable", str(error))
    return Merged(path, added.status, added.id)


def diff(catalog: Catalog, other: Path) -> Diff:
    """Compare by file names: an entry is known by its folder and the digits of its hash.

    Raises:
        CatalogError: If there is no such folder.
    """
    here, there = list(catalog), list(layout.listings(_existing(other), shipped=False))
    return Diff(_without(here, there), _without(there, here), _best_ranks(here, there))


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise CatalogError(f"{folder}: no such folder; a catalog is a folder with families such as matmul/ in it")
    return folder


def _key(listing: Listing) -> tuple[Path, str]:
    return listing.path.parent.relative_to(listing.path.parents[2]), listing.hash[: layout.HASH_DIGITS]


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

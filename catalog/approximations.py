"""Which approximation `approximation:4x4x4:24` means, and which `lowest:4x4x4:24`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, unless_bad
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.row_norms import longest_row, norms

if TYPE_CHECKING:
    from bilinear.catalog.entries import ApproximationEntry

BOUNDED, LOWEST = "approximation", "lowest"
"""What the nearest of bounded norms is asked for with, and the nearest of all."""


def nearest(index: Index, target: Target, rank: int, kind: str) -> tuple[Listing, ApproximationEntry]:
    """The approximation of a target with the least residual that is stated; bad entries are passed over with a warning.

    Args:
        index: Where to look.
        target: In any order of its sizes.
        rank: Products.
        kind: `lowest`; or `approximation`, where rows within the bound go before longer ones.

    Returns:
        Where it is, and what was read there: well formed but not verified.

    Raises:
        CatalogError: If there is none; the ranks that are here are named.
    """
    stored = canonical(target)
    here = [listing for listing in index.of_target(stored) if listing.kind == "approximation"]
    fitting = [(x, entry) for x in here if x.rank == rank and (entry := unless_bad(partial(_read, x))) is not None]
    if not fitting:
        ranks = ", ".join(map(str, sorted({listing.rank for listing in here if listing.rank is not None})))
        known = f"ranks here: {ranks}" if ranks else "none of any rank is; bilinear approximate and refine find some"
        raise CatalogError(f"{kind}:{target.short}:{rank}: no approximation of that rank here; {known}")
    is_bounded = kind == BOUNDED and target.family == "matmul"
    bound = longest_row(stored) if is_bounded else None
    return min(fitting, key=lambda found: (_is_longer(found[1], bound), found[1].residual.value, found[0].id))


def _read(listing: Listing) -> ApproximationEntry:
    from bilinear.catalog.text import read

    entry = read(listing.path)
    if entry.kind != "approximation":
        raise CatalogError(f"{listing.path}: name: belongs to an approximation; kind {entry.kind} is in the file")
    return entry


def _is_longer(entry: ApproximationEntry, bound: float | None) -> bool:
    """Whether a row is longer than the bound; never without one."""
    from bilinear.catalog.convert import to_approximation

    return bound is not None and float(norms(to_approximation(entry).factors).max()) > bound

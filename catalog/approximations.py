"""Which approximation `approximation:4x4x4:24` means, and which `lowest:4x4x4:24`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bilinear.catalog.errors import CatalogError
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.row_norms import longest_row, norms

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

BOUNDED, LOWEST = "approximation", "lowest"
"""What the nearest of bounded norms is asked for with, and the nearest of all."""


def nearest(catalog: Catalog, target: Target, rank: int, kind: str) -> Listing:
    """The approximation of a target with the least residual.

    Args:
        catalog: Where to look.
        target: In any order of its sizes.
        rank: Products.
        kind: `lowest`; or `approximation`, where rows within the bound go before longer ones.

    Raises:
        CatalogError: If there is none; the ranks that are here are named. If an entry cannot be read.
    """
    stored = canonical(target)
    here = [listing for listing in catalog.of_target(stored) if listing.kind == "approximation"]
    fitting = [listing for listing in here if listing.rank == rank]
    if not fitting:
        ranks = ", ".join(map(str, sorted({listing.rank for listing in here if listing.rank is not None})))
        known = f"ranks here: {ranks}" if ranks else "none of any rank is; bilinear approximate and refine find some"
        raise CatalogError(f"{kind}:{target.short}:{rank}: no approximation of that rank here; {known}")
    return min(fitting, key=lambda listing: _preference(catalog, stored, listing, kind))


def _preference(catalog: Catalog, target: Target, listing: Listing, kind: str) -> tuple[bool, float, str]:
    """Bounded norms first where they are asked for, then the least residual."""
    from bilinear.catalog.convert import to_approximation

    entry = catalog.read(listing)
    assert entry.kind == "approximation"
    is_long = False
    if kind == BOUNDED and target.family == "matmul":
        is_long = float(norms(to_approximation(entry).factors).max()) > longest_row(target)
    return is_long, entry.residual.value, listing.id

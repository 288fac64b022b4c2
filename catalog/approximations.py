"""Which approximation `approximation:4x4x4:24` means, and which `lowest:4x4x4:24`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bilinear.catalog import layout
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.figures import Figures
from bilinear.catalog.index import Index
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.row_norms import longest_row

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

BOUNDED, LOWEST = "approximation", "lowest"
"""What the nearest of bounded norms is asked for with, and the nearest of all."""


def nearest(index: Index, target: Target, rank: int, kind: str) -> tuple[Listing, AnyEntry | None]:
    """The approximation of a target with the least residual that is stated.

    Args:
        index: Where to look.
        target: In any order of its sizes.
        rank: Products.
        kind: `lowest`; or `approximation`, where rows within the bound go before longer ones.

    Returns:
        Where it is, and what was read there, if it was: well formed but not verified.

    Raises:
        CatalogError: If there is none; the ranks that are here are named.
    """
    stored = canonical(target)
    folder, start = layout.target_folder(stored), f"r{rank}-{layout.APPROXIMATION_TAG}-"
    places = index.names(folder, start)
    if not places:
        ranks = ", ".join(map(str, _ranks(index, stored)))
        known = f"ranks here: {ranks}" if ranks else "none of any rank is; bilinear approximate and refine find some"
        raise CatalogError(f"{kind}:{target.short}:{rank}: no approximation of that rank here; {known}")
    is_bounded = kind == BOUNDED and target.family == "matmul"
    bound = longest_row(stored) if is_bounded else math.inf
    figures = Figures(index, folder, start, places, ["residual", "longest"])
    name, entry = figures.least(lambda figure: (figure[1] > bound, figure[0]))
    (listing,) = index.named(folder, [name])
    return listing, entry


def _ranks(index: Index, stored: Target) -> list[int]:
    here = (listing for listing in index.of_target(stored) if listing.kind == "approximation")
    return sorted({listing.rank for listing in here if listing.rank is not None})

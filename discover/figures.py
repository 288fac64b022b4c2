"""What an entry costs beyond its products: additions of the program kept with it, and growth of rounding errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import Listing
from bilinear.catalog.store import Catalog
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import Growth, growth
from bilinear.discover.optimize.programs import known_program


@dataclass(frozen=True)
class Figures:
    """One entry.

    Attributes:
        listing: What the index knows of it.
        additions: Of the program kept with it; None if none is kept.
        growth: None over a finite field, and for what is no scheme.
    """

    listing: Listing
    additions: int | None = None
    growth: Growth | None = None


def figures(
    catalog: Catalog, listings: Iterable[Listing], on_progress: Callable[[str], None] = lambda _: None
) -> list[Figures]:
    """The figures of entries; each is read and verified, and a bad one is passed over with a warning.

    Args:
        catalog: That lists them.
        listings: Which.
        on_progress: Called with the id of each entry before it is read.
    """
    rows = []
    for listing in listings:
        on_progress(listing.id)
        proved = unless_bad(partial(catalog.proved, listing))
        if proved is not None:
            rows.append(_figures(catalog, listing, proved.value) if listing.kind == "scheme" else Figures(listing))
    return rows


def _figures(catalog: Catalog, listing: Listing, scheme: Scheme) -> Figures:
    return Figures(listing, additions(catalog, scheme), None if scheme.ring.characteristic else growth(scheme))


def additions(catalog: Catalog, scheme: Scheme) -> int | None:
    """Additions of the program kept for a scheme; None if none is kept."""
    program = known_program(catalog, scheme)
    return None if program is None else program.operations.additions

"""What users may call an entry: its id, the start of its hash, `target:rank`, or the path of a file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import CatalogError
from catalog.layout import Listing
from decompositions import Target, parse_target
from decompositions.operations import canonical, order_to
from decompositions.rings import Ring, holds, parse_ring

if TYPE_CHECKING:
    from catalog.store import Catalog

LEAST_DIGITS = 4
HASH_DIGITS = 64
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+,=_^-]{0,199}")
_HASH_START = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},{HASH_DIGITS}}}")
_TARGET_RANK = re.compile(r"(?P<target>.*[^:]):(?P<rank>[0-9]{1,9})")


@dataclass(frozen=True)
class Found:
    """Where a query led.

    Attributes:
        path: The file.
        listing: Of the catalog; None for a file outside it.
        order: How its sizes must be permuted to be those asked for; None if they are.
    """

    path: Path
    listing: Listing | None = None
    order: tuple[int, int, int] | None = None


def find(catalog: Catalog, query: str, ring: Ring | str | None = None) -> Found:
    """The file that a query means.

    Args:
        catalog: Where to look.
        query: An id; at least four digits of a hash; `2x2x2:7`, in any order of the sizes; or the path of a JSON file.
        ring: For `target:rank`, only entries whose coefficients can be read over this set.

    Raises:
        CatalogError: If nothing, or more than one entry, answers; near names are suggested.
    """
    if query.endswith(".json"):
        return Found(Path(query))
    by_rank = _TARGET_RANK.fullmatch(query)
    if by_rank is not None:
        return by_target(catalog, parse_target(by_rank["target"]), int(by_rank["rank"]), ring)
    listing = by_hash(catalog, query) if _HASH_START.fullmatch(query) else by_id(catalog, query)
    return Found(listing.path, listing)


def by_id(catalog: Catalog, name: str) -> Listing:
    """The entry of that id.

    Raises:
        CatalogError: If it is no id, or no entry has it.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise CatalogError(f"{name[:80]!r}: no id of an entry; ids are like 2x2x2-r7-zt-1f3a9c02, without / and ..")
    listings = {listing.id: listing for listing in catalog}
    if name in listings:
        return listings[name]
    near = difflib.get_close_matches(name, listings, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "bilinear catalog list shows all"
    raise CatalogError(f"{name}: no entry of that id; {hint}")


def by_hash(catalog: Catalog, start: str) -> Listing:
    """The one entry whose hash starts so.

    Raises:
        CatalogError: If there is none, or more than one.
    """
    found = [listing for listing in catalog if _has_hash(listing, start)]
    if not found:
        raise CatalogError(f"{start}: no entry whose hash starts so; bilinear catalog list shows all")
    if len(found) > 1 and len(start) < HASH_DIGITS:
        ids = ", ".join(listing.id for listing in found[:3])
        raise CatalogError(f"{start}: the hashes of {len(found)} entries start so ({ids}); more digits are needed")
    return found[0]


def by_target(catalog: Catalog, target: Target, rank: int, ring: Ring | str | None = None) -> Found:
    """A scheme of that target and rank: over the smallest set, the user's own before the shipped.

    Raises:
        CatalogError: If there is none; the ranks that are here are named.
    """
    wanted = None if ring is None else parse_ring(ring)
    stored = canonical(target)
    here = [listing for listing in catalog.of_target(stored) if serves(listing, wanted)]
    fitting = [listing for listing in here if listing.rank == rank]
    if not fitting:
        over = "" if wanted is None else f" over {wanted}"
        raise CatalogError(f"{target.short}:{rank}: no scheme of that rank{over} here; {_ranks(here)}")
    best = min(fitting, key=_preference)
    order = None if stored == target else order_to(stored, target)
    return Found(best.path, best, order)


def _preference(listing: Listing) -> tuple[int, str]:
    return list(Ring).index(Ring(listing.ring or "")), listing.id


def _ranks(listings: Iterable[Listing]) -> str:
    ranks = sorted({listing.rank for listing in listings if listing.rank is not None})
    return f"ranks here: {', '.join(map(str, ranks))}" if ranks else "none of any rank is; bilinear search finds some"


def serves(listing: Listing, ring: Ring | None) -> bool:
    """Whether an entry is a scheme that can be read over `ring`, by inclusion or by reduction; any scheme if None.

    A scheme over `q` counts modulo 2 or 3 only if no denominator stands against it, for which the file is read.
    """
    if listing.kind != "scheme" or listing.ring not in list(Ring):
        return False
    own = Ring(listing.ring)
    if ring is None or holds(ring, own):
        return True
    if not ring.characteristic or own.characteristic:
        return False
    return own in (Ring.ZT, Ring.Z) or _reduces(listing, ring)


def _reduces(listing: Listing, ring: Ring) -> bool:
    from catalog.text import read

    try:
        entry = read(listing.path)
    except CatalogError:
        return False
    if entry.kind != "scheme" or entry.imag is not None:
        return False
    return all(int(d) % ring.characteristic for d in entry.denominators or ())


def _has_hash(listing: Listing, start: str) -> bool:
    if len(start) <= len(listing.hash):
        return listing.hash.startswith(start)
    return start.startswith(listing.hash) and (stored_hash(listing) or "").startswith(start)


def stored_hash(listing: Listing) -> str | None:
    """The whole hash as the file states it; None for a damaged file."""
    from catalog.text import read

    try:
        return read(listing.path).hash
    except CatalogError:
        return None

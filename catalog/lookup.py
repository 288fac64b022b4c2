"""What users may call an entry: id, start of a hash, `target:rank`, `approximation:target:rank`, path of a file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog import attachments
from bilinear.catalog.approximations import BOUNDED, LOWEST, nearest
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index, by_id, read_or_none
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target, parse_target
from bilinear.decompositions.formulas import additions
from bilinear.decompositions.identity import HASH_DIGITS
from bilinear.decompositions.operations import canonical, order_to
from bilinear.decompositions.rings import Ring, holds, parse_ring

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

LEAST_DIGITS = 4
_HASH_START = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},{HASH_DIGITS}}}")
_TARGET_RANK = re.compile(r"(?P<target>.*[^:]):(?P<rank>[0-9]{1,9})")
_NEAREST = re.compile(rf"(?P<kind>{BOUNDED}|{LOWEST}):{_TARGET_RANK.pattern}")


@dataclass(frozen=True)
class Found:
    """Where a query led.

    Attributes:
        path: The file.
        listing: Of the catalog; None for a file outside it.
        order: How its sizes must be permuted to be those asked for; None if they are.
        entry: What was read there while looking, not verified; None if it was not read.
    """

    path: Path
    listing: Listing | None = None
    order: tuple[int, int, int] | None = None
    entry: AnyEntry | None = None


def find(index: Index, query: str, ring: Ring | str | None = None) -> Found:
    """The file that a query means.

    Args:
        index: Where to look.
        query: An id; at least four digits of a hash; `2x2x2:7`, in any order of the sizes; the path of a JSON file; or
            `approximation:4x4x4:24`, the nearest of bounded norms, and `lowest:4x4x4:24`, the nearest of all.
        ring: For `target:rank`, only entries whose coefficients can be read over this set.

    Raises:
        CatalogError: If nothing, or more than one entry, answers; near names are suggested.
    """
    if query.endswith(".json"):
        return Found(Path(query))
    near = _NEAREST.fullmatch(query)
    if near is not None:
        target = parse_target(near["target"])
        listing, entry = nearest(index, target, int(near["rank"]), near["kind"])
        return Found(listing.path, listing, _turn(target), entry)
    by_rank = _TARGET_RANK.fullmatch(query)
    if by_rank is not None:
        return by_target(index, parse_target(by_rank["target"]), int(by_rank["rank"]), ring)
    if _HASH_START.fullmatch(query):
        return by_hash(index, query)
    listing = by_id(index, query)
    return Found(listing.path, listing)


def by_hash(index: Index, start: str) -> Found:
    """The one entry whose hash starts so.

    Raises:
        CatalogError: If there is none, or more than one.
    """
    found = [one for listing in index if (one := _with_hash(listing, start)) is not None]
    if not found:
        raise CatalogError(f"{start}: no entry whose hash starts so; bilinear catalog list shows all")
    if len(found) > 1 and len(start) < HASH_DIGITS:
        ids = ", ".join(one.listing.id for one in found[:3] if one.listing is not None)
        raise CatalogError(f"{start}: the hashes of {len(found)} entries start so ({ids}); more digits are needed")
    return found[0]


def _with_hash(listing: Listing, start: str) -> Found | None:
    """The entry if its hash starts so; it is read where its name does not show digits enough."""
    if listing.hash.startswith(start):
        return Found(listing.path, listing)
    entry = read_or_none(listing) if start.startswith(listing.hash) else None
    return Found(listing.path, listing, None, entry) if entry is not None and entry.hash.startswith(start) else None


def by_target(index: Index, target: Target, rank: int, ring: Ring | str | None = None) -> Found:
    """A scheme of that target and rank: over the smallest set, and of those the one with the fewest additions.

    Raises:
        CatalogError: If there is none; the ranks that are here are named.
    """
    wanted = None if ring is None else parse_ring(ring)
    here = [listing for listing in index.of_target(canonical(target)) if serves(listing, wanted)]
    fitting = [listing for listing in here if listing.rank == rank]
    if not fitting:
        over = "" if wanted is None else f" over {wanted}"
        raise CatalogError(f"{target.short}:{rank}: no scheme of that rank{over} here; {_ranks(here)}")
    best, entry = _preferred(index, fitting)
    return Found(best.path, best, _turn(target), entry)


def _turn(target: Target) -> tuple[int, int, int] | None:
    """How the sizes of an entry must be permuted to be the target's; None if they need not."""
    stored = canonical(target)
    return None if stored == target else order_to(stored, target)


def _preferred(index: Index, fitting: Iterable[Listing]) -> tuple[Listing, AnyEntry | None]:
    """Of the smallest set, the entry with the fewest additions, the first id of several; one alone is not read."""
    places = {listing: list(Ring).index(Ring(listing.ring or "")) for listing in fitting}
    best = [listing for listing, place in places.items() if place == min(places.values())]
    if len(best) == 1:
        return best[0], None
    read = [(listing, read_or_none(listing)) for listing in best]
    return min(read, key=lambda found: (_additions(index, *found), found[0].id))


def _additions(index: Index, listing: Listing, entry: AnyEntry | None) -> float:
    """Those of the program kept with an entry, else those of its factors; infinitely many for a damaged file."""
    from bilinear.catalog.convert import to_scheme
    from bilinear.decompositions.programs.program import ProgramError
    from bilinear.decompositions.programs.text import ATTACHMENT, loads

    if entry is None or entry.kind != "scheme":
        return math.inf
    scheme = to_scheme(entry)
    try:
        text = attachments.read([root for root, _ in index.roots], entry.hash, ATTACHMENT)
        return float(loads(text, listing.id, scheme).operations.additions)
    except (CatalogError, ProgramError):
        return additions(scheme)


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
    entry = read_or_none(listing)
    if entry is None or entry.kind != "scheme" or entry.imag is not None:
        return False
    return all(int(d) % ring.characteristic for d in entry.denominators or ())

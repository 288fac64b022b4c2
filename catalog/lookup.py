"""What users may call an entry: id, start of a hash, `target:rank`, `approximation:target:rank`, path of a file."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog.approximations import BOUNDED, LOWEST, nearest
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target, parse_target
from bilinear.decompositions.formulas import additions
from bilinear.decompositions.operations import canonical, order_to
from bilinear.decompositions.rings import Ring, holds, parse_ring

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

LEAST_DIGITS = 4
HASH_DIGITS = 64
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+,=_^-]{0,199}")
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
    """

    path: Path
    listing: Listing | None = None
    order: tuple[int, int, int] | None = None


def find(catalog: Catalog, query: str, ring: Ring | str | None = None) -> Found:
    """The file that a query means.

    Args:
        catalog: Where to look.
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
        listing = nearest(catalog, target, int(near["rank"]), near["kind"])
        return Found(listing.path, listing, _turn(target))
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
    """A scheme of that target and rank: over the smallest set, and of those the one with the fewest additions.

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
    best = _preferred(catalog, fitting)
    return Found(best.path, best, _turn(target))


def _turn(target: Target) -> tuple[int, int, int] | None:
    """How the sizes of an entry must be permuted to be the target's; None if they need not."""
    stored = canonical(target)
    return None if stored == target else order_to(stored, target)


def _preferred(catalog: Catalog, fitting: Iterable[Listing]) -> Listing:
    """Of the smallest set, the entry with the fewest additions, the first id of several; one alone is not read."""
    places = {listing: list(Ring).index(Ring(listing.ring or "")) for listing in fitting}
    best = [listing for listing, place in places.items() if place == min(places.values())]
    if len(best) == 1:
        return best[0]
    return min(best, key=lambda listing: (_additions(catalog, listing), listing.id))


def _additions(catalog: Catalog, listing: Listing) -> float:
    """Those of the program kept with an entry, else those of its factors; infinitely many for a damaged file."""
    from bilinear.catalog.convert import to_scheme
    from bilinear.catalog.text import read
    from bilinear.decompositions.programs.program import ProgramError
    from bilinear.decompositions.programs.text import ATTACHMENT, loads

    try:
        entry = read(listing.path)
    except CatalogError:
        return math.inf
    assert entry.kind == "scheme"
    scheme = to_scheme(entry)
    try:
        program = loads(catalog.read_attachment(entry.hash, ATTACHMENT), listing.id, scheme)
    except (CatalogError, ProgramError):
        return additions(scheme)
    return float(program.operations.additions)


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
    from bilinear.catalog.text import read

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
    from bilinear.catalog.text import read

    try:
        return read(listing.path).hash
    except CatalogError:
        return None

"""What users may call an entry: id, start of a hash, `target:rank`, `approximation:target:rank`, path of a file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog import layout
from bilinear.catalog.approximations import BOUNDED, LOWEST, nearest
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.figures import Figures
from bilinear.catalog.index import Index, Places, by_id, read_or_none
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Target, parse_target
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
    if layout.is_file_name(query):
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


def is_choice(query: str) -> bool:
    """Whether several entries may answer, so that another one can take the place of a bad one."""
    return not layout.is_file_name(query) and _TARGET_RANK.fullmatch(query) is not None


def by_hash(index: Index, start: str) -> Found:
    """The entry whose hash starts so; of several with one hash the one that says most.

    Raises:
        CatalogError: If there is none, or there are several hashes.
    """
    found = list(_with_hash(index, start))
    if not found:
        raise CatalogError(f"{start}: no entry whose hash starts so; bilinear catalog list shows all")
    if len(found) > 1 and len(start) < HASH_DIGITS and not _is_one_hash(found):
        ids = ", ".join(one.listing.id for one in found[:3] if one.listing is not None)
        raise CatalogError(f"{start}: the hashes of {len(found)} entries start so ({ids}); more digits are needed")
    return min(found, key=lambda one: 0 if one.listing is None or one.listing.kind != "scheme" else _place(one.listing))


def _with_hash(index: Index, start: str) -> Iterator[Found]:
    """The entries whose hashes start so; one is read where its name does not show digits enough."""
    shown = f"-{start[: layout.NAME_DIGITS]}"
    for folder in index.folders():
        for listing in index.named(folder, sorted(name for name in index.names(folder) if shown in name)):
            if listing.hash.startswith(start):
                yield Found(listing.path, listing)
            elif start.startswith(listing.hash):
                entry = read_or_none(listing)
                if entry is not None and entry.hash.startswith(start):
                    yield Found(listing.path, listing, None, entry)


def _is_one_hash(found: Sequence[Found]) -> bool:
    """Whether several entries state the same hash, as one over a smaller set does beside one over a larger."""
    if len(found) > len(Ring):
        return False
    read = [one.entry or read_or_none(one.listing) for one in found if one.listing is not None]
    return len({None if entry is None else entry.hash for entry in read}) == 1 and read[0] is not None


def _place(listing: Listing) -> int:
    return list(Ring).index(Ring(listing.ring or ""))


def by_target(index: Index, target: Target, rank: int, ring: Ring | str | None = None) -> Found:
    """A scheme of that target and rank: over the smallest set, and of those the one with the fewest additions.

    What others published, and came with the program, is taken where nothing else of that rank and set is here.

    Raises:
        CatalogError: If there is none; the ranks that are here are named.
    """
    wanted, folder = None if ring is None else parse_ring(ring), layout.target_folder(canonical(target))
    sets = Sets(index, folder)
    for own in Ring:
        fitting = sets.serving(rank, own, wanted)
        fitting = _not_published(fitting) or fitting
        if fitting:
            name, entry = _preferred(index, folder, f"r{rank}-{own}-", fitting)
            (best,) = index.named(folder, [name])
            return Found(best.path, best, _turn(target), entry)
    over = "" if wanted is None else f" over {wanted}"
    raise CatalogError(f"{target.short}:{rank}: no scheme of that rank{over} here; {_ranks(sets, wanted)}")


def _not_published(places: Places) -> Places:
    return {name: (root, shipped) for name, (root, shipped) in places.items() if root.name != layout.PUBLISHED}


def _turn(target: Target) -> tuple[int, int, int] | None:
    """How the sizes of an entry must be permuted to be the target's; None if they need not."""
    stored = canonical(target)
    return None if stored == target else order_to(stored, target)


def _preferred(index: Index, folder: Path, start: str, places: Places) -> tuple[str, AnyEntry | None]:
    """The entry with the fewest additions, the first of several; one alone is not read."""
    if len(places) == 1:
        return next(iter(places)), None
    return Figures(index, folder, start, places, ["additions"]).least()


def _ranks(sets: Sets, ring: Ring | None) -> str:
    ranks = sorted({rank for rank, own in sets.places if sets.serving(rank, own, ring)})
    return f"ranks here: {', '.join(map(str, ranks))}" if ranks else "none of any rank is; bilinear search finds some"


class Sets:
    """The schemes of one folder by rank and declared coefficient set, and which of them serve over another set.

    Attributes:
        folder: Relative to the catalog.
        places: The schemes of each rank and set.
    """

    def __init__(self, index: Index, folder: Path) -> None:
        self._index, self.folder = index, folder
        self.places: dict[tuple[int, Ring], dict[str, tuple[Path, bool]]] = {}
        alike: dict[str, dict[str, tuple[Path, bool]]] = defaultdict(dict)
        for name, place in index.names(folder, "r").items():
            alike[name[: name.rfind("-")]][name] = place
        for start, places in alike.items():
            count, _, tag = start.partition("-")
            if tag in list(Ring):
                self.places.setdefault((int(count[1:]), Ring(tag)), {}).update(places)

    def serving(self, rank: int, own: Ring, wanted: Ring | None) -> Places:
        """Those of a rank over `own` that can be read over `wanted`, by inclusion or by reduction; all if it is None.

        A scheme over `q` counts modulo 2 or 3 only if no denominator stands against it.
        """
        here = self.places.get((rank, own), {})
        if not here or wanted is None or holds(wanted, own):
            return here
        if not wanted.characteristic or own.characteristic:
            return {}
        if own in (Ring.ZT, Ring.Z):
            return here
        figures = Figures(self._index, self.folder, f"r{rank}-{own}-", here, [f"f{wanted.characteristic}"])
        return {name: place for name, place in here.items() if figures.values[name] == (1,)}

"""The atlas of a catalog: the cheapest recipe of every matrix format from its entries, kept for the next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bilinear.catalog import credits
from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import Listing, target_named
from bilinear.catalog.origins import Origins
from bilinear.catalog.store import Catalog
from bilinear.decompositions.composition import LARGEST, Sizes, ordered, rising
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.files import write_atomic
from bilinear.decompositions.rings import Ring, serves
from bilinear.decompositions.rules import RANKS
from bilinear.decompositions.rules.recipe import LEAF, Step

if TYPE_CHECKING:
    from bilinear.decompositions.atlas.outers import Outer
    from bilinear.decompositions.atlas.table import Atlas

VERSION = 4
"""Of rules and files: what was kept under another one is computed anew."""
MOST_CELLS = 128
"""n m p of an outer scheme of blocks."""
MORE = 1
"""Products that an outer scheme may have above the best one: it may have more buds."""
KEPT = 24
"""Files that stay; the oldest go."""


class Candidate(NamedTuple):
    """An entry that may be a leaf.

    Attributes:
        listing: The entry.
        sizes: Its format, sizes rising.
        outer: Whether it may multiply blocks.
    """

    listing: Listing
    sizes: Sizes
    outer: bool


def atlas(
    catalog: Catalog,
    ring: Ring,
    largest: int,
    only_found_here: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Atlas:
    """The cheapest recipes of all formats, computed unless they were before, of the same entries.

    Every leaf is proved when they are computed; of what others published, and came with the program, it is seen that
    the file is the one that was proved then. Bad entries are passed over with a warning.

    Args:
        catalog: Whose schemes are the leaves.
        ring: The coefficient set.
        largest: Size up to which formats are made.
        only_found_here: Whether entries that lead to others' are left out.
        on_progress: Hears how many formats of how many are made, if they are not kept.

    Raises:
        TargetError: If the size is not 1 to 32.
    """
    if not 1 <= largest <= LARGEST:
        raise TargetError(f"an atlas up to {largest}: sizes from 1 to {LARGEST} are closed")
    candidates = list(_candidates(catalog, ring, largest, only_found_here))
    path = _place(ring, largest, candidates)
    kept = _kept(path)
    if kept is None:
        kept = _computed(catalog, ring, largest, candidates, on_progress)
        _keep(path, kept)
    return kept


def _candidates(catalog: Catalog, ring: Ring, largest: int, only_found_here: bool) -> Iterator[Candidate]:
    """The entries that could be leaves, by format and rank, the lowest rank first."""
    origins = Origins(catalog)
    found: dict[Sizes, list[Listing]] = {}
    for listing in catalog:
        if listing.kind != "scheme" or not listing.target.startswith("matmul:") or not _may_fit(ring, listing.ring):
            continue
        target = target_named(listing.target)
        if target is None or max(target.sizes) > largest or (only_found_here and not origins.found_here(listing)):
            continue
        found.setdefault(rising(target.sizes), []).append(listing)
    for sizes, listings in sorted(found.items()):
        n, m, p = sizes
        least = min(listing.rank or 0 for listing in listings)
        for listing in sorted(listings, key=lambda one: (one.rank or 0, one.id)):
            more = (listing.rank or 0) - least
            yield Candidate(listing, sizes, more <= MORE and n > 1 and n * m * p <= MOST_CELLS)


def _may_fit(wanted: Ring, held: str | None) -> bool:
    """Whether a scheme over one set may be one over the other; over `q` its denominators decide."""
    if held not in list(Ring):
        return False
    return serves(wanted, Ring(held)) or (bool(wanted.characteristic) and Ring(held) is Ring.Q)


def _computed(
    catalog: Catalog,
    ring: Ring,
    largest: int,
    candidates: list[Candidate],
    on_progress: Callable[[int, int], None] | None,
) -> Atlas:
    from bilinear.decompositions.atlas import closure, table

    steps: list[Step] = []
    outers: list[Outer] = []
    ranks: dict[Sizes, int] = {}
    for candidate in candidates:
        if candidate.sizes in ranks and not candidate.outer:
            continue  # a better one of the format is there
        step = _leaf(catalog, ring, candidate)
        if step is None:
            continue
        first = candidate.sizes not in ranks
        ranks.setdefault(candidate.sizes, step.rank)
        steps.append(step)
        if candidate.outer and 2 * min(candidate.sizes) <= largest:
            outers += _outers(catalog, ring, step, candidate, with_bases=first)
    return table.atlas(closure.close(ring, largest, steps, outers, on_progress))


def _leaf(catalog: Catalog, ring: Ring, candidate: Candidate) -> Step | None:
    """The step of an entry that is right and can be read over the ring."""
    listing, sizes = candidate.listing, candidate.sizes
    told = credits.told(listing)
    if told is not None and credits.is_as_proved(listing):
        reads = {Ring.F2: told.f2, Ring.F3: told.f3}.get(ring, 1) or listing.ring == ring
        return Step(LEAF, sizes, listing.rank or 0, hash=told.hash) if reads else None
    proved = unless_bad(lambda: catalog.proved(listing))
    if proved is None:
        return None
    try:
        proved.value.to(ring)
    except RingError:
        return None
    return Step(LEAF, sizes, listing.rank or 0, hash=proved.entry.hash)


def _outers(catalog: Catalog, ring: Ring, step: Step, candidate: Candidate, with_bases: bool) -> Iterator[Outer]:
    """What an entry is as an outer scheme."""
    from bilinear.decompositions.atlas.bases import changed
    from bilinear.decompositions.atlas.outers import outers

    scheme = ordered(catalog.proved(candidate.listing).value, step.sizes).to(ring)
    yield from outers([step], scheme, ring)
    if step.sizes == (2, 2, 2) and with_bases:
        for basis, other in changed(scheme, ring):
            yield from outers([step, basis], other, ring)


def _place(ring: Ring, largest: int, candidates: list[Candidate]) -> Path:
    """The file that holds the atlas of these entries as they are."""
    from platformdirs import user_cache_dir

    from bilinear import __version__

    rows = []
    for candidate in candidates:
        state = candidate.listing.path.stat()
        rows.append([candidate.listing.id, state.st_size, state.st_mtime_ns, candidate.outer])
    key = json.dumps([VERSION, __version__, RANKS.names(), ring.value, largest, rows])
    return (
        Path(user_cache_dir("bilinear")) / "atlas" / f"{ring}-{largest}-{hashlib.sha256(key.encode()).hexdigest()}.json"
    )


def _kept(path: Path) -> Atlas | None:
    """What was kept; None if nothing was, or it is damaged."""
    from bilinear.decompositions.atlas.table import from_document

    try:
        return from_document(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(path: Path, atlas: Atlas) -> None:
    """Write it for the next time, where that is possible."""
    from bilinear.decompositions.atlas.table import to_document

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(to_document(atlas), separators=(",", ":")).encode())
        others = sorted(path.parent.glob("*.json"), key=lambda other: other.stat().st_mtime_ns)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)

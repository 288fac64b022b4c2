"""Making a site: pages of the entries that changed, the index, and what lies beside them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.status import status
from bilinear.commands.site import manifest as manifests
from bilinear.commands.site.making import ENTRIES, INDEX, pages
from bilinear.commands.site.manifest import GUIDES, Keys, Manifest, Record, digest, maker
from bilinear.commands.site.render import assets, page, script
from bilinear.commands.site.standing import index_data
from bilinear.decompositions import Target
from bilinear.decompositions.files import make_folder, write_atomic

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog

ASSETS, DATA = "assets", "data"
BETWEEN = 200
"""Pages after which what was made is kept, so that a run that is broken off is taken up by the next one."""


@dataclass(frozen=True)
class Built:
    """What became of a site.

    Attributes:
        index: Its first page.
        entries: Pages of entries.
        made: Those that were made now.
        removed: Pages of entries that are no longer there, or were not asked for.
        index_bytes: Of the index with its data, style and scripts.
    """

    index: Path
    entries: int
    made: int
    removed: int
    index_bytes: int


def build(
    catalog: Catalog,
    listings: Sequence[Listing],
    out: Path,
    target: Target | None = None,
    on_progress: Callable[[str], None] = lambda name: None,
) -> Built:
    """Write the site of entries, each proved when its page is made; a bad one is passed over with a warning.

    Args:
        catalog: That lists them.
        listings: Which.
        out: The folder; a site that is there is brought up to date.
        target: The only one of which they are, if it is but one.
        on_progress: Called with the id of each entry whose page was made.

    Raises:
        SiteError: If the folder holds files that are no site.
        OSError: If it cannot be written.
    """
    known = manifests.read(out)
    for folder in (ENTRIES, ASSETS, DATA):
        make_folder(out / folder)
    manifests.write(out, known)  # so that what is broken off is known to be a site
    keys = Keys(catalog, known)
    current = {one.id for one in listings if _is_current(known.records.get(one.id), keys, one, out)}
    fresh, made = Manifest({name: known.records[name] for name in current}, known.index), 0
    try:
        with closing(pages(catalog, [one for one in listings if one.id not in current], out)) as records:
            for name, record in records:
                on_progress(name)
                made += 1
                if record is not None:
                    fresh.records[name] = record
                if made % BETWEEN == 0:
                    manifests.write(out, Manifest(known.records | fresh.records))
        fresh = Manifest({one.id: fresh.records[one.id] for one in listings if one.id in fresh.records}, known.index)
        removed = _remove(out, known.records.keys() - fresh.records.keys())
        size = _write_index(catalog, fresh, {one.id: one for one in listings}, target, keys, out)
    except KeyboardInterrupt:
        manifests.write(out, Manifest(known.records | fresh.records))
        raise
    manifests.write(out, fresh)
    return Built(out / INDEX, len(fresh.records), made, removed, size)


def _is_current(record: Record | None, keys: Keys, listing: Listing, out: Path) -> bool:
    is_there = record is not None and (out / ENTRIES / listing.id / INDEX).is_file()
    return record is not None and (
        is_there and record.sha256 == keys.file(listing) and record.key == keys.of(listing, record.hash, record.parents)
    )


def _remove(out: Path, ids: Iterable[str]) -> int:
    """Take the pages of entries out that are no longer there."""
    gone = [out / ENTRIES / name for name in ids]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def _write_index(
    catalog: Catalog, fresh: Manifest, listings: dict[str, Listing], target: Target | None, keys: Keys, out: Path
) -> int:
    """The index with what belongs to it, unless nothing changed; the bytes that it has."""
    guides = (out / GUIDES / INDEX).is_file()
    key = digest(
        maker(), str(target and target.name), str(guides), *(f"{name} {one.key}" for name, one in fresh.records.items())
    )
    size = sum(path.stat().st_size for path in (out / INDEX, *_beside(out)) if path.is_file())
    if key == fresh.index and (out / INDEX).is_file():
        return size
    for name, data in assets().items():
        write_atomic(out / ASSETS / name, data)
    rows = [record.row for record in fresh.records.values()]
    standing = index_data(rows, status(catalog, target=target), listings)
    write_atomic(out / DATA / "index.js", script("CATALOG", standing))
    write_atomic(out / DATA / "lineage.js", script("LINEAGE", _lineage(fresh, keys)))
    kinds = Counter(row["kind"] for row in rows)
    facts = {
        "entries": len(rows),
        "kinds": sorted(kinds.items()),
        "found_here": sum(not row["by"] for row in rows),
        "target": None if target is None else target.short,
        "guides": f"{GUIDES}/{INDEX}" if guides else "",
        "has_matmul": any(row["sizes"] for row in rows),
        "has_others": any(row["kind"] in ("scheme", "recipe") and not row["sizes"] for row in rows),
    }
    write_atomic(out / INDEX, page("index.html", facts, ""))
    fresh.index = key
    return sum(path.stat().st_size for path in (out / INDEX, *_beside(out)))


def _beside(out: Path) -> list[Path]:
    """What the index loads."""
    return [out / DATA / "index.js", *(out / ASSETS / name for name in ("site.css", "index.js", "plots.js"))]


def _lineage(fresh: Manifest, keys: Keys) -> dict[str, Any]:
    """For each entry its id and what it was made of: places in the list, or the name of what has no page here."""
    places: dict[str, int] = {}
    for place, record in enumerate(fresh.records.values()):
        places.setdefault(record.hash, place)
    nodes = []
    for name, record in fresh.records.items():
        parents = [places.get(parent, _elsewhere(parent, keys)) for parent in record.parents]
        nodes.append([name, parents])
    return {"nodes": nodes}


def _elsewhere(parent: str, keys: Keys) -> str:
    """The id of an entry without a page, or the digits of its hash."""
    return next((listing.id for listing in keys.alike(parent)), parent[:16])

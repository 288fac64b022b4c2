"""Making the pages of entries, in several processes where there are many pages and several cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog.errors import BadEntryWarning
from bilinear.catalog.index import unless_bad
from bilinear.catalog.origins import Origins
from bilinear.catalog.store import Catalog
from bilinear.commands.site.manifest import Keys, Manifest, Record
from bilinear.commands.site.render import inline, page
from bilinear.commands.site.rows import row_of
from bilinear.commands.site.views import view
from bilinear.decompositions import Scheme
from bilinear.decompositions.files import replace_folder
from bilinear.discover.optimize.programs import known_program

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing

ENTRIES = "entries"
INDEX = "index.html"
FEWEST = 60
"""Pages that are worth a second process, which takes a second to begin."""


class Maker:
    """Makes the pages of entries."""

    def __init__(self, catalog: Catalog, out: Path) -> None:
        self._catalog, self._out, self._origins = catalog, out, Origins(catalog)
        self._keys = Keys(catalog, Manifest())

    def make(self, listing: Listing) -> Record | None:
        """Prove an entry and write its page; None if it is bad."""
        proved = unless_bad(partial(self._catalog.proved, listing))
        if proved is None:
            return None
        entry, value = proved.entry, proved.value
        others = self._origins.of_listing(listing) if listing.shipped else self._origins.of(entry)
        program = known_program(self._catalog, value) if isinstance(value, Scheme) else None
        row = row_of(listing, proved, others, program)
        found = view(listing, proved, row, program)
        data = None if found.data is None else inline(found.data)
        facts = found.facts | {"data": data, "id": listing.id}
        files = {one.file: one.data for one in found.files} | {INDEX: page("entry.html", facts, "../../")}
        replace_folder(self._out / ENTRIES / listing.id, files)
        parents = entry.lineage.parents
        return Record(self._keys.file(listing), self._keys.of(listing, entry.hash, parents), entry.hash, parents, row)


def pages(catalog: Catalog, listings: Sequence[Listing], out: Path) -> Generator[tuple[str, Record | None]]:
    """Make the pages of entries, in their order; None for a bad entry, which is passed over with a warning.

    Args:
        catalog: That lists them.
        listings: Which.
        out: The folder of the site.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    processes = min(cores, len(listings) // FEWEST)
    if processes < 2:
        maker = Maker(catalog, out)
        yield from ((one.id, maker.make(one)) for one in listings)
        return
    given = (catalog.root, catalog.shipped, out)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, given) as pool:
        try:
            for listing, (record, told) in zip(listings, pool.map(_make, listings, chunksize=4), strict=True):
                for words in told:
                    warnings.warn(words, BadEntryWarning, stacklevel=2)
                yield listing.id, record
        finally:
            pool.shutdown(cancel_futures=True)


_made_by: list[Maker] = []
"""The one of this process."""


def _begin(root: Path, shipped: Path | None, out: Path) -> None:
    """A process that makes pages; Ctrl-C is heard by the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _made_by[:] = [Maker(Catalog(root, shipped), out)]


def _make(listing: Listing) -> tuple[Record | None, list[str]]:
    """A page, and why it was not made."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        record = _made_by[0].make(listing)
    return record, [str(one.message) for one in told if issubclass(one.category, BadEntryWarning)]

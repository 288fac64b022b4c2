"""Every file of a catalog read and proved: what is wrong with each that is bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bilinear.catalog import layout
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.store import Catalog
from bilinear.decompositions import BilinearError


@dataclass(frozen=True)
class Fault:
    """A file that no command uses.

    Attributes:
        path: The file.
        reason: What is wrong with it, on one line that names it.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class Checked:
    """What lies in a catalog.

    Attributes:
        entries: How many are right.
        faults: The bad files, in the order of folders and names.
    """

    entries: int
    faults: list[Fault]


def check(catalog: Catalog, on_progress: Callable[[str], None] = lambda name: None) -> Checked:
    """Read and prove every JSON file in the folders of families, the user's and the shipped ones.

    Args:
        catalog: Whose folders are looked through.
        on_progress: Called with the name of each file before it is read.
    """
    entries, faults = 0, []
    for root, shipped in catalog.roots:
        listed = {listing.path: listing for listing in layout.listings(root, shipped)}
        for path in layout.json_files(root):
            on_progress(path.name)
            try:
                if path not in listed:
                    raise CatalogError(f"{path}: name: no entry has such a name, or lies in such a folder")
                catalog.proved(listed[path])
                entries += 1
            except BilinearError as error:
                faults.append(Fault(path, " ".join(str(error).split())))
    return Checked(entries, faults)

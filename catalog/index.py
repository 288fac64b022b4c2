"""What lies in the folders of a catalog: entries by file name."""

from __future__ import annotations

import copy
import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from bilinear.catalog import layout
from bilinear.catalog.errors import BadEntryWarning, CatalogError
from bilinear.catalog.layout import Listing
from bilinear.decompositions import BilinearError, Target

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

Value = TypeVar("Value")

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+,=_^-]{0,199}")


Places = Mapping[str, tuple[Path, bool]]
"""Names of entries in one folder, each with the catalog's folder that has it and whether that is shipped."""


class Index:
    """Entries by file name, unread; one that is in several folders is listed once, as the first one's.

    Attributes:
        roots: The folders, each with whether it came with the program and cannot be changed.
        left_out: Files that no name leads to, because they are known to be bad.
    """

    def __init__(self, roots: Sequence[tuple[Path, bool]]) -> None:
        self.roots = list(roots)
        self.left_out: frozenset[Path] = frozenset()

    def without(self, path: Path) -> Self:
        """The same entries, but for one file, to find another one by name."""
        other = copy.copy(self)
        other.left_out = self.left_out | {path}
        return other

    def __iter__(self) -> Iterator[Listing]:
        """All entries, in the order of folders and names."""
        return _once(layout.listings(root, shipped) for root, shipped in self.roots)

    def of_target(self, target: Target) -> list[Listing]:
        """The entries of a target, whose sizes stand in rising order if it is `matmul`."""
        return self.in_folder(layout.target_folder(target))

    def in_folder(self, folder: Path) -> list[Listing]:
        """The entries in a folder, given relative to the catalog."""
        return list(_once(layout.listings_in(root, folder, shipped) for root, shipped in self.roots))

    def names(self, folder: Path, start: str = "") -> Places:
        """The entries in a folder whose names begin so, unsorted."""
        found: dict[str, tuple[Path, bool]] = {}
        for root, shipped in reversed(self.roots):
            names = layout.entry_names(root, folder, start)
            if self.left_out:
                names = [name for name in names if root / folder / name not in self.left_out]
            found |= dict.fromkeys(names, (root, shipped))
        return found

    def named(self, folder: Path, names: Iterable[str]) -> list[Listing]:
        """The entries of these names in a folder, as they are listed; names that nothing bears are passed over."""
        wanted = list(names)
        there = ([name for name in wanted if self._has(root / folder / name)] for root, _ in self.roots)
        parts = zip(self.roots, there, strict=True)
        return list(_once(layout.listings_in(root, folder, shipped, here) for (root, shipped), here in parts))

    def _has(self, path: Path) -> bool:
        return path not in self.left_out and path.is_file()

    def folders(self) -> list[Path]:
        """The folders of targets, relative to the catalog."""
        return list(dict.fromkeys(folder for root, _ in self.roots for folder in layout.folders(root)))


def _once(parts: Iterable[Iterator[Listing]]) -> Iterator[Listing]:
    seen = set()
    for listing in chain.from_iterable(parts):
        if listing.id not in seen:
            seen.add(listing.id)
            yield listing


def by_id(index: Index, name: str) -> Listing:
    """The entry of that id.

    Raises:
        CatalogError: If it is no id, or no entry has it.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise CatalogError(f"{name[:80]!r}: no id of an entry; ids are like 2x2x2-r7-zt-1f3a9c02, without / and ..")
    for folder, file in layout.place_of(name):
        for listing in index.named(folder, [file]):
            return listing
    listings = [listing.id for listing in index]
    near = difflib.get_close_matches(name, listings, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "bilinear catalog list shows all"
    raise CatalogError(f"{name}: no entry of that id; {hint}")


def read_or_none(listing: Listing) -> AnyEntry | None:
    """The entry of a listing, well formed but not verified; None, and a warning, for a damaged file."""
    from bilinear.catalog.text import read

    return unless_bad(lambda: read(listing.path))


def unless_bad(read: Callable[[], Value]) -> Value | None:
    """What is read of one entry among many; None, and a warning that names it, where it cannot be used.

    Args:
        read: Reads it; its errors name the file.
    """
    try:
        return read()
    except BilinearError as error:
        pass_over(error)
        return None


def pass_over(error: BilinearError) -> None:
    """Warn of an entry that cannot be used where another one, or none, does as well."""
    warnings.warn(BadEntryWarning(" ".join(str(error).split())), stacklevel=3)

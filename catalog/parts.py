"""The parts of recipes: entries of a catalog by their content hashes, each proved before it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bilinear.catalog import lookup
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.index import Index
from bilinear.catalog.verifiers import Proved, prove
from bilinear.decompositions import Scheme


def parts_of(index: Index) -> Callable[[str], Scheme]:
    """From a content hash to the scheme of that hash, which may be kept as a recipe itself.

    The function raises a CatalogError if there is none, it is no scheme, it was changed, or is made of itself.
    """
    open_: list[str] = []

    def part(content_hash: str) -> Scheme:
        from bilinear.catalog.text import read

        short = content_hash[:16]
        if content_hash in open_:
            raise CatalogError(f"part {short}: the recipe is cyclic: it is made of itself")
        try:
            found = lookup.by_hash(index, content_hash)
        except CatalogError:
            raise CatalogError(f"part {short}: missing; no entry of that hash is in the catalog") from None
        open_.append(content_hash)
        try:
            value: Any = prove(found.entry or read(found.path), str(found.path), part).value
        finally:
            open_.pop()
        if not isinstance(value, Scheme):
            raise CatalogError(f"part {short}: no exact scheme; one is needed")
        return value

    return part


def proved_file(index: Index, path: Path) -> Proved:
    """The verified entry in any file; the parts of a recipe are taken from the catalog.

    Raises:
        CatalogError: If it cannot be read.
        WrongSchemeError: If it does not compute its target.
    """
    from bilinear.catalog.text import read

    return prove(read(path), str(path), parts_of(index))

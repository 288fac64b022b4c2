"""Verified entries, the folders that keep them, and what is published and proven to compare them with."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from catalog.bounds import lower_bounds
from catalog.errors import CatalogError, StoreError, WrongSchemeError
from catalog.exchange import Diff, Merged, RankPair, diff, merge
from catalog.layout import Listing
from catalog.lookup import Found
from catalog.records import Additions, Record, published
from catalog.status import StatusRow, status
from catalog.store import Added, Catalog, Served, read_file, user_folder
from catalog.verifiers import VERIFIERS, require_right

if TYPE_CHECKING:
    from catalog.borders import entry_from_border, to_border
    from catalog.convert import entry_from_approximation, entry_from_scheme, to_approximation, to_scheme
    from catalog.entries import ApproximationEntry, BorderEntry, Lineage, Provenance, SchemeEntry, TransformEntry
    from catalog.text import dumps, loads

_ON_FIRST_USE = {
    "ApproximationEntry": "catalog.entries",
    "BorderEntry": "catalog.entries",
    "Lineage": "catalog.entries",
    "Provenance": "catalog.entries",
    "SchemeEntry": "catalog.entries",
    "TransformEntry": "catalog.entries",
    "dumps": "catalog.text",
    "entry_from_approximation": "catalog.convert",
    "entry_from_border": "catalog.borders",
    "entry_from_scheme": "catalog.convert",
    "loads": "catalog.text",
    "to_border": "catalog.borders",
    "to_approximation": "catalog.convert",
    "to_scheme": "catalog.convert",
}
"""Names whose modules need pydantic, which costs more than the rest of this import."""


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'catalog' has no attribute {name!r}")
    return getattr(importlib.import_module(_ON_FIRST_USE[name]), name)


__all__ = [
    "VERIFIERS",
    "Added",
    "Additions",
    "ApproximationEntry",
    "BorderEntry",
    "Catalog",
    "CatalogError",
    "Diff",
    "Found",
    "Lineage",
    "Listing",
    "Merged",
    "Provenance",
    "RankPair",
    "Record",
    "SchemeEntry",
    "Served",
    "StatusRow",
    "StoreError",
    "TransformEntry",
    "WrongSchemeError",
    "diff",
    "dumps",
    "entry_from_approximation",
    "entry_from_border",
    "entry_from_scheme",
    "loads",
    "lower_bounds",
    "merge",
    "published",
    "read_file",
    "require_right",
    "status",
    "to_approximation",
    "to_border",
    "to_scheme",
    "user_folder",
]

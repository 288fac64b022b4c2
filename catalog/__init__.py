"""Verified entries, the folders that keep them, and what is published and proven to compare them with."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.differences import Diff, RankPair, diff
from bilinear.catalog.errors import BadEntryWarning, CatalogError, StoreError, WrongSchemeError
from bilinear.catalog.layout import Listing
from bilinear.catalog.lookup import Found
from bilinear.catalog.records import Additions, Record, published
from bilinear.catalog.status import StatusRow, status
from bilinear.catalog.store import Catalog, Served, user_folder
from bilinear.catalog.verifiers import VERIFIERS, Proved, prove, read_file
from bilinear.catalog.writing import Added

if TYPE_CHECKING:
    from bilinear.catalog.borders import entry_from_border, to_border
    from bilinear.catalog.convert import entry_from_approximation, entry_from_scheme, to_approximation, to_scheme
    from bilinear.catalog.entries import (
        ApproximationEntry,
        BorderEntry,
        Lineage,
        Provenance,
        SchemeEntry,
        TransformEntry,
    )
    from bilinear.catalog.importing import merge
    from bilinear.catalog.serving import Library, load
    from bilinear.catalog.text import dumps, loads

_ON_FIRST_USE = {
    "ApproximationEntry": "bilinear.catalog.entries",
    "BorderEntry": "bilinear.catalog.entries",
    "Lineage": "bilinear.catalog.entries",
    "Provenance": "bilinear.catalog.entries",
    "SchemeEntry": "bilinear.catalog.entries",
    "TransformEntry": "bilinear.catalog.entries",
    "dumps": "bilinear.catalog.text",
    "entry_from_approximation": "bilinear.catalog.convert",
    "entry_from_border": "bilinear.catalog.borders",
    "entry_from_scheme": "bilinear.catalog.convert",
    "Library": "bilinear.catalog.serving",
    "load": "bilinear.catalog.serving",
    "loads": "bilinear.catalog.text",
    "merge": "bilinear.catalog.importing",
    "to_border": "bilinear.catalog.borders",
    "to_approximation": "bilinear.catalog.convert",
    "to_scheme": "bilinear.catalog.convert",
}
"""Names whose modules need pydantic or the readers of all formats, which cost more than the rest of this import."""


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'bilinear.catalog' has no attribute {name!r}")
    return getattr(importlib.import_module(_ON_FIRST_USE[name]), name)


__all__ = [
    "VERIFIERS",
    "Added",
    "Additions",
    "ApproximationEntry",
    "BadEntryWarning",
    "BorderEntry",
    "Catalog",
    "CatalogError",
    "Diff",
    "Found",
    "Library",
    "Lineage",
    "Listing",
    "Proved",
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
    "load",
    "loads",
    "lower_bounds",
    "merge",
    "prove",
    "published",
    "read_file",
    "status",
    "to_approximation",
    "to_border",
    "to_scheme",
    "user_folder",
]

"""Comparing catalogs."""

from __future__ import annotations

from pathlib import Path

import pytest
from entry_samples import another_strassen, entry_of, strassen_entry, users_catalog

from bilinear.catalog import CatalogError, RankPair, diff
from bilinear.decompositions import parse_target, standard


def test_diff_names_what_each_side_lacks(tmp_path: Path) -> None:
    mine, other = users_catalog(tmp_path / "mine"), users_catalog(tmp_path / "other")
    for one in (mine, other):
        one.add(strassen_entry())
    here = mine.add(entry_of(standard(parse_target("2x2x2"))))
    there = other.add(entry_of(another_strassen(1)))
    found = diff(mine, tmp_path / "other")
    assert [x.id for x in found.only_here] == [here.id]
    assert [x.id for x in found.only_there] == [there.id]
    assert RankPair("matmul:2x2x2", "zt", 7, 7) in found.ranks


def test_diff_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such folder; a catalog is a folder with families such as matmul/"):
        diff(users_catalog(tmp_path), tmp_path / "none")

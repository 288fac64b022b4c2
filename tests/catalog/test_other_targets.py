"""Entries of targets that are no matrix products: where they lie, how they are found, and what they stand against."""

from __future__ import annotations

from pathlib import Path

import pytest
from entry_samples import entry_of, users_catalog

from bilinear.catalog import lower_bounds, published, status
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import Ring, parse_target, standard

LONG = f"polymod:{'0,' * 42}1"
NAMES = {
    "complex": "complex",
    "quaternion": "quaternion",
    "polymul:2x3": "polymul-2x3",
    "cyclic:2^2": "cyclic-2^2",
    "polymod:-1,0,1": "polymod--1,0,1",
    "group:C2xC2": "group-C2xC2",
    "structured:gt-2x2x2": "structured-gt-2x2x2",
    LONG: "polymod-",
}


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_found_by_id_and_by_target(name: str, tmp_path: Path) -> None:
    mine, target = users_catalog(tmp_path), parse_target(name)
    added = mine.add(entry_of(standard(target)))
    listing = next(listing for listing in mine if not listing.shipped)
    assert added.id == listing.id
    assert listing.id.startswith(NAMES[name])
    assert listing.target == name
    for query in (listing.id, f"{name}:{len(target.values)}", listing.hash):
        assert mine.scheme(query).value.target == target


def test_status_compares_with_known_ranks_and_bounds(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    for name in NAMES:
        mine.add(entry_of(standard(parse_target(name))))
    rows = {(row.target, row.ring): row for row in status(mine)}
    assert rows["polymul:2x3", Ring.Q].verdict == "behind by 2"
    assert (rows["polymul:2x3", Ring.Q].published, rows["polymul:2x3", Ring.ZT].published) == (4, 5)
    assert rows["quaternion", Ring.QI].verdict == "behind by 9"
    assert "Strassen" in str(rows["quaternion", Ring.QI].source)
    for name in NAMES:
        assert rows[name, Ring.F2].here == len(parse_target(name).values)


def test_a_damaged_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    for name in (LONG, "complex"):
        mine.add(entry_of(standard(parse_target(name))))
    damaged = next(listing.path for listing in mine if listing.target == LONG)
    damaged.write_text("{")
    assert {row.target for row in status(mine) if row.here and not row.target[0].isdigit()} == {"complex"}


def test_published_ranks_of_other_targets_name_their_source() -> None:
    record = published(parse_target("cyclic:6"), "q")
    assert record is not None
    assert (record.target, record.rank, record.additions) == ("cyclic:6", 8, None)
    assert "Winograd" in record.source
    assert published(parse_target("group:S4"), "zt") is None
    assert lower_bounds(parse_target("cyclic:6"), "q")[0].rank == 8


def test_ids_stay_inside_the_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no id of an entry"):
        users_catalog(tmp_path).scheme("polymod-../x")

"""Merging and comparing catalogs, and attachments."""

from __future__ import annotations

from pathlib import Path

import pytest
from entry_samples import another_strassen, entry_of, leftovers, strassen_entry, users_catalog, wrong_strassen

from bilinear.catalog import CatalogError, RankPair, StoreError, diff, dumps, merge
from bilinear.decompositions import parse_target, standard


def test_merge_reports_each_file_and_stops_at_none(tmp_path: Path) -> None:
    mine, other = users_catalog(tmp_path / "mine"), users_catalog(tmp_path / "other")
    mine.add(strassen_entry())
    other.add(strassen_entry())
    new = other.add(entry_of(another_strassen(1)))
    folder = tmp_path / "other" / "matmul" / "2x2x2"
    (folder / "broken.json").write_bytes(dumps(strassen_entry())[:100])
    (folder / "wrong.json").write_bytes(dumps(entry_of(wrong_strassen())))
    (folder / "notes.txt").write_text("no entry")
    found = {merged.path.name: merged for merged in merge(mine, tmp_path / "other")}
    statuses = {name: merged.status for name, merged in found.items()}
    assert sorted(statuses.values()) == ["added", "duplicate", "unreadable", "wrong"]
    assert (statuses["broken.json"], statuses["wrong.json"]) == ("unreadable", "wrong")
    assert "64 tensor entries are wrong" in found["wrong.json"].detail
    assert mine.entry(new.id).hash
    assert len(list(mine)) == 2


def test_merge_into_a_folder_that_cannot_be_written_stops(tmp_path: Path) -> None:
    users_catalog(tmp_path / "other").add(strassen_entry())
    with pytest.raises(StoreError, match="cannot be written"):
        merge(users_catalog(Path("/proc/bilinear")), tmp_path / "other")


def test_merge_and_diff_need_a_folder(tmp_path: Path) -> None:
    for act in (merge, diff):
        with pytest.raises(CatalogError, match="no such folder; a catalog is a folder with families such as matmul/"):
            act(users_catalog(tmp_path), tmp_path / "none")


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


def test_attachments_are_keyed_by_hash(tmp_path: Path) -> None:
    mine, key = users_catalog(tmp_path), strassen_entry().hash
    assert mine.attachments(key) == []
    mine.attach(key, "program.json", b"{}")
    mine.attach(key, "program.json", b"{1}")
    mine.attach(key, "accuracy.txt", b"good")
    assert mine.attachments(key) == ["accuracy.txt", "program.json"]
    assert mine.read_attachment(key, "program.json") == b"{1}"
    assert list(mine) == []
    assert leftovers(tmp_path) == []
    with pytest.raises(CatalogError, match=r"attachment none of entry .*: not here"):
        mine.read_attachment(key, "none")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "..", "a..b", ".tmp-1", "a/b", "a\0", "x" * 81])
def test_an_attachment_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    mine, key = users_catalog(tmp_path), strassen_entry().hash
    for act in (lambda: mine.attach(key, name, b""), lambda: mine.read_attachment(key, name)):
        with pytest.raises(CatalogError, match="no plain file name; letters, digits"):
            act()
    with pytest.raises(CatalogError, match="not a content hash; 64 hexadecimal digits are needed"):
        mine.attach(f"../{key}"[:64], "x", b"")

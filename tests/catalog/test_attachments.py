"""What is found out later about an entry."""

from __future__ import annotations

from pathlib import Path

import pytest
from entry_samples import leftovers, strassen_entry, users_catalog

from bilinear.catalog import CatalogError


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

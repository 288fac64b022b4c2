"""Writing many entries under one lock: the same bytes as one after another, whole files, and nothing twice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from entry_samples import entry_of

from bilinear.catalog import Catalog, Proved, StoreError, WrongSchemeError, atomic
from bilinear.decompositions import Scheme, parse_target, permute, standard, strassen, verify, winograd


def proved(scheme: Scheme) -> Proved:
    return Proved(scheme, verify(scheme), lambda: entry_of(scheme), {".txt": b"as it was"})


def test_a_batch_writes_what_add_writes(tmp_path: Path) -> None:
    schemes = [strassen(), winograd(), standard(parse_target("3x1x2")), strassen().to("f2")]
    one_by_one, together = Catalog(tmp_path / "a", shipped=None), Catalog(tmp_path / "b", shipped=None)
    for scheme in schemes:
        one_by_one.add(entry_of(scheme))
    added = together.add_all([proved(scheme) for scheme in schemes])
    assert [one.status for one in added] == ["added"] * 4
    assert added[2].note == "3x1x2 is stored as 1x2x3, by a permutation"
    for listing in one_by_one:
        same = tmp_path / "b" / listing.path.relative_to(tmp_path / "a")
        assert same.read_bytes() == listing.path.read_bytes()
    assert len(list(together)) == len(list(one_by_one)) == 4


def test_a_batch_knows_duplicates_in_itself_and_in_both_folders(tmp_path: Path) -> None:
    first = standard(parse_target("1x2x2"))
    order = np.random.default_rng(1).permutation(first.rank)
    shuffled = Scheme(first.target, first.ring, *(factor[order] for factor in first.factors))
    turned = permute(first, (1, 2, 0))
    catalog = Catalog(tmp_path)
    added = catalog.add_all([proved(s) for s in (strassen(), first, shuffled, turned)])
    assert [one.status for one in added] == ["duplicate", "added", "duplicate", "duplicate"]
    assert [one.status for one in Catalog(tmp_path).add_all([proved(turned)])] == ["duplicate"]


def test_a_damaged_file_holds_nothing(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, shipped=None)
    (first,) = catalog.add_all([proved(strassen())])
    listing = next(iter(catalog))
    listing.path.write_bytes(listing.path.read_bytes()[:-20])
    (second,) = catalog.add_all([proved(strassen())])
    assert second.status == "added"
    assert second.id != first.id
    assert catalog.scheme(second.id).value.rank == 7


def test_what_is_not_proved_cannot_be_handed_in() -> None:
    scheme = strassen()
    wrong = Scheme(scheme.target, scheme.ring, -scheme.u, scheme.v, scheme.w)
    with pytest.raises(WrongSchemeError, match=r"matmul:2x2x2: .* tensor entries are wrong"):
        proved(wrong)
    with pytest.raises(WrongSchemeError, match="tensor entries are wrong"):
        replace(proved(scheme), verification=verify(wrong))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        Catalog(tmp_path).add_all([proved(strassen())])


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Catalog(tmp_path, shipped=None).add_all([proved(strassen())])
    assert not list(Catalog(tmp_path, shipped=None))


def test_originals_are_attached_to_what_is_new(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, shipped=None)
    catalog.add(entry_of(winograd()))
    catalog.add_all([proved(strassen()), proved(winograd())])
    assert catalog.read_attachment(entry_of(strassen()).hash, "original.txt") == b"as it was"
    assert catalog.attachments(entry_of(winograd()).hash) == []


def test_nothing_new_takes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog(tmp_path / "none")
    monkeypatch.setattr(atomic, "writing", None)
    assert catalog.add_all([]) == []
    assert [one.status for one in catalog.add_all([proved(strassen())])] == ["duplicate"]
    assert not (tmp_path / "none").exists()

"""The store: adding, finding, removing, what is refused, and what a full disk or a missing right leaves behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from entry_samples import (
    PROVENANCE,
    another_strassen,
    entry_of,
    file_scheme,
    leftovers,
    strassen_entry,
    users_catalog,
    wrong_strassen,
)

from bilinear import catalog
from bilinear.catalog import (
    Catalog,
    CatalogError,
    StoreError,
    WrongSchemeError,
    entry_from_approximation,
    to_scheme,
    user_folder,
)
from bilinear.catalog.convert import transform_hash
from bilinear.catalog.entries import Lineage, SparseFactor, TransformEntry
from bilinear.catalog.verifiers import VERIFIERS
from bilinear.decompositions import (
    Approximation,
    RingError,
    Verification,
    files,
    parse_target,
    permute,
    standard,
    strassen,
    verify,
)


def test_an_entry_is_added_once_and_found_in_every_way(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    entry = strassen_entry()
    added = mine.add(entry)
    assert (added.status, added.note) == ("added", "")
    assert added.id == f"2x2x2-r7-zt-{entry.hash[:8]}"
    assert mine.add(entry) == (added.id, "duplicate", "")
    (listing,) = mine
    assert listing.path == tmp_path / "matmul" / "2x2x2" / f"r7-zt-{entry.hash[:8]}.json"
    assert (listing.kind, listing.target, listing.ring, listing.rank) == ("scheme", "matmul:2x2x2", "zt", 7)
    for query in (
        added.id,
        entry.hash[:4],
        entry.hash[:12],
        entry.hash,
        "2x2x2:7",
        "matmul:2x2x2:7",
        str(listing.path),
    ):
        assert mine.serve(query).entry.hash == entry.hash
        assert verify(mine.scheme(query).value)


def test_the_verification_is_the_stores_own(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    stored = mine.serve(mine.add(strassen_entry()).id).entry
    assert [(known.method, known.ok) for known in stored.verification] == [("exact", True)]


def test_a_scheme_is_stored_in_rising_order_and_served_in_any(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    added = mine.add(entry_of(standard(parse_target("3x1x2"))))
    assert added.id.startswith("1x2x3-r6-zt-")
    assert added.note == "3x1x2 is stored as 1x2x3, by a permutation"
    for name in ("1x2x3", "1x3x2", "2x1x3", "2x3x1", "3x1x2", "3x2x1"):
        served = mine.scheme(f"{name}:6")
        assert served.value.target == parse_target(name)
        assert verify(served.value)
        assert ("by a permutation" in served.note) == (name != "1x2x3")
        assert mine.add(entry_of(served.value)).status == "duplicate"


def test_a_scheme_comes_over_the_ring_asked_for(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(strassen_entry())
    assert mine.scheme("2x2x2:7", "f3").value.ring == "f3"
    assert verify(mine.scheme("2x2x2:7", "f2").value)
    mine.add(entry_of(another_strassen(1).to("f2")))
    with pytest.raises(RingError, match="lift it instead"):
        mine.scheme(next(x.id for x in mine if x.ring == "f2"), "q")
    with pytest.raises(CatalogError, match=r"2x2x2:6: no scheme of that rank over q here; ranks here: 7$"):
        mine.scheme("2x2x2:6", "q")


def test_a_file_target_lies_under_its_key(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path / "catalog")
    scheme = file_scheme()
    added = mine.add(entry_of(scheme))
    (listing,) = mine
    assert listing.path.parent == tmp_path / "catalog" / "file" / scheme.target.key[:12]
    assert listing.target == "file:map.npy"
    assert added.id == f"file-{scheme.target.key[:12]}-{listing.path.stem}"
    np.save(tmp_path / "other.npy", scheme.target.dense())
    assert mine.scheme(f"file:{tmp_path}/other.npy:{scheme.rank}").entry.hash == mine.serve(added.id).entry.hash


def test_an_approximation_is_kept_beside_the_schemes(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    near = Approximation(strassen().target, *(f * 1.0001 for f in strassen().factors))
    added = mine.add(entry_from_approximation(near, PROVENANCE))
    (listing,) = mine
    assert (listing.kind, listing.ring, listing.rank) == ("approximation", None, 7)
    assert added.id.startswith("2x2x2-r7-approx-")
    assert mine.serve(added.id).entry.kind == "approximation"
    with pytest.raises(CatalogError, match="kind: approximation; a scheme is needed"):
        mine.scheme(added.id)


def identity_transform() -> TransformEntry:
    factor = SparseFactor(shape=(1, 1), entries=((0, 0, "1"),))
    entry = TransformEntry(
        name="identity", size=1, field="q", hash="0" * 64, factors=(factor,), permutations=((0,),),
        provenance=PROVENANCE, lineage=Lineage(), verification=(),
    )  # fmt: skip
    return entry.model_copy(update={"hash": transform_hash(entry)})


def test_a_transform_needs_a_verifier_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, entry = users_catalog(tmp_path), identity_transform()
    monkeypatch.delitem(VERIFIERS._entries, "transform")
    with pytest.raises(CatalogError, match="no verifier for a transform is registered; only verified entries are kept"):
        mine.add(entry)
    monkeypatch.setitem(VERIFIERS._entries, "transform", "test_store:right")
    added = mine.add(entry)
    (listing,) = mine
    assert added.id == listing.id == f"transform-identity-1-t1-q-{entry.hash[:8]}"
    assert (listing.kind, listing.ring, listing.rank) == ("transform", "q", None)
    assert mine.serve(listing.id).entry.hash == entry.hash


def right(entry: TransformEntry) -> tuple[TransformEntry, Verification]:
    return entry, Verification(True, "exact", "Q", 0.0, "the identity")


def test_a_wrong_scheme_is_never_written(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path / "catalog")
    with pytest.raises(
        WrongSchemeError, match=r"not matmul:2x2x2: \d of 64 tensor entries are wrong, first T\["
    ) as caught:
        mine.add(entry_of(wrong_strassen()))
    assert not caught.value.verification.ok
    with pytest.raises(CatalogError, match="is not that of the content"):
        mine.add(strassen_entry().model_copy(update={"hash": "1" * 64}))
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "a/b", "2x2x2/../r7", "", ".lock", "a\0b", "x" * 300])
def test_an_id_that_leaves_the_catalog_is_refused(name: str, tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    for ask in (mine.find, mine.remove, mine.serve):
        with pytest.raises(CatalogError, match=r"no id of an entry; ids are like"):
            ask(name)


def test_unknown_names_suggest_near_ones(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    added = mine.add(strassen_entry())
    with pytest.raises(CatalogError, match=f"no entry of that id; did you mean {added.id}"):
        mine.find(added.id.replace("zt", "tz"))
    with pytest.raises(CatalogError, match="no entry of that id; bilinear catalog list shows all"):
        mine.find("strassen")
    with pytest.raises(CatalogError, match="no entry whose hash starts so"):
        mine.find("0123")
    with pytest.raises(CatalogError, match=r"2x2x2:6: no scheme of that rank here; ranks here: 7$"):
        mine.find("2x2x2:6")
    with pytest.raises(CatalogError, match="none of any rank is; bilinear search finds some"):
        mine.find("2x2x3:11")


def test_a_hash_that_two_entries_share_needs_more_digits(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(strassen_entry())
    (listing,) = mine
    listing.path.with_name(f"r9-zt-{listing.hash[:4]}0000.json").write_text("{}")
    with pytest.raises(CatalogError, match=r"the hashes of 2 entries start so .* more digits are needed"):
        mine.find(listing.hash[:4])


def test_a_name_taken_by_another_hash_gets_more_digits(tmp_path: Path) -> None:
    mine, entry = users_catalog(tmp_path), strassen_entry()
    damaged = tmp_path / "matmul" / "2x2x2" / f"r7-zt-{entry.hash[:8]}.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    added = mine.add(entry)
    assert added == (f"2x2x2-r7-zt-{entry.hash[:9]}", "added", "")
    assert mine.add(entry) == (added.id, "duplicate", "")
    assert mine.serve(entry.hash).entry.hash == entry.hash


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(strassen_entry())
    (listing,) = mine
    listing.path.rename(listing.path.with_name("r6-zt-00000000.json"))
    with pytest.raises(CatalogError, match=r"name: belongs to another entry; r7-zt-.*\.json is needed"):
        mine.serve("2x2x2:6")


def test_the_shipped_folder_is_joined_and_never_written(tmp_path: Path) -> None:
    users_catalog(tmp_path / "shipped").add(strassen_entry())
    mine = Catalog(tmp_path / "mine", shipped=tmp_path / "shipped")
    (listing,) = mine
    assert listing.shipped
    assert mine.add(strassen_entry()) == (listing.id, "duplicate", "")
    with pytest.raises(CatalogError, match=r"shipped with the program, read-only; only entries of .*mine are removed"):
        mine.remove(listing.id)
    added = mine.add(entry_of(another_strassen(1)))
    assert [(x.id, x.shipped) for x in mine] == [(added.id, False), (listing.id, True)]
    assert mine.scheme("2x2x2:7").entry.hash


def test_every_shipped_entry_is_right() -> None:
    shipped = Catalog("/nonexistent")
    for listing in shipped:
        assert listing.shipped
        if not listing.published:  # test_published.py has those
            shipped.read(listing)


def test_remove_takes_an_entry_out(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    added = mine.add(strassen_entry())
    assert mine.remove(added.id).id == added.id
    assert list(mine) == []
    with pytest.raises(CatalogError, match="no entry of that id"):
        mine.remove(added.id)
    assert mine.add(strassen_entry()).status == "added"


def test_a_symmetric_image_of_a_square_format_is_another_scheme(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(strassen_entry())
    turned = permute(another_strassen(2), (1, 2, 0))
    added = mine.add(entry_of(turned))
    assert added.note == ""
    entry = mine.serve(added.id).entry
    assert entry.kind == "scheme"
    assert (to_scheme(entry).u == turned.u).all()


def test_the_users_folder_is_the_one_given_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILINEAR_CATALOG", "/somewhere")
    assert user_folder() == Path("/somewhere")
    assert user_folder("/given") == Path("/given")
    monkeypatch.delenv("BILINEAR_CATALOG")
    assert user_folder().parts[-2:] == ("bilinear", "catalog")
    assert catalog.Catalog("/given").roots[1] == (Path(catalog.__file__).parent, True)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Root may write everywhere, so a place where nobody can make a folder stands for one without rights."""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "catalog", Path("/proc/bilinear")):
        with pytest.raises(StoreError, match=r"cannot be written: .*; free space or rights there, or choose --catalog"):
            users_catalog(root).add(strassen_entry())
        assert list(users_catalog(root)) == []


def refusing(number: int) -> object:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_no_space_or_no_right_leaves_nothing_behind(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = users_catalog(tmp_path)
    kept = mine.add(strassen_entry())
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, refusing(number))
        with pytest.raises(StoreError, match=f"cannot be written: {os.strerror(number)}; free space or rights there"):
            mine.add(entry_of(another_strassen(1)))
    assert [x.id for x in mine] == [kept.id]
    assert leftovers(tmp_path) == []
    assert mine.add(entry_of(another_strassen(1))).status == "added"


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, real, written = users_catalog(tmp_path), os.write, 0

    def little(descriptor: int, data: memoryview) -> int:
        nonlocal written
        if written > 200:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += (done := real(descriptor, data[:100]))
        return done

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", little)
        with pytest.raises(StoreError, match="No space left on device"):
            mine.add(strassen_entry())
    assert (list(mine), leftovers(tmp_path)) == ([], [])

"""What stands in the way of an entry that is added: only what is right, and says as much, counts as holding it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from entry_samples import another_strassen, entry_of, strassen_entry, users_catalog

from bilinear.catalog import Catalog, Proved, entry_from_approximation, prove, verifiers, writing
from bilinear.catalog.importing import import_paths, merge
from bilinear.catalog.layout import Listing
from bilinear.decompositions import Approximation, Scheme, parse_target, permute, standard, strassen, verify
from bilinear.decompositions.formats import write as exported


def change(path: Path, **values: Any) -> None:
    """The file with some keys changed, as a hand or a fault may change them: the stated hash stays."""
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values))


def one_wrong(path: Path) -> bytes:
    """One coefficient of an entry changed, its hash kept; the file as it is then."""
    u = json.loads(path.read_bytes())["u"]
    u[0][0][1] *= -1
    change(path, u=u)
    return path.read_bytes()


def only(catalog: Catalog) -> Listing:
    (listing,) = catalog
    return listing


def proved(scheme: Scheme) -> Proved:
    return Proved(scheme, verify(scheme), lambda: entry_of(scheme))


def test_a_wrong_entry_does_not_hold_the_right_one(tmp_path: Path) -> None:
    mine, entry = users_catalog(tmp_path), strassen_entry()
    path = tmp_path / "matmul" / "2x2x2" / f"r7-zt-{entry.hash[:8]}.json"
    mine.add(entry)
    wrong = one_wrong(path)
    added = mine.add(entry)
    assert (added.id, added.status) == (f"2x2x2-r7-zt-{entry.hash[:8]}", "added")
    assert added.note == f"a damaged file had its name, and is kept as {path.name}.damaged"
    assert path.with_name(f"{path.name}.damaged").read_bytes() == wrong
    for query in (added.id, entry.hash, entry.hash[:8], "2x2x2:7"):
        assert mine.scheme(query).entry.hash == entry.hash
    assert mine.add(entry) == (added.id, "duplicate", "")
    assert only(mine).id == added.id


def test_import_and_merge_pass_over_a_wrong_entry_too(tmp_path: Path) -> None:
    mine, other = users_catalog(tmp_path / "mine"), users_catalog(tmp_path / "other")
    (tmp_path / "s.json").write_bytes(exported(strassen(), "perminov-json")[""])
    other.add(strassen_entry())
    for take in (
        lambda: import_paths(mine, [tmp_path / "s.json"]),
        lambda: merge(mine, tmp_path / "other"),
    ):
        mine.add(strassen_entry())
        one_wrong(only(mine).path)
        assert [result.status for result in take().results] == ["imported"]
        assert mine.scheme("2x2x2:7").value.rank == 7
        assert [result.status for result in take().results] == ["duplicate"]


def test_a_wrong_shipped_entry_is_covered_by_a_right_one(tmp_path: Path) -> None:
    shipped = users_catalog(tmp_path / "shipped")
    shipped.add(strassen_entry())
    wrong = one_wrong(only(shipped).path)
    mine = Catalog(tmp_path / "mine", shipped=tmp_path / "shipped")
    assert mine.add(strassen_entry()).status == "added"
    assert not only(mine).shipped
    assert mine.scheme("2x2x2:7").value.rank == 7
    assert only(shipped).path.read_bytes() == wrong


def test_an_entry_under_another_name_holds_nothing(tmp_path: Path) -> None:
    mine, entry = users_catalog(tmp_path), strassen_entry()
    mine.add(entry)
    path = only(mine).path
    path.rename(path.with_name(f"r6-zt-{entry.hash[:8]}.json"))
    assert mine.add(entry).status == "added"
    assert mine.scheme("2x2x2:7").entry.hash == entry.hash


def test_an_approximation_with_another_residual_holds_nothing(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    near = entry_from_approximation(
        Approximation(strassen().target, *(f * 1.0001 for f in strassen().factors)), strassen_entry().provenance
    )
    mine.add(near)
    change(only(mine).path, residual={"exact": "1/2", "value": 0.5})
    assert mine.add(near).status == "added"
    assert mine.serve("approximation:2x2x2:7").entry.hash == near.hash


def declared(scheme: Scheme, ring: str) -> Scheme:
    return Scheme(scheme.target, ring, *scheme.factors)


@pytest.mark.parametrize("ring", ["z", "q"])
def test_the_smaller_declaration_takes_the_place_of_the_larger(ring: str, tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    first = mine.add(entry_of(declared(strassen(), ring)))
    mine.attach(strassen_entry().hash, "note.txt", b"kept")
    added = mine.add(strassen_entry())
    assert (added.status, added.note) == ("added", f"in the place of {first.id}, which was declared over {ring}")
    assert only(mine).id == added.id
    assert mine.scheme(strassen_entry().hash).value.ring == "zt"
    assert mine.attachments(strassen_entry().hash) == ["note.txt"]
    assert mine.add(entry_of(declared(strassen(), ring))) == (added.id, "duplicate", "")


def test_a_smaller_declaration_stands_beside_a_shipped_one(tmp_path: Path) -> None:
    users_catalog(tmp_path / "shipped").add(entry_of(declared(strassen(), "q")))
    mine = Catalog(tmp_path / "mine", shipped=tmp_path / "shipped")
    assert mine.add(strassen_entry()).status == "added"
    assert [(listing.ring, listing.shipped) for listing in mine] == [("zt", False), ("q", True)]
    assert mine.scheme("2x2x2:7").value.ring == "zt"
    assert mine.scheme(strassen_entry().hash).value.ring == "zt"


def test_the_hash_stays_where_another_order_of_equal_sizes_is_declared_smaller(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    scheme = another_strassen(1)
    kron = standard(parse_target("2x2x1"))
    first = mine.add(entry_of(declared(permute(kron, (2, 0, 1)), "q")))
    added = mine.add(entry_of(kron))
    assert only(mine).hash == first.id[-8:] == added.id[-8:]
    assert mine.add(entry_of(declared(scheme, "q"))).status == "added"


def test_of_a_batch_the_smallest_declaration_is_kept(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    added = mine.add_all([proved(declared(strassen(), ring)) for ring in ("q", "zt", "z")])
    assert [one.status for one in added] == ["duplicate", "added", "duplicate"]
    assert {one.id for one in added} == {only(mine).id}
    assert only(mine).ring == "zt"


def test_only_what_states_the_hash_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, calls = users_catalog(tmp_path), []
    schemes = [another_strassen(step) for step in range(5)]
    mine.add_all([proved(scheme) for scheme in schemes])

    def counted(entry: Any, source: str, part: Any = None) -> Proved:
        calls.append(source)
        return prove(entry, source, part)

    monkeypatch.setattr(verifiers, "prove", counted)
    monkeypatch.setattr(writing, "prove", counted, raising=False)
    again = [*schemes, another_strassen(7)]
    assert [one.status for one in mine.add_all([proved(s) for s in again])] == ["duplicate"] * 5 + ["added"]
    assert calls == [], "the same content as what was just proved"
    turned = Scheme(schemes[2].target, schemes[2].ring, *(factor[::-1] for factor in schemes[2].factors))
    assert [one.status for one in mine.add_all([proved(turned)])] == ["duplicate"]
    assert len(calls) == 1

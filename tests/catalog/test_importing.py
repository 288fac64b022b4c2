"""Importing files and folders: what is kept, what is told of the rest; batches write what `Catalog.add` does."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from strategies import file_schemes, verified_schemes

from bilinear.catalog import Added, Catalog, Lineage, Provenance, StoreError, WrongSchemeError, dumps, entry_from_scheme
from bilinear.catalog.batch import Proved, add_proved, quick_hash, written
from bilinear.catalog.importing import STATUSES, Report, export, import_paths, paths_of
from bilinear.cli import main
from bilinear.decompositions import (
    Scheme,
    content_hash,
    kronecker,
    parse_target,
    permute,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.formats import FORMATS, format_named
from bilinear.decompositions.formats import write as exported

PROVENANCE = Provenance(solver="import", version="0", command="bilinear import x")


def proved(scheme: Scheme) -> Proved:
    return Proved(scheme, verify(scheme), PROVENANCE, "imported", {".txt": b"as it was"})


def put(folder: Path, scheme: Scheme, name: str, stem: str | None = None) -> Path:
    """The first file of a scheme written in a format."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = stem or f"gg-{''.join(map(str, scheme.target.sizes))}"
    contents = {folder / f"{stem}{ending}": data for ending, data in exported(scheme, name).items()}
    for path, data in contents.items():
        path.write_bytes(data)
    return next(iter(contents))


def counts(report: Report) -> dict[str, int]:
    return {status: report.count(status) for status in STATUSES if report.count(status)}


@settings(max_examples=60)
@given(verified_schemes() | file_schemes())
def test_the_quick_hash_and_the_quick_text_are_the_slow_ones(scheme: Scheme) -> None:
    assert quick_hash(scheme) == content_hash(scheme)
    one = proved(scheme)
    slow = entry_from_scheme(scheme, PROVENANCE, Lineage(recipe="imported"), [one.verification])
    assert written(one, scheme, slow.hash) == dumps(slow)


def test_a_batch_writes_what_add_writes(tmp_path: Path) -> None:
    schemes = [strassen(), winograd(), standard(parse_target("3x1x2")), strassen().to("f2")]
    one_by_one, together = Catalog(tmp_path / "a", shipped=None), Catalog(tmp_path / "b", shipped=None)
    for scheme in schemes:
        one_by_one.add(entry_from_scheme(scheme, PROVENANCE, Lineage(recipe="imported")))
    added = add_proved(together, [proved(scheme) for scheme in schemes])
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
    added = add_proved(catalog, [proved(s) for s in (strassen(), first, shuffled, turned)])
    assert [one.status for one in added] == ["duplicate", "added", "duplicate", "duplicate"]
    assert [one.status for one in add_proved(Catalog(tmp_path), [proved(turned)])] == ["duplicate"]


def test_a_damaged_file_holds_nothing(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, shipped=None)
    (first,) = add_proved(catalog, [proved(strassen())])
    listing = next(iter(catalog))
    listing.path.write_bytes(listing.path.read_bytes()[:-20])
    (second,) = add_proved(catalog, [proved(strassen())])
    assert second.status == "added"
    assert second.id != first.id
    assert catalog.scheme(second.id).scheme.rank == 7


def test_what_is_not_proved_is_not_written(tmp_path: Path) -> None:
    scheme = strassen()
    wrong = Scheme(scheme.target, scheme.ring, -scheme.u, scheme.v, scheme.w)
    with pytest.raises(WrongSchemeError, match="tensor entries are wrong"):
        add_proved(Catalog(tmp_path), [proved(strassen()), proved(wrong)])
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        add_proved(Catalog(tmp_path), [proved(strassen())])


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        add_proved(Catalog(tmp_path, shipped=None), [proved(strassen())])
    assert not list(Catalog(tmp_path, shipped=None))


@pytest.mark.parametrize("name", FORMATS.names())
def test_an_imported_scheme_with_its_original(name: str, tmp_path: Path) -> None:
    path = put(tmp_path / "files", standard(parse_target("1x2x2")), name)
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    report = import_paths(catalog, [tmp_path / "files"])
    assert counts(report) == {"imported": 1}
    (result,) = report.results
    served = catalog.scheme(result.detail)
    assert served.entry.provenance.solver == "import"
    assert served.entry.provenance.parameters["format"] == name
    assert served.entry.lineage.recipe == f"imported from {path.name} ({name})"
    originals = catalog.attachments(served.entry.hash)
    endings = {one.suffix for one in (tmp_path / "files").iterdir()}
    assert {Path(original).suffix for original in originals} == (endings if name != "alphatensor" else {".npy"})
    if len(originals) == 1 and name != "alphatensor":
        assert catalog.read_attachment(served.entry.hash, originals[0]) == path.read_bytes()
    assert counts(import_paths(catalog, [tmp_path / "files"])) == {"duplicate": 1}


def test_the_first_bad_file_stops_nothing(tmp_path: Path) -> None:
    files = tmp_path / "files"
    wrong = Scheme(strassen().target, "z", strassen().u * 2, strassen().v, strassen().w)
    put(files, wrong, "perminov-json", "a_wrong.json")
    (files / "b_empty.json").write_bytes(b"")
    (files / "c_cut.json").write_bytes(exported(strassen(), "perminov-json")[""][:100])
    put(files / "d", winograd(), "maple", "winograd.mpl")
    put(files / "d" / "e", strassen(), "linear-forms", "222-9-mod0.exp")
    (files / ".hidden").write_bytes(b"?")
    report = import_paths(Catalog(tmp_path / "catalog", shipped=None), [files, tmp_path / "nowhere", files])
    assert counts(report) == {"imported": 2, "wrong": 1, "unreadable": 3}
    told = {result.path.name: result for result in report.results}
    assert "a_wrong.json: not matmul:2x2x2 over z: 8 of 64 tensor entries are wrong" in told["a_wrong.json"].detail
    assert "c_cut.json: line" in told["c_cut.json"].detail
    assert "No such file" in told["nowhere"].detail
    assert told["222-9-mod0.exp"].note == "the file's name says rank 9, 7 products are in it"
    assert all("\n" not in result.detail for result in report.results)


def test_entries_of_a_catalog_keep_their_provenance(tmp_path: Path) -> None:
    entry = next(listing for listing in Catalog(tmp_path / "none") if listing.kind == "scheme").path
    shutil.copy(entry, tmp_path / "entry.json")
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    (result,) = import_paths(catalog, [tmp_path / "entry.json"]).results
    assert (result.status, result.format) == ("imported", "entry")
    assert catalog.scheme(result.detail).entry.provenance.solver != "import"
    broken = json.loads(entry.read_text())
    broken["u"][0][0][1] *= -1
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    (tmp_path / "cut.json").write_bytes(entry.read_bytes()[:200])
    (tmp_path / "later.json").write_text(json.dumps(broken | {"format_version": 2}))
    report = import_paths(catalog, sorted(tmp_path.glob("*.json")))
    assert counts(report) == {"duplicate": 1, "wrong": 1, "unreadable": 2}


def test_a_user_who_stops_keeps_what_was_read(tmp_path: Path) -> None:
    for name in ("maple", "mmc", "lita"):
        put(tmp_path / name, standard(parse_target("1x2x2")), name)

    def heard(done: int, total: int) -> None:
        assert total == 3
        if done == 2:
            raise KeyboardInterrupt

    catalog = Catalog(tmp_path / "catalog", shipped=None)
    report = import_paths(catalog, [tmp_path / name for name in ("maple", "mmc", "lita")], heard)
    assert report.interrupted
    assert counts(report) == {"imported": 1, "duplicate": 1}
    assert len(list(catalog)) == 1


def test_a_user_who_stops_the_writing_is_told_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "files", standard(parse_target("1x2x2")), "maple")
    calls = []

    def interrupted(catalog: Catalog, waiting: list[Proved]) -> list[Added]:
        calls.append(len(waiting))
        added = add_proved(catalog, waiting)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return added

    monkeypatch.setattr("bilinear.catalog.importing.BATCH", 1)
    monkeypatch.setattr("bilinear.catalog.importing.add_proved", interrupted)
    report = import_paths(Catalog(tmp_path / "catalog", shipped=None), [tmp_path / "files"])
    assert report.interrupted
    assert [result.status for result in report.results] == ["duplicate"]
    assert report.results[0].detail


def test_a_reader_that_fails_spoils_its_own_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source: object) -> list[object]:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("bilinear.decompositions.formats.maple.FORMAT", replace(format_named("maple"), read=read))
    put(tmp_path / "files", standard(parse_target("1x1x2")), "mmc", "b.json")
    (tmp_path / "files" / "a.mpl").write_text("Tensor:=TriadSet([")
    report = import_paths(Catalog(tmp_path / "catalog", shipped=None), [tmp_path / "files"])
    assert counts(report) == {"imported": 1, "unreadable": 1}
    assert "the reader failed (KeyError: 'a fault of ours'); please report this file" in report.results[0].detail


def test_more_schemes_than_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bilinear.catalog.importing.BATCH", 3)
    targets = [f"1x{m}x{p}" for m in range(1, 4) for p in range(m, 4)]
    for target in targets:
        put(tmp_path / "files", standard(parse_target(target)), "mmc", f"{target}.json")
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    report = import_paths(catalog, [tmp_path / "files"])
    assert [result.path.stem for result in report.results] == sorted(targets)
    assert {result.detail for result in report.results} == {listing.id for listing in catalog}


def test_what_mmc_told_is_told_again(tmp_path: Path) -> None:
    told = {"source": "a paper", "year": 2031}
    (tmp_path / "x.json").write_bytes(exported(standard(parse_target("1x1x2")), "mmc", told)[""])
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    (result,) = import_paths(catalog, [tmp_path / "x.json"]).results
    contents, _ = export(catalog, result.detail, "mmc")
    assert told.items() <= json.loads(contents[""]).items()


def test_several_files_of_one_export(tmp_path: Path) -> None:
    contents, note = export(Catalog(tmp_path), "2x2x2:7", "plinopt-sms")
    assert not note
    assert [path.name for path in paths_of(Path("s.sms"), list(contents))] == ["s_L.sms", "s_R.sms", "s_P.sms"]


def call(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"BILINEAR_CATALOG": str(tmp_path / "catalog")})


@pytest.mark.parametrize("name", [*FORMATS.names(), "entry"])
def test_the_command_exports_and_imports(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out" / "gg-222"
    out.parent.mkdir()
    answer = call(tmp_path, "export", "scheme", "2x2x2:7", "--format", name, "--out", str(out))
    assert answer.exit_code == 0, answer.output
    assert [Path(line).exists() for line in answer.stdout.splitlines()] == [True] * len(list(out.parent.iterdir()))
    answer = call(tmp_path, "import", str(out.parent), "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert {status: found[status] for status in STATUSES} == {
        "imported": 0,
        "duplicate": 1,
        "wrong": 0,
        "unreadable": 0,
    }
    assert found["files"][0]["status"] == "duplicate"
    assert found["files"][0]["format"] == name


def test_the_command_tells_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.exp").write_text("(a11)*(b11)*(c11)\n(a11)*(b12\n")
    put(tmp_path, kronecker(strassen(), standard(parse_target("1x1x2"))), "maple", "good.mpl")
    answer = call(tmp_path, "import", str(tmp_path / "bad.exp"), str(tmp_path / "good.mpl"))
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[-1] == "1 imported, 0 duplicate, 0 wrong, 1 unreadable"
    assert (
        answer.stderr.strip()
        == f"unreadable: {tmp_path / 'bad.exp'}: line 2: a bracket is not closed; the expression is cut off"
    )


def test_the_command_refuses_unknown_formats(tmp_path: Path) -> None:
    answer = call(tmp_path, "export", "scheme", "2x2x2:7", "--format", "mapel", "--out", str(tmp_path / "x"))
    assert answer.exit_code == 2
    assert "unknown format 'mapel': did you mean 'maple'?" in answer.stderr

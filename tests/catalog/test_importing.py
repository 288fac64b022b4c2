"""Importing files and folders: what is kept, what is told of the rest; batches write what `Catalog.add` does."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from entry_samples import another_strassen, entry_of, strassen_entry, users_catalog, wrong_strassen

from bilinear.catalog import (
    Added,
    Catalog,
    CatalogError,
    Proved,
    StoreError,
    dumps,
    entry_from_approximation,
    loads,
    merge,
    prove,
)
from bilinear.catalog.exporting import export, paths_of
from bilinear.catalog.importing import STATUSES, Report, import_paths
from bilinear.catalog.writing import add_all
from bilinear.cli import main
from bilinear.decompositions import (
    Scheme,
    content_hash,
    kronecker,
    parse_target,
    standard,
    strassen,
    winograd,
)
from bilinear.decompositions.formats import FORMATS, format_named
from bilinear.decompositions.formats import write as exported
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.seeds import pruned


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
        added = add_all(catalog, catalog.root, waiting)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return added

    monkeypatch.setattr("bilinear.catalog.importing.BATCH", 1)
    monkeypatch.setattr(Catalog, "add_all", interrupted)
    report = import_paths(Catalog(tmp_path / "catalog", shipped=None), [tmp_path / "files"])
    assert report.interrupted
    assert [result.status for result in report.results] == ["duplicate"]
    assert report.results[0].detail


def test_a_reader_that_fails_spoils_its_own_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source: object) -> list[object]:
        raise KeyError("a fault of ours")

    broken = replace(format_named("maple"), read=read)
    monkeypatch.setattr(FORMATS, "load", lambda name, load=FORMATS.load: broken if name == "maple" else load(name))
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


@pytest.mark.parametrize("name", ["flip-cpd", "flip-cpd-text"])
@pytest.mark.parametrize("spec", ["gt-2x1x2", "uu-2x2x2", "ll-3x3x3", "sg-2x2x3", "kg-3x3x2", "wg-2x2x2"])
def test_structured_maps_go_out_as_they_came(name: str, spec: str, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    scheme = standard(parse_target(f"structured:{spec}"))
    added = catalog.add(entry_of(scheme))
    contents, note = export(catalog, added.id, name)
    stem = spec.replace("x", "")
    assert note == f"flip-cpd tells the map by the file's name, which must begin with {stem}"
    (tmp_path / f"{stem}-out").write_bytes(contents[""])
    (result,) = import_paths(catalog, [tmp_path / f"{stem}-out"]).results
    assert (result.status, result.detail) == ("duplicate", added.id)


@pytest.mark.parametrize("name", ["flip-cpd", "flip-cpd-text"])
def test_other_maps_and_large_sizes_do_not_go_out(name: str, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog", shipped=None)
    for target, reason in (
        ("complex", "holds matrix multiplication only"),
        ("structured:gt-10x1x10", "sizes up to 9"),
    ):
        added = catalog.add(entry_of(standard(parse_target(target))))
        with pytest.raises(FormatError, match=reason):
            export(catalog, added.id, name)


@pytest.mark.parametrize(
    ("query", "shape"), [("3x2x2:11", "3x2x2"), ("2x2x3:11", "2x2x3"), ("lowest:4x3x3:24", "4x3x3")]
)
def test_an_entry_goes_out_in_the_order_asked_for(query: str, shape: str, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog")
    if query.startswith("lowest"):
        near = pruned(catalog.scheme("3x3x4:29").value, 24, np.random.default_rng(0))
        catalog.add(entry_from_approximation(near, strassen_entry().provenance))
    served = catalog.serve(query)
    contents, note = export(catalog, query, "entry")
    entry = loads(contents[""], "out")
    assert entry.kind != "transform"
    assert entry.target.name == f"matmul:{shape}"
    assert (entry.provenance, entry.lineage) == (served.entry.provenance, served.entry.lineage)
    assert note == served.note
    value = prove(entry, "out").value
    assert content_hash(value) == content_hash(served.value)
    if shape == "2x2x3":
        assert contents[""] == served.path.read_bytes()
    if not query.startswith("lowest"):
        (tmp_path / "out.json").write_bytes(contents[""])
        assert counts(import_paths(catalog, [tmp_path / "out.json"])) == {"duplicate": 1}


def test_the_exit_code_tells_how_much_was_wrong(tmp_path: Path) -> None:
    good = put(tmp_path / "good", strassen(), "maple")
    wrong = Scheme(strassen().target, "z", strassen().u * 2, strassen().v, strassen().w)
    bad = put(tmp_path / "bad", wrong, "maple", "wrong")
    (tmp_path / "noise.bin").write_bytes(b"\x00\x01 no format at all")
    (tmp_path / "empty").mkdir()
    noise, missing, empty = str(tmp_path / "noise.bin"), str(tmp_path / "missing"), str(tmp_path / "empty")
    for paths, code in (
        ([str(good)], 0),
        ([empty], 0),
        ([str(bad)], 1),
        ([str(good), str(bad)], 1),
        ([str(good), noise], 1),
        ([str(bad), missing], 1),
        ([noise], 2),
        ([missing], 2),
        ([noise, missing], 2),
    ):
        assert call(tmp_path, "import", *paths).exit_code == code, paths
        assert call(tmp_path, "import", *paths, "--json").exit_code == code, paths


def call(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"BILINEAR_CATALOG": str(tmp_path / "catalog")})


def test_merge_reports_each_file_and_stops_at_none(tmp_path: Path) -> None:
    mine, other = users_catalog(tmp_path / "mine"), users_catalog(tmp_path / "other")
    mine.add(strassen_entry())
    other.add(strassen_entry())
    new = other.add(entry_of(another_strassen(1)))
    folder = tmp_path / "other" / "matmul" / "2x2x2"
    (folder / "broken.json").write_bytes(dumps(strassen_entry())[:100])
    (folder / "wrong.json").write_bytes(dumps(entry_of(wrong_strassen())))
    (folder / "notes.txt").write_text("no entry")
    found = {merged.path.name: merged for merged in merge(mine, tmp_path / "other").results}
    statuses = {name: merged.status for name, merged in found.items()}
    assert sorted(statuses.values()) == ["duplicate", "imported", "unreadable", "wrong"]
    assert (statuses["broken.json"], statuses["wrong.json"]) == ("unreadable", "wrong")
    assert "64 tensor entries are wrong" in found["wrong.json"].detail
    assert mine.serve(new.id).entry.hash
    assert len(list(mine)) == 2


def test_merge_into_a_folder_that_cannot_be_written_stops(tmp_path: Path) -> None:
    users_catalog(tmp_path / "other").add(strassen_entry())
    with pytest.raises(StoreError, match="cannot be written"):
        merge(users_catalog(Path("/proc/bilinear")), tmp_path / "other")


def test_merge_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such folder; a catalog is a folder with families such as matmul/"):
        merge(users_catalog(tmp_path), tmp_path / "none")


def test_the_command_merges(tmp_path: Path) -> None:
    other = users_catalog(tmp_path / "other")
    added = other.add(entry_of(another_strassen(1)))
    answer = call(tmp_path, "catalog", "merge", str(tmp_path / "other"), "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    path = str(next(iter(other)).path)
    assert found.pop("files") == [{"path": path, "status": "added", "detail": added.id}]
    assert found == {"added": 1, "duplicate": 0, "wrong": 0, "unreadable": 0}
    cut = tmp_path / "other" / "matmul" / "2x2x2" / "cut.json"
    cut.write_text("{")
    answer = call(tmp_path, "catalog", "merge", str(tmp_path / "other"))
    assert answer.exit_code == 1
    assert answer.stdout == "0 added, 1 duplicate, 0 wrong, 1 unreadable\n"
    assert answer.stderr.startswith(f"unreadable: {cut}: line 1: truncated or not JSON")


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

"""What others published comes with credit, is proved, served, and never counts as found here: lineage decides."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from entry_samples import PROVENANCE, entry_of, strassen_entry, users_catalog

from bilinear.catalog import Catalog, CatalogError, credits, entry_from_scheme, layout, status, text
from bilinear.catalog.classes import classes, spare
from bilinear.catalog.crediting import table_text
from bilinear.catalog.entries import Lineage
from bilinear.catalog.importing import import_paths
from bilinear.catalog.origins import ABSENT, Origins
from bilinear.catalog.store import SHIPPED as FOLDER
from bilinear.catalog.text import compressed, dumps, loads, read
from bilinear.catalog.verifiers import prove
from bilinear.cli import main
from bilinear.decompositions import kronecker, parse_target, standard, strassen
from bilinear.decompositions.formats import write as exported
from bilinear.discover.replay import replay
from bilinear.discover.search import search

SHIPPED = Catalog(Path("/nonexistent"))
PUBLISHED = [listing for listing in SHIPPED if listing.published]
SMALL = [listing for listing in PUBLISHED if listing.name.endswith(layout.ENDING)]
TABLE = json.loads((FOLDER / layout.PUBLISHED / credits.TABLE).read_text())["entries"]


def test_every_file_is_the_one_that_was_proved() -> None:
    assert len(PUBLISHED) == len(TABLE) == 216
    assert all(credits.is_as_proved(listing) for listing in PUBLISHED)


def test_the_small_ones_are_right_and_as_the_table_tells() -> None:
    for listing in SMALL:
        entry = prove(read(listing.path), listing.name).entry
        told = credits.told(listing)
        assert entry.kind == "scheme"
        assert told is not None
        assert entry.found_by is not None
        assert entry.found_by.model_dump().items() <= told._asdict().items()
        assert told.hash == entry.hash
        assert dumps(entry) == listing.path.read_bytes()


@pytest.mark.slow
def test_all_are_right_and_the_table_is_current() -> None:
    folder = FOLDER / layout.PUBLISHED
    assert table_text(folder) == (folder / credits.TABLE).read_text()


def test_what_was_found_here_leads_to_nothing_published() -> None:
    origins = Origins(SHIPPED)
    own = [listing for listing in SHIPPED if not listing.published]
    assert len(own) > 150
    for listing in own:
        entry = read(listing.path)
        assert not origins.of(entry)
        assert entry.kind != "scheme" or entry.found_by is None


@pytest.mark.parametrize(
    ("query", "words"),
    [("2x4x7:45", "AlphaEvolve"), ("4x4x4:48", "Dumas"), ("6x6x6:153", "Moosbauer"), ("4x5x5:73", "Arai"),
     ("2x7x8:88", "Hopcroft"), ("13x14x16:1796", "Perminov")],
)  # fmt: skip
def test_each_names_who_found_it(query: str, words: str) -> None:
    served = SHIPPED.serve(query)
    assert served.listing is not None
    assert served.listing.published
    assert words in str(credits.told(served.listing))
    assert served.value.rank == int(query.partition(":")[2])


def test_ours_is_served_before_a_published_one_of_the_same_rank_and_set() -> None:
    for query in ("2x2x2:7", "2x3x3:15", "4x5x5:76", "5x5x5:93"):
        listing = SHIPPED.find(query).listing
        assert listing is not None
        assert not listing.published


def test_what_is_made_of_published_schemes_is_not_found_here(tmp_path: Path) -> None:
    mine, origins = Catalog(tmp_path), Origins(Catalog(tmp_path))
    leaf, own = SHIPPED.serve("2x4x7:45"), SHIPPED.serve("2x2x2:7")
    made = kronecker(own.value, leaf.value)
    lineage = Lineage(parents=(own.entry.hash, leaf.entry.hash), recipe="product")
    first = mine.add(entry_from_scheme(made, PROVENANCE, lineage))
    assert origins.of(mine.serve(first.id).entry) == {"AlphaEvolve team (Google DeepMind) 2025"}
    second = mine.add(
        entry_from_scheme(
            kronecker(standard(parse_target("1x1x2")), made), PROVENANCE, Lineage(parents=(made_hash(mine, first.id),))
        )
    )
    alone = mine.add(entry_from_scheme(kronecker(own.value, own.value), PROVENANCE, Lineage(parents=(own.entry.hash,))))
    orphan = mine.add(entry_from_scheme(standard(parse_target("3x3x3")), PROVENANCE, Lineage(parents=("0" * 64,))))
    found = Origins(mine)
    kept = {listing.id: found.of_listing(listing) for listing in mine if not listing.shipped}
    assert kept[second.id] == kept[first.id]
    assert not kept.get(alone.id, frozenset())
    assert orphan.status == "duplicate" or kept[orphan.id] == {f"{'0' * 16}{ABSENT}"}


def made_hash(catalog: Catalog, name: str) -> str:
    return str(catalog.serve(name).entry.hash)


def test_an_import_is_not_found_here_and_status_tells_it_apart(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path / "mine")
    (tmp_path / "s.json").write_bytes(exported(strassen(), "perminov-json")[""])
    import_paths(mine, [tmp_path / "s.json"])
    row = next(row for row in status(mine, "q") if row.target == "2x2x2")
    assert (row.here, row.served, row.by, row.verdict) == (None, 7, "s.json (imported)", "missing")
    mine.add(entry_of(standard(parse_target("2x2x2"))))
    row = next(row for row in status(mine, "q") if row.target == "2x2x2")
    assert (row.here, row.served, row.verdict) == (8, 7, "behind by 1")


def test_status_shows_three_columns() -> None:
    rows = {(row.target, str(row.ring)): row for row in status(SHIPPED)}
    row = rows["4x4x4", "q"]
    assert (row.here, row.served, row.published) == (49, 48, 48)
    assert "Dumas" in row.by
    assert row.verdict == "behind by 1"
    row = rows["2x2x2", "zt"]
    assert (row.here, row.served, row.by) == (7, 7, "")
    assert (rows["4x5x6", "f2"].here, rows["4x5x6", "f2"].served) == (None, 89)
    assert rows["4x4x4", "f3"].served == 48
    assert rows["4x4x4", "z"].served == 49


def test_what_is_found_here_as_well_is_kept_as_found_here(tmp_path: Path) -> None:
    mine, leaf = Catalog(tmp_path), SHIPPED.serve("2x4x7:45")
    imported = mine.add(leaf.entry)
    assert imported.status == "duplicate"
    added = mine.add(entry_from_scheme(leaf.value, PROVENANCE))
    assert added.status == "added"
    assert not Origins(mine).of(mine.serve(added.id).entry)
    listing = mine.find("2x4x7:45").listing
    assert listing is not None
    assert listing.id == added.id


def test_a_search_takes_published_leaves_where_only_they_suffice_and_says_so(tmp_path: Path) -> None:
    mine = Catalog(tmp_path)
    ours = search("4x4x8", 98, solver="composition", catalog=mine)
    assert not [note for note in ours.notes if "published" in note]
    result = search("4x4x14", 170, catalog=mine)
    assert result.scheme is not None
    assert [note for note in result.notes if "not counted as found here" in note]
    [added] = result.added
    assert Origins(mine).of(mine.serve(added.id).entry)


def test_a_replay_says_what_a_published_entry_is() -> None:
    entry = SHIPPED.scheme("2x4x7:45").entry
    with pytest.raises(CatalogError, match=r"published by AlphaEvolve .*, 2025 \(.*\); no search found it here"):
        replay(entry, lambda parent: SHIPPED.scheme(parent).value)


def test_list_and_show_tell_them_apart(tmp_path: Path) -> None:
    run = CliRunner(env={"BILINEAR_CATALOG": str(tmp_path)})

    def ids(*words: str) -> set[str]:
        return {row["id"] for row in json.loads(run.invoke(main, ["catalog", "list", *words, "--json"]).stdout)}

    assert ids("--found-here") | ids("--published") == ids()
    assert not ids("--found-here") & ids("--published")
    assert ids("--published") == {listing.id for listing in PUBLISHED}
    assert ids("--published", "--target", "7x4x2") == {"2x4x7-r45-zt-ad87eb1e"}
    assert run.invoke(main, ["catalog", "list", "--found-here", "--published"]).exit_code == 2
    shown = run.invoke(main, ["show", "7x4x2:45"]).stdout
    assert "found by         AlphaEvolve team (Google DeepMind), 2025: arXiv:2506.13131" in shown


def test_credit_goes_with_another_order_of_sizes(tmp_path: Path) -> None:
    entry, turned = SHIPPED.scheme("2x4x7:45").entry, SHIPPED.scheme("7x4x2:45").value
    mine = users_catalog(tmp_path)
    mine.add(entry_from_scheme(turned, entry.provenance, entry.lineage, (), entry.found_by))
    (listing,) = mine
    kept = read(listing.path)
    assert kept.kind == "scheme"
    assert kept.found_by == entry.found_by


def test_a_compressed_entry_is_the_same_entry(tmp_path: Path) -> None:
    entry = strassen_entry()
    data = compressed(dumps(entry))
    assert loads(data, "entry") == entry
    folder = tmp_path / "matmul" / "2x2x2"
    folder.mkdir(parents=True)
    (folder / f"{layout.entry_stem(entry)}{layout.COMPRESSED}").write_bytes(data)
    mine = users_catalog(tmp_path)
    for query in (f"2x2x2-{layout.entry_stem(entry)}", entry.hash[:16], "2x2x2:7"):
        assert mine.scheme(query).entry == entry
    assert mine.add(entry).status == "duplicate"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(lambda data: data[:-9], "cut short"), (lambda data: data + b"x", "followed by more"),
     (lambda data: data[:40] + bytes([data[40] ^ 255]) + data[41:], "damaged"),
     (lambda data: lzma.compress(bytes(100_001)), "no entry is that large")],
)  # fmt: skip
def test_a_damaged_compressed_entry_is_one_line(spoil, words: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(text, "MAX_FILE", 100_000)
    with pytest.raises(CatalogError, match=words) as caught:
        loads(spoil(compressed(dumps(strassen_entry()))), "x.json.xz")
    assert "\n" not in str(caught.value)


def test_a_changed_file_counts_for_nothing_in_status(tmp_path: Path) -> None:
    folder = tmp_path / "shipped" / layout.PUBLISHED / "matmul" / "2x4x7"
    folder.mkdir(parents=True)
    source = SHIPPED.serve("2x4x7:45").path
    (folder / source.name).write_bytes(source.read_bytes() + b" ")
    table = {"about": "", "entries": {f"matmul/2x4x7/{source.name}": TABLE[f"matmul/2x4x7/{source.name}"]}}
    (folder.parents[1] / credits.TABLE).write_text(json.dumps(table))
    catalog = Catalog(tmp_path / "mine", shipped=tmp_path / "shipped")
    rows = {row.target: row.served for row in status(catalog, "zt")}
    assert rows["2x4x7"] is None
    (folder / source.name).write_bytes(source.read_bytes())
    assert {row.target: row.served for row in status(catalog, "zt")}["2x4x7"] == 45


def test_published_figures_need_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bilinear.catalog.figures.read_or_none", lambda listing: pytest.fail(f"{listing.name} is read"))
    found = SHIPPED.find("13x14x16:1796", "f3")
    assert found.listing is not None
    with pytest.raises(CatalogError):
        SHIPPED.find("13x14x16:1796", "f2")
    assert replace(found).path.name.endswith(layout.COMPRESSED)


def test_an_entry_of_yours_is_not_spare_because_it_was_published(tmp_path: Path) -> None:
    mine, leaf = Catalog(tmp_path), SHIPPED.serve("2x4x7:45")
    mine.add(entry_from_scheme(leaf.value, PROVENANCE))
    assert not spare(mine, classes(mine, parse_target("2x4x7")))

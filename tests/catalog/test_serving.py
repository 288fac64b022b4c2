"""A format alone is served by the atlas: composed, proved, told how it is made and of whose entries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from entry_samples import PROVENANCE, strassen_entry

from bilinear.catalog import Catalog, CatalogError, Library, entry_from_scheme, serving, status
from bilinear.catalog.exporting import export
from bilinear.catalog.importing import import_paths
from bilinear.catalog.serving import format_of
from bilinear.cli import main
from bilinear.decompositions import Ring, content_hash, verify
from bilinear.discover.search import search

SHIPPED = Catalog(Path("/nonexistent"))


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Strassen's scheme and a published leaf; atlases are kept beside them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(serving, "SMALL", 4)  # an atlas no larger than is asked for
    library = Library(tmp_path / "mine", shipped=None)
    leaf = SHIPPED.scheme("2x4x7:45").entry
    library.add(strassen_entry())
    library.add(entry_from_scheme(SHIPPED.scheme("2x4x7:45").value, leaf.provenance, leaf.lineage, (), leaf.found_by))
    return library


def test_what_a_format_alone_is() -> None:
    assert format_of("9x13x15") == format_of("matmul:9x13x15")
    for query in ("9x13x15:1118", "2x2x2-r7-zt-1d3e92ec", "1d3e92ec", "polymul:3x3", "9x13", "9x13x15.json", "x"):
        assert format_of(query) is None


def test_it_is_composed_and_proved(mine: Library) -> None:
    served = mine.serve("4x4x4", "zt")
    assert (served.value.rank, served.value.ring) == (49, Ring.ZT)
    assert verify(served.value).ok
    assert served.entry.kind == "recipe"
    assert served.entry.hash == content_hash(served.value)
    assert served.id is None
    assert "4x4x4:49 over zt is built in 2 steps of 1 entries" in served.note
    assert served.note.endswith("; of what was found here")
    assert mine.serve("4x4x4").value.ring is Ring.Q
    assert mine.serve("2x2x2").id == f"2x2x2-r7-zt-{strassen_entry().hash[:8]}"


def test_any_order_of_sizes_and_whose_entries_it_takes(mine: Library) -> None:
    served = mine.serve("14x2x4", "zt")
    assert served.value.target.sizes == (14, 2, 4)
    assert served.value.rank <= 90
    assert verify(served.value).ok
    assert "of what others published: AlphaEvolve team (Google DeepMind) 2025" in served.note
    assert served.entry.target.name == "matmul:2x4x14"
    assert mine.serve("1x2x3", "zt").note.endswith("; by rules alone")


def test_it_can_be_kept_and_counts_by_its_lineage(mine: Library) -> None:
    served = mine.serve("2x4x14", "zt")
    added = mine.add(served.entry)
    assert mine.serve(added.id).value.rank == served.value.rank
    again = mine.serve("2x4x14", "zt")
    assert again.id == added.id
    row = next(row for row in status(mine, "zt") if row.target == "2x4x14")
    assert (row.here, row.served) == (None, served.value.rank)


def test_it_is_exported_and_begun_from(mine: Library, tmp_path: Path) -> None:
    contents, note = export(mine, "4x4x4", "perminov-json", "zt")
    assert "built in 2 steps" in note
    (tmp_path / "s.json").write_bytes(contents[""])
    (result,) = import_paths(mine, [tmp_path / "s.json"]).results
    assert result.status == "imported"
    start = mine.scheme("4x4x4", "zt").value
    found = search("4x4x8", 98, starts=[start], catalog=mine)
    assert found.scheme is not None
    assert found.scheme.rank == 98


def test_commands_take_it(mine: Library) -> None:
    run = CliRunner(env={"BILINEAR_CATALOG": "/nonexistent"})
    folder = ["--catalog", str(mine.root)]
    shown = run.invoke(main, ["show", "1x2x40", *folder])
    assert (shown.exit_code, shown.output.count("\n")) == (2, 1)
    assert "an atlas holds formats of sizes 1 to 32" in shown.output
    assert "no such" not in run.invoke(main, ["show", "0x2x2", *folder]).output


def test_a_composed_format_has_no_file(mine: Library) -> None:
    with pytest.raises(CatalogError, match="composed of several entries, and no entry of its own"):
        mine.find("4x4x4", "zt")
    assert mine.find("2x2x2", "zt").listing is not None
    assert mine.entry("2x2x2", "zt") is None
    assert mine.entry("4x4x4:49") is None
    with pytest.raises(CatalogError, match="no scheme of that rank"):
        mine.serve("4x4x4:48")


def test_a_removed_leaf_is_missed_by_nobody(mine: Library) -> None:
    assert mine.serve("2x4x14", "zt").value.rank == 90
    (listing,) = [listing for listing in mine if listing.target == "matmul:2x4x7"]
    mine.remove(listing.id)
    assert mine.serve("2x4x14", "zt").value.rank > 90


def test_provenance_names_the_command(mine: Library) -> None:
    entry = mine.serve("4x2x4", "zt").entry
    assert entry.provenance.command == "bilinear show 2x4x4 --ring zt"
    assert entry.kind == "recipe"
    assert json.loads(json.dumps(entry.recipe))["ring"] == "zt"
    assert PROVENANCE.solver != entry.provenance.solver == "atlas"

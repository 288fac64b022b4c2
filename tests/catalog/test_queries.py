"""What a query serves where several entries answer: the fewest additions, the nearest approximation."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bilinear.catalog import BadEntryWarning, Catalog, CatalogError, WrongSchemeError, store, text, verifiers
from bilinear.catalog.convert import entry_from_approximation, entry_from_scheme
from bilinear.catalog.entries import Provenance
from bilinear.cli import main
from bilinear.decompositions import Approximation, parse_target, strassen, winograd
from bilinear.decompositions.row_norms import longest_row, norms
from bilinear.decompositions.seeds import pruned, seed
from bilinear.discover.figures import figures

SHIPPED = Catalog(Path("/nonexistent"))
PAST = Provenance(solver="test", command="bilinear test", version="0")


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path, shipped=None)


def near(rank: int, name: str = "pruned-winograd", target: str = "2x2x2") -> Approximation:
    return seed(name, parse_target(target), rank, np.random.default_rng(0))


def test_the_scheme_with_the_fewest_additions_is_served(mine: Catalog) -> None:
    for scheme in (winograd(), strassen()):
        mine.add(entry_from_scheme(scheme, PAST))
    assert (
        mine.scheme("2x2x2:7").entry.hash == entry_from_scheme(strassen(), PAST).hash
    )  # 18 additions unshared, not 24


@pytest.mark.parametrize("query", ["2x2x2:7", "2x3x4:20", "3x3x3:23"])
def test_programs_decide_where_they_are_kept(query: str) -> None:
    target, _, rank = query.partition(":")
    rows = [x for x in SHIPPED.of_target(parse_target(target)) if x.kind == "scheme" and x.rank == int(rank)]
    known = {row.listing.id: row.additions for row in figures(SHIPPED, rows) if row.additions is not None}
    listing = SHIPPED.find(query).listing
    assert listing is not None
    assert known[listing.id] == min(known.values())


def test_a_smaller_set_goes_before_fewer_additions(mine: Catalog) -> None:
    mine.add(entry_from_scheme(strassen().to("f2"), PAST))
    mine.add(entry_from_scheme(winograd(), PAST))
    assert mine.scheme("2x2x2:7").entry.ring == "zt"


def test_bounded_norms_go_before_nearness_unless_the_lowest_is_asked_for() -> None:
    bounded, lowest = (SHIPPED.serve(f"{kind}:4x4x4:40").value for kind in ("approximation", "lowest"))
    assert norms(lowest.factors).max() > longest_row(lowest.target) >= norms(bounded.factors).max()
    assert lowest.residual < bounded.residual


def test_an_approximation_is_served_in_any_order_of_sizes(mine: Catalog) -> None:
    source = pruned(SHIPPED.scheme("2x2x3:11").value, 9, np.random.default_rng(0))
    mine.add(entry_from_approximation(source, PAST))
    for shape in ("2x2x3", "2x3x2", "3x2x2"):
        found = mine.serve(f"approximation:{shape}:9").value
        assert found.target == parse_target(shape)
        assert found.residual == source.residual


def test_what_is_not_there_is_told(mine: Catalog) -> None:
    mine.add(entry_from_approximation(near(6), PAST))
    with pytest.raises(CatalogError, match=r"approximation:2x2x2:5: no approximation of that rank here; ranks here: 6"):
        mine.find("approximation:2x2x2:5")
    with pytest.raises(CatalogError, match=r"bilinear approximate and refine find some"):
        mine.find("lowest:3x3x3:20")
    with pytest.raises(CatalogError, match="kind: approximation; a scheme is needed"):
        SHIPPED.scheme("approximation:2x2x2:6")


def test_show_export_and_start_take_the_query(tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(main, ["show", "approximation:2x2x2:6"])
    assert shown.exit_code == 0
    assert "2x2x2, 6 products: residual 0.125, certified" in shown.stdout
    sizes = ["--in-features", "4", "--out-features", "4", "--out", str(tmp_path / "layer")]
    assert run.invoke(main, ["export", "layer", "approximation:2x2x2:6", *sizes]).exit_code == 0
    words = ["refine", "lowest:2x2x2:6", "--steps", "5", "--no-save"]
    assert "residual 0.125" in run.invoke(main, words).stdout


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Counter[str]]:
    """How often each file was read, and each content proved, by file name and hash."""
    found = {"read": Counter[str](), "proved": Counter[str]()}
    read, prove = text.read, verifiers.prove

    def reading(path: Path) -> text.AnyEntry:
        found["read"][path.stem] += 1
        return read(path)

    def proving(entry: text.AnyEntry, source: str, part: verifiers.Part | None = None) -> verifiers.Proved:
        found["proved"][entry.hash] += 1
        return prove(entry, source, part)

    monkeypatch.setattr(text, "read", reading)
    for module in (verifiers, store):
        monkeypatch.setattr(module, "prove", proving)
    return found


@pytest.mark.parametrize(
    "query",
    ["2x2x2:7", "3x2x2:11", "2x2x2-r7-zt-1d3e92ec", "1d3e92ec796b5585", "approximation:2x2x2:6", "lowest:4x4x4:40"],
)
def test_an_entry_is_read_and_proved_once(query: str, counted: dict[str, Counter[str]]) -> None:
    served = SHIPPED.serve(query)
    assert counted["proved"] == {served.entry.hash: 1}
    assert set(counted["read"].values()) == {1}


@pytest.mark.parametrize("query", ["2x2x2-r7-zt-1d3e92ec", "2x2x2:7", "approximation:2x2x2:6"])
def test_show_proves_what_it_shows_once(query: str, counted: dict[str, Counter[str]]) -> None:
    shown = CliRunner().invoke(main, ["show", query], env={"BILINEAR_CATALOG": "/nonexistent"})
    assert shown.exit_code == 0, shown.output
    listing = SHIPPED.find(query).listing
    assert listing is not None
    assert [number for proved, number in counted["proved"].items() if proved.startswith(listing.hash)] == [1]
    assert set(counted["proved"].values()) == {1}, "those that are compared with it as well"


def test_a_wrong_neighbour_does_not_stand_in_the_way(mine: Catalog) -> None:
    near_one = mine.add(entry_from_approximation(near(6), PAST))
    listing = next(iter(mine))
    stated = json.loads(listing.path.read_bytes())
    stated["residual"] = {"exact": "1/2", "value": 0.5}
    stated["hash"] = "0" * 64
    listing.path.with_name("r6-approx-00000000.json").write_text(json.dumps(stated))
    assert mine.serve("approximation:2x2x2:6").listing == listing
    assert near_one.id == listing.id
    stated["residual"] = {"exact": "0", "value": 0.0}
    listing.path.with_name("r6-approx-00000000.json").write_text(json.dumps(stated))
    with pytest.warns(BadEntryWarning, match="stated is 0"):
        assert mine.serve("approximation:2x2x2:6").listing == listing
    listing.path.unlink()
    with pytest.raises(WrongSchemeError, match="stated is 0"):
        mine.serve("approximation:2x2x2:6")

"""What a query serves where several entries answer: the fewest additions, the nearest approximation."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bilinear.catalog import Catalog, CatalogError
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
    for text in ("2x2x3", "2x3x2", "3x2x2"):
        found = mine.serve(f"approximation:{text}:9").value
        assert found.target == parse_target(text)
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

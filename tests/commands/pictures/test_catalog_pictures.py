"""Pictures of a catalog: its formats against the published ranks, and the schemes of a target side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bilinear.catalog.layout import Listing
from bilinear.catalog.status import StatusRow
from bilinear.cli import main
from bilinear.commands.pictures.pareto import front, plot_pareto
from bilinear.commands.pictures.sheet import PlotError
from bilinear.commands.pictures.status import plot_status, shade, words
from bilinear.decompositions import LowerBound, Ring
from bilinear.discover.pareto import Row


def row(here: int | None, served: int | None, published: int | None, bound: int | None = None) -> StatusRow:
    proven = None if bound is None else LowerBound(bound, frozenset(Ring), "a theorem")
    return StatusRow("2x2x3", Ring.ZT, here, "id", served, "id", "", published, "a table", proven, "")


@pytest.mark.parametrize(
    ("found", "colour", "text"),
    [
        (row(11, 11, 11), 0, "0"),
        (row(11, 11, 11, 11), 0, "0!"),
        (row(13, 12, 11), 2, "+2"),
        (row(10, 10, 11), -1, "-1"),
        (row(11, 11, None), 0, "?"),
        (row(None, 11, 11), None, ""),
        (row(None, None, 11), None, "-"),
    ],
)
def test_a_cell_says_how_far_a_format_is_from_the_tables(found: StatusRow, colour: int | None, text: str) -> None:
    assert (shade(found), words(found)) == (colour, text)


def test_status_is_drawn_and_says_what_is_left_out(tmp_path: Path) -> None:
    out = tmp_path / "status.png"
    answer = CliRunner().invoke(
        main, ["catalog", "status", "--ring", "f2", "--largest", "6", "--plot", str(out), "--json"]
    )
    assert answer.exit_code == 0, answer.output
    assert f"{out}: written; 4 targets that are no matrix products are not drawn" in answer.stderr
    assert len(json.loads(answer.stdout)) > 20
    assert out.stat().st_size > 10_000


def test_a_status_without_formats_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "none.png"
    answer = CliRunner().invoke(main, ["catalog", "status", "--target", "shortmul:8", "--plot", str(out)])
    assert answer.exit_code == 2
    assert "no matrix format is among these targets; there is nothing to plot" in answer.stderr
    with pytest.raises(PlotError, match="nothing to plot"):
        plot_status([], out)


def scheme(rank: int, additions: int, gamma: float, efficient: bool = True) -> Row:
    stem, digits = f"r{rank}-zt-{additions:08x}", f"{additions:08x}"
    listing = Listing(f"2x2x2-{stem}", "scheme", "matmul:2x2x2", "zt", rank, Path(), f"{stem}.json", True, digits)
    return Row(listing, additions, gamma, efficient)


def test_the_front_of_a_rank_falls() -> None:
    rows = [scheme(7, 15, 20.0), scheme(7, 18, 12.0), scheme(7, 19, 13.0, False), scheme(7, 15, 25.0, False)]
    assert front(rows) == [(15, 20.0), (18, 12.0)]
    assert front([]) == []


def test_schemes_side_by_side_are_drawn(tmp_path: Path) -> None:
    out = tmp_path / "pareto.svg"
    answer = CliRunner().invoke(main, ["catalog", "pareto", "2x2x2", "--plot", str(out)])
    assert answer.exit_code == 0, answer.output
    assert out.read_bytes().startswith(b"<?xml")
    many = [scheme(7 + k, 15 + 3 * k, 40.0 / (k + 1)) for k in range(40)]
    plot_pareto(many, "2x2x2 $x$", tmp_path / "many.png")


def test_no_scheme_is_no_front(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["catalog", "pareto", "7x9x31", "--plot", str(tmp_path / "out.png")])
    assert answer.exit_code == 2
    assert "7x9x31: no scheme over zt, z or q is here; there is nothing to plot" in answer.stderr

"""Where the catalog stands, of one target and of all: `show TARGET`, `catalog list TARGET`, `catalog status`."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.catalog.status import StatusRow
from bilinear.cli import main
from bilinear.commands.words.catalog import status_as_grid
from bilinear.decompositions import LowerBound, Ring


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BILINEAR_CATALOG": str(home)})


@pytest.mark.parametrize("query", ["3x3x3", "matmul:3x3x3"])
def test_the_best_of_every_ring_with_what_is_published(query: str, home: Path) -> None:
    lines = call(home, "show", query).stdout.splitlines()
    assert lines[0] == "3x3x3: the best of every coefficient set"
    table = [line.split() for line in lines[3:9]]
    assert [row[1] for row in table] == ["zt", "z", "q", "qi", "f2", "f3"]
    assert {tuple(row[2:4]) for row in table} == {("23", "23")}
    assert any(line.startswith("published 23: dronperminov") for line in lines)
    assert any(line.startswith("bound 21: Wang 2026") for line in lines)


def test_a_target_in_another_order_and_of_another_family(home: Path) -> None:
    best = json.loads(call(home, "show", "5x4x4", "--json").stdout)
    assert best["target"] == "matmul:5x4x4"
    assert {row["target"] for row in best["best"]} == {"4x4x5"}
    assert {row["ring"]: row["here"] for row in best["best"]}["f2"] == 60
    assert "shortmul:8" in call(home, "show", "shortmul:8").stdout
    assert call(home, "show", "1x1x5").stdout.startswith("1x1x5: nothing here, and nothing published")


def test_what_is_neither_entry_nor_target_is_refused_as_before(home: Path) -> None:
    for query in ("nonsense", "3x3", "2x2x2-r7-zt-00000000"):
        answer = call(home, "show", query)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert f"{query}: no entry of that id" in answer.stderr


def test_the_entries_of_one_target(home: Path) -> None:
    found, same = call(home, "catalog", "list", "3x2x2"), call(home, "catalog", "list", "--target", "2x2x3")
    assert found.stdout == same.stdout
    assert {line.split("-")[0] for line in found.stdout.splitlines()[1:]} == {"2x2x3"}
    twice = call(home, "catalog", "list", "2x2x3", "--target", "2x2x2")
    assert (twice.exit_code, "one target is enough" in twice.stderr) == (2, True)


def row(target: str, ring: Ring, here: int | None, published: int | None, bound: int) -> StatusRow:
    least = LowerBound(bound, frozenset({ring}), "")
    return StatusRow(target, ring, here, None, here, None, "", published, None, least, "")


def test_a_line_a_target_and_a_column_a_ring() -> None:
    rows = [
        row("4x4x4", Ring.F2, 46, 47, 30), row("2x2x2", Ring.ZT, 7, 7, 7), row("4x4x4", Ring.ZT, 51, 49, 30),
        row("3x3x3", Ring.ZT, 23, 23, 19), row("9x9x9", Ring.F2, None, 498, 200), row("3x3x3", Ring.F2, 30, None, 20),
    ]  # fmt: skip
    assert [line.split() for line in status_as_grid(rows)] == [
        ["target", "zt", "f2"],
        ["4x4x4", "51+2", "46-1"],
        ["2x2x2", "7!", "-"],
        ["3x3x3", "23", "30?"],
        ["9x9x9", "-", "(498)"],
    ]
    assert [one.target for one in rows if one.is_behind] == ["4x4x4"]
    assert [one.is_within(3) for one in rows] == [False, True, False, True, False, True]
    assert row("cyclic:9", Ring.ZT, 1, 1, 1).is_within(3)


def test_the_table_is_bounded_and_filtered(home: Path) -> None:
    everything = call(home, "catalog", "status", "--missing")
    lines = everything.stdout.splitlines()
    assert "no size above 8; --largest N shows others" in everything.stderr
    assert "N! proven optimal" in everything.stderr
    assert len({line.split()[0] for line in lines}) == len(lines)
    assert any("(" in line for line in lines)
    behind = call(home, "catalog", "status", "--behind", "--largest", "4").stdout.splitlines()
    assert len(behind) > 1
    assert all("+" in line for line in behind[1:])
    formats = [line.split()[0].split("x") for line in behind[1:] if re.match(r"\d+x", line)]
    assert formats
    assert all(int(size) <= 4 for sizes in formats for size in sizes)


def test_one_target_comes_with_its_entries(home: Path) -> None:
    answer = call(home, "catalog", "status", "--target", "4x5x4")
    assert "4x4x5-r60-f2-5bb6c8a9" in answer.stdout
    rows = json.loads(call(home, "catalog", "status", "--target", "4x5x4", "--json").stdout)
    assert {row["target"] for row in rows} == {"4x4x5"}
    assert len(rows) == 6

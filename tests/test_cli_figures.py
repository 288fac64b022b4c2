"""`bilinear catalog list --figures` and `bilinear show`: what the programs that are kept with entries cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main

STRASSEN, WINOGRAD = "2x2x2-r7-zt-1d3e92ec", "2x2x2-r7-zt-7c0bfb95"
FIGURES = {"additions", "gamma", "emax", "qmax"}


def call(folder: Path, *arguments: str) -> Result:
    answer = CliRunner().invoke(main, list(arguments), env={"BILINEAR_CATALOG": str(folder)})
    assert answer.exit_code == 0, answer.output
    return answer


def test_figures_are_columns_where_they_are_asked_for(tmp_path: Path) -> None:
    plain = json.loads(call(tmp_path, "catalog", "list", "--target", "2x2x2", "--json").stdout)
    rows = json.loads(call(tmp_path, "catalog", "list", "--target", "2x2x2", "--figures", "--json").stdout)
    assert [{key: row[key] for key in row if key not in FIGURES} for row in rows] == plain
    found = {row["id"]: row for row in rows}
    assert (found[STRASSEN]["additions"], found[WINOGRAD]["additions"]) == (None, 15)
    # Dumas, Pernet, Sedoglavic 2024; Ballard, Benson, Druinsky, Lipshitz, Schwartz 2016: 12 and 18
    assert found[STRASSEN]["gamma"] == pytest.approx(14.828427)
    assert (found[STRASSEN]["emax"], found[WINOGRAD]["emax"]) == (12, 18)
    shown = call(tmp_path, "catalog", "list", "--target", "2x2x2", "--figures").stdout.splitlines()
    assert shown[0].split() == ["id", "kind", "ring", "rank", "from", "additions", "gamma", "emax", "qmax"]
    assert next(line for line in shown if STRASSEN in line).split()[4:7] == ["shipped", "-", "14.8284"]


def test_growth_is_a_dash_where_nothing_is_rounded(tmp_path: Path) -> None:
    rows = json.loads(call(tmp_path, "catalog", "list", "--target", "4x4x4", "--figures", "--json").stdout)
    assert {row["gamma"] for row in rows if row["ring"] == "f2"} == {None}
    assert all(row["gamma"] > 64 for row in rows if row["ring"] == "zt" and row["rank"] < 64)


def test_a_program_of_ones_own_is_listed(tmp_path: Path) -> None:
    call(tmp_path, "optimize", STRASSEN, "--own", "--budget", "1steps")
    rows = json.loads(call(tmp_path, "catalog", "list", "--target", "2x2x2", "--figures", "--json").stdout)
    assert {row["id"]: row["additions"] for row in rows}[STRASSEN] == 18


def test_show_tells_the_additions_of_the_program(tmp_path: Path) -> None:
    assert json.loads(call(tmp_path, "show", WINOGRAD, "--json").stdout)["program_additions"] == 15
    assert "24 before common sums are shared, 15 in the program kept with it" in call(tmp_path, "show", WINOGRAD).stdout
    assert json.loads(call(tmp_path, "show", STRASSEN, "--json").stdout)["program_additions"] is None

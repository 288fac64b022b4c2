"""`bilinear accuracy` and `bilinear catalog pareto` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main

SHIPPED = "2x2x2-r7-zt-1d3e92ec"


def call(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"BILINEAR_CATALOG": str(folder)})


def test_growth_and_measured_errors(tmp_path: Path) -> None:
    answer = call(tmp_path, "accuracy", SHIPPED, "--size", "64", "--levels", "2", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["growth"]["gamma"] == pytest.approx(14.828427)
    assert found["infimum"] is None
    assert [(row["dtype"], row["levels"]) for row in found["errors"]][:3] == [
        ("float64", 1),
        ("float64", 2),
        ("float32", 1),
    ]
    single = [row for row in found["errors"] if row["dtype"] == "float32"]
    assert all(1e-8 < row["fast"] < 1e-5 for row in single)


def test_a_calmer_basis_is_kept_with_its_parent_and_replays(tmp_path: Path) -> None:
    answer = call(tmp_path, "accuracy", SHIPPED, "--calm", "--size", "32", "--levels", "1")
    assert answer.exit_code == 0, answer.output
    assert "gamma      12.0717 (was 14.8284; lowest met over the reals 12.0660)" in answer.stdout
    added = answer.stdout.splitlines()[-1].split()[1]
    assert added.startswith("2x2x2-r7-q-")
    again = call(tmp_path, "catalog", "replay", added)
    assert again.exit_code == 0, again.output
    assert "found the same scheme" in again.stdout
    assert "--calm" in json.loads(call(tmp_path, "show", added, "--json").stdout)["provenance"]["command"]


def test_a_format_of_floats_that_cannot_hold_a_coefficient_has_no_error(tmp_path: Path) -> None:
    large = ("--calm", "--largest", "1048576", "--no-save", "--json")
    answer = call(tmp_path, "accuracy", "2x2x2:7", *large, "--size", "64", "--levels", "2")
    assert answer.exit_code == 0, answer.output
    errors = {(row["dtype"], row["levels"]): row["fast"] for row in json.loads(answer.stdout)["errors"]}
    assert errors["float16", 2] is None
    assert errors["float32", 2] < 1e-4


def test_nothing_is_kept_unasked(tmp_path: Path) -> None:
    answer = call(tmp_path, "accuracy", SHIPPED, "--calm", "--size", "16", "--levels", "1", "--no-save")
    assert answer.exit_code == 0
    assert not list(tmp_path.rglob("*.json"))


def test_pareto_marks_what_no_other_scheme_beats(tmp_path: Path) -> None:
    answer = call(tmp_path, "catalog", "pareto", "2x2x2", "--json")
    assert answer.exit_code == 0, answer.output
    rows = json.loads(answer.stdout)
    ranks = [row["rank"] for row in rows]
    assert ranks == sorted(ranks)
    best = [row for row in rows if row["rank"] == 7 and row["efficient"]]
    assert min(row["additions"] for row in best) == 15
    shown = call(tmp_path, "catalog", "pareto", "2x2x2").stdout
    assert shown.splitlines()[0].split() == ["id", "rank", "additions", "gamma"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["accuracy", "none"], "none: no entry of that id"),
        (["accuracy", SHIPPED, "--levels", "0"], "--levels"),
        (["accuracy", "4x4x4-r47-f2-49f264e3"], "growth over f2: nothing is rounded there"),
        (["catalog", "pareto", "2x2"], "2x2"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(tmp_path: Path, arguments: list[str], reason: str) -> None:
    answer = call(tmp_path, *arguments)
    assert answer.exit_code == 2
    assert reason in answer.stderr
    assert "Traceback" not in answer.output


def test_a_filter_with_its_points_errors_matrices_and_parts(tmp_path: Path) -> None:
    """From the search to files that compute; the points are those of the search."""
    asked = ("search", "correlation:4x3", "--ring", "q", "--rank", "6", "--solver", "evaluation")
    assert call(tmp_path, *asked, "--option", "points=0,1,-1,2,-2,inf").exit_code == 0
    shown = call(tmp_path, "show", "correlation:4x3:6")
    assert shown.exit_code == 0, shown.output
    line = next(line for line in shown.stdout.splitlines() if line.startswith("points"))
    assert sorted(line.removeprefix("points").replace(",", " ").split()) == sorted("0 1 -1 2 -2 inf".split())  # noqa: SIM905
    answer = call(tmp_path, "accuracy", "correlation:4x3:6", "--size", "16")
    assert answer.exit_code == 0, answer.output
    assert "points" in answer.stdout
    assert "torch.conv" in answer.stdout
    out = tmp_path / "f43.json"
    assert (
        call(tmp_path, "export", "scheme", "correlation:4x3:6", "--format", "winograd", "--out", str(out)).exit_code
        == 0
    )
    whole, arrays = json.loads(out.read_text()), np.load(tmp_path / "f43.npz")
    assert np.array(whole["BT"]).tolist() == arrays["BT"].tolist()
    code = call(tmp_path, "export", "code", "correlation:4x3:6", "--lang", "numpy", "--parts")
    assert code.exit_code == 0, code.output
    assert "def filter_transform(y):" in code.stdout

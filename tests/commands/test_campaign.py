"""The commands of `bilinear campaign`: a plan, a run, its standing, its picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main

PLAN = """\
format = 1
targets = ["2x2x2", "2x2x3"]
rings = ["f3"]
goal = "lower"

[[solver]]
solver = "composition"
moves = ["compose"]
steps = 1
"""


def ran(*words: object) -> Result:
    return CliRunner().invoke(main, ["campaign", *map(str, words)])


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "catalog"))
    path = tmp_path / "hunt.toml"
    path.write_text(PLAN)
    return path


def test_a_plan_is_written_run_and_told_of(plan: Path) -> None:
    assert ran("new", plan.with_name("new.toml")).exit_code == 0
    done = ran("run", plan, "--budget", "2steps", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["reason"] in ("budget", "finished")
    again = ran("status", plan, "--json")
    assert again.exit_code == 0
    standing = json.loads(again.stdout)
    assert (standing["running"], standing["tasks"]) == (False, told["tasks"])
    assert [row["target"] for row in standing["targets"]] == ["2x2x2", "2x2x3"]
    assert standing["targets"][0]["published"] == 7
    lines = ran("status", plan)
    assert "target  ring  here  published" in lines.stdout


def test_a_campaign_is_drawn(plan: Path, tmp_path: Path) -> None:
    nothing = CliRunner().invoke(main, ["plot", str(plan)])
    assert nothing.exit_code == 2
    assert "no task of this campaign is done; there is nothing to plot" in nothing.output
    lines = [
        {"event": "begun", "task": 0, "target": "matmul:2x2x3", "ring": "f3", "move": "fresh", "method": "x",
         "solver": "x", "options": {}, "seed": 0, "steps": 1, "rank": None, "starts": [], "before": 12, "at": 0.1},
        {"event": "done", "task": 0, "status": "budget", "cpu": 7200.0, "gain": 1.0, "rank": 11, "kept": [],
         "at": 1.0, "time": 1.0},
    ]  # fmt: skip
    plan.with_name("hunt.toml.journal").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for name in ("hunt.png", "hunt.svg"):
        drawn = CliRunner().invoke(main, ["plot", str(plan), "--out", str(tmp_path / name)])
        assert drawn.exit_code == 0, drawn.output
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "{missing}"), "No such file or directory"),
        (("run", "{plan}", "--jobs", "1000"), "--jobs 1000: this machine has"),
        (("run", "{plan}", "--budget", "soon"), "budget 'soon'"),
        (("run", "{plan}", "--cluster", "nowhere"), "--cluster nowhere: an address such as tcp://host:8786"),
        (("new", "{plan}"), "there is a file already; choose another name"),
    ],
)
def test_what_cannot_be_run_is_one_line(plan: Path, words: tuple[str, ...], expected: str) -> None:
    done = ran(*(word.format(plan=plan, missing=plan.with_name("no.toml")) for word in words))
    assert done.exit_code == 2
    assert expected in done.output
    assert "Traceback" not in done.output


def test_one_descent_is_no_work_for_several() -> None:
    done = CliRunner().invoke(main, ["refine", "2x2x2:7", "--jobs", "2"])
    assert done.exit_code == 2
    assert "least-squares is one descent" in done.output

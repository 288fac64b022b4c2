"""The picture of a campaign, and what its journal says of who found what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bilinear.cli import main
from bilinear.commands.pictures.campaign import by_gains, most
from bilinear.discover.campaign.ledger import Ledger, gains

OWN, FRESH = ("walker", "own"), ("composer", "fresh")


def task(
    number: int, target: str, finder: tuple[str, str], ranks: tuple[int | None, int | None]
) -> list[dict[str, Any]]:
    """The lines of a task that began at one rank and ended at another; at None if it found nothing."""
    before, rank = ranks
    method, move = finder
    return [
        {"event": "begun", "task": number, "target": target, "ring": "f3", "move": move, "method": method,
         "solver": "x", "options": {}, "seed": 0, "steps": 1, "rank": None, "starts": [], "before": before, "at": 0.1},
        {"event": "done", "task": number, "status": "budget", "cpu": 600.0, "gain": 0.0 if rank is None else 1.0,
         "rank": rank, "kept": [], "at": 1.0 + number, "time": 1.0e9 + number},
    ]  # fmt: skip


def lines() -> list[dict[str, Any]]:
    """Two tasks begin at 12 products; the second ends when the first has found 11 already."""
    first, second = task(0, "matmul:2x2x3", OWN, (12, 11)), task(1, "matmul:2x2x3", FRESH, (12, 10))
    others = task(2, "matmul:2x2x2", FRESH, (None, 8)) + task(3, "matmul:2x2x2", OWN, (8, None))
    return [first[0], second[0], first[1], second[1], *others]


def test_products_are_counted_once_and_by_whom() -> None:
    ledger = Ledger.of(lines())
    found = gains(ledger.falls)
    assert found == {("matmul:2x2x3", "f3"): {OWN: 1, FRESH: 1}, ("matmul:2x2x2", "f3"): {FRESH: 0}}
    assert [key for key, _ in most(found)] == [("matmul:2x2x3", "f3"), ("matmul:2x2x2", "f3")]
    assert by_gains(ledger.falls) == [FRESH, OWN]
    assert (ledger.finders[OWN].tasks, ledger.finders[OWN].gained, ledger.finders[FRESH].gained) == (2, 1, 2)
    assert ledger.accounts[("matmul:2x2x3", "f3")].finder == FRESH
    assert gains([]) == {}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "catalog"))
    path = tmp_path / "hunt.toml"
    path.write_text('format = 1\ntargets = ["2x2x2", "2x2x3"]\nrings = ["f3"]\ngoal = "lower"\n\n'
                    '[[solver]]\nsolver = "composition"\nmoves = ["compose"]\nsteps = 1\n')  # fmt: skip
    path.with_name("hunt.toml.journal").write_text("".join(f"{json.dumps(line)}\n" for line in lines()))
    return path


def test_status_says_who_found_what(plan: Path) -> None:
    told = CliRunner().invoke(main, ["campaign", "status", str(plan)]).stdout.splitlines()
    assert told[0].split()[-2:] == ["found", "by"]
    assert told[2].endswith("composer, fresh")
    assert told[4].startswith("solver, move")
    assert [line.split("  ")[0] for line in told[5:]] == ["composer, fresh", "walker, own"]
    found = json.loads(CliRunner().invoke(main, ["campaign", "status", str(plan), "--json"]).stdout)
    assert [row["found_by"] for row in found["targets"]] == [["composer", "fresh"], ["composer", "fresh"]]
    assert [(one["solver"], one["move"], one["improvements"]) for one in found["finders"]] == [(*FRESH, 2), (*OWN, 1)]


def test_progress_finders_and_gains_are_drawn(plan: Path) -> None:
    from PIL import Image

    drawn = CliRunner().invoke(main, ["plot", str(plan)])
    assert drawn.exit_code == 0, drawn.output
    with Image.open(plan.with_suffix(".png")) as image:
        assert image.width >= 150 * 3 * 6
    drawn = CliRunner().invoke(main, ["plot", str(plan), "--out", str(plan.with_suffix(".svg"))])
    assert "<!-- composer, fresh -->" in plan.with_suffix(".svg").read_text()

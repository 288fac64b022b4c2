"""The command `bilinear atlas`, on small sizes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main
from bilinear.decompositions.rules.recipe import from_json


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The command line with a catalog and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "catalog"))

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, ["atlas", *words])

    return call


def test_the_table_and_its_counts(run) -> None:  # type: ignore[no-untyped-def]
    shown = run("--upto", "4", "--ring", "zt")
    assert shown.exit_code == 0, shown.output
    head, *rows = shown.stdout.splitlines()
    assert head.split() == ["format", "found", "here", "with", "published", "tables", "how"]
    assert len(rows) == 10 + 2
    assert rows[0].split()[:4] == ["2x2x2", "7", "7", "7"]
    assert rows[-2].startswith("zt: 10 formats up to 4; of 10 in the tables of ")
    told = json.loads(run("--upto", "4", "--ring", "zt", "--json").stdout)
    assert told["counts"]["in_tables"] == 10
    assert told["counts"]["below"] + told["counts"]["at"] + told["counts"]["above"] == 10
    assert told["formats"][0]["sizes"] == [2, 2, 2]


def test_what_is_below_the_tables_comes_with_its_recipe(run) -> None:  # type: ignore[no-untyped-def]
    shown = run("--upto", "5", "--ring", "f2", "--below", "--json")
    told = json.loads(shown.stdout)
    assert len(told["formats"]) == told["counts"]["below"]
    for row in told["formats"]:
        recipe = from_json(row["recipe"])
        assert list(recipe.sizes) == row["sizes"]
        assert recipe.rank == row["rank"] < row["published"]
    lines = run("--upto", "5", "--ring", "f2", "--below").stdout
    assert lines.count("below the tables of") == told["counts"]["below"]
    assert "record" not in lines


def test_what_falls_if_a_leaf_falls(run) -> None:  # type: ignore[no-untyped-def]
    assert run("--upto", "4", "--ring", "zt", "--gains").stdout.startswith("leaf")
    told = json.loads(run("--upto", "4", "--ring", "zt", "--gains", "--json").stdout)
    assert {"format", "rank", "leaf", "formats", "products"} == set(told[0])
    assert told[0]["formats"] >= told[-1]["formats"]


@pytest.mark.parametrize(
    ("words", "text"),
    [(["--upto", "33"], "33 is not in the range 2<=x<=32"), (["--ring", "f4"], "unknown ring 'f4'")],
)
def test_wrong_use_is_told_in_one_line(run, words: list[str], text: str) -> None:  # type: ignore[no-untyped-def]
    done = run(*words)
    assert done.exit_code == 2
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1

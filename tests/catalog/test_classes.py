"""Classes of equivalent entries in a catalog, and what may be taken out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bilinear.catalog.classes import classes, equals, spare
from bilinear.catalog.store import SHIPPED, Catalog
from bilinear.cli import main
from bilinear.decompositions import parse_target, strassen
from bilinear.decompositions.equivalence import Verdict


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    """A user's catalog with the shipped 2x2x2 entries as the user's own."""
    shutil.copytree(SHIPPED / "matmul" / "2x2x2", tmp_path / "matmul" / "2x2x2")
    return Catalog(tmp_path, shipped=None)


def test_all_schemes_with_seven_products_are_one_class(mine: Catalog) -> None:
    groups = classes(mine, parse_target("2x2x2"))
    assert sorted((len(group.entries), group.entries[0].rank) for group in groups) == [(1, 8), (3, 7)]
    assert not any(group.undecided for group in groups)


def test_one_entry_of_a_class_stays_and_parents_stay(mine: Catalog) -> None:
    groups = classes(mine)
    gone = {listing.id for listing in spare(mine, groups)}
    kept = {listing.id for listing in mine} - gone
    assert any(name.startswith("2x2x2-r7") for name in kept)
    assert any(name.startswith("2x2x2-r8") for name in kept)
    assert gone


def test_shipped_entries_are_never_spare() -> None:
    shipped = Catalog(SHIPPED)
    groups = classes(Catalog("/nonexistent"), parse_target("2x2x2"))
    assert spare(shipped, groups) == []


def test_the_equals_of_a_scheme(mine: Catalog) -> None:
    found = list(equals(mine, strassen(), None))
    assert {verdict for _, verdict in found} == {Verdict.SAME}
    assert len(found) == 3
    own = found[0][0].id
    assert own not in [listing.id for listing, _ in equals(mine, strassen(), own)]


def test_the_command_names_the_classes_and_show_the_equals(mine: Catalog) -> None:
    runner, folder = CliRunner(), ["--catalog", str(mine.root)]
    shown = runner.invoke(main, ["show", "2x2x2-r7-zt-1d3e92ec", *folder])
    assert "equivalent to    2x2x2-r7-zt-" in shown.output
    answer = runner.invoke(main, ["catalog", "dedupe", "--target", "2x2x2", "--remove", *folder])
    assert answer.exit_code == 0, answer.output
    assert "4 schemes in 2 classes" in answer.output
    assert "equivalent: 2x2x2-r7-zt-" in answer.output
    assert "removed 2x2x2-r7-zt-" in answer.output
    again = runner.invoke(main, ["catalog", "dedupe", "--target", "2x2x2", *folder])
    assert answer.exit_code == again.exit_code == 0

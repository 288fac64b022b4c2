"""`bilinear lift`: from an entry or a file modulo 2 to the integers, kept with its parent, and found again."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.catalog import Catalog
from bilinear.cli import main
from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, standard, strassen, winograd
from bilinear.decompositions.formats import write


@pytest.fixture
def modulo_two(tmp_path: Path) -> Path:
    """Strassen's scheme modulo 2 as a file of another program, which tells neither the ring nor a sign."""
    scheme = strassen().to("f2")
    [(_, data)] = write(scheme, "flip-cpd-text").items()
    (tmp_path / "222-7-mod2.tensor.txt").write_bytes(data)
    return tmp_path / "222-7-mod2.tensor.txt"


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BILINEAR_CATALOG": str(home / "catalog")})


def test_a_file_is_lifted_kept_with_its_parent_and_found_again(modulo_two: Path, tmp_path: Path) -> None:
    answer = call(tmp_path, "lift", str(modulo_two), "--ring", "zt", "--seed", "3", "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["status"], found["scheme"]["ring"], found["scheme"]["rank"]) == ("found", "zt", 7)
    entry = Catalog(tmp_path / "catalog").scheme(found["id"]).entry
    [parent] = entry.lineage.parents
    assert Catalog(tmp_path / "catalog").scheme(parent).value.ring is Ring.F2
    again = call(tmp_path, "catalog", "replay", found["id"])
    assert (again.exit_code, again.stdout.startswith("found the same scheme: rank 7")) == (0, True)
    assert f"bilinear lift {parent[:16]} --ring zt --choices 8 --flips 40000 --seed 3" in again.stderr


def test_what_does_not_lift_ends_with_one(tmp_path: Path) -> None:
    answer = call(tmp_path, "lift", "4x4x5:60", "--ring", "q", "--choices", "1")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "does not lift: the first step has no solution, so no scheme modulo 4 reduces to this one" in answer.stderr
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("2x2x2:7",), "2x2x2 over zt: only schemes over f2 and f3 are lifted"),
        (("4x4x5:60", "--ring", "qi"), "lifting to qi is not offered; choose zt, z or q"),
        (("approximation:4x4x4:24",), "4x4x4: an approximation is not lifted; a scheme over f2 or f3 is needed"),
    ],
)
def test_what_cannot_be_lifted_is_refused(words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    answer = call(tmp_path, "lift", *words)
    assert answer.exit_code == 2
    assert reason in answer.stderr


def test_a_search_begins_at_a_file_and_keeps_it_as_the_parent(tmp_path: Path) -> None:
    [(_, data)] = write(winograd(), "perminov-text").items()
    (tmp_path / "winograd.txt").write_bytes(data)
    search = ("search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--start", str(tmp_path / "winograd.txt"))
    answer = call(tmp_path, *search, "--seed", "5", "--option", "jitter=0.3", "--json")
    assert answer.exit_code == 0, answer.output
    assert "read as perminov-text" in answer.stderr
    mine = Catalog(tmp_path / "catalog")
    [parent] = mine.scheme(json.loads(answer.stdout)["id"]).entry.lineage.parents
    assert parent == content_hash(winograd())
    assert mine.scheme(parent[:16]).value.rank == 7


def test_a_file_to_begin_at_holds_one_right_scheme(modulo_two: Path, tmp_path: Path) -> None:
    wrong = Scheme(strassen().target, Ring.F2, *(np.ones_like(factor) for factor in strassen().factors))
    [(_, data)] = write(wrong, "flip-cpd-text").items()
    (tmp_path / "wrong.txt").write_bytes(data)
    (tmp_path / "notes.md").write_text("nothing")
    for name, reason in (("wrong.txt", "not matmul:2x2x2 over"), ("notes.md", "notes.md: of no known format")):
        answer = call(tmp_path, "search", "2x2x2", "--ring", "f2", "--start", str(tmp_path / name))
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert reason in answer.stderr


def test_a_file_with_several_schemes_is_imported_first(tmp_path: Path) -> None:
    stored = {}
    for scheme in (strassen(), standard(parse_target("2x2x3"))):
        [(_, data)] = write(scheme, "alphatensor").items()
        with np.load(io.BytesIO(data), allow_pickle=True) as arrays:
            stored |= dict(arrays)
    np.savez(tmp_path / "several.npz", **stored)
    answer = call(tmp_path, "search", "2x2x2", "--start", str(tmp_path / "several.npz"))
    assert answer.exit_code == 2
    assert "several schemes in it; one is needed: bilinear import" in answer.stderr

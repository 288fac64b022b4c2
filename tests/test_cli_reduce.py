"""`bilinear reduce` as a user meets it."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear import Catalog, load
from bilinear.cli import main
from bilinear.decompositions import Ring, Scheme, content_hash, verify
from bilinear.decompositions.errors import SchemeError
from bilinear.discover.keep import Made, entry_of
from bilinear.discover.reduction import Reduction, replay


def call(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"BILINEAR_CATALOG": str(folder)})


def test_a_cut_is_kept_with_its_parent_and_replays(tmp_path: Path) -> None:
    answer = call(tmp_path, "reduce", "5x5x5:93", "--ring", "f2", "--cut", "n", "--tries", "1")
    assert answer.exit_code == 0, answer.output
    first, second = answer.stdout.splitlines()
    assert first.startswith("5x5x5:93 cut to 4x5x5:")
    assert int(first.split(":")[2].split()[0]) <= 81
    added = second.split()[1]
    again = call(tmp_path, "catalog", "replay", added)
    assert again.exit_code == 0, again.output
    assert "found the same scheme" in again.stdout
    shown = json.loads(call(tmp_path, "show", added, "--json").stdout)
    assert shown["provenance"]["command"].endswith("--ring f2 --cut n --tries 1 --seed 0")


def test_what_spans_less_is_reduced_and_told(tmp_path: Path) -> None:
    seven = load("2x2x2:7", "zt")
    first, last = seven.w.copy(), seven.w[:1] * 0
    last[0, np.flatnonzero(first[0])[0]] = first[0, np.flatnonzero(first[0])[0]]
    first[0] -= last[0]
    eight = Scheme(seven.target, Ring.ZT, np.r_[seven.u, seven.u[:1]], np.r_[seven.v, seven.v[:1]], np.r_[first, last])
    assert verify(eight).ok
    added = Catalog(tmp_path).add(entry_of(eight, Made("construction:test", ["show"])))
    answer = call(tmp_path, "reduce", added.id, "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["rank"], found["ring"], found["before"]["rank"]) == (7, "zt", 8)


def test_a_good_scheme_is_not_reducible(tmp_path: Path) -> None:
    answer = call(tmp_path, "reduce", "3x3x3:23")
    assert answer.exit_code == 1
    assert answer.stdout == "3x3x3:23 is not reducible over zt: no product can go\n"
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "none: no entry of that id"),
        (["2x2x2:7", "--ring", "qi"], "2x2x2 over qi: span reduction is offered over zt, z, q, f2 and f3"),
        (["2x2x2:7", "--ring", "f4"], "unknown ring 'f4'"),
        (["4x4x4-r47-f2-49f264e3", "--ring", "q"], "4x4x4 over f2: not a scheme over q; lift it instead"),
        (["2x2x2:7", "--cut", "n", "--cut", "n"], "cannot leave out n = 0"),
    ],
)
def test_what_cannot_be_reduced_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    answer = call(tmp_path, "reduce", *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_another_provenance_is_not_replayed() -> None:
    entry = entry_of(load("2x2x2:7", "zt"), Made("reduce", ["reduce"], seed=0, parameters={"cuts": "x"}))
    with pytest.raises(SchemeError, match="its provenance is none of reduce; it cannot be replayed"):
        replay(entry, load("2x2x2:7", "zt"))


def test_lines_are_drawn_by_the_seed() -> None:
    scheme = load("4x4x4:49", "zt")
    ways = [Reduction(Ring.ZT, "m", 3, seed).made_of(scheme) for seed in (4, 4)]
    assert len({content_hash(way) for way in ways}) == 1
    assert ways[0].ring is Ring.ZT
    assert verify(ways[0]).ok

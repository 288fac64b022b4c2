"""Ranks of others beside ours: files of schemes are proved, tables believed and shown so, junk told line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from entry_samples import entry_of, users_catalog, wrong_strassen
from hypothesis import given
from hypothesis import strategies as st

from bilinear.catalog import Catalog, CatalogError, dumps
from bilinear.catalog.comparison import Comparison, compare
from bilinear.catalog.tables import Table, read_table
from bilinear.cli import main
from bilinear.decompositions import Ring, parse_target, standard, strassen
from bilinear.decompositions.formats import write as exported
from bilinear.decompositions.formats.source import Source

SHIPPED = Catalog(Path("/nonexistent"))


def table(text: str, name: str = "table.txt", ring: Ring = Ring.Q) -> Table:
    return read_table(Source(name, text.encode()), ring)


def claims(text: str, name: str = "table.txt") -> list[tuple[str, str, int]]:
    found = table(text, name)
    assert not found.faults
    return [(claim.target, str(claim.ring), claim.rank) for claim in found.claims]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.txt", "2x3x4 20\n4x4x4:47 f2"),
        ("t.txt", "# formats and ranks\n\n<2,3,4> = 20 q\n(4,4,4): 47 over GF(2)\n"),
        ("t.md", "| format | rank | ring |\n|---|---|---|\n| 4x3x2 | 20 | q |\n| 4×4×4 | 47 | F2 |"),
        ("t.csv", "format,rank,ring\n2x3x4,20,\n4x4x4,47,z2\n"),
        ("t.csv", "n,m,p,q,f2\n3,2,4,20,\n4,4,4,,47\n"),
        ("t.tsv", "n\tm\tp\trank\tring\n2\t3\t4\t20\tq\n4\t4\t4\t47\tf2"),
        ("t.csv", "2,3,4,20\n4,4,4,47,f2\n"),
        ("t.json", '{"2x3x4": 20, "4x4x4": {"rank": 47, "ring": "F2"}}'),
        ("t.json", '{"records": [{"format": [2, 3, 4], "rank": {"q": 20}}, {"format": "4x4x4", "rank": {"f2": 47}}]}'),
        ("t.json", '{"2x3x4": {"ranks": {"Q": 20}}, "4x4x4": {"ranks": {"mod2": 47, "zt": null}}}'),
        ("t.json", '[{"n": 2, "m": 3, "p": 4, "rank": 20}, {"n": 4, "m": 4, "p": 4, "rank": "47", "field": "GF(2)"}]'),
    ],
)  # fmt: skip
def test_tables_of_several_shapes(name: str, text: str) -> None:
    assert claims(text, name) == [("2x3x4", "q", 20), ("4x4x4", "f2", 47)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2x2x2 6", "line 1: rank 6 of 2x2x2 over q is impossible: 7 is proven"),
        ("2x2x2 9", "rank 9 of 2x2x2; 1 to 8 make sense"),
        ("2x2 7", "line 1: no format and rank in '2x2 7'"),
        ("\n0x2x2 7", "line 2: 0x2x2: sizes of 1 to 1000"),
        ("2x2x2 7.5", "no format and rank"),
        ('{"2x2x2": "seven"}', "2x2x2: 'seven' is no whole number"),
        ('{"2x2x2": {"rank": 7, "ring": "octonions"}}', "'octonions' is no coefficient set: zt, z, q, qi, f2, f3"),
        ('{"2x2x2": {"f2_composed": 7}}', "'f2_composed' is no coefficient set"),
        ('[[2, 2, 2, true]]', "True is no whole number"),
        ('{"2x2x2": 7', "line 1: not JSON"),
        ("[" * 100_000, "JSON: nested too deeply"),
        ("format,rank\n2x2,7", "line 2: '2x2' is no format such as 2x3x4"),
        ("format,year\n2x2x2,1969", "line 2: no rank in it"),
    ],
)  # fmt: skip
def test_junk_is_one_line(text: str, words: str) -> None:
    found = table(text, "t.csv" if "," in text.partition("\n")[0] and text[0] not in "[{" else "t.txt")
    assert not found.claims
    (fault,) = found.faults
    assert words in fault
    assert "\n" not in fault


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("2x2x2"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["format", "rank", "ring", "n", "m", "p", "2x2x2", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.one_of(st.text(max_size=60), JSON.map(json.dumps)), st.sampled_from(["t.txt", "t.csv", "t.json"]))
def test_any_table_is_read_without_a_fault_of_ours(text: str, name: str) -> None:
    found = table(text, name)
    assert all("\n" not in fault for fault in found.faults)
    assert all(claim.rank >= 1 for claim in found.claims)


def verdicts(rows: list[Comparison]) -> dict[tuple[str, str], str]:
    return {(row.target, str(row.ring)): row.verdict for row in rows}


def test_who_is_ahead_is_said_per_format_and_set(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_text("3x3x3 22 q\n4x4x4 48 q\n4x4x4 49 f2\n17x17x17 2723\n2x2x2 7\nnothing 5\n")
    rows, faults = compare(SHIPPED, file)
    assert verdicts(rows) == {
        ("3x3x3", "q"): "theirs by 1",
        ("4x4x4", "q"): "equal",
        ("4x4x4", "f2"): "ours by 2",
        ("17x17x17", "q"): "only theirs",
        ("2x2x2", "q"): "equal",
    }
    assert rows[0].note.startswith("below the tables of 20")
    assert "record" not in rows[0].note
    assert rows[0].theirs.place == f"{file}: line 1"
    assert not rows[0].theirs.proved
    assert faults == [f"{file}: line 6: no format and rank in 'nothing 5'"]


def test_schemes_are_proved_and_count_over_larger_sets(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(exported(strassen(), "perminov-json")[""])
    (tmp_path / "wrong.json").write_bytes(dumps(entry_of(wrong_strassen())))
    (tmp_path / "t.csv").write_text("format,rank,ring\n2x2x2,8,q\n")
    mine = users_catalog(tmp_path / "mine")
    mine.add(entry_of(standard(parse_target("2x2x2"))))
    (folder := tmp_path / "theirs").mkdir()
    for name in ("s.json", "wrong.json", "t.csv"):
        (tmp_path / name).rename(folder / name)
    rows, faults = compare(mine, folder)
    assert verdicts(rows) == {("2x2x2", "zt"): "theirs by 1", ("2x2x2", "q"): "theirs by 1"}
    assert all(row.theirs.proved for row in rows)
    (fault,) = faults
    assert "wrong.json" in fault


def test_the_command_and_its_exit_codes(tmp_path: Path) -> None:
    run = CliRunner(env={"BILINEAR_CATALOG": str(tmp_path / "mine")})
    good, bad, junk = tmp_path / "good.txt", tmp_path / "bad.txt", tmp_path / "junk.txt"
    good.write_text("2x2x2 7\n")
    bad.write_text("2x2x2 7\n2x2x2 3\n")
    junk.write_text("no table at all, 12\n")
    assert run.invoke(main, ["catalog", "compare", str(good)]).exit_code == 0
    told = run.invoke(main, ["catalog", "compare", str(bad), "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["counts"] == {"theirs": 0, "only theirs": 0, "ours": 0, "equal": 1}
    assert len(json.loads(told.stdout)["faults"]) == 1
    assert run.invoke(main, ["catalog", "compare", str(junk)]).exit_code == 2
    missing = run.invoke(main, ["catalog", "compare", str(tmp_path / "nothing")])
    assert missing.exit_code == 2
    assert "no such file or folder" in missing.output
    assert run.invoke(main, ["catalog", "compare", str(good), "--ring", "r"]).exit_code == 2


def test_nothing_at_the_path_is_an_error() -> None:
    with pytest.raises(CatalogError, match="no such file or folder"):
        compare(SHIPPED, Path("/nowhere"))

"""One bad file among good ones: commands go on without it, name it once, and answer clearly when asked for it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_border_entries
import test_transform_entries
from click.testing import CliRunner, Result
from entry_samples import PROVENANCE, another_strassen, entry_of, file_scheme, strassen_entry

from bilinear.catalog import BadEntryWarning, Catalog, dumps, entry_from_approximation, layout, status
from bilinear.catalog.text import AnyEntry
from bilinear.cli import main
from bilinear.decompositions import Approximation, Scheme, parse_target, standard


def entries() -> list[AnyEntry]:
    near = Approximation(parse_target("1x1x1"), *(np.full((1, 1), 1.001),) * 3)
    return [
        strassen_entry(),
        entry_of(another_strassen(2)),
        entry_of(standard(parse_target("2x2x3")).to("q")),
        entry_of(file_scheme()),
        entry_from_approximation(near, PROVENANCE),
        test_border_entries.entry(),
        test_transform_entries.entry("hadamard", 4),
    ]


def write(root: Path, entry: AnyEntry) -> Path:
    path = root / layout.entry_folder(entry) / f"{layout.entry_stem(entry)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(entry))
    return path


def call(root: Path, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BILINEAR_CATALOG": str(root), "XDG_CACHE_HOME": str(root / "c")})


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogs without shipped entries, so that every command is quick."""
    monkeypatch.setattr(Catalog.__init__, "__defaults__", (None, None))


BAD: dict[str, bytes] = {
    "empty": b"",
    "lone surrogate as a key": b'{"format_version":1,"kind":"scheme","\\ud800":1}',
    "lone surrogate as a value": b'{"format_version":1,"kind":"\\ud800"}',
    "bad escape": b'{"format_version":1,"target":{"name":"\\q"}}',
    "control character": b'{"format_version":1,"kind":"sch\x01eme"}',
    "not UTF-8": b"\xff\xfe{",
}


def id_of(path: Path) -> str:
    return layout.identifier(Path(*path.parts[-3:-1]), path.stem)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", BAD)
def test_commands_go_on_without_a_bad_entry_and_name_it_once(name: str, tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    good = write(root, strassen_entry())
    bad = good.with_name("r6-zt-00000000.json")
    bad.write_bytes(BAD[name])
    for words in (
        ("catalog", "list", "--figures"),
        ("catalog", "status"),
        ("catalog", "dedupe"),
        ("catalog", "pareto", "2x2x2"),
        ("search", "4x4x4", "--rank", "49", "--solver", "composition", "--no-save"),
    ):
        answer = call(root, *words)
        assert answer.exit_code == 0, (words, answer.stderr)
        assert answer.stderr.count("warning: passed over: ") == 1, (words, answer.stderr)
        assert f"warning: passed over: {bad}: " in answer.stderr
        assert id_of(bad) not in answer.stdout
    asked = call(root, "show", id_of(bad))
    assert asked.exit_code == 2
    assert asked.stderr.startswith(f"error: {bad}: ")
    assert asked.stderr.count("\n") == 1
    assert call(root, "show", id_of(good)).exit_code == 0


@pytest.mark.usefixtures("alone")
def test_an_entry_that_is_the_same_is_looked_for_among_the_good_ones(tmp_path: Path) -> None:
    good = write(tmp_path, strassen_entry())
    other = write(tmp_path, entry_of(another_strassen(1)))
    bad = good.with_name("r7-zt-00000000.json")
    bad.write_bytes(b"{")
    answer = call(tmp_path, "show", id_of(good))
    assert answer.exit_code == 0
    assert answer.stderr == f"warning: passed over: {bad}: line 1: truncated or not JSON (expecting property name " + (
        "enclosed in double quotes); a whole JSON entry is needed\n"
    )
    assert id_of(other) in answer.stdout


@pytest.mark.usefixtures("alone")
def test_a_rank_is_served_from_the_next_entry_that_is_right(tmp_path: Path) -> None:
    wrong = json.loads(dumps(entry_of(another_strassen(1))))
    wrong["u"][0] = [[0, 1]]
    bad = write(tmp_path, strassen_entry())
    bad.write_text(json.dumps(wrong))
    alone = call(tmp_path, "show", "2x2x2:7")
    assert alone.exit_code in (1, 2)
    assert alone.stderr.count("\n") == 1
    assert alone.stderr.startswith(f"error: {bad}: ")
    good = write(tmp_path, entry_of(another_strassen(2)))
    answer = call(tmp_path, "show", "2x2x2:7")
    assert answer.exit_code == 0
    assert answer.stderr.count("warning: passed over: ") == 1
    assert f"warning: passed over: {bad}: " in answer.stderr
    assert json.loads(call(tmp_path, "show", "2x2x2:7", "--json").stdout)["hash"].startswith(good.stem[-8:])


def test_a_bad_file_does_not_cover_a_shipped_entry_of_its_name(tmp_path: Path) -> None:
    shipped = Catalog(tmp_path).find("3x3x3:23").path
    own = tmp_path / "matmul" / "3x3x3" / shipped.name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"")
    with pytest.warns(BadEntryWarning, match="truncated or not JSON"):
        assert Catalog(tmp_path).scheme("3x3x3:23").value.rank == 23


@pytest.mark.usefixtures("alone")
def test_many_bad_entries_are_counted(tmp_path: Path) -> None:
    good = write(tmp_path, strassen_entry())
    for digit in "123456789":
        good.with_name(f"r6-zt-0000000{digit}.json").write_bytes(b"")
    answer = call(tmp_path, "catalog", "status")
    assert answer.stderr.count("warning: passed over: ") == 6
    assert answer.stderr.endswith("warning: passed over: 4 more; bilinear catalog check lists all\n")


@pytest.mark.usefixtures("alone")
def test_a_bad_approximation_does_not_stand_before_a_good_one(tmp_path: Path) -> None:
    good = write(tmp_path, entries()[4])
    good.with_name("r1-approx-00000000.json").write_bytes(b"")
    answer = call(tmp_path, "show", "approximation:1x1x1:1")
    assert answer.exit_code == 0
    assert answer.stderr.count("warning: passed over: ") == 1


def test_status_counts_what_is_proved(tmp_path: Path) -> None:
    root = tmp_path / "matmul" / "3x3x3"
    root.mkdir(parents=True)
    (root / "r21-zt-00000000.json").write_bytes(b"")
    wrong = standard(parse_target("3x3x3"))
    wrong = Scheme(wrong.target, wrong.ring, wrong.u[:22], wrong.v[:22], wrong.w[:22])
    (root / f"r22-zt-{entry_of(wrong).hash[:8]}.json").write_bytes(dumps(entry_of(wrong)))
    with pytest.warns(BadEntryWarning) as told:
        rows = {(row.target, str(row.ring)): row for row in status(Catalog(tmp_path))}
    for words in ("r21-zt-00000000.json: line 1: truncated", "not matmul:3x3x3: "):
        assert sum(words in str(one.message) for one in told) == 1
    assert (rows["3x3x3", "zt"].here, rows["3x3x3", "zt"].verdict) == (23, "matched")


@pytest.mark.usefixtures("alone")
def test_check_lists_every_bad_file(tmp_path: Path) -> None:
    for entry in entries():
        write(tmp_path, entry)
    clean = call(tmp_path, "catalog", "check")
    assert (clean.exit_code, clean.stdout) == (0, "7 right, 0 bad\n")
    good = write(tmp_path, strassen_entry())
    good.with_name("r6-zt-00000000.json").write_bytes(b"")
    good.with_name("note.json").write_bytes(b"{}")
    wrong = good.with_name("r7-zt-11111111.json")
    wrong.write_bytes(good.read_bytes())
    odd = tmp_path / "matmul" / "\x1b[2J"
    odd.mkdir()
    (odd / good.name).write_bytes(good.read_bytes())
    found = call(tmp_path, "catalog", "check")
    assert found.exit_code == 1
    lines = found.stdout.splitlines()
    assert lines[-1] == "7 right, 4 bad"
    for text in (
        "r6-zt-00000000.json: line 1: truncated or not JSON",
        "note.json: name: no entry has such a name, or lies in such a folder",
        f"r7-zt-11111111.json: name: belongs to another entry; {good.stem}.json is needed",
        r"\x1b[2J/" + f"{good.name}: name: no entry has such a name",
    ):
        assert sum(text in line for line in lines) == 1
    as_json = json.loads(call(tmp_path, "catalog", "check", "--json").stdout)
    assert as_json["entries"] == 7
    assert len(as_json["bad"]) == 4
    assert as_json["bad"][0].keys() == {"path", "detail"}


VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 7, 10**30, -(10**30), 2**63, 2**53, 1.5, 1e308, "", "x", "\ud800", "\x1b[2J", "\0", "9" * 5000,
    "1" * 20, [], [[]], [[[0, 10**30]]], [[0, "9" * 2000]], {}, {"\ud800": 1}, {"name": "file:\ud800"},
    {"name": "matmul:0x0x0"}, {"name": "FILE:/etc/passwd"}, {"name": "file:/dev/zero"}, [10**9] * 3, "file:x", "1/0",
    "zeta0", "0" * 64,
)  # fmt: skip
TEXTS = (
    b"\\q",
    b"\\ud800",
    b"\x00",
    b"\x1b",
    b"\xff",
    b"9" * 40,
    b"[" * 3000,
    b'"',
    b"{",
    b"}",
    b"1e999999999",
    b"-",
    b"NaN",
    b",",
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """An entry with a value or a few bytes changed."""
    kind = rng.randrange(4)
    if kind == 0:
        start = rng.randrange(len(data))
        return data[:start] + rng.choice(TEXTS) + data[start + rng.randrange(8) :]
    if kind == 1:
        return data[: rng.randrange(len(data))]
    document = json.loads(data)
    for _ in range(rng.randint(1, 2)):
        node = document
        while True:
            key = rng.choice(sorted(node) if isinstance(node, dict) else range(len(node)))
            if not isinstance(node[key], dict | list) or not node[key] or rng.random() < 0.25:
                break
            node = node[key]
        if kind == 2 and isinstance(node, dict) and rng.random() < 0.3:
            node[rng.choice(["\ud800", "x", "\x1b", "imag", "denominators", "shape", "key"])] = rng.choice(VALUES)
        else:
            node[key] = rng.choice(VALUES)
    return json.dumps(document).encode()


def commands(path: Path, good: Path, other: Path) -> list[tuple[str, ...]]:
    bad, fine = id_of(path), id_of(good)
    return [
        ("catalog", "list"), ("catalog", "list", "--figures"), ("catalog", "list", "--json"), ("catalog", "status"),
        ("catalog", "check"), ("catalog", "dedupe"), ("catalog", "pareto", "2x2x2"), ("catalog", "diff", str(other)),
        ("catalog", "merge", str(other)), ("catalog", "add", str(path)), ("catalog", "replay", bad), ("show", bad),
        ("show", bad, "--json"), ("show", "2x2x2:7"), ("show", "2x2x3:12"), ("show", "approximation:1x1x1:1"),
        ("show", path.stem.rpartition("-")[2]), ("show", str(path)), ("verify", bad), ("verify", str(path)),
        ("export", "scheme", bad, "--format", "entry", "--out", str(other / "out.json")),
        ("export", "code", bad), ("export", "checker", bad), ("import", str(path)), ("transform", "list"),
        ("transform", "verify", bad), ("accuracy", fine, "--levels", "1", "--size", "16"), ("show", fine),
        ("search", "2x2x2", "--rank", "7", "--solver", "construction"),
        ("search", "4x4x4", "--rank", "49", "--solver", "composition"),
    ]  # fmt: skip


def assert_no_traceback(folder: Path, trials: int, each: int, seed: int) -> None:
    """Damage one of the entries, and call some of the commands, for each trial."""
    rng, samples = random.Random(seed), entries()
    for trial in range(trials):
        root, other = folder / str(trial), folder / f"{trial}-other"
        paths = [write(root, entry) for entry in samples]
        path, good = rng.sample(paths[:2] if rng.random() < 0.3 else paths, 2)
        good = paths[0] if path != paths[0] else paths[1]
        path.write_bytes(before := damaged(path.read_bytes(), rng))
        moved = other.joinpath(*path.parts[-3:])
        moved.parent.mkdir(parents=True)
        moved.write_bytes(before)
        for words in rng.sample(commands(path, good, other), each):
            answer = call(root, *words)
            shown = (words, before[:3000], answer.exception)
            assert answer.exception is None or isinstance(answer.exception, SystemExit), shown
            assert answer.exit_code in (0, 1, 2), shown
            assert "Traceback" not in answer.stderr, shown
            if answer.exit_code == 2:
                assert "error: " in answer.stderr or "unreadable: " in answer.stderr, shown
        assert call(root, "show", id_of(good)).exit_code == 0


@pytest.mark.usefixtures("alone")
def test_no_damage_ends_in_a_traceback(tmp_path: Path) -> None:
    assert_no_traceback(tmp_path, trials=60, each=5, seed=1)


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_much_damage_ends_in_no_traceback(tmp_path: Path) -> None:
    assert_no_traceback(tmp_path, trials=400, each=12, seed=2)

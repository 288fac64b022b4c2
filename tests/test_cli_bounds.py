"""Whatever is asked for, memory and time are bounded before they are taken, and what cannot be done is one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bilinear.catalog.convert import entry_from_scheme
from bilinear.catalog.entries import Lineage, Provenance
from bilinear.catalog.text import dumps
from bilinear.cli import main
from bilinear.decompositions import Scheme, strassen, verify

ENDLESS = "/dev/zero"
Bilinear = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bilinear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bilinear:
    """The command, with a catalog of its own: exit code, stdout, stderr."""
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "catalog"))

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["plot", ENDLESS], "/dev/zero: not a regular file"),
        (["plot", "."], "not a regular file"),
        (["convert", "m.safetensors", "--config", ENDLESS, "--out", "x"], "/dev/zero: not a regular file"),
        (["refine", "seed:random", "--target", "4x4x4", "--rank", "100000000"], "needs about"),
        (["refine", "2x2x2:7", "--rank", "100000000"], "needs about"),
        (["search", "1x1x9999999", "--budget", "3s"], "a side of 9999999 coordinates; at most 1048576 are held"),
        (["accuracy", "2x2x2:7", "--levels", "6", "--size", "16384"], "multiplications, 1e+13 at most"),
        (
            ["export", "layer", "2x2x2:7", "--in-features", "1000000000", "--out-features", "64", "--out", "x"],
            "STLLinear(1000000000 -> 64) needs about 1.0 TB",
        ),
        (["search", "2x2x2", "--rank", "99999999999999999999"], "2x2x2: a rank above 2147483647"),
        (
            ["search", "2x2x2", "--rank", "1000000", "--solver", "ternary-sgd"],
            "a batch of 16 starts for 2x2x2:1000000 over zt needs about",
        ),
        (
            ["search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--option", "noise=-1e308"],
            "option noise is '-1e308'; at most 1e+30 is held",
        ),
        (["search", "2x2x2", "--solver", "als", "--option", "ridge=nan"], "option ridge is 'nan'; at most 1e+30"),
    ],
    ids=lambda words: " ".join(words)[:60] if isinstance(words, list) else "",
)
def test_what_is_too_large_is_refused_in_one_line(bilinear: Bilinear, words: list[str], text: str) -> None:
    code, _, err = bilinear(*words)
    assert code == 2
    assert text in err
    assert err.startswith("error: ") or err.count("\n") <= 3
    assert err.count("error: ") == 1


def test_the_coordinates_of_a_small_entry_are_bounded(bilinear: Bilinear, tmp_path: Path) -> None:
    side = 2 * 10**7
    target = {"name": "file:x.npy", "shape": [side, 1, 1], "indices": [[0, 0, 0]], "values": [1], "key": "0" * 64}
    entry = json.loads(dumps(made(strassen()))) | {"target": target, "rank": 0, "u": [], "v": [], "w": []}
    path = tmp_path / "wide.json"
    path.write_text(json.dumps(entry))
    code, _, err = bilinear("verify", str(path))
    assert (code, "a side of 20000000 coordinates; at most 1048576 are held" in err) == (2, True)


# Metrics.

START = {"event": "start", "format": 1, "search": "2x2x2", "solver": "als", "seed": 0, "published": 7}
SLICE = {"event": "slice", "time": 1, "job": 0, "best_rank": 7}
HOSTILE = [
    [START, SLICE | {"time": 10**400}],
    [START, SLICE | {"time": 1e308}],
    [START, SLICE | {"best_rank": 10**400}],
    [START, SLICE | {"job": 10**30}],
    [START | {"published": "x"}, SLICE],
    [START | {"published": 10**400}, SLICE],
    [START | {"search": ["a"]}, SLICE],
    [START | {"seed": "x"}, SLICE],
    [START | {"resume": {}}, SLICE],
]


@pytest.mark.parametrize("lines", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_metrics_are_damaged_lines(bilinear: Bilinear, tmp_path: Path, lines: list[object]) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, _, err = bilinear("plot", str(path))
    assert (code, "is damaged, or no line of metrics" in err) == (2, True)


def test_names_in_metrics_are_no_formulas(bilinear: Bilinear, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "metrics.jsonl"
    names = {"search": r"$\frac{", "solver": "\x1b[31m" * 100}
    path.write_text("".join(json.dumps(line) + "\n" for line in (START | names, SLICE)))
    assert bilinear("plot", str(path))[0] == 0


# Entries with large coefficients, and with a provenance that leads nowhere.


def made(scheme: Scheme, solver: str = "als", parents: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
    """An entry of the scheme."""
    past = Provenance(solver=solver, seed=0, steps=1, version="0", command="bilinear search")
    return entry_from_scheme(scheme, past, Lineage(parents=parents))


def scaled(bits: int) -> Scheme:
    """Strassen's scheme with factors that cancel."""
    s, by = strassen(), 1 << bits
    return Scheme(s.target, "q", s.u.astype(object) * by, s.v, s.w, np.full(7, by, object))


def with_large_products(bits: int) -> Scheme:
    """Strassen's scheme and two large products that cancel one another."""
    s, one = strassen(), np.zeros((2, 4), object)
    one[:, 0] = 1
    large = one * np.array([[1 << bits], [-1 << bits]], object)
    return Scheme(s.target, "z", np.vstack([s.u, large]), np.vstack([s.v, one]), np.vstack([s.w, one]))


@pytest.mark.parametrize("make", [scaled, with_large_products])
@pytest.mark.parametrize("bits", [31, 64, 1000, 1030, 2000])
def test_large_coefficients_are_listed_and_refined(
    bilinear: Bilinear, tmp_path: Path, make: Callable[[int], Scheme], bits: int
) -> None:
    scheme = make(bits)
    assert verify(scheme).ok
    path = tmp_path / "large.json"
    path.write_bytes(dumps(made(scheme)))
    assert bilinear("catalog", "add", str(path))[0] == 0
    for words in (["catalog", "list", "2x2x2", "--figures"], ["catalog", "pareto", "2x2x2"]):
        assert bilinear(*words)[0] == 0
        code, out, _ = bilinear(*words, "--json")
        assert code == 0
        json.loads(out, parse_constant=lambda name: pytest.fail(name))
    fits = make is scaled or bits < 1000
    for words in (
        ["refine", str(path), "--no-save", "--steps", "2"],
        ["approximate", "2x2x2", "--ranks", "6", "--start", str(path), "--budget", "1steps", "--no-save"],
    ):
        code, _, err = bilinear(*words)
        assert code == 0 or (not fits and code == 2 and err.count("error: ") == 1)


@pytest.mark.parametrize("bits", [31, 1030])
def test_accuracy_of_large_coefficients(bilinear: Bilinear, tmp_path: Path, bits: int) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(dumps(made(with_large_products(bits) if bits < 100 else scaled(bits))))
    code, out, _ = bilinear("accuracy", str(path), "--levels", "1", "--size", "8", "--no-save", "--json")
    assert code == 0
    errors = {row["dtype"]: row["fast"] for row in json.loads(out)["errors"]}
    assert (errors["float16"] is None) == (bits == 31)
    assert errors["float64"] is not None


@pytest.mark.parametrize("solver", ["accuracy", "optimize"])
def test_a_replay_without_parents_is_refused(bilinear: Bilinear, tmp_path: Path, solver: str) -> None:
    path = tmp_path / "orphan.json"
    path.write_bytes(dumps(made(scaled(1), solver)))
    assert bilinear("catalog", "add", str(path))[0] == 0
    code, _, err = bilinear("catalog", "replay", str(path))
    assert (code, "no parent is named; it cannot be made of it again" in err) == (2, True)


# Streams.


@pytest.mark.parametrize(
    ("words", "redirection", "text"),
    [
        ("verify -", "<&-", "error: standard input: closed"),
        ("--help", ">/dev/full", "error: output: No space left on device"),
        ("catalog list", ">/dev/full", "No space left on device"),
    ],
)
def test_streams_that_are_closed_or_full(words: str, redirection: str, text: str, tmp_path: Path) -> None:
    environment = os.environ | {"BILINEAR_CATALOG": str(tmp_path)}
    line = f"{sys.executable} -m bilinear.cli {words} {redirection}"
    found = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment)
    assert found.returncode == 2
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1

"""The commands from beginning to end, on small sizes: tables, files, wrong usage, interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from examples.language import budgets, character_model, fine_tuning
from examples.language.text import TREEBANK
from examples.tables import Table, finished

ROOT = Path(__file__).parents[2]
TEXT = "the cat saw a dog .\nthe dog saw a cat .\n" * 30
CHARACTERS = ["--filters", "3", "3", "--hidden", "6", "--epochs", "1", "1", "1", "--dense-epochs", "1", "--batch", "4"]
TUNING = ["--width", "16", "--depth", "1", "--heads", "2", "--length", "16", "--pretrain", "2", "--steps", "2"]
BUDGETS = ["--width", "16", "--depth", "1", "--heads", "2", "--length", "16", "--steps", "2", "--windows", "4"]
Main = Callable[[], int]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "it.txt"
    path.write_text(TEXT)
    return path


def run(main: Main, monkeypatch: pytest.MonkeyPatch, *options: object) -> int:
    monkeypatch.setattr(sys, "argv", ["it", *map(str, options)])
    try:
        return main()
    except SystemExit as ended:
        return int(ended.code or 0)


def test_the_character_models_table(
    text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = text.with_suffix(".json")
    assert run(character_model.main, monkeypatch, "--text", text, "--shares", 1, "--json", path, *CHARACTERS) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith(f"{text}: 336, 42 and 42 words to train, validate and test; ")
    assert [line.split()[0] for line in lines[1:]] == ["model", "dense", "StrassenNets", "StrassenNets"]
    assert [line.split()[2] for line in lines[3:]] == ["no", "yes"]
    assert err == ""
    results = json.loads(path.read_text())["results"]
    assert [row["model"] for row in results["rows"]] == ["dense", "StrassenNets", "StrassenNets"]
    assert results["parameters"]["text"] == str(text)
    assert results["text"] == [lines[0]]


def test_the_treebank_by_its_own_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TREEBANK:
        (tmp_path / name).write_text(TEXT)
    assert run(character_model.main, monkeypatch, "--ptb", tmp_path, "--shares", 0.5, *CHARACTERS) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}: 420, 420 and 420 words")


def test_the_table_of_fine_tuning(
    text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = text.with_suffix(".json")
    options = ["--ranks", 24, 48, "--basis", "frozen", "learned", "--tokens", 64, "--json", path, *TUNING]
    assert run(fine_tuning.main, monkeypatch, "--text", text, *options) == 0
    rows = json.loads(path.read_text())["results"]["rows"]
    assert [(row["model"], row.get("basis")) for row in rows] == [
        ("dense", None),
        *((f"r={rank}", basis) for rank in (24, 48) for basis in ("frozen", "learned")),
    ]
    assert all(row["plain"] == again["plain"] for row, again in zip(rows[1::2], rows[2::2], strict=True))
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(rows)


def test_the_table_of_equal_budgets(
    text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = text.with_suffix(".json")
    assert run(budgets.main, monkeypatch, "--text", text, "--ranks", 24, "--seeds", 2, "--json", path, *BUDGETS) == 0
    results = json.loads(path.read_text())["results"]
    rows, of_seeds = results["rows"], results["means"]
    dense, everywhere, stl, *rest = rows[: len(of_seeds)]
    assert [row["seed"] for row in rows] == [0] * len(of_seeds) + [1] * len(of_seeds)
    assert (dense["flops"], everywhere["budget"], stl["model"]) == (1.0, "all places", "STL")
    assert [row["budget"] for row in rest] == [f"{what} of r=24" for what in ("flops", "flops", "parameters")]
    assert all(row["flops"] <= stl["flops"] for row in rest[:2])
    assert rest[2]["parameters"] <= stl["parameters"]
    assert [row["runs"] for row in of_seeds] == [2] * len(of_seeds)
    assert of_seeds[2]["equal steps"] == pytest.approx((stl["equal steps"] + rows[8]["equal steps"]) / 2)
    assert len(capsys.readouterr().out.splitlines()) == 4 + len(rows) + len(of_seeds)


def test_equal_budgets_go_on_where_they_ended(
    text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = text.with_suffix(".json")
    options = ["--text", text, "--ranks", 24, "--json", path, *BUDGETS]
    assert run(budgets.main, monkeypatch, *options, "--seeds", 1) == 0
    rows = json.loads(path.read_text())["results"]["rows"]
    assert run(budgets.main, monkeypatch, *options, "--seeds", 2, "--resume") == 0
    again = json.loads(path.read_text())["results"]["rows"]
    assert again[: len(rows)] == rows
    assert [row["seed"] for row in again[len(rows) :]] == [1] * len(rows)
    assert run(budgets.main, monkeypatch, *options, "--rate", 1, "--resume") == 2
    assert f"error: {path}: made with another --rate; give the same" in capsys.readouterr().err
    path.write_text("[]")
    assert run(budgets.main, monkeypatch, *options, "--resume") == 2
    assert f"error: {path}: no results of this command" in capsys.readouterr().err


def test_low_rank_layers_begin_with_the_variance_of_the_dense_one() -> None:
    torch.manual_seed(0)
    dense, x = torch.nn.Linear(256, 256, bias=False), torch.randn(512, 256)
    with torch.no_grad():
        assert budgets.low_rank(dense, 64)(x).var() == pytest.approx(float(dense(x).var()), rel=0.1)


@pytest.mark.parametrize(
    ("main", "options", "error"),
    [
        (character_model.main, ["--text", "nowhere.txt"], "error: nowhere.txt: No such file or directory; a text file"),
        (character_model.main, ["--ptb", "nowhere"], "error: nowhere/ptb.train.txt: No such file or directory"),
        (character_model.main, ["--ptb", "a", "--text", "b"], "not allowed with argument"),
        (character_model.main, ["--shares", "0"], "--shares and --rates must be above 0, --dropout from 0 to below 1"),
        (character_model.main, ["--hidden", "0"], "sizes must be at least 1"),
        (character_model.main, ["--longest", "3"], "error: filters of width 4 on words of 3 characters; give fewer"),
        (fine_tuning.main, ["--length", "30"], "--length must be a multiple of 4, so that no tile spans two windows"),
        (fine_tuning.main, ["--width", "10"], "error: width 10, depth 2, 4 heads; the width must be a multiple"),
        (fine_tuning.main, ["--ranks", "50", *TUNING], "50 of 49 products cannot be kept"),
        (fine_tuning.main, ["--init", "strasen", *TUNING], "did you mean 'strassen'"),
        (fine_tuning.main, ["--model", "nowhere.safetensors"], "error: nowhere.safetensors: "),
        (fine_tuning.main, ["--rate", "0"], "--rate and --pretrain-rate must be above 0"),
        (fine_tuning.main, ["--steps", "0"], "sizes and steps must be at least 1"),
        (budgets.main, ["--length", "30"], "--length must be a multiple of 4, so that no tile spans two windows"),
        (budgets.main, ["--width", "10"], "error: width 10, depth 2, 4 heads; the width must be a multiple"),
        (budgets.main, ["--resume"], "--resume needs --json, the file to go on with"),
        (budgets.main, ["--rate", "0"], "sizes and steps must be at least 1, --seed at least 0, --rate above 0"),
    ],
)
def test_wrong_usage(
    main: Main,
    options: list[str],
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(main, monkeypatch, *options) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert error in last


def test_an_interruption_keeps_the_rows_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, path = Table({"name": "6s", "figure": ">6.1f"}), tmp_path / "it.json"

    def interrupted() -> None:
        table.add(name="one", figure=1.25)
        signal.raise_signal(signal.SIGINT)
        table.add(name="two", figure=2.0)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored in the background
    try:
        assert finished(interrupted, lambda: table.rows, path) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    out, err = capsys.readouterr()
    assert out == "one        1.2\n"
    assert err == "interrupted; the table holds what was done before\n"
    assert json.loads(path.read_text())["results"] == [{"name": "one", "figure": 1.25}]


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert finished(lambda: None, list, tmp_path) == 2
    assert "Is a directory; choose another file" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "examples.language.character_model", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    assert "python -m examples.language.character_model" in answer.stdout

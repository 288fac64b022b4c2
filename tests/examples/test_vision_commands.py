"""The vision commands from their options to the table and the file."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.vision import stl, strassen_nets
from examples.vision.command import Experiment

ROOT = Path(__file__).parents[2]
TINY = ["--train", "50", "--seeds", "1"]
SMALL_STL = [*TINY, "--epochs", "1", "--width", "8", "--depth", "1", "--channels", "4"]
SMALL_NETS = [*TINY, "--epochs", "1", "1", "1", "--channels", "4"]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """The commands set torch's threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def written(main: Callable[[list[str]], int], options: list[str], path: Path) -> dict[str, Any]:
    pytest.importorskip("sklearn")
    assert main([*options, "--json", str(path)]) == 0
    found: dict[str, Any] = json.loads(path.read_text())
    assert found["machine"] == platform.node()
    results: dict[str, Any] = found["results"]
    return results


def test_stl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*SMALL_STL, "--seeds", "2", "--ranks", "16", "--inits", "random", "pruned-strassen"]
    results = written(stl.main, options, tmp_path / "out.json")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "digits: 50 images to train on, 1197 to test"
    assert len(lines) == 2 + 2 * 3
    assert printed.err == "", "no progress where no person looks"
    setups = [(run["setup"]["model"], run["setup"]["init"], run["seed"]) for run in results["runs"]]
    assert len(set(setups)) == len(setups) == 12
    of = {setup: run["accuracy"] for setup, run in zip(setups, results["runs"], strict=True)}
    gains = [of["vit", "pruned-strassen", seed] - of["vit", "random", seed] for seed in (0, 1)]
    row = results["table"][2]
    assert row["over random"].startswith(f"{sum(gains) / 2:+.2%} ± ")
    assert all(
        "over random" not in row or not row["over random"] for row in results["table"] if row["basis"] == "random"
    )
    assert results["settings"]["ranks"] == [16]


@pytest.mark.parametrize("option", ["--frozen-basis", "--sharing=model"])
def test_stl_with_fewer_bases_learns_fewer_numbers(option: str, tmp_path: Path) -> None:
    options = [*SMALL_STL, "--models", "vit", "--ranks", "49", "--inits", "strassen"]
    count = [
        written(stl.main, [*options, *more], tmp_path / "out.json")["runs"][1]["parameters"] for more in ([], [option])
    ]
    bases = 5 if option == "--frozen-basis" else 4
    assert count[0] - count[1] == bases * 2 * 49 * 16, "of five layers, each with an encoder and a decoder"


def test_strassen_nets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*SMALL_NETS, "--patches", "2", "--shares", "1"]
    results = written(strassen_nets.main, options, tmp_path / "out.json")
    assert len(capsys.readouterr().out.splitlines()) == 2 + 3
    dense, alone, taught = results["table"]
    assert dense["multiplications"] > alone["multiplications"] == taught["multiplications"]
    assert (alone["distilled"], taught["distilled"]) == ("no", "yes")
    phases = [run["accuracies"] for run in results["runs"]]
    assert [len(found) for found in phases] == [1, 3, 3]
    assert taught["by distillation"] == f"{phases[2][2] - phases[1][2]:+.2%}"
    assert alone["finished"] == f"{phases[1][2]:.2%}"


def test_an_interrupted_command_keeps_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def trainer(*given: Any) -> Callable[[stl.Setup, int], stl.Run]:
        train = stl.trainer(*given)

        def once(setup: stl.Setup, seed: int) -> stl.Run:
            if setup.init != "dense":
                raise KeyboardInterrupt
            return train(setup, seed)

        return once

    path = tmp_path / "out.json"
    experiment = Experiment(stl.COLUMNS, stl.setups, trainer, stl.rows)
    assert experiment.main(stl.arguments([*SMALL_STL, "--models", "vit", "--json", str(path)])) == 130
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 3
    assert "interrupted" in printed.err
    results = json.loads(path.read_text())["results"]
    assert [run["setup"]["init"] for run in results["runs"]] == ["dense"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--inits", "strasen"], "unknown initialisation 'strasen': did you mean 'strassen'"),
        (["--ranks", "50", "--inits", "pruned-strassen"], "50 of 49 products cannot be kept"),
        (["--inits", "catalog:2x2x2:7"], "tile 2x2x2 of rank 7; 4x4x4 of rank 16 was asked for"),
        (["--data", "cifar10:missing"], "missing/data_batch_1.bin: No such file or directory"),
        (["--json", "missing/out.json"], "missing/out.json: no folder for it; make missing"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stl.main([*SMALL_STL, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("main", "options", "said"),
    [
        (stl.main, ["--width", "10"], "10 is no multiple of 4"),
        (stl.main, ["--seeds", "0"], "0 is below 1"),
        (stl.main, ["--rate", "nan"], "nan is not a finite number above 0"),
        (strassen_nets.main, ["--teacher", "2"], "2 is not from 0 to 1"),
        (strassen_nets.main, ["--shares", "-1"], "-1 is not a finite number above 0"),
    ],
)
def test_options_out_of_their_bounds(
    main: Callable[[list[str]], int], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(options)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("module", ["stl", "strassen_nets"])
def test_from_the_shell(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"examples.vision.{module}", "--data", f"folder:{tmp_path}"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"error: {tmp_path}: 0 folders with pictures")

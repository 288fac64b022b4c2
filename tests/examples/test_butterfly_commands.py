"""The butterfly examples run, on the digits and on files like CIFAR-10's."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.butterfly.compression import cifar10, grey
from examples.butterfly.resnet_insertion import arguments, build
from examples.vision.data import load

SCRIPT = Path(__file__).parents[2] / "examples" / "butterfly" / "compression.py"
NAMES = ("dense", "butterfly", "monarch", "low rank", "dense, narrow")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    short = ["--epochs", "1", "--seeds", "2", "--hidden", "16"]
    return subprocess.run([sys.executable, str(SCRIPT), *short, *arguments], capture_output=True, text=True)


def write_cifar(folder: Path, label: int = 9) -> None:
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
        records = rng.integers(0, 256, (20, 3073), dtype=np.uint8)
        records[:, 0] = rng.integers(0, 10, 20)
        records[0, 0] = label
        (folder / name).write_bytes(records.tobytes())


def test_digits() -> None:
    pytest.importorskip("sklearn")
    answer = run()
    assert answer.returncode == 0, answer.stderr
    assert all(any(line.startswith(f"{name} ") for line in answer.stdout.splitlines()) for name in NAMES)


@pytest.mark.slow
def test_cifar(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    answer = run("--cifar10", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert "100 images to train on, 20 to test, 1024 pixels, 2 seeds" in answer.stdout


def test_files_that_are_not_cifars(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"data_batch_1\.bin: No such file or directory; the folder of"):
        cifar10(tmp_path)
    write_cifar(tmp_path, label=10)
    with pytest.raises(SystemExit, match="a label 10, the largest is 9"):
        cifar10(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"short")
    with pytest.raises(SystemExit, match="5 bytes, must be a multiple of 3073"):
        cifar10(tmp_path)


def test_grey_is_the_mean_of_the_channels() -> None:
    found = grey(np.repeat(np.array([30, 60, 120], dtype=np.uint8), 1024).reshape(1, 3, 32, 32))
    assert found.shape == (1, 1024)
    assert set(found.ravel()) == {70.0}


@pytest.mark.slow
def test_a_layer_before_the_classifier_of_a_resnet(tmp_path: Path) -> None:
    script, out = SCRIPT.with_name("resnet_insertion.py"), tmp_path / "runs.json"
    short = ["--epochs", "1", "--seeds", "2", "--train", "60", "--channels", "4", "--json", str(out)]
    answer = subprocess.run([sys.executable, str(script), *short], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    runs = {(run["setup"], run["seed"]): run["parameters"] for run in json.loads(out.read_text())["results"]["runs"]}
    assert set(runs) == {(name, seed) for name in ("none", "butterfly", "monarch", "dense") for seed in (0, 1)}
    assert runs["dense", 0] - runs["none", 0] == 8 * 8 + 8
    assert runs["butterfly", 0] - runs["none", 0] == 2 * 8 * 3 + 8


def test_the_inserted_layer_fits_resnet_18() -> None:
    images = load("digits", 8, 60)
    model = build("butterfly", images, arguments(["--resnet18"]), 0)
    assert model(images.x[:2].float()).shape == (2, 10)

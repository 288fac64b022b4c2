"""The compression example runs, on the digits and on files like CIFAR-10's."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.butterfly.compression import cifar10, cifar_file

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
    with pytest.raises(SystemExit, match="5 bytes, no multiple of 3073"):
        cifar10(tmp_path)


def test_grey_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    record = np.concatenate([[7], np.repeat([30, 60, 120], 1024)]).astype(np.uint8)
    (tmp_path / "one.bin").write_bytes(record.tobytes())
    grey, labels = cifar_file(tmp_path / "one.bin")
    assert grey.shape == (1, 1024)
    assert set(grey.ravel()) == {70.0}
    assert labels.tolist() == [7]

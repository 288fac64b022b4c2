"""Every benchmark runs on small sizes and writes what it promises."""

import json
import platform
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"
SHARED = {"machine.py", "products.py", "searches.py"}
"""What benchmarks import."""
ON_CUDA = {"gpu.py"}
SMALL = {
    "atlas.py": ["--upto", "3", "--ring", "f2"],
    "als.py": ["2x2x2:7:zt", "--successes", "1"],
    "approximations.py": ["2x2x2", "--ranks", "5,6", "--budget", "8steps"],
    "calibration.py": [
        "--ranks",
        "6",
        "--tile",
        "2",
        "--width",
        "16",
        "--depth",
        "1",
        "--length",
        "16",
        "--steps",
        "2",
        "--tokens",
        "64",
    ],
    "catalog_size.py": ["--count", "8", "--files", "2"],
    "cuts.py": ["8", "n", "--catalog", "{folder}"],
    "default_search.py": ["2x2x3", "--cpu", "1"],
    "butterfly.py": ["--sizes", "16", "--tokens", "2", "--budget", "0"],
    "fast_encoders.py": ["--cases", "strassen:2", "--sizes", "16", "--rounds", "1"],
    "fast_matmul.py": ["--sizes", "64", "37x41x50", "--rounds", "1"],
    "flip_graph.py": ["reach", "symmetric:2x2x2:7:zt", "--seeds", "2", "--cap", "20"],
    "generated_c.py": ["--schemes", "2x2x2:7", "--sizes", "64", "--count", "50", "--repeats", "1"],
    "gradient_transforms.py": ["--transforms", "dft", "--sizes", "4", "--budget", "5"],
    "importing.py": ["maple", "perminov-json", "--count", "3"],
    "parallel.py": ["simulation", "--simulated", "200", "--workers", "20", "--targets", "20"],
    "programs.py": ["2x2x2", "--budget", "1steps"],
    "layer_speed.py": ["--features", "16", "--ranks", "24", "--tokens", "4"],
    "page.py": ["--count", "16", "--yours"],
    "starts.py": ["--tile", "2", "--ranks", "6"],
    "stl_layer.py": ["--shapes", "32", "16x64x32", "--ranks", "7", "49", "--rounds", "1", "--plain"],
    "stl_training.py": ["--shapes", "32", "16x64x32", "--ranks", "7", "49", "--rounds", "1"],
    "ternary_sgd.py": ["2x2x2:7", "--recipes", "annealed", "--restarts", "32", "--successes", "1"],
    "transforms.py": ["--transforms", "dft", "circulant", "--sizes", "8", "16"],
    "verification.py": ["--most", "10", "--sizes", "9"],
    "winograd.py": ["--layers", "8x4", "--batches", "1", "--outputs", "2", "--rounds", "1", "--dtype", "bfloat16"],
}


def run(script: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, str(FOLDER / script), *(word.format(folder=path.parent) for word in SMALL[script])]
    command += ["--json", str(path)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    written: dict[str, Any] = json.loads(path.read_text())
    return written


LONG = {"als.py", "approximations.py", "butterfly.py", "calibration.py", "catalog_size.py", "fast_encoders.py"} | {
    "gradient_transforms.py",
    "fast_matmul.py",
    "page.py",
    "starts.py",
    "stl_layer.py",
    "ternary_sgd.py",
    "winograd.py",
}
"""More than three seconds, imports included."""


@pytest.mark.parametrize(
    "script", [pytest.param(one, marks=[pytest.mark.slow] * (one in LONG)) for one in sorted(SMALL)]
)
def test_a_benchmark_names_the_machine(script: str, tmp_path: Path) -> None:
    written = run(script, tmp_path / "result.json")
    assert written["machine"] == platform.node()
    assert {"processor", "cores", "versions", "results"} <= set(written)


def test_every_benchmark_is_tested() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} - SHARED - ON_CUDA == set(SMALL)


def test_the_gpus_benchmark_refuses_in_one_line_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / "gpu.py"), run_name="__main__")
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "gpu.py: torch sees no CUDA device here; run it where one is, or with --compile\n"


@pytest.mark.slow
def test_the_gpus_benchmark_compiles_for_a_hopper_chip(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    path = tmp_path / "compiled.json"
    subprocess.run([sys.executable, str(FOLDER / "gpu.py"), "--compile", "--json", str(path)], check=True)
    rows = json.loads(path.read_text())["results"]["rows"]
    assert len(rows) == 9
    assert all(row["spilled"] == 0 and 0 < row["registers"] < 255 for row in rows)

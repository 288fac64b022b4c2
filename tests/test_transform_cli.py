"""`bilinear transform` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main


def call(home: Path, *arguments: str) -> Result:
    environment = {"BILINEAR_CATALOG": str(home / "catalog"), "XDG_CACHE_HOME": str(home / "cache")}
    return CliRunner().invoke(main, ["transform", *arguments], env=environment)


def test_learn_proves_keeps_lists_and_verifies(tmp_path: Path) -> None:
    answer = call(tmp_path, "learn", "dct-II", "--size", "8", "--out", str(tmp_path / "out"))
    assert answer.exit_code == 0, answer.output
    for text in (
        "dct-ii, size 8: recovered: butterfly, block rank 2",
        "exact check over Q(zeta32): all 64 entries agree modulo 1 prime",
        "added to the catalog: transform-dct-ii-8-t",
    ):
        assert text in answer.output
    listed = json.loads(call(tmp_path, "list", "--json").stdout)
    assert [entry["id"].startswith("transform-dct-ii-8-") for entry in listed] == [True]
    for query in (str(tmp_path / "out" / "factors.npz"), str(tmp_path / "out" / "entry.json"), listed[0]["id"]):
        checked = call(tmp_path, "verify", query)
        assert checked.exit_code == 0, checked.output
        assert "is dct-ii:8: " in checked.output


def test_learn_as_json(tmp_path: Path) -> None:
    answer = call(tmp_path, "learn", "dft", "--size", "16", "--no-save", "--json")
    found = json.loads(answer.stdout)
    assert found["recovered"]
    assert found["block_rank"] == 1
    assert found["relative_error"] < 1e-15
    assert found["entry"] is None
    assert found["exact_operations"]["additions"] == 64
    assert not (tmp_path / "catalog").exists()


def test_not_recovered_is_exit_code_1(tmp_path: Path) -> None:
    answer = call(tmp_path, "learn", "randn", "--size", "16")
    assert answer.exit_code == 1
    assert "randn, size 16: not recovered" in answer.output
    assert "no exact proof: it is an approximation" in answer.output


def test_files_in_and_out(tmp_path: Path) -> None:
    matrix = tmp_path / "map.npy"
    np.save(matrix, np.fft.fft(np.eye(16)))
    assert call(tmp_path, "learn", f"file:{matrix}", "--out", str(tmp_path / "out")).exit_code == 0
    factors = str(tmp_path / "out" / "factors.npz")
    refused = call(tmp_path, "verify", factors)
    assert refused.exit_code == 2
    assert "give the matrix with --target file:PATH.npy" in refused.output
    assert call(tmp_path, "verify", factors, "--target", f"file:{matrix}").exit_code == 0
    assert call(tmp_path, "verify", factors, "--target", "hartley").exit_code == 1


def test_list_targets(tmp_path: Path) -> None:
    assert "circulant[:C0,C1,...]" in call(tmp_path, "list", "--targets").output
    usages = [family["usage"] for family in json.loads(call(tmp_path, "list", "--targets", "--json").stdout)]
    assert {"dft", "file:PATH.npy"} <= set(usages)


def test_compare_prints_a_table_and_draws(tmp_path: Path) -> None:
    answer = call(tmp_path, "compare", "hilbert", "randn", "--size", "16", "--plot", str(tmp_path / "c.png"))
    assert answer.exit_code == 0, answer.output
    assert "low rank" in answer.stdout.splitlines()[0]
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads(call(tmp_path, "compare", "hilbert", "--size", "32", "--json").stdout)
    assert [row["width"] for row in rows] == [1, 2, 4]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["learn", "dft"], "the size is missing"),
        (["learn", "dft", "--size", "0"], "size 0"),
        (["learn", "dft", "--size", "99999"], "at most 16384"),
        (["learn", "dft", "--size", "16384", "--solver", "gradient"], "64 trials of size 16384 needs about 8.6 TB"),
        (["learn", "dft", "--size", "1", "--solver", "gradient"], "dft: size 1"),
        (["learn", "dft", "--size", "12", "--solver", "gradient"], "size 12: gradients need a power of two"),
        (["encoders", "cyclic:8", "--ring", "f2"], "encoders are factored over q or qi only"),
        (["learn", "dtf", "--size", "8"], "did you mean 'dft'?"),
        (["learn", "file:none.npy"], "none.npy: No such file"),
        (["verify", "none.npz"], "none.npz: No such file"),
        (["verify", "none"], "no entry of that id"),
        (["compare", "--size", "16", "--plot", "c.gif"], "c.gif: plots are written as"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], text: str) -> None:
    answer = call(tmp_path, *arguments)
    assert answer.exit_code == 2
    assert text in answer.output
    assert answer.output.startswith("error: ")
    assert answer.output.count("\n") == 1


def test_learn_by_gradients(tmp_path: Path) -> None:
    learned = ["learn", "dft", "--size", "4", "--solver", "gradient", "--structure", "BP", "--trials", "4"]
    answer = call(tmp_path, *learned, "--out", str(tmp_path / "out"))
    assert answer.exit_code == 0, answer.output
    assert "dft, size 4: recovered by gradients: BP, untied blocks" in answer.output
    assert "finished trials of this structure succeeded" in answer.output
    assert "dft:4: relative error" in call(tmp_path, "verify", str(tmp_path / "out" / "factors.npz")).output
    found = json.loads(call(tmp_path, *learned, "--json").stdout)
    assert found["rmse"] <= 1e-4
    for wrong, text in ((["--real"], "real parameterisation"), (["--budget", "5steps"], "needs a time")):
        refused = call(tmp_path, *learned, *wrong)
        assert refused.exit_code == 2
        assert text in refused.output


def test_ctrl_c_keeps_the_best_and_a_checkpoint(tmp_path: Path) -> None:
    """A real process, interrupted once it works, then taken up again."""
    matrix, checkpoint = tmp_path / "map.npy", tmp_path / "state.npz"
    np.save(matrix, np.random.default_rng(0).normal(size=(16, 16)))
    learned = ["learn", f"file:{matrix}", "--solver", "gradient", "--structure", "B", "--trials", "4", "--json"]
    kept = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")]
    ready = "import bilinear.cli, bilinear.discover.transforms.gradient.trials as t, sys; f = t.Trials.train\n"
    told = "t.Trials.train = lambda *a: (print('working', file=sys.stderr, flush=True), f(*a))[1]\nbilinear.cli.main()"
    environment = os.environ | {"BILINEAR_CATALOG": str(tmp_path / "catalog"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", ready + told, "transform", *learned, *kept],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    answer, words = process.communicate(timeout=300)
    assert process.returncode == 130, words
    found = json.loads(answer)
    assert found["interrupted"]
    assert not found["recovered"]
    assert found["finished"] >= 1
    assert f"{checkpoint}: checkpoint; --resume goes on from it" in words
    assert (tmp_path / "out" / "factors.npz").is_file()
    again = call(tmp_path, *learned, *kept, "--resume", "--budget", "1s")
    assert again.exit_code == 1, again.output
    assert json.loads(again.stdout)["rmse"] <= found["rmse"]


def test_encoders_are_factored_and_counted(tmp_path: Path) -> None:
    assert "u        8x8    0 + 56  0 + 32   0 + 24    3" in call(tmp_path, "encoders", "cyclic:2^3").output
    found = json.loads(call(tmp_path, "encoders", "cyclic:8", "--ring", "qi", "--json").stdout)
    assert [each["name"] for each in found["encoders"]] == ["u", "v", "decoder"]
    assert all(each["program"] is None and each["relative_error"] < 1e-12 for each in found["encoders"])


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (np.ones((3, 4)), "shape (3, 4); a square matrix is needed"),
        (np.full((4, 4), np.inf), "entry [0,0] is not finite"),
        (np.fft.fft(np.eye(4)), "a complex matrix; a real parameterisation cannot hold it"),
    ],
)
def test_matrices_that_cannot_be_learned(tmp_path: Path, matrix: np.ndarray, text: str) -> None:
    np.save(tmp_path / "map.npy", matrix)
    answer = call(tmp_path, "learn", f"file:{tmp_path / 'map.npy'}", "--solver", "gradient", "--real")
    assert answer.exit_code == 2
    assert text in answer.output
    assert answer.output.count("\n") == 1


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("bilinear.discover.transforms.ordering.Ranks.of", False),
        ("bilinear.discover.transforms.proof.verify_transform", True),
    ],
)
def test_ctrl_c_in_the_hierarchical_solver(tmp_path: Path, place: str, kept: bool) -> None:
    """A real process, interrupted while it looks for orders, and while it proves what it has found."""
    owner, name = place.rsplit(".", 1)
    module = owner.removesuffix(".Ranks")
    holder = "m.Ranks" if owner != module else "m"
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in some backgrounds
    ready = f"{hear}import bilinear.cli, {module} as m, sys, time; f = {holder}.{name}\n"
    told = f"{holder}.{name} = lambda *a: (print('working', file=sys.stderr, flush=True), time.sleep(60), f(*a))[2]\n"
    learned = ["learn", "dct-II", "--size", "16", "--out", str(tmp_path / "out"), "--catalog", str(tmp_path / "cat")]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{ready}{told}bilinear.cli.main()", "transform", *learned],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    answer, words = process.communicate(timeout=60)
    assert process.returncode == 130, words
    written = [path.name for path in (tmp_path / "out").glob("*")]
    assert written == (["factors.npz"] if kept else [])
    assert words.splitlines()[-1] == ("interrupted: this is the best so far" if kept else "interrupted")
    assert ("no exact proof: the proof was interrupted" in answer) == kept

"""The command as a user meets it: output, exit codes, one clear line for each mistake."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main

FOUND = ("search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--budget", "120s")
COMMAND = [sys.executable, "-m", "bilinear.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folders, with one search done."""
    folder = tmp_path_factory.mktemp("home")
    found = call(folder, *FOUND)
    assert found.exit_code == 0, found.output
    return folder


def call(home: Path, *arguments: str, text: str | None = None) -> Result:
    """Run the command in this process, with its own home."""
    environment = {
        "BILINEAR_CATALOG": str(home / "catalog"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }
    return CliRunner().invoke(main, list(arguments), env=environment, input=text)


def entry_file(home: Path) -> Path:
    return next((home / "catalog" / "matmul" / "2x2x2").glob("*.json"))


def test_search_shows_proofs_factors_and_formulas(home: Path) -> None:
    answer = call(home, *FOUND)
    assert answer.exit_code == 0
    for text in (
        "2x2x2, rank 7 over zt",
        "exact check over Q: all 64 tensor entries agree",
        "symbolic check over Q: all 4 outputs expand to the map",
        "m7 = ",
        "c22 = ",
        "already in the catalog: 2x2x2-r7-zt-",
    ):
        assert text in answer.output


def test_search_exports_a_layer_and_compares_it(home: Path, tmp_path: Path) -> None:
    answer = call(home, *FOUND, "--export-layer", str(tmp_path / "layer"))
    assert answer.exit_code == 0
    last = answer.stdout.strip().splitlines()[-1]
    assert "largest relative error against torch.nn.Linear" in last
    assert float(last.rsplit(" ", 1)[1]) < 1e-5
    assert {path.name for path in (tmp_path / "layer").iterdir()} == {"config.json", "layer.safetensors"}


def test_search_as_json(home: Path) -> None:
    answer = call(home, *FOUND, "--json")
    found = json.loads(answer.stdout)
    assert found["status"] == "found"
    assert found["scheme"]["rank"] == 7
    assert len(found["scheme"]["u"]) == 7
    assert found["id"].startswith("2x2x2-r7-zt-")
    assert found["rejected"] == 0


def test_not_finding_is_exit_code_one(home: Path) -> None:
    answer = call(home, "search", "3x3x3", "--rank", "21", "--budget", "1steps", "--option", "restarts=16")
    assert answer.exit_code == 1
    assert "stopped at the budget; raise --budget, or try another --seed" in answer.stderr
    resumed = call(home, "search", "3x3x3", "--rank", "21", "--budget", "2steps", "--option", "restarts=16", "--resume")
    assert resumed.exit_code == 1


def test_any_order_of_the_sizes_is_served(home: Path) -> None:
    answer = call(home, "search", "3x2x2", "--rank", "12", "--solver", "construction", "--json")
    found = json.loads(answer.stdout)
    assert found["scheme"]["target"] == "matmul:3x2x2"
    assert found["notes"] == ["3x2x2 is searched as 2x2x3; the result is permuted back"]
    assert found["id"].startswith("2x2x3-r12-zt-")
    shown = call(home, "show", "2x3x2:12", "--json")
    assert json.loads(shown.stdout)["target"] == "matmul:2x3x2"
    assert "by a permutation" in json.loads(shown.stdout)["note"]


def test_show(home: Path) -> None:
    answer = call(home, "show", "2x2x2:7")
    for text in (
        "exponent         2.807355",
        "lower bound      7: ",
        "best published   7: ",
        "found by         bilinear",
    ):
        assert text in answer.output


def test_list_is_an_array_of_documented_keys(home: Path) -> None:
    listed = json.loads(call(home, "catalog", "list", "--json").stdout)
    assert {"id", "kind", "target", "ring", "rank"} <= set(listed[0])
    assert any(entry["target"] == "matmul:2x2x2" and entry["rank"] == 7 for entry in listed)
    one = json.loads(call(home, "catalog", "list", "--target", "2x2x2", "--json").stdout)
    assert {entry["target"] for entry in one} == {"matmul:2x2x2"}


def test_replay_finds_the_same_scheme(home: Path) -> None:
    identifier = json.loads(call(home, "catalog", "list", "--target", "2x2x2", "--json").stdout)[0]["id"]
    answer = call(home, "catalog", "replay", identifier, "--json")
    assert json.loads(answer.stdout)["same"] is True
    assert answer.exit_code == 0


@pytest.mark.parametrize("method", ["exact", "symbolic", "random", "numeric"])
def test_verify_by_every_method(home: Path, method: str) -> None:
    answer = call(home, "verify", "2x2x2:7", "--method", method, "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["ok"] is True


def test_verify_reads_files_and_standard_input(home: Path) -> None:
    path = entry_file(home)
    assert call(home, "verify", str(path)).exit_code == 0
    assert call(home, "verify", "-", text=path.read_text()).exit_code == 0


@pytest.mark.parametrize("method", ["exact", "symbolic", "random"])
@pytest.mark.parametrize("change", [2, 1 + 2**31 - 1, 1 + (2**61 - 1) * 3])
def test_a_changed_coefficient_is_exit_code_one(home: Path, tmp_path: Path, method: str, change: int) -> None:
    entry = json.loads(entry_file(home).read_text())
    value = entry["u"][0][0][1] * change
    entry["u"][0][0][1] = value if abs(value) < 2**53 else str(value)
    entry["ring"] = "z"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(entry))
    answer = call(home, "verify", str(broken), "--method", method)
    assert answer.exit_code == 1
    assert "is not matmul:2x2x2" in answer.output


def test_checker_proves_alone(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "checker.py"
    assert call(home, "export", "checker", "2x2x2:7", "--out", str(path)).exit_code == 0
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("proved: matmul:2x2x2 with 7 products")


def test_a_coq_file_needs_a_name_that_coqc_takes(home: Path, tmp_path: Path) -> None:
    refused = call(home, "export", "coq", "2x2x2:7", "--out", str(tmp_path / "2x2x2.v"))
    assert refused.exit_code == 2
    assert "2x2x2.v: coqc takes letters, digits and _ before .v; try proof.v" in refused.output
    path = tmp_path / "proof.v"
    assert call(home, "export", "coq", "2x2x2:7", "--program", "--out", str(path)).exit_code == 0
    assert "inputs output_program = 7%nat" in path.read_text()
    assert "length products = 7%nat" in call(home, "export", "coq", "2x2x2:7").output


def test_add_remove_merge_diff_and_path(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    added = call(home, "catalog", "add", str(entry_file(home)), "--catalog", str(other))
    assert ": added: 2x2x2-r7-zt-" in added.output
    again = call(home, "catalog", "add", str(entry_file(home)), "--catalog", str(other))
    assert ": duplicate: " in again.output
    same = json.loads(call(home, "catalog", "diff", str(other), "--json").stdout)
    assert same["only_there"] == []
    identifier = json.loads(call(home, "catalog", "list", "--target", "2x2x2", "--json").stdout)[0]["id"]
    assert call(home, "catalog", "remove", identifier, "--catalog", str(other)).exit_code == 0
    (home / "catalog" / "matmul" / "2x2x2" / "r7-zt-00000000.json").write_text("{")
    merged = call(home, "catalog", "merge", str(home / "catalog"), "--catalog", str(other), "--json")
    (home / "catalog" / "matmul" / "2x2x2" / "r7-zt-00000000.json").unlink()
    counts = json.loads(merged.stdout)
    assert (counts["wrong"], counts["unreadable"]) == (0, 1)
    assert counts["added"] >= 1
    assert merged.exit_code == 1
    assert call(home, "catalog", "path", "--catalog", str(other)).stdout.strip() == str(other)


def test_status_compares_with_what_is_published(home: Path) -> None:
    rows = json.loads(call(home, "catalog", "status", "--ring", "zt", "--json").stdout)
    row = next(row for row in rows if row["target"] == "2x2x2")
    assert (row["here"], row["published"], row["lower_bound"], row["verdict"]) == (7, 7, 7, "proven optimal")


WRONG_USES = [
    (["search", "2x2x2", "--rank", "0"], "2x2x2: rank 0; at least 1 product is needed"),
    (["search", "2x2x2", "--rank", "6"], "rank 6 is impossible, at least 7 products are needed: "),
    (["search", "2x2", "--rank", "3"], "matmul:2x2: 2 sizes given, three are needed: matmul:NxMxP"),
    (["search", "2xax2", "--rank", "3"], "'a' is not a whole number"),
    (["search", "0x2x2", "--rank", "3"], "a size is below 1"),
    (["search", "matmull:2x2x2", "--rank", "7"], "unknown target 'matmull': did you mean 'matmul'"),
    (["search", "2x2x2", "--rank", "7", "--solver", "ternary-sdg"], "did you mean 'ternary-sgd'"),
    (["search", "2x2x2", "--rank", "7", "--ring", "r"], "unknown ring 'r': known rings: zt, z, q, qi, f2, f3"),
    (["search", "2x2x2", "--rank", "7", "--budget", "soon"], "budget 'soon': a time or a number of steps is needed"),
    (["search", "2x2x2", "--rank", "7", "--jobs", "1000"], "--jobs 1000: this machine has"),
    (["search", "2x2x2", "--rank", "7", "--option", "speed"], "NAME=VALUE is needed"),
    (["search", "2x2x2", "--rank", "7", "--option", "speed=1"], "has no option 'speed'"),
    (["search", "2x2x2", "--rank", "7", "--start", "none"], "none: no entry of that id"),
    (["search", "2x2x2", "--rank", "seven"], "Invalid value for '--rank'"),
    (["search", "2x2x2", "--solver", "ternary-sgd"], "ternary-sgd needs a rank"),
    (["search", "3000x3000x3000", "--rank", "9000000"], "are available; choose a smaller size"),
    (["search", "64x64x64", "--rank", "200000"], "are available; choose a smaller size"),
    (["search", "file:none.npy", "--rank", "3"], "none.npy: No such file or directory"),
    (["search", "2x2x2", "--rank", "8", "--resume", "--seed", "77"], "no checkpoint of this search"),
    (["search"], "Missing argument 'TARGET'"),
    (["seek"], "No such command 'seek'"),
    (["verify", "2x2x2:7", "--method", "luck"], "unknown method 'luck'"),
    (["verify", "../../x"], "no id of an entry"),
    (["show", "../../x"], "no id of an entry"),
    (["show", "2x2x2:9"], "2x2x2:9: no scheme of that rank here; ranks here: "),
    (["catalog", "remove", "../x"], "no id of an entry"),
    (["catalog", "merge", "nowhere"], "nowhere: no such folder"),
    (["export", "layer", "2x2x2:7", "--in-features", "0", "--out-features", "4", "--out", "x"], "every size must be"),
]


@pytest.mark.parametrize(("arguments", "line"), WRONG_USES)
def test_wrong_use_is_one_clear_line_and_exit_code_two(home: Path, arguments: list[str], line: str) -> None:
    answer = call(home, *arguments)
    errors = [text for text in answer.stderr.splitlines() if text.startswith("error: ")]
    assert answer.exit_code == 2, answer.output
    assert len(errors) == 1
    assert line in errors[0]
    assert "Traceback" not in answer.output


def test_a_catalog_that_cannot_be_written_does_not_lose_the_scheme(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = str(tmp_path / "file" / "catalog")
    search = ("search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--seed", "8")
    answer = call(home, *search, "--catalog", folder)
    assert answer.exit_code == 2
    assert "m7 = " in answer.stdout
    [line] = [text for text in answer.stderr.splitlines() if text.startswith("error: ")]
    assert "cannot be written" in line


def mangled(home: Path, how: str) -> str:
    entry: dict[str, Any] = json.loads(entry_file(home).read_text())
    if how == "truncated":
        return entry_file(home).read_text()[:200]
    if how == "float":
        entry["u"][0][0][1] = 1.0
    if how == "nan":
        return entry_file(home).read_text().replace(",1]", ",NaN]", 1)
    if how == "wrong type":
        entry["rank"] = "seven"
    if how == "huge":
        entry["u"][0][0][1] = str(2**4097)
    if how == "not an entry":
        return "[]"
    return json.dumps(entry)


@pytest.mark.parametrize("how", ["truncated", "float", "nan", "wrong type", "huge", "not an entry"])
def test_a_bad_entry_is_one_clear_line_and_exit_code_two(home: Path, tmp_path: Path, how: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(mangled(home, how))
    for arguments in (["verify", str(path)], ["catalog", "add", str(path)], ["show", str(path)]):
        answer = call(home, *arguments)
        assert answer.exit_code == 2, answer.output
        assert answer.stderr.startswith(f"error: {path}: ")
        assert answer.stderr.count("\n") == 1


def test_help_answers_at_once() -> None:
    best = min(timed_help() for _ in range(3))
    assert best < 0.3


def timed_help() -> float:
    """CPU seconds of `bilinear --help`, start-up included: a busy machine does not count."""
    before = os.times()
    subprocess.run([*COMMAND, "--help"], check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("bilinear, version 0.")


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    if shutil.which("head") is None:
        pytest.skip("needs head")
    script = f"BILINEAR_CATALOG={home / 'catalog'} {sys.executable} -m bilinear.cli show 2x2x2:7 | head -1"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr


def test_interruption_keeps_a_checkpoint_and_resumes(tmp_path: Path) -> None:
    metrics = tmp_path / "run.jsonl"
    search = ["search", "3x3x3", "--rank", "21", "--option", "restarts=16", "--metrics", str(metrics)]
    arguments = [*search, "--budget", "300s"]
    environment = os.environ | {"BILINEAR_CATALOG": str(tmp_path / "c"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = subprocess.Popen([*COMMAND, *arguments], env=environment, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (metrics.exists() and '"steps"' in metrics.read_text()):
        time.sleep(0.1)
    process.send_signal(2)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; run again with --resume to go on" in errors
    assert "Traceback" not in errors
    assert list((tmp_path / "cache" / "bilinear" / "checkpoints").glob("*.npz"))
    resumed = subprocess.run(
        [*COMMAND, *arguments[:-1], "1steps", "--resume"], env=environment, capture_output=True, text=True, check=False
    )
    assert resumed.returncode == 1, resumed.stderr

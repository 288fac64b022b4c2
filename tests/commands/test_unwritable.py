"""What was found reaches the user, whatever cannot be written: folders that do not let us, and a full disk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main
from bilinear.decompositions import strassen
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import Verification
from bilinear.discover.engine import run
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import SOLVERS
from bilinear.discover.solvers.construction import Construction, ConstructionState

STRASSEN = ["search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--seed", "8"]
NO_END = ["search", "3x3x3", "--rank", "21", "--option", "restarts=16", "--budget", "1steps"]
REFINE = ["refine", "seed:random", "--target", "2x2x2", "--rank", "6", "--steps", "20"]
REFINE_BY_SOLVER = ["refine", "2x2x2:7", "--solver", "ternary-sgd", "--seed", "8"]
NEAREST = [
    *REFINE[:6],
    "--solver",
    "als",
    "--option",
    "approximate=true",
    "--option",
    "restarts=2",
    "--budget",
    "2000steps",
]
LEARN = ["transform", "learn", "dct-II", "--size", "4"]
GRADIENT = [*LEARN[:2], "dft", "--size", "4", "--solver", "gradient", "--structure", "BP", "--trials", "4"]
FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from bilinear.cli import main
main()
"""


@pytest.fixture
def locked(tmp_path: Path) -> dict[str, str]:
    """A home below a regular file, which not even root can write."""
    (tmp_path / "file").write_text("no folder")
    home = str(tmp_path / "file" / "home")
    return {"HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home, "BILINEAR_CATALOG": f"{home}/catalog"}


def call(environment: dict[str, str], *arguments: str) -> Result:
    answer = CliRunner().invoke(main, list(arguments), env=environment)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.output
    return answer


CASES = [
    (STRASSEN, 2, "m7 = "),
    (REFINE, 2, "residual"),
    (REFINE_BY_SOLVER, 2, "m7 = "),
    (NEAREST, 2, "residual"),
    (LEARN, 2, "recovered: butterfly"),
    (GRADIENT, 0, "recovered by gradients"),
]


@pytest.mark.parametrize(("arguments", "code", "printed"), CASES)
def test_a_home_that_cannot_be_written(locked: dict[str, str], arguments: list[str], code: int, printed: str) -> None:
    answer = call(locked, *arguments)
    assert answer.exit_code == code, answer.output
    assert printed in answer.stdout
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == (code == 2)
    assert all("cannot be written" in error for error in errors)


def test_as_json_too(locked: dict[str, str]) -> None:
    answer = call(locked, *STRASSEN, "--json")
    found = json.loads(answer.stdout)
    assert found["scheme"]["rank"] == 7
    assert "cannot be written" in found["unsaved"]
    assert json.loads(call(locked, *REFINE, "--json").stdout)["rank"] == 6
    assert json.loads(call(locked, *LEARN, "--json").stdout)["recovered"]


def test_a_search_without_an_end_says_what_it_could_not_keep(locked: dict[str, str]) -> None:
    answer = call(locked, *NO_END)
    assert answer.exit_code == 1
    assert "the checkpoint cannot be written" in answer.stderr


def test_factors_that_cannot_be_written_are_printed(locked: dict[str, str], tmp_path: Path) -> None:
    answer = call(locked, *LEARN, "--no-save", "--out", f"{locked['HOME']}/out")
    assert answer.exit_code == 2
    assert "recovered: butterfly" in answer.stdout


def full(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where no file can grow."""
    environment = os.environ | {
        "BILINEAR_CATALOG": str(tmp_path / "catalog"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    command = [sys.executable, "-c", FULL, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("arguments", "code", "printed"), [CASES[0], CASES[1], CASES[4]])
def test_a_full_disk(tmp_path: Path, arguments: list[str], code: int, printed: str) -> None:
    done = full(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert printed in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr


class Liar(Construction):
    """Writes down what is no scheme of 2x2x2."""

    def _scheme(self, target: Any) -> Scheme:
        right = strassen()
        return Scheme(right.target, right.ring, right.u, right.v, np.roll(right.w, 1, axis=0))

    def candidates(self, state: ConstructionState) -> Iterator[Scheme]:
        yield self._scheme(state.problem.target)

    def start(self, problem: Problem, rng: Any, starts: Any = ()) -> ConstructionState:
        return ConstructionState(problem)


@pytest.mark.parametrize("extra", [[], ["--json"], ["--no-save"]])
def test_a_search_whose_printed_proof_fails_is_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[str]
) -> None:
    """Were the check within the search to say yes to all: nothing is kept, nothing exported."""
    monkeypatch.setitem(SOLVERS._entries, "liar", f"{__name__}:Liar")
    monkeypatch.setattr(run, "verify", lambda scheme, **how: Verification(True, "exact", "Q", "believed", 0.0))
    layer = tmp_path / "layer"
    searched = ["search", "2x2x2", "--rank", "7", "--solver", "liar", "--export-layer", str(layer), *extra]
    answer = call({"BILINEAR_CATALOG": str(tmp_path / "catalog"), "XDG_CACHE_HOME": str(tmp_path)}, *searched)
    assert answer.exit_code == 1, answer.output
    assert "a proof of it fails" in answer.stderr
    assert not layer.exists()
    assert not list(tmp_path.rglob("*.json"))

"""Completion: in a real bash, and the values behind every argument and option."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from bilinear.cli import main
from bilinear.commands.completion import SHELLS
from bilinear.commands.words.guides import commands_of

ROOT = Path(__file__).parents[2]
PROGRAM = f"""#!{sys.executable}
import sys
from bilinear.cli import main
main(prog_name="bilinear")
"""


def offered(line: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> list[str]:
    """What is offered behind the words of a line, of which the last is not finished."""
    monkeypatch.setenv("BILINEAR_CATALOG", str(home))
    *words, last = line.split(" ")
    return [item.value for item in ShellComplete(main, {}, "bilinear", "_X").get_completions(words[1:], last)]


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("bilinear search 2x2x2 --solver flip", ["flip-graph", "flip-pool"]),
        ("bilinear search 2x2x2 --solver a", ["auto", "als"]),
        ("bilinear refine 2x2x2:7 --solver l", ["least-squares"]),
        ("bilinear search 2x2x2 --ring f", ["f2", "f3"]),
        ("bilinear search cy", ["cyclic:"]),
        ("bilinear search 2x2x3", ["2x2x3"]),
        ("bilinear search 2x2x2 --solver symmetric --option g", ["group="]),
        ("bilinear search 2x2x2 --option recip", ["recipe="]),
        ("bilinear search 2x2x2 --start seed:pruned", ["seed:pruned-strassen"]),
        ("bilinear show 2x2x2-r7-zt-1d", ["2x2x2-r7-zt-1d3e92ec"]),
        ("bilinear show 3x3x3:", ["3x3x3:23", "3x3x3:27"]),
        ("bilinear catalog replay 2x2x2-r7-zt-1d", ["2x2x2-r7-zt-1d3e92ec"]),
        ("bilinear export code 2x2x2:7 --lang ", ["c", "latex", "numpy", "python", "sympy", "torch", "triton"]),
        ("bilinear export scheme 2x2x2:7 --format ", ["entry", "maple", "npz"]),
        ("bilinear verify 2x2x2:7 --method s", ["symbolic"]),
        ("bilinear transform learn dct", ["dct-ii"]),
        ("bilinear transform learn dft --solver g", ["gradient"]),
        ("bilinear help flip", ["flip-graphs"]),
        ("bilinear solvers ter", ["ternary-sgd"]),
        ("bilinear completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_values_are_offered(line: str, some: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = offered(line, monkeypatch, tmp_path)
    assert set(some) <= set(found)
    assert all(value.startswith(line.split(" ")[-1]) for value in found)


def test_nothing_is_offered_where_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert offered("bilinear catalog replay nonsense:", monkeypatch, tmp_path) == []


def test_every_solver_ring_and_target_of_every_command_is_completed() -> None:
    """A parameter of these names that offers nothing was forgotten."""
    named = {"solver", "ring", "language", "options", "starts", "query", "target", "method", "ids"}
    for name, command in commands_of(main, "bilinear"):
        for one in command.params:
            if one.name in named:
                item = one.shell_complete(click.Context(command, info_name=name), "")
                assert item, f"{name}: {one.name}"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_every_shell(shell: str) -> None:
    answer = CliRunner().invoke(main, ["completion", shell])
    assert answer.exit_code == 0
    assert "_BILINEAR_COMPLETE=" in answer.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        ("bilinear sea", ["search"]),
        ("bilinear search 2x2x2 --ring=f", ["f2", "f3"]),
        ("bilinear show 3x3x3:2", ["23", "27"]),
        ("bilinear search cyclic:8 --solver compo", ["composition"]),
        ("bilinear search 2x2x2 --solver composition ", []),
    ],
)
def test_a_real_bash_completes(typed: str, replies: list[str], tmp_path: Path) -> None:
    program = tmp_path / "bilinear"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    script = (
        'eval "$(bilinear completion bash)"\n'
        'COMP_LINE="$1" COMP_POINT=${#1}\n'
        "compopt() { :; }\n"  # bash has it while it completes only
        '_bilinear_completion bilinear 2>&1\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        "complete -p bilinear\n"
    )
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    places = {"PATH": path, "PYTHONPATH": str(ROOT), "BILINEAR_CATALOG": str(tmp_path / "catalog")}
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", typed],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    *found, registered = done.stdout.splitlines()
    assert registered == "complete -o nosort -F _bilinear_completion bilinear"
    assert [value for value in found if value] == replies

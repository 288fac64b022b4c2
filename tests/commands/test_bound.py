"""The command `bilinear bound`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bilinear.cli import main


def test_strassen_is_proven_optimal_over_f2() -> None:
    answer = CliRunner().invoke(main, ["bound", "2x2x2", "--ring", "f2", "--json"])
    found = json.loads(answer.stdout)
    assert (answer.exit_code, found["bound"], found["exact"], found["open"]) == (0, 7, True, None)


def test_what_is_open_is_said() -> None:
    answer = CliRunner().invoke(main, ["bound", "cyclic:5", "--budget", "0.000001s"])
    assert answer.exit_code == 0
    assert answer.stdout.startswith("cyclic:5 over f2 needs at least 5 products: proven, ")
    assert "; whether 5 are enough is open: 0 of 1 spans were looked at" in answer.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["2x2x2", "--ring", "q"], "q: bounds are proved over f2 alone, and hold for zt and z too"),
        (["2x2x2", "--budget", "5steps"], "5steps: a time is needed, as in 60s"),
        (["9x9x9"], "9x9x9: a tensor of 81 by 81 by 81 is too large for looking at every span"),
    ],
)
def test_what_cannot_be_asked_is_refused(words: list[str], says: str) -> None:
    answer = CliRunner().invoke(main, ["bound", *words])
    assert answer.exit_code == 2
    assert says in answer.output

"""What there is: solvers, targets and formats, as people and programs read of them."""

import json

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main
from bilinear.decompositions.formats import FORMATS
from bilinear.decompositions.targets import TARGETS
from bilinear.discover.engine.solver import SOLVERS


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(("command", "registry"), [("solvers", SOLVERS), ("targets", TARGETS), ("formats", FORMATS)])
def test_everything_registered_is_listed(command: str, registry) -> None:
    found = json.loads(call(command, "--json").stdout)
    assert [one["name"] for one in found] == registry.names()
    lines = call(command).stdout.splitlines()
    assert [name for name in registry if not any(line.startswith(name) for line in lines)] == []


def test_one_solver_with_all_its_options() -> None:
    answer = call("solvers", "FLIP_graph")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("flip-graph: Walk the flip graph")
    assert "plus_min" in answer.stdout
    assert "source: " in answer.stdout
    options = json.loads(call("solvers", "flip-graph", "--json").stdout)["options"]
    assert {"name", "kind", "default", "purpose"} == set(options[0])


def test_an_unknown_solver_is_refused() -> None:
    answer = call("solvers", "flip-grph")
    assert answer.exit_code == 2
    assert "did you mean 'flip-graph'" in answer.stderr

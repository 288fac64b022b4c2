"""Solvers, targets and file formats of other packages: those of the guide, installed, and others that are at fault."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main
from bilinear.decompositions.formats import FORMATS
from bilinear.decompositions.targets import TARGETS
from bilinear.discover.engine.solver import SOLVERS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "solvers.md").read_text(encoding="utf-8")
MORE = """
import json

import numpy as np

from bilinear.decompositions.formats.draft import Draft
from bilinear.decompositions.formats.source import Format
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.targets.target import Family


def scalars(spec, family="scalars"):
    tensor = np.zeros((int(spec),) * 3, int)
    tensor[(np.arange(int(spec)),) * 3] = 1
    return from_dense(f"{family}:{spec}", tensor)


SCALARS = Family("scalars:N", "N products of numbers", scalars)
LIAR = Family("liar:N", "says that it is a matrix product", lambda spec: scalars(spec, "matmul"))


def write(scheme, extra):
    return {"": json.dumps({"tidy": [factor.tolist() for factor in scheme.factors]}).encode()}


TIDY = Format("tidy lists", lambda source: "tidy" in source.document, lambda source: iter(()), write)
"""
POINTS = """
[bilinear.solvers]
als = more:Mine
broken = no_such_module:Thing
faulty = broken_module:Thing
empty = more:SCALARS
[bilinear.targets]
scalars = more:SCALARS
liar = more:LIAR
wrong = more:TIDY
[bilinear.formats]
tidy = more:TIDY
wrong = more:SCALARS
nothing = more
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the guide, built and installed into a folder."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name, language in (("walk.py", "python"), ("pyproject.toml", "toml")):
        [text] = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
        (source / name).write_text(text, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder), str(source)], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a good target, a good format, and whatever can be wrong with what it adds."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "more.py").write_text(MORE, encoding="utf-8")
    (folder / "broken_module.py").write_text("raise RuntimeError('not today')\n", encoding="utf-8")
    facts = folder / "more-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    return folder


Call = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a catalog and a cache of its own; the registries ask anew what packages add."""
    monkeypatch.chdir(tmp_path)
    for registry in (SOLVERS, TARGETS, FORMATS):
        monkeypatch.setattr(registry, "_others", None)
    for variable, name in (("BILINEAR_CATALOG", "catalog"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def good(installed: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command in this process, with the package of the guide."""
    monkeypatch.syspath_prepend(installed)
    return call


@pytest.fixture
def here(faulty: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command in this process, with the package that is at fault."""
    monkeypatch.syspath_prepend(faulty)
    return call


def test_the_solver_of_the_guide_has_forty_lines() -> None:
    [text] = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert len([line for line in text.splitlines() if line.strip()]) <= 40


def test_an_installed_solver_is_known_by_name(good: Call) -> None:
    described = json.loads(good("solvers", "walk", "--json").stdout)
    assert described["purpose"].startswith("Flip pairs of products that share a factor")
    assert described["options"] == [
        {"name": "flips", "kind": "int", "default": "20000", "purpose": "Pairs tried in one step."}
    ]
    assert "walk" in SOLVERS.names()


def test_an_installed_solver_searches_in_jobs_and_its_entry_is_replayed(
    good: Call, installed: Path, home: Path
) -> None:
    """Jobs are processes that begin anew: they find the package by themselves."""
    search = [
        "search",
        "2x2x2",
        "--rank",
        "7",
        "--ring",
        "f2",
        "--solver",
        "walk",
        "--option",
        "flips=50",
        "--jobs",
        "2",
    ]
    path = os.pathsep.join(map(str, filter(None, [ROOT, installed, os.environ.get("PYTHONPATH")])))
    command = [sys.executable, "-m", "bilinear.cli", *search, "--json"]
    environment = os.environ | {"PYTHONPATH": path}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home, timeout=300)
    assert found.returncode == 0, found.stderr
    again = good("catalog", "replay", json.loads(found.stdout)["id"])
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith("found the same scheme: rank 7")
    assert "--solver walk" in again.stderr


def test_a_solver_is_found_where_it_lies(good: Call) -> None:
    search = ("search", "2x2x2", "--rank", "7", "--ring", "f2", "--solver", "walk:Walk", "--option", "flips=20")
    stopped = good(*search, "--budget", "2steps")
    assert (stopped.exit_code, stopped.stdout) == (1, "")
    found = good(*search, "--resume", "--json")
    assert found.exit_code == 0, found.stderr
    again = good("catalog", "replay", json.loads(found.stdout)["id"])
    assert again.exit_code == 0, again.stderr
    assert "--solver walk:Walk" in again.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module:Thing", "No module named 'no_such_module'; install its package, or put its folder on"),
        ("more:Nothing", "AttributeError: module 'more' has no attribute 'Nothing'; its package is at fault"),
        ("more:scalars", "is no dataclass; a frozen dataclass is needed, with start, advance, candidates, state_type"),
        ("more:Family", "no state_type; a frozen dataclass is needed"),
        ("broken", "solver 'broken', at 'no_such_module:Thing': cannot be loaded: ModuleNotFoundError"),
        ("faulty", "RuntimeError: not today; its package is at fault"),
    ],
)  # fmt: skip
def test_a_solver_at_fault_is_one_line(name: str, reason: str, here: Call) -> None:
    answer = here("solvers", name)
    assert answer.exit_code == 2
    assert reason in answer.stderr
    assert "Traceback" not in answer.stderr


def test_faulty_solvers_are_passed_over_in_the_list(here: Call) -> None:
    answer = here("solvers", "--json")
    names = [one["name"] for one in json.loads(answer.stdout)]
    assert names == sorted(names)
    assert not {"broken", "faulty", "empty"} & set(names)
    for reason in (
        "passed over: solver 'als', at 'more:Mine': the name is taken by bilinear.discover.solvers.als:Alternating",
        "passed over: solver 'broken', at 'no_such_module:Thing'",
        "passed over: solver 'faulty', at 'broken_module:Thing'",
        "passed over: solver 'empty': Family(",
    ):
        assert reason in answer.stderr


def test_a_target_of_another_package(here: Call, tmp_path: Path) -> None:
    listed = here("targets")
    assert "\nscalars:N " in listed.stdout
    assert "target 'wrong': Format(" in listed.stderr
    found = here("search", "scalars:2", "--rank", "2", "--solver", "construction", "--json")
    assert found.exit_code == 0, found.stderr
    name = json.loads(found.stdout)["id"]
    assert name.startswith("scalars-2-r2-zt-")
    assert "scalars:2, rank 2 over zt" in here("show", name).stdout
    written = here("export", "scheme", name, "--format", "tidy", "--out", "tidy.json")
    assert written.exit_code == 0, written.stderr
    assert json.loads((tmp_path / "tidy.json").read_text())["tidy"][0] in ([[1, 0], [0, 1]], [[0, 1], [1, 0]])


def test_a_target_that_takes_the_name_of_another_is_refused(here: Call) -> None:
    answer = here("search", "liar:2", "--rank", "2")
    assert answer.exit_code == 2
    assert "target 'liar': it builds 'matmul:2', whose name does not begin with its own" in answer.stderr


def test_a_format_of_another_package(here: Call, tmp_path: Path) -> None:
    (tmp_path / "tidy.json").write_text('{"tidy": []}')
    (tmp_path / "other.json").write_text('{"untidy": []}')
    known = here("import", "tidy.json", "--json")
    assert json.loads(known.stdout)["files"] == []
    answer = here("import", "other.json")
    assert "of no known format; known are" in answer.stderr
    assert "passed over: format 'nothing', at 'more': not of the form 'module:attribute'" in known.stderr
    assert "passed over: format 'wrong': Family(" in answer.stderr

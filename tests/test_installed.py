"""What a user installs: one import name, whatever files of like names lie in their own folder."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import bilinear

ROOT = Path(__file__).parents[1]
PARTS = ("catalog", "cli", "commands", "decompositions", "discover", "layers")
HOSTILE = 'raise RuntimeError("a file of the user was imported in place of the program")\n'


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, timeout=300)
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheel; what it depends on is taken from this one, without its `bilinear`."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=300)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with files of the names of all our parts."""
    for name in PARTS:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


def called(environment: Path, folder: Path, *words: str) -> str:
    """What a command of the environment prints, in that folder, with a catalog and a cache of its own."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    places = {"XDG_DATA_HOME": folder / "data", "XDG_CACHE_HOME": folder / "cache"}
    done = subprocess.run(
        [str(environment / "bin" / words[0]), *words[1:]],
        cwd=folder,
        env=variables | {name: str(place) for name, place in places.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_one_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"bilinear"}
    assert {
        "bilinear/cli.py",
        "bilinear/py.typed",
        "bilinear/catalog/records.json",
        "bilinear/docs/solvers.md",
        "bilinear/commands/site/templates/entry.html",
        "bilinear/commands/site/assets/verify.js",
    } <= set(names)
    assert len([name for name in names if name.startswith("bilinear/catalog/matmul/2x2x2/")]) > 0
    assert {Path(name).suffix for name in names if name.startswith("bilinear/docs/")} == {".md"}


def test_the_main_job_among_hostile_files(environment: Path, hostile: Path) -> None:
    search = ("bilinear", "search", "2x2x2", "--rank", "7", "--solver", "ternary-sgd", "--seed", "0", "--json")
    found = json.loads(called(environment, hostile, *search))
    assert (found["status"], found["scheme"]["rank"]) == ("found", 7)
    assert "rank 7" in called(environment, hostile, "bilinear", "show", "2x2x2:7")
    assert called(environment, hostile, "bilinear", "help", "catalog").startswith("# The catalog\n")
    layer = ("export", "layer", "2x2x2:7", "--in-features", "8", "--out-features", "4", "--out", "layer")
    assert "STL layer 8 -> 4" in called(environment, hostile, "bilinear", *layer)
    code = "import bilinear; print(bilinear.__file__, bilinear.verify(bilinear.strassen()).ok)"
    place, answer = called(environment, hostile, "python", "-c", code).split()
    assert Path(place).is_relative_to(environment)
    assert answer == "True"


def test_the_names_people_reach_for_first_need_no_torch() -> None:
    code = (
        "import sys, bilinear\n"
        "names = [getattr(bilinear, name) for name in bilinear.__all__]\n"
        "heavy = {'torch', 'numba', 'scipy', 'sympy', 'pydantic'} & set(sys.modules)\n"
        "print(len(names), heavy or 'nothing heavy')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [str(len(bilinear.__all__)), "nothing heavy\n"]
    with pytest.raises(AttributeError, match="module 'bilinear' has no attribute 'strasen'"):
        bilinear.strasen  # type: ignore[attr-defined] # noqa: B018


def bare(text: str) -> list[str]:
    """Imports of our parts under their bare names."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(node.module or "")
    return [name for name in found if name.split(".")[0] in PARTS]


def test_no_file_imports_a_bare_name() -> None:
    folders = (*PARTS[:1], *PARTS[2:], "benchmarks", "bilinear", "examples", "tests")
    files = [ROOT / "cli.py", *(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))]
    assert len(files) > 400
    assert {path: found for path in files if (found := bare(path.read_text(encoding="utf-8")))} == {}


def test_no_guide_imports_a_bare_name() -> None:
    line = re.compile(rf"^\W*(?:from|import) (?:{'|'.join(PARTS)})\b(?! is| are)", re.MULTILINE)
    for guide in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        assert line.findall(guide.read_text(encoding="utf-8")) == [], guide


def test_a_bare_name_is_seen() -> None:
    assert bare("import catalog.store\nfrom layers import x\nfrom bilinear.layers import y") == [
        "catalog.store",
        "layers",
    ]

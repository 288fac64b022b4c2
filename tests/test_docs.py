"""Every example in the guides runs and prints what it says."""

import doctest
import pkgutil
import re
import sys
import types
from pathlib import Path

import pytest

from bilinear.decompositions.formats import FORMATS
from bilinear.decompositions.targets import TARGETS
from bilinear.discover.engine.solver import SOLVERS

DOCS = Path(__file__).parents[1] / "docs"
README = Path(__file__).parents[1] / "README.md"
GUIDES = [path for path in (README, *sorted(DOCS.glob("*.md"))) if "```pycon" in path.read_text(encoding="utf-8")]


NAME = re.compile(r"(?<![\w/.-])bilinear(?:\.[A-Za-z_]\w*)+")


def missing(name: str) -> bool:
    """Whether a dotted name is neither a module nor what one holds."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return True
    return False


def test_every_dotted_name_of_the_guides_is_there() -> None:
    named = {name for path in (README, *DOCS.glob("*.md")) for name in NAME.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 30
    assert sorted(filter(missing, named - {registry.group for registry in (SOLVERS, TARGETS, FORMATS)})) == []
    assert missing("bilinear.discover.no_such_room")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_example_of_a_guide(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("guide")
    monkeypatch.setitem(sys.modules, "guide", module)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, guide.name, str(guide), 0)
    test.globs = module.__dict__
    assert len(test.examples) > 5
    report: list[str] = []
    assert doctest.DocTestRunner().run(test, out=report.append, clear_globs=False).failed == 0, "".join(report)

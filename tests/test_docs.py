"""Every example in the guides runs and prints what it says; every link leads somewhere; the site of them is built."""

import contextlib
import doctest
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
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
        with contextlib.suppress(ImportError):  # its parent is no package
            return importlib.util.find_spec(name) is None  # there, but it needs a package that need not be installed
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


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as GitHub and the site make them."""
    headings = re.findall(
        r"^#+ (.+)$", CODE.sub(lambda code: code[0].strip("`"), path.read_text("utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path, text: str) -> list[str]:
    """Links of a page that lead to no file here, or to no heading of it."""
    found = []
    for link in LINK.findall(CODE.sub("", text)):
        name, _, anchor = link.partition("#")
        path = page.parent / name if name else page
        if ":" not in link and not (path.is_file() and (not anchor or anchor in anchors(path))):
            found.append(link)
    return found


def test_every_link_between_the_guides_leads_somewhere() -> None:
    pages = (README, *sorted(DOCS.glob("*.md")))
    links = [link for page in pages for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))]
    assert len(links) > 60
    assert {page.name: broken(page, page.read_text(encoding="utf-8")) for page in pages} == {p.name: [] for p in pages}


def test_a_link_that_leads_nowhere_is_seen() -> None:
    text = "[a](cli.md) [b](no.md) [c](cli.md#search) [d](cli.md#no-such-thing) [e](https://x.org) `[f](g)`"
    assert broken(DOCS / "cli.md", text) == ["no.md", "cli.md#no-such-thing"]


def test_the_site_has_every_guide() -> None:
    entries = re.findall(r"^   ([\w-]+)$", (DOCS / "index.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(entries) == sorted([*(path.stem for path in DOCS.glob("*.md")), "commands", "api"])


@pytest.mark.slow
def test_the_site_is_built_and_fetches_nothing(tmp_path: Path) -> None:
    """As by `make docs`, where every warning, such as a link that leads nowhere, ends the build."""
    docs, site = tmp_path / "docs", tmp_path / "site"
    shutil.copytree(DOCS, docs)
    build = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", str(tmp_path / "read"), str(docs), str(site)]
    paths = os.environ | {"PYTHONPATH": str(DOCS.parent)}
    done = subprocess.run(build, env=paths, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert set(pages) >= {f"{path.stem}.html" for path in DOCS.glob("*.md")} | {"index.html", "search.html"}
    assert 'id="bilinear-catalog-pareto"' in pages["commands.html"]
    assert "A rank-r decomposition of a bilinear map" in pages["api/decompositions.html"]
    fetched = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=.https?:|<link[^>]*\shref=.https?:", re.IGNORECASE)
    assert {name for name, text in pages.items() if fetched.search(text)} == set()
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [style for style in styles if re.search(r"url\(.?https?:|@import", style)] == []
    (docs / "cli.md").write_text("# The command\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    done = subprocess.run(build, env=paths, capture_output=True, text=True, timeout=1200)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr

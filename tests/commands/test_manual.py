"""`bilinear help`: guides, commands, and pages that man and groff take."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.cli import main
from bilinear.commands.words.guides import commands_of, guides

DOCS = Path(__file__).parents[2] / "docs"


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), prog_name="bilinear")


def test_every_guide_is_listed_with_its_title_and_shown() -> None:
    listed = call("help").stdout
    assert set(guides()) == {path.stem for path in DOCS.glob("*.md")}
    for name, path in guides().items():
        assert f"\n{name} " in f"\n{listed}"
        assert call("help", name).stdout == path.read_text(encoding="utf-8")
    assert "Other programs' files" in listed
    assert call("help", "cli.md").stdout == call("help", "cli").stdout


def test_a_command_is_shown_where_no_guide_has_its_name() -> None:
    assert call("help", "search").stdout == call("search", "--help").stdout
    assert call("help", "catalog", "list").stdout == call("catalog", "list", "--help").stdout


def test_an_unknown_topic_is_one_line() -> None:
    for words, hint in ((("flip-grahps",), "did you mean 'flip-graphs'?"), (("catalog", "lst"), "bilinear help lists")):
        answer = call("help", *words)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert "no such guide or command" in answer.stderr
        assert hint in answer.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind")
def test_a_terminal_shows_a_guide_without_its_marks() -> None:
    import pty

    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "bilinear.cli", "help", "formats"]
    with subprocess.Popen(words, stdout=theirs, env=os.environ | {"PAGER": "cat", "TERM": "xterm"}) as running:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # a terminal whose other end is closed
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
    os.close(ours)
    assert running.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert text.lstrip().startswith("Other programs' files")
    assert "```" not in text


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    answer = call("help", "--man", str(folder))
    assert answer.exit_code == 0, answer.output
    return folder / "man1"


def test_every_command_has_a_page_with_every_option(pages: Path) -> None:
    every = dict(commands_of(main, "bilinear"))
    assert {path.stem for path in pages.iterdir()} == {name.replace(" ", "-") for name in every}
    for name, command in every.items():
        text = (pages / f"{name.replace(' ', '-')}.1").read_text()
        for one in command.params:
            for option in one.opts if one.param_type_name == "option" else ():
                assert option.replace("-", "\\-") in text, (name, option)


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_groff_takes_every_page_without_a_warning(pages: Path) -> None:
    words = ["groff", "-man", "-Tascii", "-ww", "-P-c", *map(str, sorted(pages.iterdir()))]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    assert "bilinear-catalog-list - List the entries, yours and the shipped ones" in " ".join(done.stdout.split())

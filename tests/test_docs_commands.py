"""Every command of the guides is one that there is, and those in blocks run as they stand.

A block of commands is run whole, in the order of its guide. Its first line says where it is not: `usage` for how a
command is written, with placeholders; `console not run: REASON` for what needs a machine, data or hours beyond a test.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bilinear.cli import main
from bilinear.decompositions import strassen
from bilinear.decompositions.formats import write

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ )?((?:bilinear|make|pip|python3?|eval) .*)$", re.MULTILINE)
INLINE = re.compile(r"`(bilinear [a-z][^`]*)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
PROGRAM = re.compile(r"`[^`]*?python3? (?:-m )?((?:benchmarks|examples)[/.][\w/.]+)")
REASONS = re.compile(r"installs|trains|start-up file|data of others|cluster|cores|GPU|browser")
QUICK = (
    "catalog list",
    "catalog status",
    "export checker",
    "export code",
    "export coq",
    "formats",
    "help",
    "show",
    "solvers",
    "targets",
    "verify",
)
"""What is run by every test run, in this process; the rest by `make test-all`, in a shell."""
BUDGET = re.compile(r"--budget [0-9.]+[smh]")


@dataclass(frozen=True)
class Block:
    """Commands of one fence.

    Attributes:
        page: The guide.
        info: What stands behind the marks that open it.
        text: All of it.
    """

    page: Path
    info: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its commands, without comments and with their continuations."""
        found = COMMAND.findall(self.text.replace("\\\n", " "))
        return [re.sub(r"\s+#\s.*", "", command).strip() for command in found]

    @property
    def is_run(self) -> bool:
        return self.info in ("", "console")


def blocks() -> list[Block]:
    found = [Block(page, *match) for page in PAGES for match in FENCE.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if block.commands and block.info not in ("python", "pycon", "toml", "json")]


def parts(command: str) -> list[list[str]]:
    """The calls of `bilinear` on a line of a shell, each as its words."""
    found = re.findall(r"(?:^|&& |\$\()bilinear ([^&|<>)]*)", command)
    return [shlex.split(text.replace('"', "'") if text.count('"') % 2 else text) for text in found]


def named(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the rest of them."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_the_guides_have_blocks_of_every_kind() -> None:
    kinds = {block.info.split(":")[0] for block in blocks()}
    assert kinds == {"", "console", "usage", "console not run"}
    assert sum(len(block.commands) for block in blocks() if block.is_run) > 40
    for block in blocks():
        if "not run" in block.info:
            assert REASONS.search(block.info), block.info


RUN = [(block.page.name, command) for block in blocks() if block.info != "usage" for command in block.commands]


@pytest.mark.parametrize(("page", "command"), RUN)
def test_every_command_of_a_block_is_understood(page: str, command: str) -> None:
    for words in parts(command):
        found, rest = named(words)
        assert not isinstance(found, click.Group), f"{page}: {command}"
        found.make_context("bilinear", list(rest)).close()


def test_every_command_within_the_text_has_the_options_it_is_shown_with() -> None:
    shown = [(page, text) for page in PAGES for text in INLINE.findall(page.read_text(encoding="utf-8"))]
    shown += [(block.page, command) for block in blocks() if block.info == "usage" for command in block.commands]
    assert len(shown) > 40
    for page, text in shown:
        command, rest = named(text.replace("[", " ").replace("]", " ").split()[1:])
        if isinstance(command, click.Group):
            assert not rest or rest[0] in ("...", "-h"), f"{page.name}: {text}"
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
        assert set(OPTION.findall(text)) <= known, f"{page.name}: {text}"


def test_an_option_that_is_not_there_is_seen() -> None:
    command, _ = named(["seeds", "4x4x4"])
    assert "--out" not in {option for one in command.params for option in one.opts}
    with pytest.raises(click.UsageError):
        command.make_context("seeds", ["4x4x4", "--ranks", "7", "--out", "x.png"])


def test_every_program_that_the_guides_name_is_there() -> None:
    found = [text for page in PAGES for text in PROGRAM.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 10
    for text in found:
        path = ROOT / (text if text.endswith(".py") else f"{text.replace('.', '/')}.py")
        assert path.is_file(), text


def quick(page: Path) -> list[list[str]]:
    every = [words for block in blocks() if block.page == page and block.is_run for words in map(parts, block.commands)]
    return [words for line in every for words in line if " ".join(words).startswith(QUICK)]


@pytest.mark.parametrize("page", [page for page in PAGES if quick(page)], ids=lambda page: page.name)
def test_the_quick_commands_of_a_guide(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "catalog"))
    for words in quick(page):
        answer = CliRunner().invoke(main, words, prog_name="bilinear")
        assert answer.exit_code == 0, f"bilinear {shlex.join(words)}: {answer.output[-500:]}"


SCRIPT = f"""#!{sys.executable}
from bilinear.cli import main
if __name__ == "__main__":
    main(prog_name="bilinear")
"""


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """Variables of a user with the program, a catalog of one's own, and a folder with a file of another program."""
    program = tmp_path / "bin" / "bilinear"
    program.parent.mkdir()
    program.write_text(SCRIPT)
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]))
    places = {"BILINEAR_CATALOG": tmp_path / "catalog", "XDG_CACHE_HOME": tmp_path / "cache"}
    places |= {"XDG_CONFIG_HOME": tmp_path / "config", "MPLCONFIGDIR": tmp_path / "matplotlib"}
    return (
        os.environ
        | {"PATH": path, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
        | {name: str(place) for name, place in places.items()}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.page == page and block.is_run for block in blocks())],
    ids=lambda page: page.name,
)
def test_all_commands_of_a_guide_in_a_shell(page: Path, tmp_path: Path, shell: dict[str, str]) -> None:
    """As they stand, but for budgets of minutes that are stated; what a search finds in its time is not promised."""
    prepare(page, tmp_path)
    for block in blocks():
        for command in block.commands if block.page == page and block.is_run else ():
            shortened = BUDGET.sub(f"--budget {20 if 'campaign' in command else 3}s", command)
            done = subprocess.run(
                ["bash", "-c", shortened], cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=3600
            )
            stopped = done.returncode == 1 and "stopped at the budget" in done.stderr
            assert done.returncode == 0 or stopped, f"{command}: {done.returncode}: {done.stderr[-500:]}"


def prepare(page: Path, folder: Path) -> None:
    """What a guide takes for granted: files of another program, and the module that it tells its reader to save."""
    (folder / "schemes").mkdir()
    [(_, data)] = write(strassen(), "perminov-text").items()
    (folder / "schemes" / "2x2x2_m7.txt").write_bytes(data)
    if page.name == "solvers.md":
        [text] = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        (folder / "walk.py").write_text(text, encoding="utf-8")

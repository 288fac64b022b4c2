"""What commands share: nothing that others stored steers the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bilinear.catalog import Lineage, Provenance, dumps, entry_from_scheme
from bilinear.cli import main
from bilinear.commands import screen
from bilinear.commands.common import visible
from bilinear.decompositions import strassen

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\n\0\ud800"


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words], env={"BILINEAR_CATALOG": str(home)})


def hostile_entry(home: Path) -> str:
    """The id of an entry whose texts are control sequences."""
    folder = home / "matmul" / "2x2x2"
    folder.mkdir(parents=True)
    stored = HOSTILE.replace("\ud800", "")
    provenance = Provenance(solver=stored, version=stored, command=f"bilinear search {stored}")
    entry = entry_from_scheme(strassen(), provenance, Lineage(recipe=stored))
    (folder / f"r7-zt-{entry.hash[:8]}.json").write_bytes(dumps(entry))
    return f"2x2x2-r7-zt-{entry.hash[:8]}"


def test_what_does_not_print_is_shown_as_its_code() -> None:
    assert visible("a plain line, größer ≤ 2") == "a plain line, größer ≤ 2"
    assert visible(HOSTILE) == r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\n\x00\ud800"


@pytest.mark.parametrize("words", [("show",), ("show", "--json"), ("catalog", "replay")])
def test_stored_commands_do_not_steer_the_terminal(words: tuple[str, ...], tmp_path: Path) -> None:
    answer = call(tmp_path, *words, hostile_entry(tmp_path))
    assert all(c.isprintable() or c == "\n" for c in answer.stdout + answer.stderr)
    if words == ("show",):
        assert r"found by         bilinear search \x1b]0;owned\x07\x1b[2J" in answer.stdout


def test_a_query_in_an_error_does_not_steer_the_terminal(tmp_path: Path) -> None:
    answer = call(tmp_path, "show", f"{HOSTILE}:7.json")
    assert answer.exit_code == 2
    assert all(c.isprintable() or c == "\n" for c in answer.stderr)


def test_a_bar_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    shown = io.StringIO()
    monkeypatch.setattr(screen, "_console", lambda: Console(file=shown, width=200, force_terminal=True))
    with screen.counted("reading", 1) as on_progress:
        on_progress("[/bold] \x1b]0;owned\x07")
    assert r"[/bold] \x1b]0;owned\x07" in shown.getvalue()
    with screen.status_line("proving") as say:
        say("[/bold] \x1b]0;owned\x07")

"""The guides, which lie beside the program, and the commands' own words as pages of `man`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

DOCS = Path(__file__).parents[2] / "docs"
"""In a checkout at its top; in an installed wheel within the package."""


@cache
def guides() -> dict[str, Path]:
    """The guides by topic, sorted."""
    return {path.stem: path for path in sorted(DOCS.glob("*.md"))}


def title_of(path: Path) -> str:
    """The first heading of a guide, without its marks."""
    head = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return head.removeprefix("# ").replace("`", "")


def commands_of(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """A group and all that is in it, each with its whole name, `bilinear catalog list`."""
    yield name, group
    for word in sorted(group.commands):
        command = group.commands[word]
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def man_page(name: str, command: click.Command, version: str) -> str:
    """A command's page of section 1, from what `--help` prints."""
    context = click.Context(command, info_name=name, max_content_width=120)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH "{name.replace(" ", "-").upper()}" "1" "" "bilinear {version}" "bilinear"',
        ".SH NAME",
        f"{_roff(name.replace(' ', '-'))} \\- {_roff(command.get_short_help_str(200))}",
        ".SH SYNOPSIS",
        f".B {_roff(name)}",
        _roff(usage),
        ".SH DESCRIPTION",
        *_paragraphs(command.help or ""),
    ]
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [found for one in options if (found := one.get_help_record(context)) is not None]
    if records:
        lines.append(".SH OPTIONS")
    for head, words in records:
        lines += [".TP", f".B {_roff(head)}", _roff(words) or "\\&"]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for word in sorted(command.commands):
            lines += [".TP", f".B {_roff(f'{name} {word}')}", _roff(command.commands[word].get_short_help_str(200))]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for part in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        yield _roff(part)


def _roff(text: str) -> str:
    """Words as one line that `man` prints as it stands."""
    line = " ".join(text.replace("\b", "").split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line[:1] in (".", "'") else line

"""The command `bilinear help`: the guides in the terminal, the help of any command, and pages for `man`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bilinear.commands import values
from bilinear.commands.common import print_lines, tell


@click.command("help")
@click.argument("topic", nargs=-1, shell_complete=values.topics)
@click.option("--man", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Write the pages for man there.")
@click.pass_context
def help_command(context: click.Context, topic: tuple[str, ...], folder: Path | None) -> None:
    """Show a guide, or the help of a command; without TOPIC the list of all guides."""
    from bilinear.commands.words.guides import guides, title_of
    from bilinear.commands.words.table import table

    root = context.find_root()
    assert isinstance(root.command, click.Group)
    if folder is not None:
        _write_pages(root.command, folder)
    elif not topic:
        rows = [(name, title_of(path)) for name, path in guides().items()]
        print_lines([*table(("guide", "what it tells"), rows), "", "bilinear help GUIDE or COMMAND shows one"])
    elif len(topic) == 1 and topic[0].removesuffix(".md") in guides():
        _show(guides()[topic[0].removesuffix(".md")].read_text(encoding="utf-8"))
    else:
        _show_command(root, topic)


def _show(text: str) -> None:
    """Markdown, set for a terminal and page by page where a person looks at it."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    with console.capture() as capture:
        console.print(Markdown(text))
    click.echo_via_pager(capture.get(), color=True)


def _show_command(root: click.Context, words: tuple[str, ...]) -> None:
    """The help of a command.

    Raises:
        UsageError: If there is none of that name.
    """
    from bilinear.commands.words.guides import guides

    context = root
    for word in words:
        group = context.command
        if not isinstance(group, click.Group) or word not in group.commands:
            raise click.UsageError(_unknown(" ".join(words), [*guides(), *getattr(root.command, "commands", ())]))
        context = click.Context(group.commands[word], parent=context, info_name=word)
    click.echo(context.get_help())


def _unknown(topic: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(topic, known, n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    return f"{topic[:80]!r}: no such guide or command;{hint} bilinear help lists the guides"


def _write_pages(group: click.Group, folder: Path) -> None:
    """A page for each command, in the folder that man looks for section 1 in."""
    from bilinear.commands.words.guides import commands_of, man_page
    from bilinear.decompositions import __version__
    from bilinear.decompositions.files import write_together

    pages = folder / "man1"
    pages.mkdir(parents=True, exist_ok=True)
    every = commands_of(group, "bilinear")
    texts = {pages / f"{name.replace(' ', '-')}.1": man_page(name, one, __version__) for name, one in every}
    write_together({path: text.encode() for path, text in texts.items()})
    tell(f"{len(texts)} pages in {pages}; man -M {folder} bilinear shows the first")

"""What every command shares: exit codes, errors as one line, the catalog option, printing."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

TOLD = 5  # of what was passed over
PASSED_OVER = ("BadEntryWarning", "PluginWarning")  # by name, so that nothing is imported for it
DONE, NOT_FOUND, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class CommandLine(click.Group):
    """The group of commands; whatever goes wrong in one of them becomes one line and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command given by the arguments."""
        try:
            return super().main(*args, **kwargs)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except OSError as error:  # what is printed before a command runs, such as the help
            _close_output()
            click.echo(f"error: {error.filename or 'output'}: {error.strerror or error}", err=True)
            sys.exit(WRONG_USE)

    def invoke(self, context: click.Context) -> Any:
        """Run the subcommand, turning its errors, and its warnings of bad entries, into one line each."""
        with _bad_entries_told():
            return self._invoke(context)

    def _invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            tell("interrupted", err=True)
            context.exit(INTERRUPTED)
        except click.UsageError as error:
            fail(context, error.format_message(), WRONG_USE)
        except BrokenPipeError:
            _close_output()
            context.exit(DONE)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except Exception as error:
            from bilinear.catalog.errors import WrongSchemeError
            from bilinear.decompositions import BilinearError

            if isinstance(error, BilinearError):
                fail(context, str(error), NOT_FOUND if isinstance(error, WrongSchemeError) else WRONG_USE)
            if isinstance(error, MemoryError):
                fail(context, f"out of memory: {error}; choose a smaller size", WRONG_USE)
            if isinstance(error, OSError):
                if error.filename is None:
                    _close_output()
                fail(context, f"{error.filename or 'system'}: {error.strerror or error}", WRONG_USE)
            raise


@contextmanager
def _bad_entries_told() -> Iterator[None]:
    """Warnings of entries and plug-ins that were passed over, as lines on standard error: a few, and how many more."""
    told: set[str] = set()
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **named: Any) -> None:
            if category.__name__ not in PASSED_OVER:
                others(message, category, *rest, **named)
            elif str(message) not in told:
                told.add(str(message))
                if len(told) <= TOLD:
                    tell(f"warning: passed over: {message}", err=True)

        warnings.showwarning = show
        try:
            yield
        finally:
            if len(told) > TOLD:
                tell(f"warning: passed over: {len(told) - TOLD} more; bilinear catalog check lists all", err=True)


def _close_output() -> None:
    """Let what was not written yet go nowhere, so that the end of the process does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(context: click.Context, text: str, code: int) -> NoReturn:
    """One line on standard error, and the exit code."""
    tell(f"error: {' '.join(text.split())}", err=True)
    context.exit(code)


def with_catalog(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --catalog, and hand the opened catalog over."""

    @click.option("--catalog", "folder", metavar="DIR", help="Your catalog's folder (also BILINEAR_CATALOG).")
    @functools.wraps(command)
    def opened(*args: Any, folder: str | None, **kwargs: Any) -> Any:
        from bilinear.catalog.serving import Library

        return command(*args, catalog=Library(folder), **kwargs)

    return opened


def with_jobs(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --jobs, with what it means for the command, and --cluster."""

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option(
                "--cluster", metavar="ADDRESS|FILE", help="Run the jobs on this Dask cluster instead of this machine."
            ),
            click.option("--jobs", type=int, default=1, show_default=True, help=help),
        ):
            command = option(command)
        return command

    return added


def with_picture(flag: str, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an option whose value `out` is the file of a picture, or None; what cannot be drawn is refused at once."""
    help = f"Also draw {what}: .png, .svg or .pdf."
    kind = click.Path(path_type=Path)
    return click.option(flag, "out", type=kind, metavar="FILE", help=help, callback=_drawable)


def _drawable(context: click.Context, option: click.Parameter, out: Path | None) -> Path | None:
    """The file, if a picture can be written to it."""
    if out is not None:
        from bilinear.commands.pictures.sheet import require

        require(out)
    return out


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def print_json(value: Any) -> None:
    """JSON on standard output."""
    click.echo(json.dumps(_finite(value), indent=1))


def _finite(value: Any) -> Any:
    """The value with None for numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def visible(text: str) -> str:
    """A line as a terminal may show it: what does not print, such as the start of a control sequence, as its code."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def tell(line: object, err: bool = False) -> None:
    """One line on standard output, or on standard error; names and commands in it may be others'."""
    click.echo(visible(str(line)), err=err)


def print_lines(lines: Sequence[str]) -> None:
    """Lines on standard output."""
    if lines:
        click.echo("\n".join(map(visible, lines)))


def say(*words: str) -> None:
    """Lines on standard error; empty ones are left out."""
    for line in filter(None, words):
        tell(line, err=True)

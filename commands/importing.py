"""The commands `bilinear import` and `bilinear export scheme`: other programs' files, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import (
    DONE,
    INTERRUPTED,
    NOT_FOUND,
    WRONG_USE,
    as_json,
    print_json,
    say,
    tell,
    with_catalog,
)

if TYPE_CHECKING:
    from bilinear.catalog.importing import Imported, Report
    from bilinear.catalog.serving import Library
    from bilinear.catalog.store import Catalog


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@as_json
@with_catalog
@click.pass_context
def import_command(context: click.Context, paths: tuple[Path, ...], as_json: bool, catalog: Catalog) -> None:
    """Take over schemes from other programs' files and folders: formats are told by content, schemes proved.

    Exit code 1 if one is wrong or unreadable; the others are kept. Exit code 2 if nothing could be read.
    """
    from bilinear.catalog.importing import STATUSES, import_paths
    from bilinear.commands.screen import shares_done

    with shares_done("importing") as on_progress:
        report = import_paths(catalog, paths, on_progress)
    counts = {status: report.count(status) for status in STATUSES}
    if as_json:
        keys = ("status", "record", "format", "detail", "note")
        files = [{"path": str(r.path)} | {key: getattr(r, key) for key in keys} for r in report.results]
        print_json({**counts, "files": files})
    else:
        for result in report.results:
            tell(_told(result), err=result.status in ("wrong", "unreadable"))
        tell(", ".join(f"{count} {status}" for status, count in counts.items()))
    if report.interrupted:
        say("interrupted; what was read until then is kept")
    context.exit(_exit_code(report))


def _told(result: Imported) -> str:
    if result.status in ("wrong", "unreadable"):
        return f"{result.status}: {result.detail}"
    return f"{result.source}: {result.status}: {result.detail}{'; ' if result.note else ''}{result.note}"


def _exit_code(report: Report) -> int:
    if report.interrupted:
        return INTERRUPTED
    if report.count("unreadable") == len(report.results) > 0:
        return WRONG_USE
    return NOT_FOUND if report.count("wrong") or report.count("unreadable") else DONE


@click.command("scheme")
@click.argument("query", metavar="ID|FILE|FORMAT", shell_complete=values.entries)
@click.option(
    "--ring", shell_complete=values.rings, help="Of a format alone, as 9x13x15: the coefficient set; q if not given."
)
@click.option(
    "--format",
    "name",
    required=True,
    metavar="NAME",
    shell_complete=values.file_formats,
    help="A file format; `entry` is the catalog's own, `winograd` the three matrices of a filter.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE")
@with_catalog
def export_scheme(query: str, ring: str | None, name: str, out: Path, catalog: Library) -> None:
    """Write an entry as a file of another program."""
    from bilinear.catalog.exporting import export, paths_of
    from bilinear.commands.screen import composing
    from bilinear.decompositions.files import write_together

    with composing(catalog):
        contents, note = export(catalog, query, name, ring)
    paths = paths_of(out, list(contents))
    write_together(dict(zip(paths, contents.values(), strict=True)))
    say(note)
    for path in paths:
        tell(path)

"""The command that writes an entry as source code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands.common import say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library


@click.command("code")
@click.argument("query", metavar="ID|FILE|FORMAT")
@click.option(
    "--lang", "language", default="python", show_default=True, help="c, latex, numpy, python, sympy, torch or triton."
)
@click.option("--levels", type=int, default=1, show_default=True, help="Of recursion, by blocks.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output.")
@with_catalog
def code(query: str, language: str, levels: int, out: Path | None, catalog: Library) -> None:
    """Write source code that computes an entry's map, with the sums of its shortest program."""
    from bilinear.commands.screen import composing
    from bilinear.decompositions.codegen import generate
    from bilinear.decompositions.files import write_atomic
    from bilinear.discover.optimize.programs import program_of

    with composing(catalog):
        served = catalog.scheme(query)
    program = program_of(catalog, served.value)
    say(served.note)
    source = generate(served.value, program, language, levels, f"entry {served.entry.hash[:16]}")
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        tell(f"{out}: {program.operations.additions} additions a level", err=True)

"""The command that writes an entry as source code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library


MOST_SHARED = 12_000
"""Additions as written up to which shared sums are looked for: it takes minutes, and memory, beyond."""


@click.command("code")
@click.argument("query", metavar="ID|FILE|FORMAT", shell_complete=values.entries)
@click.option(
    "--lang",
    "language",
    default="python",
    show_default=True,
    shell_complete=values.languages,
    help="c, latex, numpy, python, sympy, torch or triton.",
)
@click.option("--levels", type=int, default=1, show_default=True, help="Of recursion, by blocks.")
@click.option("--parts", is_flag=True, help="Forms of x, forms of y (of a filter: transformed once), outputs.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output.")
@with_catalog
def code(query: str, language: str, levels: int, parts: bool, out: Path | None, catalog: Library) -> None:
    """Write source code that computes an entry's map, with the sums of its shortest program."""
    from bilinear.commands.screen import composing
    from bilinear.decompositions.codegen import generate
    from bilinear.decompositions.files import write_atomic
    from bilinear.decompositions.formulas import additions
    from bilinear.decompositions.programs.scheme_program import plain_program
    from bilinear.discover.optimize.programs import program_of

    with composing(catalog):
        served = catalog.scheme(query)
    many = additions(served.value) > MOST_SHARED
    program = plain_program(served.value) if many else program_of(catalog, served.value)
    say(served.note, f"no sums are shared: it has more than {MOST_SHARED:,} additions" if many else "")
    source = generate(served.value, program, language, levels, f"entry {served.entry.hash[:16]}", parts)
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        tell(f"{out}: {program.operations.additions} additions a level", err=True)

"""The command that writes an entry as source code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library
    from bilinear.decompositions.programs.scheme_program import SchemeProgram
    from bilinear.decompositions.scheme import Scheme


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

    with composing(catalog):
        served = catalog.scheme(query)
    say(served.note)
    program = sharing(catalog, served.value)
    source = generate(served.value, program, language, levels, f"entry {served.entry.hash[:16]}", parts)
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        tell(f"{out}: {program.operations.additions} additions a level", err=True)


def sharing(catalog: Library, scheme: Scheme) -> SchemeProgram:
    """The program kept with a scheme, or one made now; of a large scheme, told to the user, one that shares nothing."""
    from bilinear.decompositions.formulas import additions
    from bilinear.decompositions.programs.scheme_program import plain_program
    from bilinear.discover.optimize.programs import program_of

    if additions(scheme) <= MOST_SHARED:
        return program_of(catalog, scheme)
    say(f"no sums are shared: it has more than {MOST_SHARED:,} additions")
    return plain_program(scheme)

"""The commands that tell what there is: solvers with their options, targets, file formats."""

from __future__ import annotations

import click

from bilinear.commands import values
from bilinear.commands.common import as_json, print_json, print_lines


@click.command()
@click.argument("name", required=False, shell_complete=values.solvers)
@as_json
def solvers(name: str | None, as_json: bool) -> None:
    """List the solvers, each in one sentence; of NAME all options with types, defaults and purpose, and its source."""
    from dataclasses import asdict

    from bilinear.commands.words.lists import description_as_lines, descriptions_as_lines
    from bilinear.discover.engine.describe import describe
    from bilinear.discover.engine.solver import SOLVERS

    found = [describe(name)] if name else sorted((one for _, one in SOLVERS.each(describe)), key=lambda one: one.name)
    if as_json:
        print_json(asdict(found[0]) if name else [asdict(one) for one in found])
    else:
        print_lines(description_as_lines(found[0]) if name else descriptions_as_lines(found))


@click.command()
@as_json
def targets(as_json: bool) -> None:
    """List the families of bilinear maps that are known by name, and how each is written."""
    from bilinear.commands.words.lists import families_as_lines, families_as_list

    if as_json:
        print_json(families_as_list())
    else:
        print_lines(families_as_lines())


@click.command()
@as_json
def formats(as_json: bool) -> None:
    """List the file formats of other programs that `import` reads and `export scheme` writes."""
    from bilinear.commands.words.lists import formats_as_lines, formats_as_list

    if as_json:
        print_json(formats_as_list())
    else:
        print_lines(formats_as_lines())

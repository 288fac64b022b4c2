"""The command that lifts a scheme modulo 2 or 3 to one of characteristic 0."""

from __future__ import annotations

from time import process_time as cpu
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import DONE, NOT_FOUND, as_json, print_json, print_lines, say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@click.command()
@click.argument("query", metavar="ID|FILE", shell_complete=values.starts)
@click.option(
    "--ring", default="zt", shell_complete=values.rings, show_default=True, help="Coefficient set wanted: zt, z or q."
)
@click.option("--choices", type=click.IntRange(1, 10**6), default=8, show_default=True, help="Bases and orders tried.")
@click.option("--flips", type=click.IntRange(0, 10**9), default=40_000, show_default=True, help="From f2 to zt.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@as_json
@with_catalog
@click.pass_context
def lift(
    context: click.Context,
    query: str,
    ring: str,
    choices: int,
    flips: int,
    seed: int,
    save: bool,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Lift a scheme over f2 or f3 to one of the same rank over zt, z or q, prove it and keep it.

    Exit code 1 if it is not lifted. --flips is the most steps to another scheme of the same rank, where the signs of
    this one contradict each other.
    """
    from bilinear.commands.screen import status_line
    from bilinear.commands.words.search import lifted_as_dict, lifted_as_lines
    from bilinear.decompositions.identity import content_hash
    from bilinear.decompositions.rings import parse_ring
    from bilinear.discover.lift import Lifting, keep_lifted
    from bilinear.discover.starts import keep_starts, start

    begun, how, began = start(catalog, query, None, None), Lifting(parse_ring(ring), choices, flips, seed), cpu()
    given = begun.given
    with status_line("lifting") as tell_what:
        tell_what(f"{given.target.short}, rank {given.rank}, to {how.ring}")
        found = how.of(given)
    added = None
    if save and found.scheme is not None:
        keep_starts(catalog, [begun])
        added = keep_lifted(catalog, content_hash(given), found.scheme, how, cpu() - began)
    if as_json:
        print_json(lifted_as_dict(found, None if added is None else added.id))
    else:
        say(begun.note, found.detail)
        print_lines(lifted_as_lines(found))
        if added is not None:
            tell(f"{added.status}: {added.id} ({catalog.root})")
    context.exit(DONE if found.scheme is not None else NOT_FOUND)

"""The command that leaves out products by span reduction, of a scheme as it stands or after cuts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import DONE, NOT_FOUND, as_json, print_json, print_lines, say, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@click.command()
@click.argument("query", metavar="ID|FILE", shell_complete=values.entries)
@click.option(
    "--ring",
    shell_complete=values.rings,
    help="Coefficient set in which products may be combined; that of the scheme, if not given.",
)
@click.option("--cut", "cuts", multiple=True, type=click.Choice(["n", "m", "p"]), help="Make this size one less first.")
@click.option("--tries", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Lines tried at each cut.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True, help="Keep the scheme in the catalog.")
@as_json
@with_catalog
@click.pass_context
def reduce(
    context: click.Context,
    query: str,
    ring: str | None,
    cuts: tuple[str, ...],
    tries: int,
    seed: int,
    save: bool,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Leave out products whose u (x) v, u (x) w or v (x) w the others span; first cut the scheme, where asked to."""
    from bilinear.commands.screen import status_line
    from bilinear.commands.words.reduction import reduction_as_dict, reduction_as_lines
    from bilinear.decompositions.rings import parse_ring
    from bilinear.discover.reduction import Reduction, keep_smaller

    served = catalog.scheme(query)
    say(served.note)
    given, began = served.value, time.process_time()
    reduction = Reduction(parse_ring(ring) if ring else given.ring, "".join(cuts), tries, seed)
    with status_line("reducing") as shown:
        found = reduction.made_of(given, shown)
    spent = time.process_time() - began
    added = keep_smaller(catalog, given, reduction, found, spent) if save else None
    if as_json:
        print_json(reduction_as_dict(given, found, added.id if added else None))
    else:
        print_lines(reduction_as_lines(given, found))
        print_lines([] if added is None else [f"{added.status}: {added.id} ({catalog.root})"])
    context.exit(DONE if found.rank < given.rank else NOT_FOUND)

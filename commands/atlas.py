"""The command that makes the cheapest recipe of every matrix format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import as_json, print_json, print_lines, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@click.command()
@click.option("--upto", type=click.IntRange(2, 32), default=16, show_default=True, help="The largest size.")
@click.option("--ring", shell_complete=values.rings, default="q", show_default=True, help="The coefficient set.")
@click.option("--below", is_flag=True, help="Only formats below the tables, with their recipes.")
@click.option("--gains", "with_gains", is_flag=True, help="What falls if a leaf loses one product, instead.")
@as_json
@with_catalog
def atlas(upto: int, ring: str, below: bool, with_gains: bool, as_json: bool, catalog: Catalog) -> None:
    """Compose every matrix format from the schemes at hand: found here, with published ones, and what is published."""
    from bilinear.catalog.atlas import atlas as closed
    from bilinear.commands.screen import shares_done
    from bilinear.commands.words import atlas as words
    from bilinear.decompositions.atlas.gains import gains
    from bilinear.decompositions.rings import parse_ring

    wanted = parse_ring(ring)
    with shares_done(f"composing over {wanted}") as on_progress:
        every = closed(catalog, wanted, upto, on_progress=on_progress)
    if with_gains:
        found = gains(every)
        print_json(words.gains_as_list(found)) if as_json else print_lines(words.gains_as_lines(found))
        return
    with shares_done("composing of what was found here") as on_progress:
        own = closed(catalog, wanted, upto, only_found_here=True, on_progress=on_progress)
    rows = words.rows(every, own)
    if as_json:
        print_json(words.as_dict(every, rows, below))
    else:
        print_lines(words.as_lines(every, rows, below))

"""The command that looks for programs with fewer additions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bilinear.commands.common import DONE, INTERRUPTED, as_json, print_json, print_lines, say, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.discover.optimize.search import Standing


@click.command()
@click.argument("query", metavar="ID|FILE")
@click.option("--budget", default="60s", show_default=True, help="Time or slices: 60s, 10m, 2h, 50steps.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--neighbours/--own", default=True, show_default=True, help="Also search schemes of equal rank.")
@click.option("--basis", is_flag=True, help="Instead, look for an alternative basis of the scheme.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@as_json
@with_catalog
@click.pass_context
def optimize(
    context: click.Context,
    query: str,
    budget: str,
    seed: int,
    neighbours: bool,
    basis: bool,
    save: bool,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Search for a program of an entry with fewer additions, prove it and keep it with the entry."""
    from bilinear.commands.screen import ADDITIONS, compilation, status_line
    from bilinear.commands.words.optimum import optimum_as_dict, optimum_as_lines, standing_in_words
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.engine.outcome import Status
    from bilinear.discover.optimize import optimize as optimized
    from bilinear.discover.optimize.kept import keep_optimum
    from bilinear.discover.optimize.rebase import rebased

    limit = parse_budget(budget)
    served = catalog.scheme(query)
    scheme = served.value if not served.note else catalog.scheme(str(served.path)).value
    say(served.note and f"{served.note}; its own order is optimised", compilation(ADDITIONS))
    with status_line(f"optimising {scheme.target.short}:{scheme.rank}") as say_there:

        def show(standing: Standing) -> None:
            say_there(standing_in_words(standing))

        found = (
            rebased(scheme, limit, seed=seed, on_progress=show)
            if basis
            else optimized(scheme, limit, seed=seed, neighbours=neighbours, on_progress=show)
        )
    document = optimum_as_dict(scheme, found, keep_optimum(catalog, scheme, found) if save else None)
    if as_json:
        print_json(document)
    else:
        print_lines(optimum_as_lines(document, catalog.root))
    context.exit(INTERRUPTED if found.status is Status.INTERRUPTED else DONE)

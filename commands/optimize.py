"""The command that looks for programs with fewer additions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import DONE, INTERRUPTED, as_json, print_json, print_lines, say, with_catalog, with_jobs

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions import Scheme
    from bilinear.discover.engine.budget import Budget
    from bilinear.discover.optimize.search import Standing


@click.command()
@click.argument("query", metavar="ID|FILE", shell_complete=values.entries)
@click.option("--budget", default="60s", show_default=True, help="Time or slices: 60s, 10m, 2h, 50steps.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@with_jobs("Processes, with seeds seed, seed + 1, ...; the best counts.")
@click.option("--neighbours/--own", default=True, show_default=True, help="Also search schemes of equal rank.")
@click.option(
    "--judge",
    type=click.Choice(("sums", "chains")),
    default="sums",
    show_default=True,
    help="Of schemes: shared sums, or addition chains, which see more.",
)
@click.option("--basis", is_flag=True, help="Instead, look for an alternative basis of the scheme.")
@click.option("--prove", is_flag=True, help="Instead, search each side for its shortest program, and keep the proofs.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@as_json
@with_catalog
@click.pass_context
def optimize(
    context: click.Context,
    /,
    query: str,
    budget: str,
    seed: int,
    jobs: int,
    cluster: str | None,
    neighbours: bool,
    judge: str,
    basis: bool,
    prove: bool,
    save: bool,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Search for a program of an entry with fewer additions, prove it and keep it with the entry.

    With --prove, programs of every length below are looked at, side by side: where the search completes, none is
    shorter. Run again, it checks what is kept.
    """
    from bilinear.commands.screen import ADDITIONS, compilation, status_line
    from bilinear.commands.words.optimum import optimum_as_dict, optimum_as_lines, standing_in_words
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.engine.outcome import Status
    from bilinear.discover.optimize import optimize as optimized
    from bilinear.discover.optimize.kept import keep_optimum
    from bilinear.discover.optimize.rebase import rebased

    if prove and basis:
        raise click.UsageError("--prove is of the basis of the scheme; leave out --basis")
    limit = parse_budget(budget)
    served = catalog.scheme(query)
    scheme = served.value if not served.note else catalog.scheme(str(served.path)).value
    if prove:
        context.exit(_prove(scheme, limit, save, as_json, catalog))
    say(served.note and f"{served.note}; its own order is optimised", compilation(ADDITIONS))
    with status_line(f"optimising {scheme.target.short}:{scheme.rank}") as say_there:

        def show(standing: Standing) -> None:
            say_there(standing_in_words(standing))

        search = partial(optimized, neighbours=neighbours, judge=judge)
        run = partial(rebased if basis else search, scheme, limit)
        found = run(seed=seed, on_progress=show, jobs=jobs, cluster=cluster)
    document = optimum_as_dict(scheme, found, keep_optimum(catalog, scheme, found) if save else None)
    if as_json:
        print_json(document)
    else:
        print_lines(optimum_as_lines(document, catalog.root))
    context.exit(INTERRUPTED if found.status is Status.INTERRUPTED else DONE)


def _prove(scheme: Scheme, limit: Budget, save: bool, as_json: bool, catalog: Catalog) -> int:
    """Proofs for the sides of a scheme; the exit code."""
    from bilinear.commands.screen import status_line
    from bilinear.commands.words.optimum import proofs_as_dict, proofs_as_lines, standing_in_words
    from bilinear.discover.engine.outcome import Status
    from bilinear.discover.optimize.minimal import attach_proofs, known_proofs, prove
    from bilinear.discover.optimize.programs import attach, program_of

    known = known_proofs(catalog, scheme)
    with status_line(f"proving {scheme.target.short}:{scheme.rank}") as say_there:
        found = prove(
            scheme, program_of(catalog, scheme), limit, lambda standing: say_there(standing_in_words(standing))
        )
    if save:
        attach(catalog, scheme, found.program)
        attach_proofs(catalog, found)
    document = proofs_as_dict(found, known)
    if as_json:
        print_json(document)
    else:
        print_lines(proofs_as_lines(document))
    return INTERRUPTED if found.status is Status.INTERRUPTED else DONE

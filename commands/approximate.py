"""The commands that approximate a tile product with too few products, and compare what they can begin from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import as_json, print_json, print_lines, say, with_catalog, with_jobs, with_picture

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

RANKS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def _ranks(text: str) -> range:
    """From `24` or `16-49`.

    Raises:
        UsageError: If it is neither.
    """
    match = RANKS.fullmatch(text.strip())
    if match is None:
        raise click.UsageError(f"--ranks {text[:40]!r}: a number or a range such as 16-49 is needed")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last:
        raise click.UsageError(f"--ranks {text}: ranks rise from 1 on; a range such as 16-49 is needed")
    return range(first, last + 1)


@click.command()
@click.argument("target", shell_complete=values.targets)
@click.option("--ranks", "--rank", "ranks", required=True, metavar="R|R-R", help="Products: 24, or 16-49.")
@click.option("--bounded", is_flag=True, help="Only approximations whose factors keep to the bound.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Time or descents: 60s, 10m, 500steps.")
@with_jobs("Processes, with seeds seed, seed + 1, ...; the nearest of all count.")
@click.option(
    "--start",
    "starts",
    shell_complete=values.starts,
    multiple=True,
    metavar="ID|FILE|seed:NAME",
    help="What to drop products of, or a seed, before the usual seeds.",
)
@click.option(
    "--save/--no-save", default=True, show_default=True, help="Keep what is nearer than what the catalog has."
)
@as_json
@with_catalog
def approximate(
    target: str,
    ranks: str,
    bounded: bool,
    seed: int,
    budget: str,
    jobs: int,
    cluster: str | None,
    starts: tuple[str, ...],
    save: bool,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Find the nearest approximations of TARGET (4x4x4) with fewer products than an exact scheme has."""
    from bilinear.commands.screen import counted
    from bilinear.commands.words.approximations import pool_as_dict, pool_as_lines
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical
    from bilinear.discover.approximate import approximate as searched
    from bilinear.discover.approximate.held import keep_nearer
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.starts import PREFIX, is_seed

    built = canonical(parse_target(target))
    given = [catalog.factors(query).value for query in starts if not is_seed(query)]
    named = [query.removeprefix(PREFIX) for query in starts if is_seed(query)]
    limits = _ranks(ranks), parse_budget(budget), seed
    with counted("approximating") as on_progress:
        pool = searched(
            built, *limits, given, named=named, bounded=bounded, on_progress=on_progress, jobs=jobs, cluster=cluster
        )
    added = keep_nearer(catalog, pool, given, seed) if save else []
    if as_json:
        print_json(pool_as_dict(pool, added))
        return
    say(f"{built.short}: {pool.steps} descents, rows of bounded approximations at most {pool.bound:.3f}")
    print_lines(pool_as_lines(pool, added))


@click.command()
@click.argument("target", shell_complete=values.targets)
@click.option("--ranks", "--rank", "ranks", required=True, metavar="R|R-R", help="Products: 24, or 16-49.")
@click.option(
    "--draws", type=click.IntRange(1, 1000), default=1, show_default=True, help="Of each seed; the best counts."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@with_picture("--plot", "the residuals against the ranks")
@as_json
@with_catalog
def seeds(target: str, ranks: str, draws: int, seed: int, out: Path | None, as_json: bool, catalog: Catalog) -> None:
    """Compare what every kind of seed of TARGET leads to, and the best approximations of the catalog."""
    from bilinear.commands.pictures.seeds import plot_seeds
    from bilinear.commands.screen import counted
    from bilinear.commands.words.approximations import compared_as_dict, compared_as_lines
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical
    from bilinear.discover.approximate.comparison import compared
    from bilinear.discover.approximate.held import held

    built, chosen = canonical(parse_target(target)), _ranks(ranks)
    best = [entry for entry in held(catalog, built) if entry.rank in chosen]
    with counted("comparing") as on_progress:
        rows = compared(built, chosen, draws, seed, on_progress)
    if as_json:
        print_json(compared_as_dict(rows, best))
    else:
        print_lines(compared_as_lines(rows, best))
    if out is not None:
        plot_seeds(rows, best, f"{built.short} with fewer products; dotted: before the fit", out)
        say(str(out))

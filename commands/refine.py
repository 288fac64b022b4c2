"""The command that goes on from any scheme, approximation or seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bilinear.commands import values
from bilinear.commands.common import (
    DONE,
    WRONG_USE,
    as_json,
    fail,
    print_json,
    print_lines,
    say,
    with_catalog,
    with_jobs,
)
from bilinear.commands.conduct import Asked, attempted, conduct

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added
    from bilinear.decompositions.scheme import Approximation
    from bilinear.discover.keep import Made
    from bilinear.discover.starts import Start

LEAST_SQUARES = "least-squares"


@click.command()
@click.argument("query", metavar="ID|FILE|seed:NAME", shell_complete=values.starts)
@click.option("--target", shell_complete=values.targets, help="Of a seed: 4x4x4.")
@click.option("--rank", type=int, help="Products; as many as the start has, if not given.")
@click.option(
    "--ring", shell_complete=values.rings, help="Coefficient set of an exact scheme; that of the start, or zt."
)
@click.option(
    "--solver",
    shell_complete=values.solvers,
    default=LEAST_SQUARES,
    show_default=True,
    help="least-squares, or a solver of search.",
)
@click.option("--steps", type=click.IntRange(0, 10**6), default=200, show_default=True, help="Of least-squares.")
@click.option("--bounded", is_flag=True, help="With least-squares, keep the factors within their bound.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Of a solver: 60s, 10m, 5000steps.")
@with_jobs("Processes of a solver.")
@click.option(
    "--option",
    "options",
    multiple=True,
    shell_complete=values.hyperparameters,
    metavar="NAME=VALUE",
    help="A hyperparameter of the solver.",
)
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@as_json
@with_catalog
@click.pass_context
def refine(
    context: click.Context,
    /,
    query: str,
    target: str | None,
    steps: int,
    bounded: bool,
    catalog: Catalog,
    save: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Go on from a scheme, an approximation or a seed, and keep the scheme or the approximation that comes of it."""
    from bilinear.decompositions import parse_target
    from bilinear.discover.starts import is_seed, start

    wanted = Asked(**asked)
    if wanted.solver == LEAST_SQUARES and (wanted.jobs != 1 or wanted.cluster is not None):
        raise click.UsageError("--jobs, --cluster: least-squares is one descent; leave them out, or name a --solver")
    built = None if target is None else parse_target(target)
    begun = start(catalog, query, built, wanted.rank if is_seed(query) else None, wanted.seed)
    say(begun.note)
    wanted = replace(wanted, rank=wanted.rank or begun.given.rank)
    kept = catalog if save else None
    if wanted.solver == LEAST_SQUARES:
        found, write = _fit(begun, wanted.rank or 0, steps, bounded, kept)
        _close(context, found, write, as_json)
    _search(context, begun, wanted, catalog, kept, as_json)


def _fit(
    begun: Start, rank: int, steps: int, bounded: bool, kept: Catalog | None
) -> tuple[Approximation, Callable[[], Sequence[Added]]]:
    """The nearest approximation, and what keeps it; no steps keep a seed as it is."""
    from bilinear.discover.approximate.refine import by_least_squares, refined
    from bilinear.discover.keep import keep
    from bilinear.discover.starts import keep_starts

    began = time.process_time()
    found = refined(begun.given, rank, steps, bounded)
    made = by_least_squares(begun, rank, steps, bounded, time.process_time() - began)

    def write() -> Sequence[Added]:
        if kept is None:
            return []
        seeds = keep_starts(kept, [begun])
        return seeds if begun.drawn and steps == 0 else [keep(kept, found, made)]

    return found, write


def _search(
    context: click.Context, begun: Start, wanted: Asked, catalog: Catalog, kept: Catalog | None, as_json: bool
) -> NoReturn:
    """What a solver makes of the start: a scheme, or else the nearest approximation that it held."""
    from bilinear.decompositions.scheme import Scheme
    from bilinear.discover.approximate.refine import by_solver
    from bilinear.discover.starts import keep_starts

    given = begun.given
    if wanted.ring is None and isinstance(given, Scheme):
        wanted = replace(wanted, ring=str(given.ring))
    done = conduct(wanted.order(given.target, (given,)), catalog, kept, "refining")
    result, nearest, unsaved = done.result, done.result.outcome.approximation, ""
    if result.scheme is None and nearest is not None:
        made = by_solver(begun, done.order, result.outcome, nearest.rank)
        say(*result.notes)
        _close(context, nearest, lambda: [] if kept is None else _kept(kept, begun, nearest, made), as_json)
    if kept is not None and result.added:
        _, unsaved = attempted(lambda: keep_starts(kept, [begun]))
    done.print(catalog.root, as_json)
    done.close(context, unsaved)


def _kept(kept: Catalog, begun: Start, nearest: Approximation, made: Made) -> Sequence[Added]:
    from bilinear.discover.keep import keep
    from bilinear.discover.starts import keep_starts

    keep_starts(kept, [begun])
    return [keep(kept, nearest, made)]


def _close(
    context: click.Context, found: Approximation, write: Callable[[], Sequence[Added]], as_json: bool
) -> NoReturn:
    """Keep the approximation and print it; it is printed too where it cannot be kept."""
    added, unsaved = attempted(write)
    _print(found, added, as_json)
    if unsaved:
        fail(context, unsaved, WRONG_USE)
    context.exit(DONE)


def _print(found: Approximation, added: Sequence[Added], as_json: bool) -> None:
    from bilinear.commands.words.approximations import approximation_as_dict, approximation_as_lines

    if as_json:
        print_json(approximation_as_dict(found, added[0].id if added else None))
    else:
        print_lines(approximation_as_lines(found, added))

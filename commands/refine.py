"""The command that goes on from any scheme, approximation or seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands.common import DONE, as_json, print_json, print_lines, with_catalog
from bilinear.commands.conduct import Asked, conduct

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added
    from bilinear.decompositions.scheme import Approximation
    from bilinear.discover.starts import Start

LEAST_SQUARES = "least-squares"


@click.command()
@click.argument("query", metavar="ID|FILE|seed:NAME")
@click.option("--target", help="Of a seed: 4x4x4.")
@click.option("--rank", type=int, help="Products; as many as the start has, if not given.")
@click.option("--ring", help="Coefficient set of an exact scheme; that of the start, or zt.")
@click.option("--solver", default=LEAST_SQUARES, show_default=True, help="least-squares, or a solver of search.")
@click.option("--steps", type=click.IntRange(0, 10**6), default=200, show_default=True, help="Of least-squares.")
@click.option("--bounded", is_flag=True, help="With least-squares, keep the factors within their bound.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Of a solver: 60s, 10m, 5000steps.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A hyperparameter of the solver.")
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
    built = None if target is None else parse_target(target)
    begun = start(catalog, query, built, wanted.rank if is_seed(query) else None, wanted.seed)
    wanted = replace(wanted, rank=wanted.rank or begun.given.rank)
    kept = catalog if save else None
    if wanted.solver == LEAST_SQUARES:
        context.exit(_fit(begun, wanted.rank or 0, steps, bounded, kept, as_json))
    context.exit(_search(begun, wanted, catalog, kept, as_json))


def _fit(begun: Start, rank: int, steps: int, bounded: bool, kept: Catalog | None, as_json: bool) -> int:
    """The nearest approximation, printed and kept; no steps keep a seed as it is."""
    from bilinear.discover.approximate.refine import by_least_squares, refined
    from bilinear.discover.keep import keep
    from bilinear.discover.starts import keep_seeds

    began = time.process_time()
    found = refined(begun.given, rank, steps, bounded)
    made = by_least_squares(begun, rank, steps, bounded, time.process_time() - began)
    added = [] if kept is None else keep_seeds(kept, [begun])
    if kept is not None and not (begun.drawn and steps == 0):
        added = [keep(kept, found, made)]
    _print(found, added, as_json)
    return DONE


def _search(begun: Start, wanted: Asked, catalog: Catalog, kept: Catalog | None, as_json: bool) -> int:
    """What a solver makes of the start: a scheme, or else the nearest approximation that it held."""
    from bilinear.decompositions.scheme import Scheme
    from bilinear.discover.approximate.refine import by_solver
    from bilinear.discover.keep import keep
    from bilinear.discover.starts import keep_seeds

    given = begun.given
    if wanted.ring is None and isinstance(given, Scheme):
        wanted = replace(wanted, ring=str(given.ring))
    done = conduct(wanted.order(given.target, (given,)), kept, "refining")
    result, nearest = done.result, done.result.outcome.approximation
    if kept is not None and (result.added or nearest is not None):
        keep_seeds(kept, [begun])
    if result.scheme is None and nearest is not None:
        made = by_solver(begun, done.order, result.outcome, nearest.rank)
        _print(nearest, [] if kept is None else [keep(kept, nearest, made)], as_json)
        return DONE
    done.print(catalog.root, as_json)
    return done.exit_code


def _print(found: Approximation, added: Sequence[Added], as_json: bool) -> None:
    from bilinear.commands.words.approximations import approximation_as_dict, approximation_as_lines

    if as_json:
        print_json(approximation_as_dict(found, added[0].id if added else None))
    else:
        print_lines(approximation_as_lines(found, added))

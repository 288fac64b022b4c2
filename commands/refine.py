"""The command that goes on from any scheme, approximation or seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands.common import DONE, as_json, print_json, print_lines, say, with_catalog
from bilinear.commands.search import exit_code, options

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
def refine(context: click.Context, /, query: str, catalog: Catalog, **asked: Any) -> None:
    """Go on from a scheme, an approximation or a seed, and keep the scheme or the approximation that comes of it."""
    from bilinear.decompositions import parse_target
    from bilinear.discover.starts import is_seed, start

    target = None if asked["target"] is None else parse_target(asked["target"])
    begun = start(catalog, query, target, asked["rank"] if is_seed(query) else None, asked["seed"])
    rank = asked["rank"] or begun.given.rank
    if asked["solver"] == LEAST_SQUARES:
        context.exit(_fit(begun, rank, catalog, asked))
    context.exit(_search(begun, rank, catalog, asked))


def _fit(begun: Start, rank: int, catalog: Catalog, asked: dict[str, Any]) -> int:
    """The nearest approximation, printed and kept; no steps keep a seed as it is."""
    from bilinear.discover.approximate.refining import by_least_squares, keep, refined
    from bilinear.discover.starts import keep_seeds

    began = time.process_time()
    found = refined(begun.given, rank, asked["steps"], asked["bounded"])
    way = by_least_squares(begun, asked["steps"], asked["bounded"], time.process_time() - began)
    added = keep_seeds(catalog, [begun]) if asked["save"] else []
    if asked["save"] and not (begun.drawn and asked["steps"] == 0):
        added = [keep(catalog, found, way)]
    _print(found, added, asked["as_json"])
    return DONE


def _search(begun: Start, rank: int, catalog: Catalog, asked: dict[str, Any]) -> int:
    """What a solver makes of the start: a scheme, or else the nearest approximation that it held."""
    from bilinear.commands.screen import announcement, shown
    from bilinear.decompositions.rings import parse_ring
    from bilinear.decompositions.scheme import Scheme
    from bilinear.discover.approximate.refining import by_solver, keep
    from bilinear.discover.auto import resolve
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.engine.order import Order
    from bilinear.discover.engine.run import Hooks
    from bilinear.discover.report import result_as_dict, result_as_lines, result_in_words
    from bilinear.discover.search import execute
    from bilinear.discover.starts import keep_seeds

    given = begun.given
    ring = parse_ring(asked["ring"] or (str(given.ring) if isinstance(given, Scheme) else "zt"))
    budget = parse_budget(asked["budget"])
    order = Order(given.target, rank, ring, asked["solver"], options(asked["options"]), asked["seed"], budget, (given,))
    order, choice = resolve(order)
    say(f"{order.problem.short} by {order.solver}, seed {order.seed}", choice, announcement(order.solver))
    kept = catalog if asked["save"] else None
    with shown("refining", Hooks()) as hooks:
        result = execute(order, kept, hooks)
    nearest = result.outcome.approximation
    if kept is not None and (result.added or nearest is not None):
        keep_seeds(catalog, [begun])
    if result.scheme is None and nearest is not None:
        added = [] if kept is None else [keep(catalog, nearest, by_solver(begun, order, result.outcome))]
        _print(nearest, added, asked["as_json"])
        return DONE
    if asked["as_json"]:
        print_json(result_as_dict(result))
    else:
        say(*result_in_words(result))
        print_lines(result_as_lines(result, catalog.root))
    return exit_code(result)


def _print(found: Approximation, added: Sequence[Added], as_json: bool) -> None:
    from bilinear.discover.approximate.report import approximation_as_dict, approximation_as_lines

    if as_json:
        print_json(approximation_as_dict(found, added[0].id if added else None))
    else:
        print_lines(approximation_as_lines(found, added))

"""The commands that search, and show how a search went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands.common import (
    DONE,
    INTERRUPTED,
    NOT_FOUND,
    WRONG_USE,
    as_json,
    fail,
    print_json,
    print_lines,
    say,
    with_catalog,
)
from bilinear.commands.export import write_layer

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.discover.search import Result


@click.command()
@click.argument("target")
@click.option("--rank", type=int, help="Products wanted.")
@click.option("--ring", default="zt", show_default=True, help="Coefficient set: zt, z, q, qi, f2 or f3.")
@click.option("--solver", default="auto", show_default=True, help="Search method; auto says which it chose and why.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Time or steps: 60s, 10m, 2h, 5000steps.")
@click.option(
    "--jobs", type=int, default=1, show_default=True, help="Processes; flip-graph solvers share what they find."
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A hyperparameter of the solver.")
@click.option("--recipe", help="Short for --option recipe=...")
@click.option("--device", help="Short for --option device=... (cpu or cuda).")
@click.option("--start", "starts", multiple=True, metavar="ID|FILE|seed:NAME", help="What to begin from.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint of this search.")
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="Where the checkpoint is kept.")
@click.option("--metrics", type=click.Path(path_type=Path), metavar="FILE", help="Write figures there as JSON lines.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@click.option(
    "--export-layer", "layer", type=click.Path(path_type=Path), metavar="DIR", help="Also write an STL layer."
)
@as_json
@with_catalog
@click.pass_context
def search(
    context: click.Context, /, target: str, catalog: Catalog, save: bool, layer: Path | None, **asked: Any
) -> None:
    """Search for a scheme of TARGET (2x2x3, matmul:2x2x3, file:map.npy), prove it and keep it."""
    from bilinear.commands.screen import announcement, shown
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.rings import parse_ring
    from bilinear.discover.auto import resolve
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.engine.order import Order
    from bilinear.discover.engine.run import Hooks
    from bilinear.discover.metrics import recorded
    from bilinear.discover.pieces import with_pieces
    from bilinear.discover.report import result_as_dict, result_as_lines, result_in_words
    from bilinear.discover.search import execute
    from bilinear.discover.starts import keep_seeds, start

    built = parse_target(target)
    begun = [start(catalog, query, built, asked["rank"], asked["seed"]) for query in asked["starts"]]
    order = Order(
        built,
        asked["rank"],
        parse_ring(asked["ring"]),
        asked["solver"],
        options(asked["options"]) | {name: asked[name] for name in ("recipe", "device") if asked[name] is not None},
        asked["seed"],
        parse_budget(asked["budget"]),
        tuple(one.given for one in begun),
        asked["jobs"],
        asked["checkpoint"],
        asked["resume"],
    )
    order = with_pieces(order, catalog)
    chosen, choice = resolve(order)
    title = f"{chosen.problem.short} by {chosen.solver}, seed {chosen.seed}"
    say(title, choice, announcement(chosen.solver))
    with shown("searching", Hooks()) as hooks:
        kept = catalog if save else None
        result = recorded(asked["metrics"], chosen, hooks, lambda heard: execute(order, kept, heard))
    if any(added.status == "added" for added in result.added):
        keep_seeds(catalog, begun)
    if asked["as_json"]:
        print_json(result_as_dict(result))
    else:
        say(*result_in_words(result, told=choice))
        print_lines(result_as_lines(result, catalog.root))
    if layer is not None and result.scheme is not None:
        write_layer(result.scheme, layer, result.added[0].id if result.added else None)
    if result.unsaved:
        fail(context, result.unsaved, WRONG_USE)
    context.exit(exit_code(result))


def options(texts: Sequence[str]) -> dict[str, object]:
    """The hyperparameters given as NAME=VALUE.

    Raises:
        UsageError: If one is not written so.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text[:40]!r}: NAME=VALUE is needed")
        found[name.strip().replace("-", "_")] = value
    return found


def exit_code(result: Result) -> int:
    """What the command ends with."""
    from bilinear.discover.engine.outcome import Status

    if result.outcome.status is Status.INTERRUPTED:
        return INTERRUPTED
    return DONE if result.scheme is not None else NOT_FOUND


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A .png, .svg or .pdf file.")
def plot(file: Path, out: Path | None) -> None:
    """Plot the rank against time, from the FILE that `search --metrics FILE` wrote."""
    from bilinear.discover.plot import plot as plotted

    out = out or file.with_suffix(".png")
    plotted(file, out)
    click.echo(out)

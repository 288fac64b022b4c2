"""The commands that search, and show how a search went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands import values
from bilinear.commands.common import as_json, say, tell, with_catalog, with_jobs
from bilinear.commands.conduct import Asked, attempted, conduct
from bilinear.commands.export import write_layer

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@click.command()
@click.argument("target", shell_complete=values.targets)
@click.option("--rank", type=int, help="Products wanted.")
@click.option(
    "--ring",
    shell_complete=values.rings,
    default="zt",
    show_default=True,
    help="Coefficient set: zt, z, q, qi, f2 or f3.",
)
@click.option(
    "--solver",
    shell_complete=values.solvers,
    default="auto",
    show_default=True,
    help="Search method; auto says which it chose and why.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Time or steps: 60s, 10m, 2h, 5000steps.")
@with_jobs("Processes; flip-graph solvers share what they find.")
@click.option(
    "--option",
    "options",
    multiple=True,
    shell_complete=values.hyperparameters,
    metavar="NAME=VALUE",
    help="A hyperparameter of the solver.",
)
@click.option("--recipe", help="Short for --option recipe=...")
@click.option("--device", shell_complete=values.devices, help="Short for --option device=... (cpu or cuda).")
@click.option(
    "--start",
    "starts",
    multiple=True,
    shell_complete=values.starts,
    metavar="ID|FILE|seed:NAME",
    help="What to begin from.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint of this search.")
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="Where the checkpoint is kept.")
@click.option("--metrics", type=click.Path(path_type=Path), metavar="FILE", help="Write figures there as JSON lines.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@click.option("--keep-all", is_flag=True, help="Keep the schemes of higher ranks found on the way as well.")
@click.option("--quiet", "-q", is_flag=True, help="Print the entry's id, and nothing else but errors.")
@click.option(
    "--export-layer", "layer", type=click.Path(path_type=Path), metavar="DIR", help="Also write an STL layer."
)
@as_json
@with_catalog
@click.pass_context
def search(
    context: click.Context,
    /,
    target: str,
    starts: tuple[str, ...],
    catalog: Catalog,
    save: bool,
    keep_all: bool,
    quiet: bool,
    metrics: Path | None,
    layer: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Search for a scheme of TARGET (2x2x3, matmul:2x2x3, file:map.npy), prove it and keep it."""
    from bilinear.decompositions import parse_target
    from bilinear.discover.starts import keep_starts, start

    wanted, built = Asked(**asked), parse_target(target)
    begun = [start(catalog, query, built, wanted.rank, wanted.seed) for query in starts]
    say(*(one.note for one in begun if not quiet))
    order = wanted.order(built, [one.given for one in begun])
    done = conduct(order, catalog, catalog if save else None, "searching", metrics, keep_all, quiet)
    result, unsaved = done.result, ""
    if any(added.status == "added" for added in result.added):
        _, unsaved = attempted(lambda: keep_starts(catalog, begun))
    done.print(catalog.root, as_json, quiet)
    if layer is not None and result.scheme is not None and done.is_proved:
        write_layer(result.scheme, layer, result.added[-1].id if result.added else None)
    done.close(context, unsaved)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|PLAN.toml")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A .png, .svg or .pdf file.")
@with_catalog
def plot(file: Path, out: Path | None, catalog: Catalog) -> None:
    """Plot the rank against time, from the FILE that `search --metrics FILE` wrote; or a campaign, from its plan."""
    from bilinear.commands.pictures.search import plot_search

    out = out or file.parent / f"{file.stem or 'plot'}.png"
    if file.suffix == ".toml":
        _plot_campaign(file, out, catalog)
    else:
        plot_search(file, out)
    tell(out)


def _plot_campaign(path: Path, out: Path, catalog: Catalog) -> None:
    from bilinear.commands.pictures.campaign import plot_campaign
    from bilinear.discover.campaign import journal
    from bilinear.discover.campaign.ledger import Ledger
    from bilinear.discover.campaign.plan import read
    from bilinear.discover.campaign.standing import standing

    plan, ledger = read(path), Ledger.of(journal.read(read(path).journal))
    plot_campaign(standing(plan, catalog, ledger), ledger, path.name, out)

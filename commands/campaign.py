"""The commands of `bilinear campaign`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands.common import (
    DONE,
    INTERRUPTED,
    as_json,
    print_json,
    print_lines,
    say,
    tell,
    with_catalog,
    with_jobs,
)

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

PLAN = click.argument("path", type=click.Path(path_type=Path), metavar="PLAN.toml")


@click.group()
def campaign() -> None:
    """Hunt a whole table of targets, for hours or weeks, on any number of workers."""


@campaign.command()
@PLAN
def new(path: Path) -> None:
    """Write a commented plan, to be edited."""
    from bilinear.discover.campaign import plan

    plan.new(path)
    tell(path)


@campaign.command()
@PLAN
@with_jobs("Processes; each does one task at a time.")
@click.option("--budget", default="1h", show_default=True, help="Time or tasks: 60s, 8h, 100steps.")
@as_json
@with_catalog
@click.pass_context
def run(
    context: click.Context, path: Path, jobs: int, cluster: str | None, budget: str, as_json: bool, catalog: Catalog
) -> None:
    """Go on with the campaign from wherever it stood; every scheme goes to the catalog at once."""
    from bilinear.commands.screen import campaign_shown
    from bilinear.commands.words.campaign import end_in_words, standing_as_dict, standing_as_lines, table_of
    from bilinear.discover.campaign.hunt import hunt
    from bilinear.discover.campaign.plan import read
    from bilinear.discover.campaign.standing import standing
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.engine.parallel.crew import require_jobs

    plan, limit = read(path), parse_budget(budget)
    require_jobs(jobs, cluster)
    say(f"{path}: {len(plan.targets)} targets over {', '.join(plan.rings)}; journal {plan.journal}")
    with campaign_shown(lambda told: table_of(told, limit)) as hear:
        reason, told = hunt(plan, catalog, limit, jobs, cluster, hear=hear)
    rows = standing(plan, catalog, told.ledger)
    say(end_in_words(reason, told))
    if as_json:
        print_json({"reason": reason, **standing_as_dict(rows, told.ledger, running=False)})
    else:
        print_lines(standing_as_lines(rows, told.ledger))
    context.exit(INTERRUPTED if reason == "interrupted" else DONE)


@campaign.command()
@PLAN
@as_json
@with_catalog
def status(path: Path, as_json: bool, catalog: Catalog) -> None:
    """Tell how a campaign stands, while it runs in another terminal or after its end."""
    from bilinear.commands.words.campaign import ledger_as_lines, standing_as_dict, standing_as_lines
    from bilinear.discover.campaign import journal
    from bilinear.discover.campaign.ledger import Ledger
    from bilinear.discover.campaign.plan import read
    from bilinear.discover.campaign.standing import standing

    plan = read(path)
    running, ledger = journal.is_running(plan.journal), Ledger.of(journal.read(plan.journal))
    rows = standing(plan, catalog, ledger)
    if as_json:
        print_json(standing_as_dict(rows, ledger, running))
    else:
        say(*ledger_as_lines(ledger, running))
        print_lines(standing_as_lines(rows, ledger))

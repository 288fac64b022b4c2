"""The command that proves lower bounds on the rank, over `f2`, by looking at everything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import INTERRUPTED, as_json, print_json, tell

if TYPE_CHECKING:
    from bilinear.decompositions.exhaustion import Hunt


@click.command()
@click.argument("target", shell_complete=values.targets)
@click.option(
    "--ring",
    default="f2",
    show_default=True,
    shell_complete=values.rings,
    help="f2; what it needs, zt and z need as well.",
)
@click.option("--budget", default="60s", show_default=True, help="60s, 10m, 2h: a time.")
@as_json
@click.pass_context
def bound(context: click.Context, target: str, ring: str, budget: str, as_json: bool) -> None:
    """Prove how many products a target needs over f2, by looking at every span that could hold it."""
    from bilinear.commands.screen import status_line
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.exhaustion import hunts
    from bilinear.discover.engine.budget import parse_budget

    if ring != "f2":
        raise click.BadParameter(
            f"{ring}: bounds are proved over f2 alone, and hold for zt and z too", param_hint="--ring"
        )
    wanted, limit = parse_target(target), parse_budget(budget)
    if limit.seconds is None:
        raise click.BadParameter(f"{budget}: a time is needed, as in 60s", param_hint="--budget")
    began, cpu, last, interrupted = time.monotonic(), time.process_time(), None, False
    try:
        with status_line(f"{wanted.short} over f2") as show:
            for last in hunts(wanted):
                show(f"{last.rank} products, {last.looked:,} of {last.subsets:,} spans")
                if limit.spent(time.monotonic() - began, 0):
                    break
    except KeyboardInterrupt:
        interrupted = True
    if last is not None:
        took = {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}
        result = {"target": wanted.name, "ring": ring, **_found(last), **took}
        if as_json:
            print_json(result)
        else:
            tell(_sentence(wanted.short, last, took["cpu_seconds"]))
    if interrupted:
        context.exit(INTERRUPTED)


def _found(hunt: Hunt) -> dict[str, object]:
    """What is proven by the last search: all ranks below its own have no scheme."""
    from bilinear.decompositions.exhaustion import Answer

    bound = hunt.rank + (hunt.answer is Answer.NONE)
    undecided = {"rank": hunt.rank, "looked": hunt.looked, "spans": hunt.subsets}
    return {
        "bound": bound,
        "exact": hunt.answer is Answer.SOME,
        "open": undecided if hunt.answer is Answer.OPEN else None,
    }


def _sentence(name: str, hunt: Hunt, cpu_seconds: float) -> str:
    found = _found(hunt)
    if found["exact"]:
        return f"{name} over f2 needs {hunt.rank} products, and {hunt.rank} are enough: proven, {cpu_seconds:.1f} CPU s"
    less = f"{name} over f2 needs at least {found['bound']} products: proven, {cpu_seconds:.1f} CPU s"
    if found["open"] is None:
        return less
    return f"{less}; whether {hunt.rank} are enough is open: {hunt.looked:,} of {hunt.subsets:,} spans were looked at"

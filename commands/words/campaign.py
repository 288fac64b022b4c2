"""Campaigns as programs and people read them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bilinear.commands.common import visible
from bilinear.commands.screen import clock
from bilinear.commands.words.table import or_dash, table
from bilinear.discover.campaign.standing import Row, on_board

if TYPE_CHECKING:
    from rich.table import Table

    from bilinear.discover.campaign.hunt import Told
    from bilinear.discover.campaign.ledger import Account, Finder, Ledger
    from bilinear.discover.engine.budget import Budget

HEADER = ("target", "ring", "here", "published", "tasks", "CPU", "last improvement", "running")
SHOWN = 20  # rows of the live table
ENDS = {
    "budget": "stopped at the budget; run it again to go on",
    "interrupted": "interrupted; run it again to go on",
    "finished": "nothing is left to try: every target has its goal, or no solver takes it",
}


def standing_as_dict(rows: Sequence[Row], ledger: Ledger, running: bool) -> dict[str, Any]:
    """A campaign for JSON; the keys are documented in docs/campaigns.md."""
    return {
        "running": running,
        "session": ledger.session,
        "ended": ledger.ended,
        "tasks": ledger.done,
        "unfinished": len(ledger.begun),
        "cpu_seconds": ledger.cpu,
        "tasks_per_second": ledger.speed,
        "improvements": len(ledger.falls),
        "reached": sum(row.is_reached for row in rows),
        "targets": [_row_as_dict(row) for row in rows],
        "finders": [
            {
                "solver": solver,
                "move": move,
                "tasks": account.tasks,
                "cpu_seconds": account.cpu,
                "improvements": account.gained,
                "last_improvement": account.improved,
            }
            for (solver, move), account in _by_gains(ledger)
        ],
    }


def _by_gains(ledger: Ledger) -> list[tuple[Finder, Account]]:
    """Who improved most first."""
    return sorted(ledger.finders.items(), key=lambda one: (-one[1].gained, -one[1].cpu, one[0]))


def _row_as_dict(row: Row) -> dict[str, Any]:
    return {
        "target": row.quarry.target.short,
        "ring": str(row.quarry.ring),
        "here": row.here,
        "published": row.aim.published,
        "goal": row.aim.goal,
        "tasks": row.account.tasks,
        "cpu_seconds": row.account.cpu,
        "improvements": row.account.gained,
        "last_improvement": row.account.improved,
        "found_by": None if row.account.finder is None else list(row.account.finder),
        "running": row.running,
    }


def ledger_as_lines(ledger: Ledger, running: bool) -> list[str]:
    """What a campaign has done, and who runs it."""
    session, lines = ledger.session, [_sum(ledger)]
    if running and session:
        lines.append(f"runs now: process {session['pid']} on {session['host']}, {session['workers']} workers")
    elif ledger.begun:
        lines.append(f"{len(ledger.begun)} tasks were begun and not ended; the next run does them again")
    return lines


def end_in_words(reason: str, told: Told) -> str:
    """The end of a session."""
    return f"{_sum(told.ledger)}; {ENDS[reason]}"


def _sum(ledger: Ledger) -> str:
    speed = "" if ledger.speed is None else f", {ledger.speed:.3g} tasks/s"
    return f"{ledger.done} tasks in {clock(ledger.cpu)} of CPU time{speed}, {len(ledger.falls)} improvements"


def standing_as_lines(rows: Sequence[Row], ledger: Ledger) -> list[str]:
    """A table of all targets, each with who lowered it last; and one of who found how much."""
    lines = table((*HEADER, "found by"), [[*_cells(row), _name(row.account.finder)] for row in rows])
    if not ledger.finders:
        return lines
    cells = [
        (_name(finder), str(account.tasks), clock(account.cpu), str(account.gained), _date(account.improved))
        for finder, account in _by_gains(ledger)
    ]
    return [*lines, "", *table(("solver, move", "tasks", "CPU", "improvements", "last improvement"), cells)]


def _name(finder: Finder | None) -> str:
    """A solver and its move."""
    return ", ".join(finder or ())


def _date(moment: float | None) -> str:
    """Seconds since 1970 as the clock on the wall shows them."""
    return "-" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _cells(row: Row) -> list[str]:
    return [
        row.quarry.target.short,
        str(row.quarry.ring),
        or_dash(row.here),
        or_dash(row.aim.published),
        str(row.account.tasks),
        clock(row.account.cpu),
        _date(row.account.improved),
        str(row.running) if row.running else "",
    ]


def table_of(told: Told, budget: Budget) -> Table:
    """The live table: what runs now and what improved last, below a line of sums."""
    from rich.table import Table
    from rich.text import Text

    rows = on_board(told.board, told.ledger)
    shown = sorted(rows, key=lambda row: (-row.running, -(row.account.improved or 0.0), -row.account.cpu))[:SHOWN]
    reached = sum(row.is_reached for row in rows)
    head = f"{_sum(told.ledger)}; {reached} of {len(rows)} at their goal; {_left(told.seconds, budget)}"
    dashboard = f"\nDask: {told.dashboard}" if told.dashboard else ""
    found = Table(box=None, pad_edge=False, header_style="bold", title=Text(head + dashboard), title_justify="left")
    for name in HEADER:
        found.add_column(name, no_wrap=True)
    for row in shown:
        found.add_row(*(Text(visible(cell)) for cell in _cells(row)))
    return found


def _left(seconds: float, budget: Budget) -> str:
    """How much of the budget is left."""
    if budget.seconds is None:
        return f"budget {budget}"
    return f"{clock(max(0.0, budget.seconds - seconds))} of the budget left"

"""How a campaign stands: a row for every target over every coefficient set of its plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bilinear.discover.campaign.board import Board
from bilinear.discover.campaign.holdings import Aim, Holdings, Quarry, aim
from bilinear.discover.campaign.ledger import Account, Ledger
from bilinear.discover.campaign.plan import Plan

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@dataclass(frozen=True)
class Row:
    """One target over one coefficient set.

    Attributes:
        quarry: Both.
        here: The best rank of the catalog, by file names; None if there is no scheme.
        aim: The best published rank, and the goal.
        account: What was spent on it.
        running: Tasks begun and not done.
    """

    quarry: Quarry
    here: int | None
    aim: Aim
    account: Account
    running: int

    @property
    def distance(self) -> int | None:
        """How far the rank here lies above the published one; None where one of them is missing."""
        if self.here is None or self.aim.published is None:
            return None
        return self.here - self.aim.published

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached."""
        return self.here is not None and self.aim.goal is not None and self.here <= self.aim.goal


def standing(plan: Plan, catalog: Catalog, ledger: Ledger) -> list[Row]:
    """The rows of a plan, by what the catalog holds now."""
    quarries = [Quarry(target, ring) for target in plan.targets for ring in plan.rings]
    return _rows(((quarry, aim(quarry, plan.goal)) for quarry in quarries), Holdings(plan, catalog), ledger)


def on_board(board: Board, ledger: Ledger) -> list[Row]:
    """The rows of a campaign that runs."""
    return _rows(((quarry, board.aims[quarry.key]) for quarry in board.quarries), board.holdings, ledger)


def _rows(aims: Iterable[tuple[Quarry, Aim]], holdings: Holdings, ledger: Ledger) -> list[Row]:
    running = ledger.running
    return [
        Row(quarry, holdings.rank(quarry), aim, ledger.accounts.get(quarry.key, Account()), running[quarry.key])
        for quarry, aim in aims
    ]

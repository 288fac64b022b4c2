"""A campaign that runs: tasks are chosen and given to workers, what they find is kept, every step is in the journal."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from bilinear.catalog.errors import CatalogError, WrongSchemeError
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.program import ProgramError
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import LARGEST
from bilinear.discover.campaign.bandit import Bandit, Chooser
from bilinear.discover.campaign.board import Board
from bilinear.discover.campaign.holdings import Holdings
from bilinear.discover.campaign.journal import Journal, Line
from bilinear.discover.campaign.ledger import Ledger
from bilinear.discover.campaign.plan import Plan
from bilinear.discover.campaign.task import INTERRUPTED, Report, Task, attempt
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import interruption
from bilinear.discover.engine.parallel.crew import Crew, Failed
from bilinear.discover.growth import keep_lower
from bilinear.discover.keep import HASH_WORD, keep
from bilinear.discover.optimize.kept import keep_optimum
from bilinear.discover.search import made

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

LOWER_GAIN = 0.1  # of fewer additions or less growth, beside a rank that reaches its goal
WAITING = 0.5  # seconds between two looks at the clock and at the user


class Workers(Protocol):
    """Who does tasks.

    Attributes:
        slots: How many at once.
    """

    @property
    def slots(self) -> int: ...

    def submit(self, function: Callable[[Task], Report], task: Task, /) -> Any:
        """Have a task done; what is returned stands for it."""
        ...

    def ended(self, waiting: list[Any], seconds: float, /) -> list[Any]:
        """Those that have ended, after so many seconds at most if there are none."""
        ...

    def result(self, one: Any, /) -> Report | Failed | None:
        """What came of one that has ended; None if it killed its workers."""
        ...


class Here:
    """This process, one task after another."""

    slots = 1

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    def submit(self, function: Callable[[Task], Report], task: Task) -> Task:
        """Nothing is done yet."""
        return task

    def ended(self, waiting: list[Task], seconds: float) -> list[Task]:
        """All of them, once they are asked for."""
        return waiting

    def result(self, task: Task) -> Report | Failed:
        """Done now."""
        try:
            return attempt(task, self._stopped)
        except BilinearError as error:
            return Failed(str(error))


@dataclass(frozen=True)
class Told:
    """How a campaign stands, for whoever watches.

    Attributes:
        ledger: What was done.
        board: What is hunted.
        seconds: Of this session.
        dashboard: Address of Dask's own; empty if there is none.
    """

    ledger: Ledger
    board: Board
    seconds: float
    dashboard: str = ""


def hunt(
    plan: Plan,
    catalog: Catalog,
    budget: Budget,
    jobs: int = 1,
    cluster: str | None = None,
    *,
    hear: Callable[[Told], None] = lambda told: None,
    chooser: Callable[[Board], Chooser] | None = None,
) -> tuple[str, Told]:
    """Go on with a campaign from wherever it stood.

    Args:
        plan: What is hunted.
        catalog: Where schemes are kept, each at once.
        budget: Wall time of this session, at which the tasks that run are left for the next one; or tasks.
        jobs: Processes of this machine; one is this process.
        cluster: The address of a Dask scheduler, or its file, whose workers do the tasks instead.
        hear: Called whenever something has changed.
        chooser: Makes what chooses among the arms of a board; the bandit if not given.

    Returns:
        Why it ended, `budget`, `interrupted` or `finished`; and how it stands.

    Raises:
        JournalError: If another process runs the campaign, or its journal is damaged or cannot be written.
        JobError: If the cluster cannot be joined, or is gone.
        StoreError: If the catalog cannot be written; the task is done again by the next session.
    """
    with Journal(plan.journal) as journal, interruption() as interrupted:
        board = Board(plan, Holdings(plan, catalog))
        campaign = _Campaign(journal, board, catalog, (chooser or _bandit)(board))
        with _workers(jobs, cluster, lambda: interrupted() or campaign.is_late(budget)) as workers:
            reason = campaign.run(workers, budget, interrupted, hear)
        return reason, campaign.told("")


def _bandit(board: Board) -> Bandit:
    return Bandit([arm.kin for arm in board.arms], board.plan.seed)


@contextmanager
def _workers(jobs: int, cluster: str | None, stopped: Callable[[], bool]) -> Iterator[Workers]:
    if jobs == 1 and cluster is None:
        yield Here(stopped)
        return
    with Crew(jobs, cluster, dashboard=True) as crew:
        yield crew


def _same(found: Scheme, given: Scheme) -> Scheme:
    """The scheme that was given, if it came back from a worker unchanged."""
    return given if content_hash(found) == content_hash(given) else found


class _Campaign:
    """A session."""

    def __init__(self, journal: Journal, board: Board, catalog: Catalog, chooser: Chooser) -> None:
        """The past is taken up from the journal; tasks that were begun and not done come first."""
        self.journal, self.board, self.catalog, self.chooser = journal, board, catalog, chooser
        self.ledger = Ledger()
        self.began = time.monotonic()
        for line in journal.lines:
            self._hear(line)
        self.again = deque(sorted(self.ledger.begun))
        self.session_begun = 0

    @property
    def seconds(self) -> float:
        """Of this session."""
        return time.monotonic() - self.began

    def is_late(self, budget: Budget) -> bool:
        """Whether the time is up."""
        return Budget(budget.seconds).spent(self.seconds, 0)

    def told(self, dashboard: str) -> Told:
        """How it stands."""
        return Told(self.ledger, self.board, self.seconds, dashboard)

    def run(
        self, workers: Workers, budget: Budget, interrupted: Callable[[], bool], hear: Callable[[Told], None]
    ) -> str:
        """Task after task, until one of the reasons to end."""
        who = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}
        self._write("session", **who, workers=workers.slots, budget=str(budget))
        self.began = time.monotonic()
        running: dict[Any, Task] = {}
        dashboard, reason = str(getattr(workers, "dashboard", "")), ""
        while not reason:
            while len(running) < workers.slots and not self._is_full(budget):
                task = self._next()
                if task is None:
                    break
                running[workers.submit(attempt, task)] = task
            hear(self.told(dashboard))
            if not running:
                reason = "budget" if self._is_full(budget) else "finished"
                break
            for one in workers.ended(list(running), WAITING):
                report = workers.result(one)
                if isinstance(report, Report) and report.status == INTERRUPTED:
                    reason = INTERRUPTED  # in this process; it is done again by the next session
                    break
                self._take(running.pop(one), report)
            if self.is_late(budget):
                reason = "budget"
            elif interrupted():
                reason = INTERRUPTED
        self._write("end", reason=reason, at=round(self.seconds, 3))
        hear(self.told(dashboard))
        return reason

    def _is_full(self, budget: Budget) -> bool:
        return budget.steps is not None and self.session_begun >= budget.steps

    def _next(self) -> Task | None:
        """A task that was begun before, or one that is chosen now; None if nothing is left to hunt."""
        self.session_begun += 1
        while self.again:
            line = self.ledger.begun[self.again.popleft()]
            task = self._made(line)
            if task is not None:
                return task
            self._finish(line, "lost", 0.0)
        chosen = self.board.draft(self.chooser, self.ledger.next)
        if chosen is None:
            self.session_begun -= 1
            return None
        fields, starts = chosen
        line = self._write("begun", task=self.ledger.next, **fields, at=round(self.seconds, 3))
        return Task(line, starts)

    def _made(self, line: Line) -> Task | None:
        """A task of an earlier session, with its starts; None if one of them is gone."""
        try:
            starts = [self.catalog.factors(name).value for name in line["starts"]]
        except CatalogError:
            return None
        return Task(line, tuple(start for start in starts if isinstance(start, Scheme)))

    def _take(self, task: Task, report: Report | Failed | None) -> None:
        """Keep what a task found, then say that it is done."""
        line = task.begun
        if report is None:
            self._finish(line, "its workers died", 0.0)
        elif isinstance(report, Failed):
            self._finish(line, f"failed: {report.text[:300]}", 0.0)
        elif report.optimum is not None or report.calmer is not None:
            self._keep_lower(task, report)
        else:
            self._keep(task, report)

    def _keep_lower(self, task: Task, report: Report) -> None:
        """A program with fewer additions, or a basis in which errors grow less; both are proved as they are kept."""
        given, line, kept, gained = task.starts[0], task.begun, list[str](), False
        try:
            if report.optimum is not None:
                optimum = replace(report.optimum, scheme=_same(report.optimum.scheme, given))
                done = keep_optimum(self.catalog, given, optimum)
                kept, added = [name[:HASH_WORD] for name in done.attached], done.added
            else:
                assert report.calmer is not None, "one of both is there"
                found = replace(report.calmer, scheme=_same(report.calmer.scheme, given))
                added = keep_lower(self.catalog, given, found, line["seed"], LARGEST, report.cpu)
            gained = bool(kept) or (added is not None and added.status == "added")
        except (WrongSchemeError, ProgramError) as error:
            self._finish(line, f"wrong: {str(error)[:300]}", report.cpu)
            return
        self._finish(line, report.status, report.cpu, LOWER_GAIN * gained, kept=kept)

    def _keep(self, task: Task, report: Report) -> None:
        """A scheme that is better than what is here goes to the catalog; one that a killed session kept is there."""
        line, found, quarry = task.begun, report.found, self.board.quarry(task.begun)
        before, held = line["before"], self.board.holdings.rank(quarry)
        if found is None or (before is not None and found.scheme.rank >= before):
            self._finish(line, report.status, report.cpu)
            return
        rank, name = found.scheme.rank, content_hash(found.scheme)[:HASH_WORD]
        if held is not None and rank >= held and not self._is_kept(name):
            self._finish(line, report.status, report.cpu)
            return
        try:
            added = keep(self.catalog, found.scheme, made(task.order, found))
        except WrongSchemeError:
            self._finish(line, "wrong: its scheme is not kept", report.cpu)
            return
        listing = self.catalog.find(added.id).listing
        assert listing is not None, "what was added is in the catalog"
        self.board.holdings.hear(listing)
        self._finish(line, report.status, report.cpu, self.board.gain(quarry, before, rank), rank, [name])

    def _is_kept(self, name: str) -> bool:
        """Whether the scheme of a hash is in the catalog."""
        try:
            self.catalog.find(name)
        except CatalogError:
            return False
        return True

    def _finish(
        self,
        line: Line,
        status: str,
        cpu: float,
        gain: float = 0.0,
        rank: int | None = None,
        kept: list[str] | None = None,
    ) -> None:
        """The line that says that a task is done."""
        self._write(
            "done",
            task=line["task"],
            status=status,
            cpu=round(cpu, 3),
            gain=round(gain, 4),
            rank=rank,
            kept=[] if kept is None else kept,
            at=round(self.seconds, 3),
            time=time.time(),
        )

    def _write(self, event: str, **fields: Any) -> Line:
        self.journal.write(event, **fields)
        line = {"event": event, **fields}
        self._hear(line)
        return line

    def _hear(self, line: Line) -> None:
        """Take a line up, of this session or of one before."""
        begun = self.ledger.hear(line)
        if line["event"] == "begun" and (arm := self.board.arm(line)) is not None:
            self.chooser.begin(arm)
        if begun is not None:
            if (arm := self.board.arm(begun)) is not None:
                self.chooser.end(arm, line["gain"], line["cpu"])
            self.board.hear(begun, line, self.chooser)

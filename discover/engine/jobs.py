"""Several seeds at once, each in a process of its own. One that dies takes nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.archive import remove
from bilinear.discover.engine.loop import interruption
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.sharing import run_sharing, shares
from bilinear.discover.engine.workers import CONTEXT, JobError, Worker, require_cores, send


def run_jobs(order: Order, hooks: Hooks) -> Outcome:
    """Run an order: here if it has one job, else its jobs at once, with seeds seed, seed + 1, ...

    Those of a solver that shares help one another, see `bilinear.discover.engine.sharing`; any other solver searches
    with each seed for itself, and the first scheme of the rank asked for ends them all.

    Raises:
        JobError: If there are too many jobs, or every one died.
    """
    require_cores(order.jobs)
    if order.jobs == 1:
        return run(order, hooks)
    if shares(order):
        return run_sharing(order, hooks)
    team = _Team(order, hooks)
    try:
        with interruption() as interrupted:
            team.work(interrupted)
    finally:
        team.dismiss()
    outcome = team.outcome()
    if outcome.status is Status.FOUND:
        team.forget()
    return outcome


class _Team:
    """The running jobs and what came from them."""

    def __init__(self, order: Order, hooks: Hooks) -> None:
        self.order, self.hooks = order, hooks
        self.stop = CONTEXT.Event()
        self.best: Found | None = None
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []
        self.wrong = 0
        self.workers = [Worker(job, _work, self.stop, order.of_job(job), job) for job in range(order.jobs)]
        self.pipes = {worker.pipe: worker for worker in self.workers}

    def work(self, interrupted: Callable[[], bool]) -> None:
        """Listen until every job has ended."""
        while self.pipes:
            for pipe in wait(list(self.pipes), timeout=0.2):
                assert isinstance(pipe, Connection)
                self._hear(pipe)
            if interrupted() or self.hooks.should_stop():
                self.stop.set()

    def _hear(self, pipe: Connection) -> None:
        worker = self.pipes[pipe]
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            self._bury(pipe, worker)
            return
        if isinstance(message, Progress):
            self.hooks.on_progress(message)
        elif isinstance(message, Found):
            self._keep(message)
        elif isinstance(message, Outcome):
            self.outcomes.append(message)
        else:
            raise JobError(f"job {worker.job}: {message}")

    def _keep(self, found: Found) -> None:
        if not verify(found.scheme).ok:
            self.wrong += 1
            return
        if self.best is None or found.scheme.rank < self.best.scheme.rank:
            self.best = found
            self.hooks.on_found(found)
        if found.scheme.rank <= (self.order.problem.rank or 0):
            self.stop.set()

    def _bury(self, pipe: Connection, worker: Worker) -> None:
        """A pipe that closed: the job has ended, or died."""
        del self.pipes[pipe]
        if cause := worker.cause_of_death():
            job = worker.job
            self.notes.append(f"job {job} (seed {self.order.seed + job}) died with {cause}; the others went on")

    def dismiss(self) -> None:
        """End what still runs."""
        self.stop.set()
        for worker in self.workers:
            worker.end()

    def forget(self) -> None:
        """Remove the checkpoints: the search is finished."""
        for worker in self.workers:
            if (path := self.order.of_job(worker.job).checkpoint) is not None:
                remove(path)

    def outcome(self) -> Outcome:
        """All jobs' ends as one: the best scheme, steps and CPU time added up."""
        if not self.outcomes and self.best is None:
            raise JobError("every job died: " + "; ".join(self.notes))
        statuses = [o.status for o in self.outcomes]
        order = (Status.FOUND, Status.INTERRUPTED, Status.BUDGET, Status.EXHAUSTED)
        status = next((s for s in order if s in statuses), Status.FOUND)
        if status is Status.FOUND and self.best is None:  # what a job calls found was wrong
            status = Status.EXHAUSTED
        if self.wrong:
            self.notes.append(f"{self.wrong} wrong schemes came from jobs; they were dropped")
        approximations = [o.approximation for o in self.outcomes if o.approximation is not None]
        return Outcome(
            status,
            self.best,
            min(approximations, key=lambda a: a.residual, default=None),
            self.best.seed if self.best else self.order.seed,
            sum(o.steps for o in self.outcomes),
            max((o.seconds for o in self.outcomes), default=0.0),
            sum(o.cpu_seconds for o in self.outcomes),
            sum(o.rejected for o in self.outcomes) + self.wrong,
            self.outcomes[0].metrics if self.outcomes else {},
            tuple(dict.fromkeys((*self.notes, *(note for o in self.outcomes for note in o.notes)))),
        )


def _work(pipe: Connection, stop: Any, order: Order, job: int) -> None:
    """One job: search, and send what happens."""

    def tell(message: object) -> None:
        send(pipe, message)

    hooks = Hooks(lambda p: tell(replace(p, job=job)), tell, stop.is_set)
    try:
        with suppress(KeyboardInterrupt):
            tell(run(order, hooks))
    except BilinearError as error:
        tell(str(error))

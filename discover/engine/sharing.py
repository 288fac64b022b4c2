"""Several jobs of one search that exchange schemes at barriers: the same jobs and steps give the same result.

Every job does a fixed number of steps, then waits at the barrier for the others; there each is handed what the others
share. Nothing depends on who came first. A job that dies is begun again at the last barrier, from where it does the
same as before; one that goes on dying is given up, and what it shared last goes on being handed round.

A scheme that was found counts from the next barrier on, and names that barrier as its steps. Where the time is up
between two barriers, or the rank asked for is reached, an earlier barrier is set up for the jobs to come together at.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.archive import CheckpointError, remove
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import CHECKPOINT_SECONDS, interruption
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.problem import require_possible
from bilinear.discover.engine.run import Hooks, Search
from bilinear.discover.engine.solver import Sharing, make_solver
from bilinear.discover.engine.workers import JobError, Worker, send

DEATHS = 3  # of one job, before it is given up
LISTENING = 0.2  # seconds between two looks at the clock and at the user


@dataclass(frozen=True)
class Leg:
    """What a job is told: take these schemes in, go to the barrier.

    Attributes:
        number: Of the leg; the same number again moves its barrier forward.
        end: Steps at which the barrier stands.
        schemes: What the others shared.
    """

    number: int
    end: int
    schemes: tuple[Scheme, ...] = ()


@dataclass(frozen=True)
class Find:
    """A better scheme than the job had before.

    Attributes:
        found: As the job's own search tells it.
        began: Steps at the beginning of the slice that found it.
        job: Which job.
    """

    found: Found
    began: int
    job: int = 0

    @property
    def merit(self) -> tuple[int, int, int]:
        """Fewer products first, then fewer steps."""
        return self.found.scheme.rank, self.found.steps, self.job


@dataclass(frozen=True)
class Stand:
    """A job at a barrier.

    Attributes:
        leg: Number of the leg that it has done.
        held: Its checkpoint.
        shared: What the others may have.
        search: How it would end here; its scheme is among what was found.
    """

    leg: int
    held: bytes
    shared: tuple[Scheme, ...]
    search: Outcome


@dataclass
class _Job:
    """A job as the team sees it."""

    worker: Worker
    told: Leg = field(default_factory=lambda: Leg(0, 0))
    stand: Stand | None = None
    begun: bytes | None = None
    steps: int = 0
    deaths: int = 0

    @property
    def waits(self) -> bool:
        """Whether it stands at the barrier."""
        return self.stand is not None and self.stand.leg == self.told.number


def shares(order: Order) -> bool:
    """Whether the jobs of the order's solver help one another."""
    return isinstance(make_solver(order.solver, order.options), Sharing)


def run_sharing(order: Order, hooks: Hooks) -> Outcome:
    """Run the jobs of an order, with seeds seed, seed + 1, ..., so that they help one another.

    Raises:
        ProblemError: If the rank is proven impossible.
        JobError: If a job cannot begin, or all died.
        CheckpointError: If the checkpoint cannot be read; where it cannot be written the outcome says so.
    """
    require_possible(order.searched)
    team = Team(order, hooks)
    try:
        with interruption() as interrupted:
            status = team.work(interrupted)
            team.close(status)
    finally:
        team.dismiss()
    return team.outcome(status)


class Team:
    """The jobs of a search, and what came from them."""

    def __init__(self, order: Order, hooks: Hooks) -> None:
        """Start the processes, from the checkpoint if the order says so."""
        self.order, self.hooks = order, hooks
        solver = make_solver(order.solver, order.options)
        assert isinstance(solver, Sharing)
        self.spacing = solver.barrier_steps
        self.path = order.checkpoint and order.checkpoint.with_suffix(".jobs.npz")
        self.end, begun = 0, [None] * order.jobs
        if order.resume and self.path is not None:
            self.end, begun = checkpoints.load_team(self.path, order.jobs)  # type: ignore[assignment]
        self.jobs = [self._hired(job, held) for job, held in enumerate(begun)]
        self.finds: list[Find] = []
        self.best: Found | None = None
        self.notes: list[str] = []
        self.wrong, self.unsaved = 0, ""
        self.began, self.saved = np.inf, time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since all jobs were ready to search."""
        return max(0.0, time.monotonic() - self.began)

    def work(self, interrupted: Callable[[], bool]) -> Status:
        """Go from barrier to barrier until one of the reasons to end."""
        self._send_off(self.end, [()] * len(self.jobs))
        while True:
            stopped = self._gather(interrupted)
            self.began = min(self.began, time.monotonic())
            self._settle()
            if (status := self._status(stopped)) is not None:
                return status
            due = self.end > 0 and self.end % self.spacing == 0
            given = [self._from_others(job) if due else () for job in range(len(self.jobs))]
            if time.monotonic() - self.saved >= CHECKPOINT_SECONDS:
                self._save()
            self._send_off(self._next_barrier(), given)

    def close(self, status: Status) -> None:
        """A finished search leaves no checkpoint; any other can go on from it."""
        if status not in (Status.FOUND, Status.EXHAUSTED):
            self._save()
        elif self.path is not None:
            remove(self.path)
            self.unsaved = ""

    def dismiss(self) -> None:
        """End the processes: their pipes close."""
        for job in self.jobs:
            job.worker.pipe.close()
        for job in self.jobs:
            job.worker.end()

    def outcome(self, status: Status) -> Outcome:
        """All jobs' ends as one: the best scheme, steps and CPU time added up, the figures of the best job."""
        ends = [job.stand.search for job in self.jobs if job.stand is not None]
        leader = min(ends, key=lambda end: end.scheme.rank if end.scheme else np.inf)
        if self.wrong:
            self.notes.append(f"{self.wrong} wrong schemes came from jobs; they were dropped")
        if status is Status.EXHAUSTED and self.best is not None and self.order.problem.rank is None:
            status = Status.FOUND
        return Outcome(
            status,
            self.best,
            None,
            self.order.seed,
            sum(end.steps for end in ends),
            self.seconds,
            sum(end.cpu_seconds for end in ends),
            sum(end.rejected for end in ends) + self.wrong,
            leader.metrics,
            (*self.notes, *filter(None, [self.unsaved])),
        )

    def _hired(self, job: int, held: bytes | None) -> _Job:
        return _Job(Worker(job, _work, self.order.of_job(job), job, held), begun=held)

    @property
    def _at_work(self) -> list[_Job]:
        """The jobs that were not given up."""
        return [job for job in self.jobs if job.deaths < DEATHS]

    def _next_barrier(self) -> int:
        """The next multiple of the spacing, or the budget's end."""
        following = (self.end // self.spacing + 1) * self.spacing
        return following if self.order.budget.steps is None else min(following, self.order.budget.steps)

    def _send_off(self, end: int, given: Sequence[tuple[Scheme, ...]]) -> None:
        """Begin a leg."""
        self.end = end
        for job, schemes in zip(self.jobs, given, strict=True):
            job.told = Leg(job.told.number + 1, end, schemes)
            job.worker.tell(job.told)

    def _gather(self, interrupted: Callable[[], bool]) -> bool:
        """Listen until every job is at the barrier; whether the search is to be stopped there."""
        full, stopped = self.end, False
        while True:
            waiting = {job.worker.pipe: job for job in self._at_work if not job.waits}
            if not waiting:
                late = self._late()
                if late is None:
                    return stopped
                self._send_off(min(late.found.steps, full), [()] * len(self.jobs))
                continue
            for pipe in wait(list(waiting), timeout=LISTENING):
                assert isinstance(pipe, Connection)
                self._hear(waiting[pipe])
            if not stopped and self._is_over(interrupted):
                stopped = True
                self._come_together(max(1, *(job.steps for job in self._at_work)))

    def _is_over(self, interrupted: Callable[[], bool]) -> bool:
        """Whether the user, or the clock, ends the search."""
        return interrupted() or self.hooks.should_stop() or Budget(self.order.budget.seconds).spent(self.seconds, 0)

    def _come_together(self, steps: int) -> None:
        """Move the barrier forward, if that is forward."""
        if steps < self.end:
            self.end = steps
            for job in self._at_work:
                job.told = replace(job.told, end=steps)
                job.worker.tell(job.told)

    def _late(self) -> Find | None:
        """The best find, where it came after a barrier that was moved forward and is better than those before it."""
        best = min(self.finds, key=lambda find: find.merit, default=None)
        counted = min((find.found.scheme.rank for find in self.finds if find.began < self.end), default=None)
        if best is None or best.began < self.end or (counted is not None and self._is_enough(counted)):
            return None
        return None if counted is not None and counted <= best.found.scheme.rank else best

    def _is_enough(self, rank: int) -> bool:
        return self.order.problem.rank is not None and rank <= self.order.problem.rank

    def _hear(self, job: _Job) -> None:
        try:
            message = job.worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(job)
            return
        if isinstance(message, Progress):
            job.steps = message.steps
            self.hooks.on_progress(message)
        elif isinstance(message, Find) and not verify(message.found.scheme).ok:
            self.wrong += 1
        elif isinstance(message, Find):
            self.finds.append(replace(message, job=job.worker.job))
            if self._is_enough(message.found.scheme.rank):
                self._come_together(message.found.steps)
        elif isinstance(message, Stand):
            right = tuple(scheme for scheme in message.shared if verify(scheme).ok)
            self.wrong += len(message.shared) - len(right)
            job.stand, job.begun, job.steps = replace(message, shared=right), message.held, message.search.steps
        else:
            raise JobError(f"job {job.worker.job}: {message}")

    def _replace(self, job: _Job) -> None:
        """Begin a job that died again, at the last barrier; one that dies again and again is given up."""
        number, cause = job.worker.job, job.worker.cause_of_death() or "its pipe closed"
        job.deaths += 1
        told = f"job {number} (seed {self.order.seed + number}) died with {cause}"
        if job.deaths == DEATHS:
            self.notes.append(f"{told}, {DEATHS} times; the others went on with what it had shared")
            if not self._at_work:
                raise JobError("every job died: " + "; ".join(self.notes))
            return
        self.notes.append(f"{told}; it was begun again from the last barrier")
        job.worker = Worker(number, _work, self.order.of_job(number), number, job.begun)
        job.worker.tell(job.told)

    def _settle(self) -> None:
        """Tell of the best find up to the barrier, where it is better than what was told before."""
        counted = [find for find in self.finds if find.began < self.end]
        best = min(counted, key=lambda find: find.merit, default=None)
        if best is None or (self.best is not None and self.best.scheme.rank <= best.found.scheme.rank):
            return
        seconds = sum(job.stand.search.cpu_seconds for job in self.jobs if job.stand is not None)
        self.best = Found(best.found.scheme, self.order.seed, self.end, seconds)
        self.hooks.on_found(self.best)

    def _status(self, stopped: bool) -> Status | None:
        """Why the search ends at this barrier; None if it goes on."""
        if self.best is not None and self._is_enough(self.best.scheme.rank):
            return Status.FOUND
        if all(job.stand is not None and job.stand.search.status is Status.EXHAUSTED for job in self._at_work):
            return Status.EXHAUSTED
        if self.order.budget.spent(self.seconds, self.end):
            return Status.BUDGET
        return Status.INTERRUPTED if stopped else None

    def _from_others(self, receiver: int) -> tuple[Scheme, ...]:
        """What the others shared at the barrier, in the order of the jobs."""
        others = (job.stand for job in self.jobs if job.worker.job != receiver and job.stand is not None)
        return tuple(scheme for stand in others for scheme in stand.shared)

    def _save(self) -> None:
        """Write the checkpoint; where it cannot be written the search goes on, and says so at its end."""
        self.saved = time.monotonic()
        members = [job.begun for job in self.jobs if job.begun is not None]
        if self.path is not None and len(members) == len(self.jobs):
            try:
                checkpoints.save_team(self.path, self.end, members)
                self.unsaved = ""
            except CheckpointError as error:
                self.unsaved = str(error)


class _Runner:
    """A job in its own process: one search, taken from barrier to barrier."""

    def __init__(self, pipe: Connection, order: Order, job: int, held: bytes | None) -> None:
        self.pipe, self.order, self.job = pipe, order, job
        hooks = Hooks(self._report, self._find, self._is_at_barrier)
        self.search = Search.of(replace(order, checkpoint=None), hooks)
        self.leg, self.began = Leg(-1, 0), 0
        if held is None:
            self.search.begin(order.turned_starts, resume=False)
        else:
            path, search = order.checkpoint or Path("barrier"), self.search
            begun = checkpoints.from_bytes(held, path, search.name, search.solver, search.problem, search.seed)
            search.take_up(begun)
            if search.found is not None:
                self._find(search.found)

    def work(self) -> None:
        """Do leg after leg, until the pipe closes."""
        while True:
            leg = self.pipe.recv()
            if leg.number == self.leg.number:
                continue
            self.leg = leg
            solver, search = self.search.solver, self.search
            if leg.schemes:
                rng = np.random.default_rng([self.order.seed, search.state.steps])
                search.state = solver.accept(search.state, leg.schemes, rng)
            self.began = search.state.steps
            status = search.loop(Budget(), lambda: False)
            held = checkpoints.to_bytes(self.order.solver, solver, search.held())
            shared = tuple(solver.share(search.state))
            send(self.pipe, Stand(self.leg.number, held, shared, search.outcome(status)))

    def _report(self, progress: Progress) -> None:
        self.began = progress.steps
        send(self.pipe, replace(progress, job=self.job))

    def _find(self, found: Found) -> None:
        send(self.pipe, Find(found, self.began))

    def _is_at_barrier(self) -> bool:
        """Whether the barrier is reached, which may have been moved meanwhile."""
        while self.pipe.poll():
            self.leg = self.pipe.recv()
        return bool(self.search.state.steps >= self.leg.end)


def _work(pipe: Connection, order: Order, job: int, held: bytes | None) -> None:
    """A job's process. SIGTERM is the parent's to hear: it brings the jobs together, and their pipes end them."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        _Runner(pipe, order, job, held).work()
    except (EOFError, OSError):
        os._exit(0)
    except BilinearError as error:
        send(pipe, str(error))

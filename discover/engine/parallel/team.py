"""The jobs of one search, in rounds: the same seed, jobs and steps give the same result.

In a round every job goes on to the same number of steps; what it found and where it stands come back. Jobs of a solver
that shares are handed at every barrier what the others share. Nothing depends on who came first, nor on where a job
runs, nor on what died meanwhile: a round is done again by whoever is left.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.archive import CheckpointError, remove
from bilinear.discover.engine.loop import CHECKPOINT_SECONDS, interruption
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.parallel.crew import Crew, Failed, JobError
from bilinear.discover.engine.parallel.leg import Leg, Stand, leg
from bilinear.discover.engine.problem import require_possible
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import Sharing, approximates, make_solver

ROUNDS = 2  # between two barriers: about a second each


class Rounds(Protocol):
    """Who does the rounds, as a team needs it.

    Attributes:
        notes: What befell the workers.
    """

    notes: list[str]

    def round(
        self, function: Callable[[Leg], Stand], given: list[Leg], stopped: Callable[[], bool], /
    ) -> list[Stand | Failed | None] | None: ...


def run_jobs(order: Order, hooks: Hooks) -> Outcome:
    """Run an order: here if it has one job and names no cluster, else its jobs at once, with seeds seed, seed + 1, ...

    The jobs of a solver that shares help one another; those of any other search each for itself, and the first round in
    which one finds a scheme of the rank asked for ends them all.

    Raises:
        ProblemError: If the rank is proven impossible.
        JobError: If there are too many jobs, the cluster cannot be joined, a job cannot begin, or all died.
        CheckpointError: If the checkpoint cannot be read; where it cannot be written the outcome says so.
    """
    if order.jobs == 1 and order.cluster is None:
        return run(order, hooks)
    crew = Crew(order.jobs, order.cluster)
    if not approximates(make_solver(order.solver, order.options)):
        require_possible(order.searched)
    with interruption() as interrupted:
        team = Team(order, hooks, crew)
        with crew:
            status = team.work(lambda: interrupted() or hooks.should_stop())
        team.close(status)
    return team.outcome(status)


def shares(order: Order) -> bool:
    """Whether the jobs of the order's solver help one another."""
    return isinstance(make_solver(order.solver, order.options), Sharing)


class Team:
    """The jobs of a search, and what came from them."""

    def __init__(self, order: Order, hooks: Hooks, crew: Rounds) -> None:
        """Nothing is done yet; where the jobs stand is read from the checkpoint if the order says so."""
        self.order, self.hooks, self.crew = order, hooks, crew
        solver = make_solver(order.solver, order.options)
        self.spacing = solver.barrier_steps if isinstance(solver, Sharing) else None
        self.path = order.checkpoint and order.checkpoint.with_suffix(".jobs.npz")
        self.end = 0
        self.held: list[bytes | None] = [None] * order.jobs
        if order.resume and self.path is not None:
            self.end, held = checkpoints.load_team(self.path, order.jobs)
            self.held = list(held)
        self.gifts: list[tuple[Scheme, ...]] = [()] * order.jobs
        self.stands: list[Stand | None] = [None] * order.jobs
        self.lost: set[int] = set()
        self.best: Found | None = None
        self.nearest: Approximation | None = None
        self.notes: list[str] = []
        self.wrong: set[tuple[int, int]] = set()
        self.rejected, self.unsaved = 0, ""
        self.began, self.saved = math.inf, time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since all jobs were ready to search."""
        return max(0.0, time.monotonic() - self.began)

    def work(self, stopped: Callable[[], bool]) -> Status:
        """Round after round until one of the reasons to end.

        Raises:
            JobError: If a job cannot be done, all died, or the cluster is gone; the checkpoint is written before.
        """
        try:
            while self._round(stopped):
                self.began = min(self.began, time.monotonic())
                self._settle()
                if (status := self._status(stopped())) is not None:
                    return status
                if time.monotonic() - self.saved >= CHECKPOINT_SECONDS:
                    self._save()
                self._exchange()
                self.end = self._next()
        except JobError:
            self._save()
            raise
        return Status.INTERRUPTED

    def close(self, status: Status) -> None:
        """A finished search leaves no checkpoint; any other can go on from it."""
        if status not in (Status.FOUND, Status.EXHAUSTED):
            self._save()
        elif self.path is not None:
            remove(self.path)
            self.unsaved = ""

    def outcome(self, status: Status) -> Outcome:
        """All jobs' ends as one: the best scheme, steps and CPU time added up, the figures of the best job."""
        ends = self._ends
        leader = min(ends, key=lambda end: end.scheme.rank if end.scheme else math.inf, default=None)
        if self.wrong:
            self.notes.append(f"{len(self.wrong)} wrong schemes came from jobs; they were dropped")
        if status is Status.EXHAUSTED and self.best is not None and self.order.problem.rank is None:
            status = Status.FOUND
        return Outcome(
            status,
            self.best,
            self.nearest,
            self.order.seed if self.best is None else self.best.seed,
            sum(end.steps for end in ends),
            self.seconds,
            sum(end.cpu_seconds for end in ends),
            self.rejected + len(self.wrong),
            {} if leader is None else leader.metrics,
            (*self.crew.notes, *self.notes, *filter(None, [self.unsaved])),
        )

    @property
    def _ends(self) -> list[Outcome]:
        return [stand.search for stand in self.stands if stand is not None]

    def _round(self, stopped: Callable[[], bool]) -> bool:
        """Every job to the end that is set; false if the round was dropped because the user asked for the end."""
        jobs = [job for job in range(self.order.jobs) if job not in self.lost]
        done = self.crew.round(leg, [self._leg(job) for job in jobs], stopped)
        if done is None:
            return False
        for job, stand in zip(jobs, done, strict=True):
            if isinstance(stand, Failed):
                raise JobError(f"job {job}: {stand.text}")
            if stand is None:
                self._give_up(job)
            else:
                self._take(job, stand)
        return True

    def _leg(self, job: int) -> Leg:
        """What a job is given; where it has begun it needs its starts no more."""
        held, order = self.held[job], replace(self.order, seed=self.order.seed + job, jobs=1, cluster=None)
        return Leg(order if held is None else replace(order, starts=()), held, self.gifts[job], self.end)

    def _take(self, job: int, stand: Stand) -> None:
        """What a job came to."""
        self.stands[job], self.held[job] = stand, stand.held
        end = stand.search
        self.rejected += end.rejected
        self.nearest = min(
            (one for one in (self.nearest, end.approximation) if one is not None),
            key=lambda a: a.residual,
            default=None,
        )
        rank = None if end.scheme is None else end.scheme.rank
        self.hooks.on_progress(Progress(end.steps, self.seconds, rank, end.metrics, job))

    def _give_up(self, job: int) -> None:
        self.lost.add(job)
        seed = self.order.seed + job
        told = f"job {job} (seed {seed}) killed every worker that it was given to"
        if len(self.lost) == self.order.jobs:
            raise JobError(f"every job died: {told}")
        self.notes.append(f"{told}; the others went on with what it had shared")

    def _found(self) -> list[tuple[int, Found]]:
        """The best of every job, fewer products first, then fewer steps; without those known to be wrong."""
        held = [(job, stand.search.found) for job, stand in enumerate(self.stands) if stand is not None]
        right = [(job, one) for job, one in held if one is not None and (job, one.scheme.rank) not in self.wrong]
        return sorted(right, key=lambda one: (one[1].scheme.rank, one[1].steps, one[0]))

    def _settle(self) -> None:
        """Tell of the best that any job holds, where it is better than what was told before."""
        for job, found in self._found():
            if self.best is not None and self.best.scheme.rank <= found.scheme.rank:
                return
            if not verify(found.scheme).ok:
                self.wrong.add((job, found.scheme.rank))
                continue
            if self.spacing is not None:  # all jobs together found it
                cpu = sum(end.cpu_seconds for end in self._ends)
                found = replace(found, seed=self.order.seed, steps=self.end, cpu_seconds=cpu)
            self.best = found
            self.hooks.on_found(found)

    def _status(self, stopped: bool) -> Status | None:
        """Why the search ends after this round; None if it goes on."""
        rank = self.order.problem.rank
        if self.best is not None and rank is not None and self.best.scheme.rank <= rank:
            return Status.FOUND
        if all(end.status in (Status.EXHAUSTED, Status.FOUND) for end in self._ends):
            return Status.EXHAUSTED
        if self.order.budget.spent(self.seconds, self.end):
            return Status.BUDGET
        return Status.INTERRUPTED if stopped else None

    def _exchange(self) -> None:
        """At a barrier each job is given what the others share, in the order of the jobs; no wrong scheme is."""
        if self.spacing is None or self.end == 0 or self.end % self.spacing:
            self.gifts = [()] * self.order.jobs
            return
        shared = [() if stand is None else stand.shared for stand in self.stands]
        right = [tuple(scheme for scheme in schemes if verify(scheme).ok) for schemes in shared]
        self.rejected += sum(map(len, shared)) - sum(map(len, right))
        self.gifts = [
            tuple(scheme for other, schemes in enumerate(right) if other != job for scheme in schemes)
            for job in range(self.order.jobs)
        ]

    def _next(self) -> int:
        """Where the next round ends: halfway to the next barrier, for jobs that share none after a slice."""
        if self.spacing is None:
            end = max((end.steps for end in self._ends), default=self.end) + 1
        else:
            length = self.spacing // ROUNDS
            end = (self.end // length + 1) * length
        return end if self.order.budget.steps is None else min(end, self.order.budget.steps)

    def _save(self) -> None:
        """Write the checkpoint; where it cannot be written the search goes on, and says so at its end."""
        self.saved = time.monotonic()
        members = [held for held in self.held if held is not None]
        if self.path is None or len(members) < self.order.jobs:
            return
        try:
            checkpoints.save_team(self.path, self.end, members)
            self.unsaved = ""
        except CheckpointError as error:
            self.unsaved = str(error)

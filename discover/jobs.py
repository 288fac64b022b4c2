"""Several seeds at once, each in a process of its own. One that dies takes nothing with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from decompositions.errors import BilinearError
from decompositions.scheme import Approximation, Scheme
from discover.budget import Budget
from discover.outcome import Found, Outcome, Progress, Status
from discover.problem import Problem
from discover.run import Hooks, interruption, run

_CONTEXT = multiprocessing.get_context("spawn")


class JobError(BilinearError):
    """Jobs that cannot be run, or that all died."""


@dataclass(frozen=True)
class Task:
    """What each job runs; job k takes seed + k and its own checkpoint."""

    problem: Problem
    solver: str
    options: dict[str, object]
    seed: int
    budget: Budget
    starts: tuple[Scheme | Approximation, ...]
    checkpoint: Path | None
    resume: bool

    def of_job(self, job: int) -> Task:
        """The task of job k."""
        path = None if self.checkpoint is None else self.checkpoint.with_suffix(f".job{job}.npz")
        return replace(
            self, seed=self.seed + job, checkpoint=path, resume=self.resume and bool(path and path.is_file())
        )

    def run(self, hooks: Hooks) -> Outcome:
        """Run it here, in this process."""
        return run(
            self.problem,
            self.solver,
            self.options,
            seed=self.seed,
            budget=self.budget,
            starts=self.starts,
            checkpoint=self.checkpoint,
            resume=self.resume,
            hooks=hooks,
        )


def require_cores(jobs: int) -> None:
    """Refuse a number of jobs that the machine cannot run side by side.

    Raises:
        JobError: If it is below 1 or above the number of cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not 1 <= jobs <= cores:
        raise JobError(f"--jobs {jobs}: this machine has {cores} cores; choose 1 to {cores}")


def run_jobs(task: Task, jobs: int, hooks: Hooks) -> Outcome:
    """Run the task with seeds seed, seed + 1, ... at once; the first scheme of the rank asked for ends them all.

    Raises:
        JobError: If there are too many jobs, or every one died.
    """
    require_cores(jobs)
    team = _Team(task, jobs, hooks)
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

    def __init__(self, task: Task, jobs: int, hooks: Hooks) -> None:
        self.task, self.hooks = task, hooks
        self.stop = _CONTEXT.Event()
        self.best: Found | None = None
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []
        self.pipes: dict[Connection, int] = {}
        self.processes: list[Any] = []
        with _signals_ignored():
            for job in range(jobs):
                self._hire(job)

    def _hire(self, job: int) -> None:
        here, there = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_work, args=(there, self.stop, self.task.of_job(job), job), daemon=True)
        process.start()
        there.close()
        self.pipes[here] = job
        self.processes.append(process)

    def work(self, interrupted: Callable[[], bool]) -> None:
        """Listen until every job has ended."""
        while self.pipes:
            for pipe in wait(list(self.pipes), timeout=0.2):
                assert isinstance(pipe, Connection)
                self._hear(pipe)
            if interrupted() or self.hooks.should_stop():
                self.stop.set()

    def _hear(self, pipe: Connection) -> None:
        job = self.pipes[pipe]
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            self._bury(pipe, job)
            return
        if isinstance(message, Progress):
            self.hooks.on_progress(message)
        elif isinstance(message, Found):
            self._keep(message)
        elif isinstance(message, Outcome):
            self.outcomes.append(message)
        else:
            raise JobError(f"job {job}: {message}")

    def _keep(self, found: Found) -> None:
        if self.best is None or found.scheme.rank < self.best.scheme.rank:
            self.best = found
            self.hooks.on_found(found)
        if self.task.problem.rank is not None and found.scheme.rank <= self.task.problem.rank:
            self.stop.set()

    def _bury(self, pipe: Connection, job: int) -> None:
        """A pipe that closed: the job has ended, or died."""
        del self.pipes[pipe]
        process = self.processes[job]
        process.join()
        if process.exitcode != 0:
            cause = f"signal {-process.exitcode}" if process.exitcode < 0 else f"exit code {process.exitcode}"
            self.notes.append(f"job {job} (seed {self.task.seed + job}) died with {cause}; the others went on")

    def dismiss(self) -> None:
        """End what still runs."""
        self.stop.set()
        for process in self.processes:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()

    def forget(self) -> None:
        """Remove the checkpoints: the search is finished."""
        for job in range(len(self.processes)):
            path = self.task.of_job(job).checkpoint
            if path is not None:
                path.unlink(missing_ok=True)

    def outcome(self) -> Outcome:
        """All jobs' ends as one: the best scheme, steps and CPU time added up."""
        if not self.outcomes and self.best is None:
            raise JobError("every job died: " + "; ".join(self.notes))
        statuses = [o.status for o in self.outcomes]
        order = (Status.FOUND, Status.INTERRUPTED, Status.BUDGET, Status.EXHAUSTED)
        status = next((s for s in order if s in statuses), Status.FOUND)
        approximations = [o.approximation for o in self.outcomes if o.approximation is not None]
        return Outcome(
            status,
            self.best,
            min(approximations, key=lambda a: a.residual, default=None),
            self.best.seed if self.best else self.task.seed,
            sum(o.steps for o in self.outcomes),
            max((o.seconds for o in self.outcomes), default=0.0),
            sum(o.cpu_seconds for o in self.outcomes),
            sum(o.rejected for o in self.outcomes),
            self.outcomes[0].metrics if self.outcomes else {},
            tuple(self.notes),
        )


def _work(pipe: Connection, stop: Any, task: Task, job: int) -> None:
    """One job: run the task and send what happens. A closed pipe means that nobody listens any more."""

    def send(message: object) -> None:
        try:
            pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)

    hooks = Hooks(lambda p: send(replace(p, job=job)), send, stop.is_set)
    try:
        with suppress(KeyboardInterrupt):
            send(task.run(hooks))
    except BilinearError as error:
        send(str(error))


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Children are born deaf to Ctrl-C until their search listens itself."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

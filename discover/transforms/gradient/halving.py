"""The gradient solver: many trials, successive halving, a finish of the best, and again with other trials."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import FastTransform, diagonal, relative_error
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.engine.archive import CheckpointError, remove
from bilinear.discover.engine.budget import Budget, BudgetError
from bilinear.discover.engine.loop import CHECKPOINT_SECONDS, interruption, loop
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.parallel.runs import together
from bilinear.discover.transforms.found import RECOVERED_RMSE, Found, Training
from bilinear.discover.transforms.gradient import checkpoint as checkpoints
from bilinear.discover.transforms.gradient.checkpoint import State, Tally
from bilinear.discover.transforms.gradient.export import exported
from bilinear.discover.transforms.gradient.structures import Structure
from bilinear.discover.transforms.gradient.trials import Trials, finished
from bilinear.discover.transforms.solver import Say, Task, silent

TASK = Task()

FINISH_STEPS = 2000
FINISH_GOAL = 1e-10
"""Loss at which a finish stops: an RMSE of 1e-5."""

KEPT = 4
"""One of so many trials goes on at a halving."""

TRIED = (("BP", False), ("BPP", False), ("BPP", True), ("BPBP", False))
"""What is tried without a choice: the papers' structures, each with whether it stands for the transpose."""


@dataclass(frozen=True)
class Gradient:
    """Train trials with Adam, keep the best quarter, finish the best, and so on; then the next structure, and again.

    Halving is our own: it acts on trials that share one tensor, which Optuna's and Ray's schedulers, made for separate
    processes, cannot do.

    Attributes:
        structures: Names and whether they are transposed, tried in turn.
        blocks: `untied`, `tied` or `unitary`.
        is_complex: Whether entries of the factors are complex.
        trials: Started for each structure in each round.
        first_steps: Steps before the first halving; each later one has twice as many.
        rungs: Halvings in a round.
        finishes: Best trials that are finished at each halving.
        rounds: Times that all structures are tried, at most.
    """

    structures: Sequence[tuple[str, bool]] = TRIED
    blocks: str = "untied"
    is_complex: bool = True
    trials: int = 64
    first_steps: int = 150
    rungs: int = 3
    finishes: int = 4
    rounds: int = 100

    def prepared(self, size: int) -> list[Structure]:
        """The structures of that size, before anything of it is built.

        Raises:
            TransformError: If the size is no power of two.
            TooLargeError: If the trials would not fit into memory.
        """
        structures = [Structure(name, size, self.blocks, self.is_complex, t) for name, t in self.structures]
        memory.require(BYTES * self.trials * size * size, f"{self.trials} trials of size {size}")
        return structures

    def require(self, size: int) -> None:
        """As `prepared`."""
        self.prepared(size)

    def checkpoint(self, transform: Transform, seed: int) -> Path:
        """A file in the user's cache, named after the search."""
        return checkpoints.default_path(transform.name, transform.size, seed, self)

    def solve(self, transform: Transform, task: Task = TASK, say: Say = silent) -> Found:
        """The best factorisation found; Ctrl-C ends the search early.

        Args:
            transform: Its size is a power of two.
            task: Its budget a time; the checkpoint is written every 30 s and at the end, removed once the transform is
                recovered.
            say: Hears how the search stands.

        Raises:
            TransformError: If the size is no power of two, or the matrix is complex and the structure real.
            BudgetError: If the budget is no time.
            TooLargeError: If the trials would not fit into memory.
            CheckpointError: If the checkpoint cannot be read, or is of another search.
            JobError: If several jobs cannot be run.
        """
        if task.budget.seconds is None:
            raise BudgetError(f"budget {task.budget}: the gradient solver needs a time, as in 10m")
        if transform.is_complex and not self.is_complex:
            raise TransformError(f"{transform.name}: a complex matrix; a real parameterisation cannot hold it")
        structures = self.prepared(transform.size)
        if not task.is_alone:
            return _of_jobs(self, transform, structures, task, say)
        search = _Search(self, transform, structures, task, say)
        if task.resume and task.checkpoint is not None:
            search.take_up(
                checkpoints.load(task.checkpoint, search.key(), structures, search.target, self.trials, self.rungs)
            )
        with interruption() as interrupted:
            search.stopped = interrupted
            loop(search, task.budget, interrupted)
            search.close()
            return search.found(interrupted())


BYTES = 500
"""Of memory for an entry of a trial's matrix in training: products, choices, and what their gradients need."""


@dataclass
class _Search:
    """A running search.

    Attributes:
        solver: Hyperparameters.
        transform: What is searched for.
        structures: Of its size.
        task: Seed, budget and checkpoint.
        say: Hears how it stands.
        state: Between two slices.
        stopped: Whether the user ends it.
        began: Monotonic time of the start.
        unsaved: Why the checkpoint could not be written when it was last tried; empty if it could.
    """

    SLICE: ClassVar[int] = 25

    solver: Gradient
    transform: Transform
    structures: list[Structure]
    task: Task
    say: Say
    state: State = field(init=False)
    stopped: Callable[[], bool] = lambda: False
    began: float = field(default_factory=time.monotonic)
    unsaved: str = ""

    def __post_init__(self) -> None:
        matrix = self.transform.matrix
        self.target = torch.from_numpy(matrix * (math.sqrt(len(matrix)) / np.linalg.norm(matrix)))
        self.target_key = hashlib.sha256(matrix.tobytes()).hexdigest()[:16]
        tallies = [Tally(None, math.inf, 0, 0, 0) for _ in self.structures]
        self.state = State(0, 0, 0, 0, tallies, None)
        self.before = 0.0

    def take_up(self, state: State) -> None:
        """Go on from a checkpoint."""
        self.state, self.before = state, state.seconds

    def key(self) -> str:
        """What the search is, as its checkpoint names it."""
        return f"{self.transform.name}:{self.transform.size} ({self.target_key}), seed {self.task.seed}, {self.solver}"

    @property
    def steps(self) -> int:
        """Not counted: the budget is a time."""
        return 0

    @property
    def seconds(self) -> float:
        """Wall time of this run."""
        return time.monotonic() - self.began

    def over(self) -> bool:
        """Whether the time is up, or the user ends it: asked within a slice, which may be long."""
        return self.stopped() or self.task.budget.spent(self.seconds, 0)

    def ended(self) -> Status | None:
        """Whether a trial has the RMSE aimed at, or all rounds are over."""
        if self.least <= RECOVERED_RMSE**2:
            return Status.FOUND
        return Status.EXHAUSTED if self.state.round >= self.solver.rounds else None

    def save(self) -> None:
        """Write the checkpoint; where it cannot be written the search goes on, and says so at its end."""
        self.state.seconds = self.before + self.seconds
        if self.task.checkpoint is not None:
            try:
                checkpoints.save(self.task.checkpoint, self.key(), self.state)
                self.unsaved = ""
            except CheckpointError as error:
                self.unsaved = str(error)

    @property
    def least(self) -> float:
        """The smallest loss of all trials that were finished."""
        return min(tally.loss for tally in self.state.tallies)

    def settle(self) -> None:
        """Finish one trial at least."""
        if all(tally.parameters is None for tally in self.state.tallies):
            self.finish(1, lambda: True)

    def close(self) -> None:
        """Finish one trial at least; what has reached its goal leaves no checkpoint, any other can go on from it."""
        self.settle()
        self.save()
        if self.task.checkpoint is not None and self.ended() is Status.FOUND:
            remove(self.task.checkpoint)
            self.unsaved = ""

    @property
    def structure(self) -> Structure:
        """The one whose turn it is."""
        return self.structures[self.state.place]

    def running(self) -> Trials:
        """The trials of this structure and round; started if there are none."""
        state = self.state
        if state.trials is None:
            seed = int(np.random.default_rng([self.task.seed, state.round, state.place]).integers(1 << 63))
            state.trials = Trials.start(self.structure, self.solver.trials, torch.Generator().manual_seed(seed))
            state.tallies[state.place].started += self.solver.trials
        return state.trials

    def advance(self) -> None:
        """Some steps of Adam; at the end of a rung the finish, and on to the next rung, structure or round."""
        state, trials, stop = self.state, self.running(), self.over
        due = sum(self.solver.first_steps << rung for rung in range(state.rung + 1))
        if trials.steps < due:
            trials.train(self.target, min(self.SLICE, due - trials.steps), stop)
            return
        order = self.finish(self.solver.finishes, stop)
        if stop():
            return
        if state.rung + 1 < self.solver.rungs:
            trials.keep(order[: max(self.solver.finishes, len(order) // KEPT)])
            state.rung += 1
            return
        state.rung, state.trials = 0, None
        state.place = (state.place + 1) % len(self.structures)
        state.round += state.place == 0

    def finish(self, count: int, stop: Callable[[], bool]) -> Tensor:
        """Finish the best trials; the order of all, the best first."""
        trials, tally = self.running(), self.state.tallies[self.state.place]
        order = trials.losses(self.target).nan_to_num(math.inf).argsort()
        for index in order[:count]:
            parameters, loss = finished(
                self.structure, trials.parameters[index], self.target, FINISH_STEPS, FINISH_GOAL, stop
            )
            tally.add(parameters, loss if math.isfinite(loss) else math.inf, RECOVERED_RMSE)
            least = math.sqrt(min(each.loss for each in self.state.tallies))
            self.say(f"round {self.state.round + 1}, {self.structure}: {tally}; best RMSE {least:.1e}")
            if stop():
                break
        return order

    def found(self, interrupted: bool) -> Found:
        """The best of all structures."""
        place = min(range(len(self.structures)), key=lambda k: self.state.tallies[k].loss)
        transform, structure, tally = self.transform, self.structures[place], self.state.tallies[place]
        assert tally.parameters is not None
        scale = np.linalg.norm(transform.matrix) / math.sqrt(transform.size)
        factors = exported(structure, tally.parameters).factors
        fast = FastTransform((*factors, diagonal(np.full(transform.size, scale))))
        error = relative_error(transform.matrix, fast.dense() if transform.is_complex else fast.dense().real)
        training = Training(structure, tally.successes, tally.finished, tally.started)
        return Found(
            transform,
            fast,
            f"{structure} by gradients",
            1,
            error,
            self.state.seconds,
            interrupted=interrupted,
            training=training,
            unsaved=self.unsaved,
        )


def _of_jobs(solver: Gradient, transform: Transform, structures: list[Structure], task: Task, say: Say) -> Found:
    """The best of several searches, each with a seed and a checkpoint of its own."""
    own = [_job(task, job) for job in range(task.jobs)]
    begin = []
    for each in own:
        run = _Search(solver, transform, structures, each, silent)
        if each.resume and each.checkpoint is not None:
            run.take_up(
                checkpoints.load(each.checkpoint, run.key(), structures, run.target, solver.trials, solver.rungs)
            )
        begin.append(partial(_begun, run))
    saved = time.monotonic()

    def told(runs: Sequence[_Search], seconds: float) -> bool:
        nonlocal saved
        say(f"{len(runs)} jobs; best RMSE {math.sqrt(min(run.least for run in runs)):.1e}")
        if time.monotonic() - saved >= CHECKPOINT_SECONDS:
            saved = time.monotonic()
            _save(runs, own, seconds)
        ends = [run.ended() for run in runs]
        return Status.FOUND in ends or None not in ends

    ended = together(begin, _Search.settle, task.budget, task.cluster, told)
    best: _Search = min(ended.runs, key=lambda run: run.least)
    unsaved = _save(ended.runs, own, ended.seconds)
    if best.ended() is Status.FOUND:
        for each in own:
            if each.checkpoint is not None:
                remove(each.checkpoint)
        unsaved = ""
    found = best.found(ended.status is Status.INTERRUPTED)
    return replace(found, seconds=ended.seconds, unsaved=unsaved)


def _job(task: Task, job: int) -> Task:
    """What job k of several does."""
    path = task.checkpoint and task.checkpoint.with_suffix(f".job{job}.npz")
    return Task(task.seed + job, Budget(), path, task.resume and path is not None and path.is_file())


def _begun(run: _Search) -> _Search:
    """A job, on its worker, which writes no file."""
    run.task = replace(run.task, checkpoint=None)
    return run


def _save(runs: Sequence[_Search], tasks: Sequence[Task], seconds: float) -> str:
    """Write where each stands; why one could not be written, empty if all could."""
    for run, task in zip(runs, tasks, strict=True):
        run.task, run.began = task, time.monotonic() - seconds
        run.save()
        run.task = replace(task, checkpoint=None)
    return next((run.unsaved for run in runs if run.unsaved), "")

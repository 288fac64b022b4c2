"""A search by a solver: seed, budget, progress, checkpoints, interruption, exact check of candidates."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.formulas import additions
from bilinear.decompositions.giving_way import Stopped, give_way, heard
from bilinear.decompositions.identity import content_hash, normal_form
from bilinear.decompositions.rings import holds
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.archive import CheckpointError, remove
from bilinear.discover.engine.budget import GRACE, Budget
from bilinear.discover.engine.checkpoint import Checkpoint
from bilinear.discover.engine.loop import interruption, loop
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.phase import doing, told
from bilinear.discover.engine.problem import Problem, ProblemError, require_possible
from bilinear.discover.engine.solver import Remarking, approximates, make_solver, takes_any_format

CANDIDATES_A_SLICE = 256
SEARCHING = "searching"


@dataclass(frozen=True)
class Hooks:
    """What the caller hears of, and how it stops a search.

    Attributes:
        on_progress: Called after every slice.
        on_found: Called with every verified scheme that is better than those before, before the search goes on.
        should_stop: Asked after every slice; true ends the search as an interruption does.
    """

    on_progress: Callable[[Progress], None] = lambda _: None
    on_found: Callable[[Found], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False


def run(order: Order, hooks: Hooks = Hooks()) -> Outcome:  # frozen
    """Search until a scheme of the rank is found, the budget is spent, no move is left, or the user interrupts.

    Args:
        order: The search, its solver a name of the registry. Of `jobs` one is run, here. The checkpoint is written
            every 30 s, at the budget and at an interruption, and removed once the search has ended by itself.
        hooks: What the caller hears of.

    Raises:
        ProblemError: If the rank is proven impossible, or the solver cannot take the problem.
        CheckpointError: If the checkpoint cannot be read; where it cannot be written the outcome says so.
    """
    search = Search.of(order, hooks)
    with interruption() as interrupted:
        with heard(search.lateness(order.budget, interrupted)):
            status = search.begun(order, interrupted) or search.loop(order.budget, interrupted)
        with interrupted.writing():
            search.close(status)
    return search.outcome(status)


@dataclass
class Search:
    """A running search.

    Attributes:
        problem: What is searched for.
        name: The solver's name in the registry.
        solver: The solver.
        seed: Of all randomness.
        path: The checkpoint's file; None for none.
        hooks: What the caller hears of.
        state: The solver's state.
        found: The best verified scheme.
        approximation: The nearest approximation.
        rejected: Candidates that failed the exact check.
        started: Monotonic time of the start.
        cpu_started: CPU time of the start, less what former runs took.
        unsaved: Why the checkpoint could not be written when it was last tried; empty if it could.
        told: What was reported of the last slice.
        parents: Content hashes of what it began from.
    """

    problem: Problem
    name: str
    solver: Any
    seed: int
    path: Path | None
    hooks: Hooks
    state: Any = None
    found: Found | None = None
    approximation: Approximation | None = None
    rejected: int = 0
    started: float = field(default_factory=time.monotonic)
    cpu_started: float = field(default_factory=time.process_time)
    unsaved: str = ""
    told: Progress = field(default_factory=partial(Progress, 0, 0.0, None, {}))
    parents: tuple[str, ...] = ()

    @classmethod
    def of(cls, order: Order, hooks: Hooks) -> Search:
        """The search of an order, not begun.

        Raises:
            ProblemError: If the rank is proven impossible.
        """
        made = make_solver(order.solver, order.options)
        if not approximates(made):
            require_possible(order.searched)
        parents = tuple(content_hash(start) for start in order.turned_starts)
        return cls(order.searched, order.solver, made, order.seed, order.checkpoint, hooks, parents=parents)

    @property
    def seconds(self) -> float:
        """Wall time of this run."""
        return time.monotonic() - self.started

    @property
    def cpu_seconds(self) -> float:
        """CPU time over all resumptions."""
        return time.process_time() - self.cpu_started

    def begin(self, starts: Sequence[Scheme | Approximation], resume: bool) -> None:
        """Start from schemes, or go on from the checkpoint."""
        if resume and self.path is not None:
            self.take_up(checkpoints.load(self.path, self.name, self.solver, self.problem, self.seed))
            return
        fitting = starts if takes_any_format(self.solver) else [_fitted(start, self.problem) for start in starts]
        self.state = self.solver.start(self.problem, np.random.default_rng(self.seed), fitting)

    def begun(self, order: Order, interrupted: Callable[[], bool]) -> Status | None:
        """Begin as ordered; why the search ends here if it was stopped before its first slice, else None."""
        try:
            self.begin(order.turned_starts, order.resume)
        except Stopped:
            return Status.INTERRUPTED if interrupted() else Status.BUDGET
        return None

    def lateness(self, budget: Budget, interrupted: Callable[[], bool]) -> Callable[[], bool]:
        """What a slice asks to know whether it is to be given up: one that is nearly done may end by itself."""
        since: list[float] = []

        def is_late() -> bool:
            if interrupted() and not since:
                since.append(time.monotonic())
            return budget.overrun(self.seconds) or (bool(since) and time.monotonic() - since[0] >= GRACE)

        return is_late

    def take_up(self, held: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.state, self.found = held.state, held.found
        self.cpu_started -= held.cpu_seconds

    @property
    def steps(self) -> int:
        """Done so far, over all resumptions."""
        return 0 if self.state is None else int(self.state.steps)

    def loop(self, budget: Budget, interrupted: Callable[[], bool]) -> Status:
        """Advance, check and report until one of the reasons to end."""
        with told(self._tell):
            return loop(self, budget, lambda: interrupted() or self.hooks.should_stop())

    def _tell(self, phase: str) -> None:
        """Report what the search is at, with the figures of its last slice."""
        self.hooks.on_progress(replace(self.told, seconds=self.seconds, phase=phase or SEARCHING, memory=memory.used()))

    def ended(self) -> Status | None:
        """Whether the rank asked for is reached, or no move is left."""
        if self.done():
            return Status.FOUND
        return Status.EXHAUSTED if self.state.exhausted else None

    def advance(self) -> None:
        """One slice of the solver; its candidates are checked, and the caller is told.

        One that is given up never was: the state is that before it, from which a resumption does the slice again.
        """
        before = copy.deepcopy(self.state, {id(self.problem): self.problem})
        try:
            self.state = self.solver.advance(self.state)
            self.examine(self.solver.candidates(self.state))
        except Stopped:
            self.state = before
            return
        rank = self.found.scheme.rank if self.found else None
        self.told = Progress(self.steps, self.seconds, rank, self.state.metrics(), memory=memory.used())
        self.hooks.on_progress(self.told)

    def done(self) -> bool:
        """Whether the rank asked for is reached; without one, the rank that is proven to be necessary."""
        return self.found is not None and self.found.scheme.rank <= self.enough

    @cached_property
    def enough(self) -> int:
        """The rank at which the search ends."""
        from bilinear.catalog.bounds import lower_bounds

        return self.problem.rank or lower_bounds(self.problem.target, self.problem.ring)[0].rank

    def examine(self, candidates: Iterable[Scheme | Approximation]) -> None:
        """Check every candidate exactly against its own target; keep the best of them if it beats the best before."""
        best = self.found.scheme if self.found else None
        for candidate in itertools.islice(candidates, CANDIDATES_A_SLICE):
            if isinstance(candidate, Approximation):
                self.approximation = min(self.approximation or candidate, candidate, key=lambda a: a.residual)
            elif self.fits(candidate) and (best is None or _merit(candidate) < _merit(best)):
                with doing(f"proving {candidate.rank} products"):
                    right = verify(candidate, on_progress=give_way).ok
                if right:
                    best = candidate
                else:
                    self.rejected += 1
        if best is not None and (self.found is None or best.rank < self.found.scheme.rank):
            self.found = Found(normal_form(best), self.seed, self.state.steps, self.cpu_seconds)
            with doing(f"keeping {best.rank} products"):
                self.hooks.on_found(self.found)

    def fits(self, scheme: Scheme) -> bool:
        """Whether the candidate answers the problem: its target, a ring inside the one asked for, its rank."""
        enough = self.problem.rank is None or scheme.rank <= self.problem.rank
        return enough and scheme.target == self.problem.target and holds(self.problem.ring, scheme.ring)

    def held(self) -> Checkpoint:
        """All that a resumption needs."""
        return Checkpoint(self.state, self.seed, self.cpu_seconds, self.found, self.parents)

    def save(self) -> None:
        """Write the checkpoint; where it cannot be written the search goes on, and says so at its end."""
        if self.path is None:
            return
        try:
            checkpoints.save(self.path, self.name, self.solver, self.held())
            self.unsaved = ""
        except CheckpointError as error:
            self.unsaved = str(error)

    def close(self, status: Status) -> None:
        """A finished search leaves no checkpoint; any other can go on from it, once it has begun."""
        if self.path is None or self.state is None:
            return
        if status in (Status.FOUND, Status.EXHAUSTED):
            remove(self.path)
            self.unsaved = ""
        else:
            self.save()

    def outcome(self, status: Status) -> Outcome:
        """The end of the search."""
        if status is Status.EXHAUSTED and self.found is not None and self.problem.rank is None:
            status = Status.FOUND
        return Outcome(
            status,
            self.found,
            self.approximation,
            self.seed,
            self.steps,
            self.seconds,
            self.cpu_seconds,
            self.rejected,
            {} if self.state is None else self.state.metrics(),
            (*(self.state.remarks() if isinstance(self.state, Remarking) else ()), *filter(None, [self.unsaved])),
        )


def _fitted(start: Scheme | Approximation, problem: Problem) -> Scheme | Approximation:
    """A start of the target; that of another `matmul` format is extended by standard products or cut."""
    if start.target == problem.target:
        return start
    if isinstance(start, Scheme) and start.target.family == problem.target.family == "matmul":
        return fitted(start, problem.target)
    raise ProblemError(f"start of {start.target.short}: {problem.target.short} is searched for")


def _merit(scheme: Scheme) -> tuple[int, int]:
    """Fewer products first, then fewer additions."""
    return scheme.rank, additions(scheme)

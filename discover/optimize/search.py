"""Fewer additions for a scheme: shorter programs for it, and schemes of the same rank that have shorter ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from bilinear.decompositions.identity import content_hash, normal_form
from bilinear.decompositions.programs.eliminate import MIXED
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import interruption, loop
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.parallel.runs import together
from bilinear.discover.optimize.neighbours import CHAINS, REFERENCE, RINGS, SUMS, Neighbours
from bilinear.discover.optimize.shortening import Shortening

ROUNDS, LEAST_ROUNDS = 200, 10
"""Programs tried for a factor of 23 x 9 coefficients before it is judged, and for any."""

PREPARED, SMALL, LARGE = 6000, 784, 2325
"""Lists of additions of inputs tried at the end, for factors of 49 x 16 to 93 x 25 coefficients; fewer for others."""

HOT = (0.8, 1.0, 1.5, 2.5)
COLD = 0.25
"""Temperatures, in additions, at which a cycle may begin, and at which it ends."""

COOLING = 5  # slices of a cycle

RETURNING = 0.6  # of the cycles begin at the best scheme, the others where the last one ended
KICKED = 0.6  # of the cycles begin with a way through higher ranks
TRIES, LEAST_TRIES = 1500, 2
"""Times that helpers are taken out of the chains of a factor of 23 x 9 coefficients in a slice, and of any."""

NEAR = 3  # additions above the best program, at which the walk's chains are worth a search for shorter ones
REFINED = 8  # one slice in so many shortens the best program further instead of walking


@dataclass(frozen=True)
class Optimum:
    """The end of an optimisation.

    Attributes:
        status: `BUDGET` or `INTERRUPTED`.
        scheme: The scheme that was given, or a neighbour of the same rank whose program has fewer additions.
        program: Of that scheme, verified on symbols.
        own: The best program of the scheme that was given, likewise.
        seed: Of the random numbers.
        steps: Slices done.
        found: Slices after which the scheme was found.
        seconds: Wall time.
        cpu_seconds: CPU time.
        judge: Of the schemes.
    """

    status: Status
    scheme: Scheme
    program: SchemeProgram
    own: SchemeProgram
    seed: int
    steps: int
    found: int
    seconds: float
    cpu_seconds: float
    judge: str = SUMS


@dataclass(frozen=True)
class Standing:
    """One report of a running optimisation.

    Attributes:
        steps: Slices done.
        seconds: Wall time.
        additions: Of the best program so far.
        began: Of the first program.
        note: What else there is to tell.
    """

    steps: int
    seconds: float
    additions: int
    began: int
    note: str = ""


def optimize(
    scheme: Scheme,
    budget: Budget = Budget(seconds=60.0),  # noqa: B008  # frozen
    *,
    seed: int = 0,
    neighbours: bool = True,
    judge: str = SUMS,
    on_progress: Callable[[Standing], None] = lambda _: None,
    jobs: int = 1,
    cluster: str | None = None,
) -> Optimum:
    """Search until the budget is spent or the user interrupts; what was best so far is the result.

    Args:
        scheme: Verified, over any ring but `qi`.
        budget: Wall time, or slices.
        seed: Same seed, same slices, same result.
        neighbours: Also look at other schemes of the same rank; only over `zt`, `f2` and `f3`.
        judge: Of schemes: `sums` that are shared, or addition `chains`, which see more and take longer.
        on_progress: Called after every slice.
        jobs: Processes, with seeds seed, seed + 1, ...; the best of them counts.
        cluster: Whose workers run them; None for this machine.

    Raises:
        SchemeError: If the scheme is over `qi`, or has more inputs than chains hold over a finite field.
        TooLargeError: If the work would not fit into memory.
        JobError: If the jobs cannot be run.
    """
    if jobs != 1 or cluster is not None:
        begin = [partial(_Run, scheme, seed + job, neighbours, judge) for job in range(jobs)]
        return replace(of_jobs(scheme, begin, seed, budget, cluster, on_progress), judge=judge)
    cpu_began, run = time.process_time(), _Run(scheme, seed, neighbours, judge)
    status, seconds = repeat(run, budget, on_progress)
    run.finish()
    require_program(run.best, run.scheme)
    require_program(run.own, scheme)
    cpu = time.process_time() - cpu_began
    return Optimum(status, run.scheme, run.best, run.own, seed, run.steps, run.found, seconds, cpu, judge)


class Run(Protocol):
    """An optimisation between two slices.

    Attributes:
        steps: Slices done.
        best: The best program so far.
        note: What else is to be told of it.
    """

    steps: int

    @property
    def best(self) -> SchemeProgram: ...

    @property
    def note(self) -> str: ...

    def ended(self) -> Status | None:
        """Why nothing is left to do; None if something is."""
        ...

    def advance(self) -> None:
        """One slice."""
        ...


class Ending(Run, Protocol):
    """An optimisation that jobs make.

    Attributes:
        given: The scheme that was given.
        scheme: That of the best program.
        own: The best program of the scheme that was given.
        found: Slices after which the scheme was found.
    """

    given: Scheme
    scheme: Scheme
    found: int

    @property
    def own(self) -> SchemeProgram: ...

    def finish(self) -> None:
        """What is done last."""
        ...


def of_jobs(
    scheme: Scheme,
    begin: Sequence[Callable[[], Ending]],
    seed: int,
    budget: Budget,
    cluster: str | None,
    on_progress: Callable[[Standing], None],
) -> Optimum:
    """The best of several optimisations, run at once; programs are proved here.

    Raises:
        JobError: If they cannot be run.
    """
    firsts: list[int] = []

    def told(runs: Sequence[Ending], seconds: float) -> bool:
        best = min(run.best.operations.additions for run in runs)
        firsts.append(best)
        on_progress(Standing(min(run.steps for run in runs), seconds, best, firsts[0]))
        return False

    ended = together(begin, _finished, budget, cluster, told)
    job = min(range(len(ended.runs)), key=lambda k: ended.runs[k].best.operations.additions)
    run = ended.runs[job]
    own = min((each.own for each in ended.runs), key=lambda program: program.operations.additions)
    found = scheme if run.scheme is run.given else run.scheme
    require_program(run.best, found)
    require_program(own, scheme)
    return Optimum(ended.status, found, run.best, own, seed + job, run.steps, run.found, ended.seconds, ended.cpu)


def _finished(run: Ending) -> None:
    run.finish()


class _Told:
    """An optimisation as the loop sees it, with a listener; its state is not saved."""

    def __init__(self, run: Run, on_progress: Callable[[Standing], None]) -> None:
        self._run, self._on_progress = run, on_progress
        self._first, self._began = run.best.operations.additions, time.monotonic()
        self._tell()

    @property
    def steps(self) -> int:
        return self._run.steps

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def ended(self) -> Status | None:
        return self._run.ended()

    def advance(self) -> None:
        self._run.advance()
        self._tell()

    def save(self) -> None:
        """Nothing is kept but the best, at the end."""

    def _tell(self) -> None:
        additions = self._run.best.operations.additions
        self._on_progress(Standing(self.steps, self.seconds, additions, self._first, self._run.note))


def repeat(run: Run, budget: Budget, on_progress: Callable[[Standing], None]) -> tuple[Status, float]:
    """Slices until the budget is spent or the user interrupts; how it ended, and the seconds it took."""
    told = _Told(run, on_progress)
    with interruption() as interrupted:
        status = loop(told, budget, interrupted)
    return status, told.seconds


class Endless:
    """What there is always another program to try for."""

    note = ""

    def ended(self) -> None:
        """Never."""


class _Run(Endless):
    """An optimisation between two slices."""

    def __init__(self, scheme: Scheme, seed: int, neighbours: bool, judge: str) -> None:
        self.given = self.scheme = scheme
        self.steps = self.found = 0
        self._judge = judge
        self._rng = np.random.default_rng(seed)
        size = scheme.rank * max(scheme.target.shape)
        rounds = max(LEAST_ROUNDS, int(ROUNDS * (REFERENCE / max(size, REFERENCE)) ** 1.5))
        self._strategy = replace(MIXED, rounds=rounds)
        self._moves = int(PREPARED * min(1.0, size / SMALL, (LARGE / size) ** 1.5))
        self._tries = max(LEAST_TRIES, int(TRIES * (REFERENCE / max(size, REFERENCE)) ** 2))
        self._programs = self._own = Shortening(scheme, int(self._rng.integers(1 << 31)))
        self.best = self.own = self._programs.share(self._strategy)
        self._walk = Neighbours(scheme, self._rng, judge) if neighbours and scheme.ring in RINGS else None
        self._phase, self._hot = 0, 0.0

    def advance(self) -> None:
        """One slice."""
        self.steps += 1
        if self._walk is None or self.steps % REFINED == 0:
            self.refine()
        else:
            self._wander(self._walk)

    def refine(self) -> None:
        """Shorten the best program."""
        if self._judge == CHAINS:
            self.best = self._programs.chain(self._tries)
        else:
            self.best = self._programs.share(self._strategy)
        if self._walk is None:
            self.best = self._programs.prepare(self._strategy, self._moves)
            self.best = self._programs.chain(self._tries)
        if self.scheme is self.given:
            self.own = self.best

    def finish(self) -> None:
        """Shorten both programs once more, also by additions of inputs and as addition chains."""
        if self._judge == SUMS:
            if self.scheme is not self.given:
                self.refine()
            self.best = self._programs.prepare(self._strategy, self._moves)
            self.own = self.best if self.scheme is self.given else self._own.prepare(self._strategy, self._moves)
            self._compare()
        self.best = self._programs.chain(self._tries)
        self.own = self.best if self.scheme is self.given else self._own.chain(self._tries)
        if self._judge == CHAINS:
            self._compare()

    def _compare(self) -> None:
        """A neighbour has fewer additions than the scheme that was given, or it is none."""
        if self.own.operations.additions <= self.best.operations.additions:
            self.scheme, self.best, self._programs, self.found = self.given, self.own, self._own, 0

    def _wander(self, walk: Neighbours) -> None:
        """One slice of the walk. It cools down over a cycle of slices, then stands at the best scheme of the last."""
        if self._phase == 0:
            self._hot = float(self._rng.choice(HOT))
            if self._rng.random() < RETURNING:
                walk.stand_at(self.scheme)
            if self.steps > REFINED and self._rng.random() < KICKED:
                walk.kick()
        fall = (self._hot - COLD) / COOLING
        met = normal_form(walk.advance(self._hot - self._phase * fall, self._hot - (self._phase + 1) * fall))
        programs = Shortening(met, int(self._rng.integers(1 << 31)))
        if self._judge == SUMS or self._is_promising(walk):
            self._judged(met, programs)
        self._phase = (self._phase + 1) % COOLING
        if self._phase == 0:
            walk.settle()

    def _is_promising(self, walk: Neighbours) -> bool:
        """Whether greedy chains of the last slice come near to the best program."""
        shift = self.given.rank - self.given.target.shape[2]
        return walk.fewest + shift <= self.best.operations.additions + NEAR

    def _judged(self, met: Scheme, programs: Shortening) -> None:
        """Take a scheme for the best, if its program has fewer additions."""
        program = programs.share(self._strategy)
        if self._judge == CHAINS:
            program = programs.chain(self._tries)
        if program.operations.additions < self.best.operations.additions and content_hash(met) != content_hash(
            self.given
        ):
            assert verify(met).ok, "a walk left the target"
            self.scheme, self.best, self._programs, self.found = met, program, programs, self.steps

"""Fewer additions a level in an alternative basis: bases and programs tried until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bilinear.decompositions.programs.basis import rebased_program
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine.budget import Budget
from bilinear.discover.optimize.search import Endless, Optimum, Standing, of_jobs, repeat

RESTARTS = 4  # bases a slice tries for every factor


def rebased(
    scheme: Scheme,
    budget: Budget,
    *,
    seed: int = 0,
    on_progress: Callable[[Standing], None] = lambda _: None,
    jobs: int = 1,
    cluster: str | None = None,
) -> Optimum:
    """Search for a basis of each factor in which a level of recursion has few additions.

    Args:
        scheme: Verified, with integer coefficients over `zt`, `z`, `q` or `f2`.
        budget: Wall time, or slices.
        seed: Same seed, same slices, same result.
        on_progress: Called after every slice.
        jobs: Processes, with seeds seed, seed + 1, ...; the best of them counts.
        cluster: Whose workers run them; None for this machine.

    Raises:
        SchemeError: If the scheme has other coefficients.
        JobError: If the jobs cannot be run.
    """
    if jobs != 1 or cluster is not None:
        begin = [partial(_Bases, scheme, seed + job) for job in range(jobs)]
        return of_jobs(scheme, begin, seed, budget, cluster, on_progress)
    cpu_began, run = time.process_time(), _Bases(scheme, seed)
    status, seconds = repeat(run, budget, on_progress)
    require_program(run.best, scheme)
    cpu = time.process_time() - cpu_began
    return Optimum(status, scheme, run.best, run.best, seed, run.steps, run.found, seconds, cpu)


class _Bases(Endless):
    """A search for bases between two slices."""

    def __init__(self, scheme: Scheme, seed: int) -> None:
        self.given = self.scheme = scheme
        self.steps = self.found = 0
        self._rng = np.random.default_rng(seed)
        self.best = self._one()

    @property
    def own(self) -> SchemeProgram:
        """The best program, which is of the scheme that was given."""
        return self.best

    def finish(self) -> None:
        """Nothing is left to do."""

    def _one(self) -> SchemeProgram:
        return rebased_program(self.scheme, seed=int(self._rng.integers(1 << 31)), restarts=RESTARTS)

    def advance(self) -> None:
        """Try other bases."""
        self.steps += 1
        program = self._one()
        if _cost(program) < _cost(self.best):
            self.best, self.found = program, self.steps


def _cost(program: SchemeProgram) -> tuple[int, int]:
    return program.operations.additions, program.basis_operations.additions

"""The search over a range of ranks: what is found at one is a beginning for its neighbours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.seeds import pruned, seed
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate import moves
from bilinear.discover.approximate.bounding import Floats, row_bound
from bilinear.discover.approximate.fit import Fit
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import interruption, loop
from bilinear.discover.engine.parallel.runs import together
from bilinear.discover.engine.problem import ProblemError

SEEDS_TRIED = ("pruned-winograd", "pruned-strassen", "kronecker", "pruned-standard")
STARTS = "start"
MOVES = {"drop": 0.3, "add": 0.15, "swap": 0.35, "kick": 0.15, "draw": 0.05}
"""Chance of each move; those that have no neighbour to begin from fall to `swap`."""
RIDGE, STEPS = 1e-5, 40
NARROWED = 5  # times that the bound of a seed that was asked for is narrowed
FIRST_STEPS = 10  # of an exchange, between the product added and the one dropped
LAST_RIDGE, LAST_STEPS = 1e-9, 100  # of what is better than what was there
GAIN = 1e-5  # of the residual, below which nothing is better
ABOVE = 1e-3
"""Residual by which the lowest must lie under the lowest of bounded norms, to be kept beside it."""


@dataclass(frozen=True)
class Best:
    """The nearest approximation of one rank, in one of the two kinds.

    Attributes:
        factors: U, V and W, products balanced.
        residual: In floating point.
        origin: The seed, or the move, that led to it.
        step: Of the search.
        seconds: Processor time until then.
        job: Of several, which one found it: its seed is that much higher.
    """

    factors: tuple[Floats, Floats, Floats]
    residual: float
    origin: str
    step: int
    seconds: float
    job: int = 0

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.factors[0])

    @property
    def norm(self) -> float:
        """The largest norm of a row at equal scaling."""
        return float(norms(self.factors).max())


@dataclass
class Pool:
    """The nearest approximations so far.

    Attributes:
        fit: To the target.
        ranks: Those searched, rising.
        bound: The largest row of a bounded approximation.
        free: Whether others are searched too.
        named: Seeds that the user asked for.
        bounded: The nearest whose rows keep to the bound, by rank.
        lowest: The nearest of all, by rank.
        steps: Descents made.
        job: Of several, which one this is.
        spent: Processor time until the last step was over.
        started: Processor time at which the search began, had this process done all of it.
    """

    fit: Fit
    ranks: tuple[int, ...]
    bound: float
    free: bool = True
    named: tuple[str, ...] = ()
    bounded: dict[int, Best] = field(default_factory=dict)
    lowest: dict[int, Best] = field(default_factory=dict)
    steps: int = 0
    job: int = 0
    spent: float = 0.0
    started: float = field(default_factory=time.process_time)

    def offer(self, factors: Sequence[Floats], origin: str) -> bool:
        """Descend from the factors, and keep what is better than what was there; whether anything was."""
        self.steps += 1
        rank = len(factors[0])
        found = self.fit.descended(factors, STEPS, RIDGE, self.bound)
        if rank in self.bounded and self.fit.residual(found) > self.bounded[rank].residual - GAIN:
            return False
        polished = self.fit.descended(found, LAST_STEPS, LAST_RIDGE, self.bound)
        bounded = min((found, polished), key=self.fit.residual)
        if self.free:
            free = self.fit.descended(bounded, LAST_STEPS, LAST_RIDGE)
            self._keep(self.lowest, min((bounded, free), key=self.fit.residual), origin)
        return self._keep(self.bounded, bounded, origin)

    def _keep(self, kept: dict[int, Best], factors: Sequence[Floats], origin: str) -> bool:
        u, v, w = factors
        seconds = time.process_time() - self.started
        found = Best((u, v, w), self.fit.residual(factors), origin, self.steps, seconds, self.job)
        if found.rank in kept and found.residual > kept[found.rank].residual - GAIN:
            return False
        kept[found.rank] = found
        return True

    def take(self, other: Pool) -> None:
        """Take in what another pool has that is nearer."""
        self.steps += other.steps
        for mine, theirs in ((self.bounded, other.bounded), (self.lowest, other.lowest)):
            for rank, best in theirs.items():
                if rank not in mine or best.residual < mine[rank].residual:
                    mine[rank] = best

    def kept(self) -> list[tuple[Best, bool]]:
        """By rank the nearest of bounded norms, then the nearest of all where it is nearer; whether each is bounded."""
        found: list[tuple[Best, bool]] = []
        for rank in sorted(self.bounded):
            found.append((self.bounded[rank], True))
            if self.free and self.lowest[rank].residual < self.bounded[rank].residual - ABOVE:
                found.append((self.lowest[rank], False))
        return found


def approximate(
    target: Target,
    ranks: Iterable[int],
    budget: Budget,
    rng_seed: int = 0,
    starts: Sequence[Scheme | Approximation] = (),
    *,
    named: Sequence[str] = (),
    bounded: bool = False,
    on_progress: Callable[[str], None] = lambda name: None,
    jobs: int = 1,
    cluster: str | None = None,
) -> Pool:
    """The nearest approximations of a tile product at each of the ranks.

    First the seeds and starts, with products dropped, at every rank, then moves between neighbouring ranks.
    The same seed and steps give the same approximations, on processors of one kind.

    Args:
        target: A `matmul`.
        ranks: Numbers of products.
        budget: Wall time, or descents.
        rng_seed: Of all randomness.
        starts: Schemes or approximations of the target; those of more products are pruned to each rank.
        named: Seeds to begin from before all others.
        bounded: Whether only approximations of bounded norms are wanted.
        on_progress: Called before every descent, with its number.
        jobs: Processes, with seeds rng_seed, rng_seed + 1, ...; the nearest of all count.
        cluster: Whose workers run them; None for this machine.

    Returns:
        What was found until the budget was spent, or the user interrupted.

    Raises:
        ProblemError: If the target is no `matmul`, a rank is below 1, or a start is of another target.
        TargetError: If a seed that was named cannot take the target, or a rank.
        UnknownNameError: If there is no such seed.
        JobError: If the jobs cannot be run.
    """
    pool = Pool(Fit.of(target), tuple(sorted(set(ranks))), row_bound(target), not bounded, tuple(named))
    _require_possible(pool, starts)
    if jobs != 1 or cluster is not None:
        begin = [partial(_descents, replace(pool, job=job), tuple(starts), rng_seed + job) for job in range(jobs)]
        return _of_jobs(begin, budget, cluster, on_progress)
    with interruption() as interrupted:
        loop(_Descents(pool, list(_seeds(pool, starts)), rng_seed, on_progress), budget, interrupted)
    return pool


def _descents(pool: Pool, starts: Sequence[Scheme | Approximation], rng_seed: int) -> _Descents:
    """A job, on its worker."""
    return _Descents(replace(pool, bounded={}, lowest={}), list(_seeds(pool, starts)), rng_seed, _silent)


def _silent(name: str) -> None:
    """Nobody hears."""


def _of_jobs(
    begin: Sequence[Callable[[], _Descents]], budget: Budget, cluster: str | None, on_progress: Callable[[str], None]
) -> Pool:
    """The pools of several searches as one; residuals are certified where they are kept."""

    def told(runs: Sequence[_Descents], seconds: float) -> bool:
        on_progress(str(sum(run.steps for run in runs)))
        return False

    pools: list[Pool] = [run.pool for run in together(begin, _done, budget, cluster, told).runs]
    for other in pools[1:]:
        pools[0].take(other)
    return pools[0]


def _done(run: _Descents) -> None:
    """Nothing is left to do."""


@dataclass
class _Descents:
    """The search as the loop sees it; the pool is its state, which is not saved before the end.

    Attributes:
        pool: What is best so far.
        seeds: To begin from, by name.
        rng_seed: Of all randomness.
        on_progress: Called before every descent, with its number.
    """

    pool: Pool
    seeds: Sequence[tuple[str, Callable[[np.random.Generator], Approximation]]]
    rng_seed: int
    on_progress: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)

    @property
    def steps(self) -> int:
        return self.pool.steps

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def ended(self) -> None:
        """There is always another descent."""

    def advance(self) -> None:
        """One descent: from a seed while there are any, then from a move."""
        steps, pool = self.pool.steps, self.pool
        pool.started = time.process_time() - pool.spent  # the process may be another one than at the last step
        self.on_progress(str(steps + 1))
        rng = np.random.default_rng([self.rng_seed, steps])
        if steps < len(self.seeds):
            name, make = self.seeds[steps]
            pool.offer(make(rng).factors, name)
        else:
            pool.offer(*_moved(pool, rng))
        pool.spent = time.process_time() - pool.started

    def save(self) -> None:
        """Nothing is kept but the pool, at the end."""


def _require_possible(pool: Pool, starts: Sequence[Scheme | Approximation]) -> None:
    short = pool.fit.target.short
    if not pool.ranks or pool.ranks[0] < 1:
        raise ProblemError(f"{short}: ranks {list(pool.ranks)}; at least 1 product is needed")
    for start in starts:
        if start.target != pool.fit.target:
            raise ProblemError(f"start of {start.target.short}: {short} is searched for")
        if start.rank < pool.ranks[0]:
            raise ProblemError(f"start of {start.rank} products: the least rank asked for is {pool.ranks[0]}")


def _seeds(
    pool: Pool, starts: Sequence[Scheme | Approximation]
) -> Iterable[tuple[str, Callable[[np.random.Generator], Approximation]]]:
    """What is descended from first: the highest rank first, so that it can lead to the lower ones."""
    target = pool.fit.target
    for rank in reversed(pool.ranks):
        for name in pool.named:
            yield name, partial(_named, pool, name, rank)
        for start in starts:
            if start.rank >= rank:
                yield STARTS, partial(pruned, start, rank)
        for name in SEEDS_TRIED:
            yield name, partial(_seeded, name, target, rank)


def _named(pool: Pool, name: str, rank: int, rng: np.random.Generator) -> Approximation:
    """A seed that was asked for, fitted without a bound and then under ever narrower ones: it may begin far outside."""
    fit = pool.fit
    found = fit.descended(seed(name, fit.target, rank, rng).factors, STEPS, RIDGE)
    for bound in np.geomspace(max(pool.bound, norms(found).max()), pool.bound, NARROWED + 1)[1:]:
        found = fit.descended(found, STEPS, RIDGE, float(bound))
    u, v, w = found
    return Approximation(fit.target, u, v, w)


def _seeded(name: str, target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """The seed of that name; random products where the target or the rank is beyond it."""
    try:
        return seed(name, target, rank, rng)
    except TargetError:
        return seed("random-decoded", target, rank, rng)


def _moved(pool: Pool, rng: np.random.Generator) -> tuple[list[Floats], str]:
    """A rank and a move, both drawn."""
    fit, rank = pool.fit, int(rng.choice(pool.ranks))
    move = str(rng.choice(list(MOVES), p=list(MOVES.values())))
    if move == "draw":
        return moves.drawn(fit, rank, rng), move
    if move == "kick":
        return moves.kicked(pool.bounded[rank].factors, rng), move
    if move == "drop" and rank + 1 in pool.bounded:
        return moves.dropped(fit, pool.bounded[rank + 1].factors, rng), move
    if move == "add" and rank - 1 in pool.bounded:
        return moves.added(fit, pool.bounded[rank - 1].factors, rng), move
    longer = fit.descended(moves.added(fit, pool.bounded[rank].factors, rng), FIRST_STEPS, RIDGE, pool.bound)
    return moves.dropped(fit, longer, rng), "swap"

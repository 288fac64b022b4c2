"""The solver `symmetric`: pool descent on schemes of n x n x n that stay the same when their factors rotate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from decompositions.scheme import Approximation, Scheme
from discover.problem import Problem, ProblemError
from discover.solvers.flip_graph.descent import FlipPool, FlipPoolState
from discover.solvers.flip_graph.orbits import Partition, expanded, orbit_rows, partitions
from discover.solvers.flip_graph.pool import pool_rank
from discover.solvers.flip_graph.schemes import require_walkable, to_scheme, walk_ring
from discover.solvers.flip_graph.walking import Factors


@dataclass(kw_only=True)
class SymmetricState(FlipPoolState):
    """A pool of orbits, and the best whole schemes so far; see `FlipPoolState`.

    Attributes:
        partition: Group of each of 0 .. n - 1 in this round, shape (n,).
    """

    partition: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def groups(self) -> Partition:
        """The groups of the partition, one cube each."""
        number = int(self.partition.max()) + 1
        return tuple(tuple(np.flatnonzero(self.partition == group).tolist()) for group in range(number))

    @property
    def products(self) -> int:
        """Products of the best schemes in the pool: cubes, and three an orbit."""
        return len(self.groups) + 3 * pool_rank(self.pool)

    def metrics(self) -> dict[str, float | int | str]:
        """Where the descent stands."""
        return super().metrics() | {"partition": "+".join(str(len(group)) for group in self.groups)}


@dataclass(frozen=True)
class Symmetric(FlipPool):
    """Descend with a pool on the flip graph of Z3-symmetric schemes of n x n x n, round after round.

    A round draws a partition of the indices, whose groups are the cubes of the scheme, and begins at the orbits of the
    standard algorithm. Where a rank is asked for, only partitions that reach it exactly are drawn: the rank is the
    number of groups plus a multiple of three. Of the partitions into so many groups the most even one is taken: 5x5x5
    fell to 93 with 2+2+1 and not with 3+1+1. Other options are those of `FlipPool`.

    Attributes:
        size: Schemes to collect before going down.
        patience: Paths at one rank after which any scheme below is enough; without one the next round begins.
        partition: Sizes of the groups, such as 2+2+1, instead of one drawn.

    Source:
        J. Moosbauer, M. Poole, "Flip graphs with symmetry and new matrix multiplication schemes" (arXiv:2502.04514).
        The paper walks alone, with few pluses, for long; we keep a pool, make more pluses, and begin anew sooner.
    """

    size: int = 20
    patience: int = 200
    plus_min: int = 5_000
    plus_max: int = 20_000
    partition: str | None = None
    state_type: ClassVar[type[Any]] = SymmetricState

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.partition is not None:
            _sizes(self.partition)

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> SymmetricState:
        """A pool of the standard algorithm's orbits.

        Args:
            problem: A matrix product n x n x n with n up to 16, over any ring but `qi`.
            rng: Gives the seed.
            starts: None may be given.

        Raises:
            ProblemError: If the target or the ring is beyond this method, the partition is not one of n, or starts are
                given.
        """
        target = problem.target
        if target.family != "matmul" or len(set(target.sizes)) != 1:
            raise ProblemError(f"symmetric searches n x n x n, not {target.short}; choose flip-graph")
        if starts:
            raise ProblemError("symmetric begins at its own orbits, not at starts; choose flip-graph")
        require_walkable("symmetric", problem, walk_ring(self.walk, problem), ())
        if self.partition is not None and sum(_sizes(self.partition)) != target.sizes[0]:
            raise ProblemError(f"partition {self.partition} is not one of {target.sizes[0]}, as {target.short} needs")
        state: SymmetricState = self._started(problem, rng, ())
        return state

    def _begin(self, state: FlipPoolState) -> None:
        """A new descent from the standard algorithm's orbits over a partition that the seed draws."""
        assert isinstance(state, SymmetricState)
        state.round += 1
        groups = self._drawn(state.problem, np.random.default_rng([state.seed, state.round]))
        state.partition = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._fill(state, [orbit_rows(state.problem.target.sizes[0], groups)], cyclic=True)

    def _drawn(self, problem: Problem, rng: np.random.Generator) -> Partition:
        """The partition that was asked for; or one that reaches the rank exactly, or any, with groups of even size."""
        every = list(partitions(problem.target.sizes[0]))
        if self.partition is not None:
            sizes = sorted(_sizes(self.partition), reverse=True)
            return next(groups for groups in every if [len(group) for group in groups] == sizes)
        even = [next(same_number) for _, same_number in groupby(every, len)]
        if problem.rank is not None:
            even = [groups for groups in even if (problem.rank - len(groups)) % 3 == 0] or even
        return even[rng.integers(len(even))]

    def _whole(self, state: FlipPoolState, factors: Factors) -> Scheme:
        """The scheme of n x n x n that orbits stand for."""
        assert isinstance(state, SymmetricState)
        target = state.problem.target
        rows = expanded(factors, target.sizes[0], state.groups)
        return to_scheme(target, walk_ring(self.walk, state.problem), np.concatenate(rows, axis=1))


def _sizes(text: str) -> list[int]:
    """The sizes of the groups of a partition such as 2+2+1.

    Raises:
        ValueError: If the text is no such sum.
    """
    parts = text.split("+")
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"partition {text[:40]!r}; sizes of groups such as 2+2+1 are needed")
    return [int(part) for part in parts]

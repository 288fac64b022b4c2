"""The solver `symmetric`: pool descent on schemes of n x n x n that stay the same when their factors rotate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.descent import FlipPool, FlipPoolState
from bilinear.discover.solvers.flip_graph.options import require_walkable
from bilinear.discover.solvers.flip_graph.orbits import (
    Partition,
    expanded,
    folded,
    mirrored,
    orbit_rows,
    partitions,
)
from bilinear.discover.solvers.flip_graph.packing import residues
from bilinear.discover.solvers.flip_graph.pool import pool_rank
from bilinear.discover.solvers.flip_graph.schemes import factors_of, to_scheme
from bilinear.discover.solvers.flip_graph.walking import Factors

ORDERS = {"z3": at.ROTATED, "z3xz2": at.REFLECTED}  # products of an orbit


@dataclass(kw_only=True)
class SymmetricState(FlipPoolState):
    """A pool of orbits, and the best whole schemes so far; see `FlipPoolState`.

    Attributes:
        partition: Group of each of 0 .. n - 1 in this round, shape (n,).
        order: Products of an orbit, 3 or 6.
    """

    partition: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    order: int = 3

    @property
    def groups(self) -> Partition:
        """The groups of the partition, one cube each."""
        number = int(self.partition.max()) + 1
        return tuple(tuple(np.flatnonzero(self.partition == group).tolist()) for group in range(number))

    @property
    def products(self) -> int:
        """Products of the best schemes in the pool: cubes, and those of the orbits."""
        return len(self.groups) + self.order * pool_rank(self.pool)

    def metrics(self) -> dict[str, float | int | str]:
        """Where the descent stands."""
        return super().metrics() | {"partition": "+".join(str(len(group)) for group in self.groups)}


@dataclass(frozen=True)
class Symmetric(FlipPool):
    """Descend with a pool on the flip graph of symmetric schemes of n x n x n, round after round.

    A round draws a partition of the indices, whose groups are the cubes of the scheme, and begins at the orbits of the
    standard algorithm. Where a rank is asked for, only partitions that reach it exactly are drawn: the rank is the
    number of groups plus a multiple of three. Of the partitions into so many groups the most even one is taken: 5x5x5
    fell to 93 with 2+2+1 and not with 3+1+1. Other options are those of `FlipPool`.

    With `group=z3xz2` the schemes also stay the same when the indices are reflected, i to n - 1 - i, which exchanges
    groups of the same size: orbits of six, and ranks that are the number of groups plus a multiple of six.

    Attributes:
        group: The symmetry, z3 or z3xz2.
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
    group: str = "z3"
    state_type: ClassVar[type[Any]] = SymmetricState

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group not in ORDERS:
            raise ValueError(f"group {self.group[:40]!r}; one of {', '.join(ORDERS)} is needed")
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
            ProblemError: If the target or the ring is beyond this method, the partition is not one of n, no scheme of
                the symmetry has the rank, or starts are given.
        """
        target = problem.target
        if target.family != "matmul" or len(set(target.sizes)) != 1:
            raise ProblemError(f"symmetric searches n x n x n, not {target.short}; choose flip-graph")
        if starts:
            raise ProblemError("symmetric begins at its own orbits, not at starts; choose flip-graph")
        require_walkable("symmetric", problem, self.walk_ring(problem), ())
        if self.partition is not None and sum(_sizes(self.partition)) != target.sizes[0]:
            raise ProblemError(f"partition {self.partition} is not one of {target.sizes[0]}, as {target.short} needs")
        if not self._possible(target.sizes[0]):
            raise ProblemError(f"partition {self.partition} is left alone by no reflection; choose group=z3")
        self._require_reachable(problem)
        state: SymmetricState = self._started(problem, rng, ())
        return state

    def _require_reachable(self, problem: Problem) -> None:
        """Refuse a rank that no scheme of this symmetry has; from the standard algorithm's on any is met at once."""
        rank, order, target = problem.rank, ORDERS[self.group], problem.target
        cubes = [len(groups) for groups in self._possible(target.sizes[0])]
        if rank is None or rank >= len(target.values) or any((rank - one) % order == 0 for one in cubes):
            return
        ranks = [k for k in range(len(target.values)) if any(k >= one and (k - one) % order == 0 for one in cubes)]
        near = " and ".join(map(str, (*[k for k in ranks if k < rank][-1:], *[k for k in ranks if k > rank][:1])))
        wider = "group=z3" if self.group != "z3" else "flip-graph"
        raise ProblemError(
            f"symmetric, group={self.group}: no such scheme of {target.short} has {rank} products, the nearest have "
            f"{near}; choose one of these ranks, or {wider}"
        )

    def check(self, state: FlipPoolState) -> None:
        """See `Checking`."""
        assert isinstance(state, SymmetricState)
        self._check_walked(state)
        n = state.problem.target.sizes[0]
        sound(state.order == ORDERS[self.group] and state.partition.shape == (n,), "its partition is not one of n")
        labels = (_labels(one) for one in self._possible(n))
        sound(any(np.array_equal(state.partition, one) for one in labels), "its partition is not one of this search")
        self._check_pool(state, state.order)

    def _begin(self, state: FlipPoolState) -> None:
        """A new descent from the standard algorithm's orbits over a partition that the seed draws."""
        assert isinstance(state, SymmetricState)
        state.round += 1
        groups = self._drawn(state.problem, np.random.default_rng([state.seed, state.round]))
        state.partition = _labels(groups)
        state.order = ORDERS[self.group]
        self._fill(state, [orbit_rows(state.problem.target.sizes[0], groups, state.order)], state.order)

    def _drawn(self, problem: Problem, rng: np.random.Generator) -> Partition:
        """The partition that was asked for; or one that reaches the rank exactly, or any, with groups of even size."""
        even = self._possible(problem.target.sizes[0])
        if problem.rank is not None:
            order = ORDERS[self.group]
            even = [groups for groups in even if (problem.rank - len(groups)) % order == 0] or even
        return even[rng.integers(len(even))]

    def _possible(self, n: int) -> list[Partition]:
        """The partition that was asked for, or the most even ones of each number of groups; those with the symmetry."""
        every = list(partitions(n))
        if self.group != "z3":
            every = [groups for groups in map(mirrored, every) if groups is not None]
        if self.partition is not None:
            sizes = sorted(_sizes(self.partition), reverse=True)
            return [groups for groups in every if [len(group) for group in groups] == sizes]
        return [next(same_number) for _, same_number in groupby(every, len)]

    def _whole(self, state: FlipPoolState, factors: Factors) -> Scheme:
        """The scheme of n x n x n that orbits stand for."""
        assert isinstance(state, SymmetricState)
        target = state.problem.target
        whole = expanded(factors, target.sizes[0], state.groups, state.order)
        return to_scheme(target, self.walk_ring(state.problem), whole)

    def _folded(self, state: FlipPoolState, scheme: Scheme) -> Factors | None:
        """The orbits of a scheme of n x n x n, if it is symmetric with this round's cubes."""
        assert isinstance(state, SymmetricState)
        u, v, w = (residues(factor, str(scheme.ring)) for factor in factors_of(scheme))
        return folded((u, v, w), state.problem.target.sizes[0], state.groups, state.order)


def _labels(groups: Partition) -> NDArray[np.int64]:
    """The group of each index, shape (n,)."""
    labels = np.zeros(sum(map(len, groups)), np.int64)
    for place, group in enumerate(groups):
        labels[list(group)] = place
    return labels


def _sizes(text: str) -> list[int]:
    """The sizes of the groups of a partition such as 2+2+1.

    Raises:
        ValueError: If the text is no such sum.
    """
    parts = text.split("+")
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"partition {text[:40]!r}; sizes of groups such as 2+2+1 are needed")
    return [int(part) for part in parts]

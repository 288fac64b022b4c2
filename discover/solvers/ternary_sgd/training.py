"""The solver: a batch of members, walked by a recipe, checked exactly and restarted one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.rings import Ring, holds
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.ternary_sgd.annealed import Annealed
from bilinear.discover.solvers.ternary_sgd.objective import Objective, objective_bytes, padded
from bilinear.discover.solvers.ternary_sgd.paper import Paper
from bilinear.discover.solvers.ternary_sgd.recipes import CHECK, Batch, Recipe
from bilinear.discover.solvers.ternary_sgd.state import FloatArray, TernarySgdState, require_sizes
from bilinear.discover.solvers.threads import one_thread

BATCH_ENTRIES = {"cpu": 1 << 17, "cuda": 1 << 25}  # float factors of a batch: fits a core's cache, fills a GPU
SLICE_ENTRIES = {"cpu": 1 << 26, "cuda": 1 << 34}  # float factors moved in a slice of about a second
MEMBERS = {"cpu": (16, 1 << 10), "cuda": (1 << 10, 1 << 16)}  # at least and at most in a batch
BYTES_A_COEFFICIENT = 40  # three float arrays, their working copies and the ternary factors
LARGEST_START = 1e30  # coefficient of a start
RECIPES = ("annealed", "paper")
ARRAYS = ("latent", "first", "second", "shares", "ages")  # of the state, that a batch changes


@dataclass(frozen=True)
class TernarySgd:
    """Search ternary schemes by gradient descent, straight through the rounding, from many starts at once.

    Attributes:
        recipe: `annealed`, or `paper` for the procedure of the source.
        restarts: Members of the batch; by default as many as fit into a core's cache, 16 to 1024 (more on a GPU).
        device: `cpu` or `cuda`.
        rate: Step size of Adam; like the noise, divided by the square root of the number of coefficients.
        noise: Noise added per step.
        pull: Strength of the attraction to -1, 0 and 1.
        spread: Standard deviation of random starts.
        tolerance: Squared error up to which a member is drawn further to ternary values.
        climb: Speed of that, per as many steps as the scheme has coefficients; like the two deadlines.
        fit_within: Time in which a member has to fit as floats, or is restarted.
        done_within: Time in which it has to become exact.
        seeded: Part of the restarts that begin at the given starts, if there are any.
        jitter: Standard deviation of the noise added to them.

    Source:
        M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets", ICML 2018. `annealed` minimises the distance to the
        tensor itself instead of sampling products, and turns ternary gradually; see `Annealed`.
    """

    recipe: str = "annealed"
    restarts: int | None = None
    device: str = "cpu"
    rate: float = 1.5
    noise: float = 0.4
    pull: float = 0.15
    spread: float = 0.5
    tolerance: float = 1.2
    climb: float = 0.15
    fit_within: float = 1.5
    done_within: float = 5.0
    seeded: float = 0.5
    jitter: float = 0.3
    state_type: ClassVar[type[TernarySgdState]] = TernarySgdState

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"recipe {self.recipe!r}; one of {', '.join(RECIPES)} is needed")
        if self.device not in BATCH_ENTRIES:
            raise ValueError(f"device {self.device!r}; one of {', '.join(BATCH_ENTRIES)} is needed")
        if self.restarts is not None and self.restarts < 1:
            raise ValueError(f"restarts {self.restarts}; at least 1 is needed")

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> TernarySgdState:
        """A batch of starts, not yet walked.

        Args:
            problem: Target, rank and ring.
            rng: Gives the seed.
            starts: Schemes or approximations of the problem's rank that seed part of the members.

        Raises:
            ProblemError: If this method cannot take the problem, or a start has another rank.
        """
        sides, rank = sum(problem.target.shape), self._possible_rank(problem)
        members = self.restarts or self._members(sides * padded(rank))
        shape = sides, members, padded(rank)
        needed = BYTES_A_COEFFICIENT * math.prod(shape) + objective_bytes(problem.target, members, padded(rank))
        memory.require(needed, f"a batch of {members} starts for {problem.short}")
        state = TernarySgdState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=_stacked(starts, rank, sides),
            steps=0,
            latent=np.zeros(shape, np.float32),
            first=np.zeros(shape, np.float32),
            second=np.zeros(shape, np.float32),
            shares=np.zeros(members, np.float32),
            ages=np.zeros(members, np.int64),
            errors=np.full(members, np.inf),
            exact=np.zeros((0, rank, sides), np.int8),
            restarts=0,
            found=0,
            best=float("inf"),
        )
        self._restart(self._batch(state), np.ones(members, np.bool_), state)
        return state

    def advance(self, state: TernarySgdState) -> TernarySgdState:
        """One slice, a fixed number of steps; members that are exact or spent are restarted on the way."""
        recipe, state = self._recipe(), _copied(state)
        found: list[NDArray[np.int8]] = []
        with one_thread():
            batch = self._batch(state)
            for _ in range(max(1, SLICE_ENTRIES[self.device] // (CHECK * state.latent.size))):
                recipe.walk(batch)
                batch.ages.add_(CHECK)
                state.steps += CHECK
                done = _harvest(recipe, batch, state, found)
                self._restart(batch, done | recipe.spent(batch).cpu().numpy(), state)
        state.exact = np.array(found, np.int8).reshape(-1, *state.exact.shape[1:])
        _store(batch, state)
        return state

    def candidates(self, state: TernarySgdState) -> Iterator[Scheme]:
        """The schemes found in the last slice, each checked in integers."""
        for factors in state.exact.astype(np.int64):
            u, v, w = _sides(factors, state.problem.target)
            yield Scheme(state.problem.target, Ring.ZT, u, v, w).to(state.problem.ring)

    def check(self, state: TernarySgdState) -> None:
        """See `Checking`."""
        sides, rank = sum(state.problem.target.shape), self._possible_rank(state.problem)
        require_sizes(state, (sides, self.restarts or self._members(sides * padded(rank)), padded(rank)), rank)

    def _possible_rank(self, problem: Problem) -> int:
        """The rank, if this method can take the problem.

        Raises:
            ProblemError: If it cannot, or there is no GPU for `device="cuda"`.
        """
        if not holds(problem.ring, Ring.ZT):
            raise ProblemError(f"ternary-sgd searches zt and what holds it, not {problem.ring}; choose --ring zt")
        if problem.rank is None:
            raise ProblemError(f"ternary-sgd needs a rank: give --rank for {problem.target.short}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ProblemError("device cuda: this machine has no GPU that PyTorch can use; choose --device cpu")
        return problem.rank

    def _recipe(self) -> Recipe:
        if self.recipe == "paper":
            return Paper()
        return Annealed(
            rate=self.rate,
            noise=self.noise,
            pull=self.pull,
            spread=self.spread,
            tolerance=self.tolerance,
            climb=self.climb,
            fit_within=self.fit_within,
            done_within=self.done_within,
        )

    def _members(self, entries: int) -> int:
        """As many of so many float factors as the device's batch holds."""
        least, most = MEMBERS[self.device]
        return min(most, max(least, BATCH_ENTRIES[self.device] // entries))

    def _restart(self, batch: Batch, done: NDArray[np.bool_], state: TernarySgdState) -> None:
        """Begin anew where a member is done."""
        where = np.flatnonzero(done)
        if not len(where):
            return
        rng = np.random.default_rng([state.seed, state.steps])
        fresh = self._recipe().begin((len(batch.latent), len(where), batch.rank), rng)
        for place in np.flatnonzero(rng.random(len(where)) < self.seeded) if len(state.starts) else ():
            given = state.starts[rng.integers(len(state.starts))]
            fresh[:, place] = given + self.jitter * rng.standard_normal(given.shape, dtype=np.float32)
        members = torch.from_numpy(where).to(batch.latent.device)
        batch.latent[:, members, : batch.rank] = torch.from_numpy(fresh).to(batch.latent.device)
        for moments in (batch.first, batch.second):
            moments[:, members] = 0
        batch.shares[members], batch.ages[members] = 0, 0
        state.restarts += len(where)

    def _batch(self, state: TernarySgdState) -> Batch:
        """The state's arrays on the device: shared memory on the CPU, copies on a GPU."""
        device = torch.device(self.device)
        _, members, width = state.latent.shape
        arrays = {name: torch.from_numpy(getattr(state, name)).to(device) for name in ARRAYS}
        seed = np.random.SeedSequence([state.seed, state.steps]).generate_state(1, np.uint64)[0] >> 1
        return Batch(
            objective=Objective(state.problem.target, members, width, device),
            rank=state.exact.shape[1],
            generator=torch.Generator(device).manual_seed(int(seed)),
            **arrays,
        )


def _harvest(recipe: Recipe, batch: Batch, state: TernarySgdState, found: list[NDArray[np.int8]]) -> NDArray[np.bool_]:
    """Add the ternary factors that are exact, first in floats and then in integers, to `found`; return which are."""
    ternary = recipe.ternary(batch)
    state.errors = batch.objective.squared_error(ternary).cpu().numpy()
    state.best = min(state.best, float(state.errors.min()))
    done: NDArray[np.bool_] = (state.errors < 0.5) & recipe.ripe(batch).cpu().numpy()
    for member in np.flatnonzero(done):
        factors = ternary[:, member, : batch.rank].T.to("cpu", torch.int8).numpy()
        done[member] = _is_exact(state.problem.target, factors.astype(np.int64))
        if done[member]:
            found.append(factors)
    state.found += int(done.sum())
    return done


def _is_exact(target: Target, factors: NDArray[np.int64]) -> bool:
    """Whether `factors`, shape (rank, left + right + out), make the target; int64 cannot overflow on ternary ones."""
    u, v, w = _sides(factors, target)
    for i in range(target.shape[0]):
        slab = (u[:, i, None] * v).T @ w
        at = target.indices[:, 0] == i
        slab[target.indices[at, 1], target.indices[at, 2]] -= target.values[at]
        if slab.any():
            return False
    return True


def _sides(factors: NDArray[np.int64], target: Target) -> list[NDArray[np.int64]]:
    """U, V and W of factors that stand side by side."""
    return np.split(factors, np.cumsum(target.shape)[:2], axis=1)


def _stacked(starts: Sequence[Scheme | Approximation], rank: int, sides: int) -> FloatArray:
    """The starts' factors, shape (starts, left + right + out, rank).

    Raises:
        ProblemError: If one has another rank.
    """
    stack = np.zeros((len(starts), sides, rank), np.float32)
    for index, given in enumerate(starts):
        if any(np.abs(factor).max(initial=0) > LARGEST_START for factor in given.factors):
            raise ProblemError(f"start with a coefficient above {LARGEST_START:.0e}: ternary-sgd works with float32")
        joined = np.concatenate([np.asarray(factor, np.float32) for factor in given.factors], axis=1)
        if len(joined) != rank:
            raise ProblemError(f"start of rank {len(joined)}: ternary-sgd needs the rank searched for, {rank}")
        stack[index] = joined.T
    return stack


def _copied(state: TernarySgdState) -> TernarySgdState:
    """A state whose arrays may be changed."""
    return replace(state, **{name: getattr(state, name).copy() for name in ARRAYS})


def _store(batch: Batch, state: TernarySgdState) -> None:
    """Bring the tensors back where the device has memory of its own."""
    if batch.latent.device.type != "cpu":
        for name in ARRAYS:
            setattr(state, name, getattr(batch, name).cpu().numpy())

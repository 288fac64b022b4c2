"""The solver: batches of restarts, walked by a recipe and checked exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decompositions import memory
from decompositions.rings import Ring, holds
from decompositions.scheme import Approximation, Scheme
from decompositions.targets import Target
from discover.problem import Problem, ProblemError
from discover.solvers.ternary_sgd.annealed import Annealed
from discover.solvers.ternary_sgd.objective import Objective, padded
from discover.solvers.ternary_sgd.paper import Paper
from discover.solvers.ternary_sgd.recipes import CHECK, Batch, Recipe
from discover.solvers.ternary_sgd.state import FloatArray, TernarySgdState

BATCH_ENTRIES = {"cpu": 1 << 17, "cuda": 1 << 25}  # float factors of a batch: fits a core's cache, fills a GPU
SLICE_ENTRIES = {"cpu": 1 << 27, "cuda": 1 << 34}  # float factors moved in a slice of about a second
LEAST_RESTARTS = 16
BYTES_A_COEFFICIENT = 40  # three float arrays, their working copies and the ternary factors
MOST_RESTARTS = {"cpu": 1 << 10, "cuda": 1 << 16}

RECIPES = ("annealed", "paper")


@dataclass(frozen=True)
class TernarySgd:
    """Search ternary schemes by gradient descent, straight through the rounding, from many starts at once.

    Attributes:
        recipe: `annealed`, or `paper` for the procedure of the source.
        restarts: Starts in one batch; by default as many as fit into a core's cache, at most 1024 (on a GPU: as fill
            it).
        device: `cpu` or `cuda`.
        rate: Step size of Adam.
        pull: Strength of the attraction to -1, 0 and 1.
        noise: Noise a step at the start of a batch; it fades.
        spread: Standard deviation of random starts.
        float_phase: Part of a batch's steps that is not yet drawn to ternary values.
        steps_per_coefficient: Length of a batch, for each coefficient of the scheme.
        seeded: Part of each batch that begins at the given starts, if there are any.
        jitter: Standard deviation of the noise added to them.

    Source:
        M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets", ICML 2018. `annealed` minimises the distance to the
        tensor itself instead of sampling products, and turns ternary gradually; see `Annealed`.
    """

    recipe: str = "annealed"
    restarts: int | None = None
    device: str = "cpu"
    rate: float = 0.06
    pull: float = 0.18
    noise: float = 0.015
    spread: float = 0.5
    float_phase: float = 0.2
    steps_per_coefficient: float = 7.0
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
        """A first batch, not yet walked.

        Args:
            problem: Target, rank and ring.
            rng: Gives the seed.
            starts: Schemes or approximations of the problem's rank that seed part of each batch.
        """
        target, rank = problem.target, self._possible_rank(problem)
        count = self.restarts or self._restarts(target, rank)
        shape = sum(target.shape), count, padded(rank)
        memory.require(BYTES_A_COEFFICIENT * math.prod(shape), f"a batch of {count} starts for {problem.short}")
        state = TernarySgdState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=_stacked(starts, rank, sum(target.shape)),
            steps=0,
            age=0,
            batches=0,
            latent=np.zeros(shape, np.float32),
            first=np.zeros(shape, np.float32),
            second=np.zeros(shape, np.float32),
            exact=np.zeros((count, rank, sum(target.shape)), np.int8),
            solved=np.zeros(count, np.bool_),
            errors=np.full(count, np.inf),
            found=0,
            best=float("inf"),
        )
        return self._renewed(state)

    def advance(self, state: TernarySgdState) -> TernarySgdState:
        """One slice: a fixed number of steps, or what is left of the batch; after its end, a new batch."""
        recipe = self._recipe()
        length = recipe.length(state.problem.target, state.exact.shape[1])
        state = self._renewed(state) if state.age >= length else _copied(state)
        end = min(length, state.age + self._slice(state))
        with _one_thread():
            batch = self._batch(state)
            while state.age < end:
                recipe.walk(batch, state.age, length)
                state.age += CHECK
                state.steps += CHECK
                self._check(recipe.ternary(batch), batch.objective, state)
        _store(batch, state)
        return state

    def candidates(self, state: TernarySgdState) -> Iterator[Scheme]:
        """The schemes of the present batch, each checked in integers."""
        for factors in state.exact[state.solved].astype(np.int64):
            u, v, w = np.split(factors, np.cumsum(state.problem.target.shape)[:2], axis=1)
            yield Scheme(state.problem.target, Ring.ZT, u, v, w).to(state.problem.ring)

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
        return Annealed(self.rate, self.pull, self.noise, self.spread, self.float_phase, self.steps_per_coefficient)

    def _restarts(self, target: Target, rank: int) -> int:
        """As many as the device's batch holds."""
        fitting = BATCH_ENTRIES[self.device] // (padded(rank) * sum(target.shape))
        return min(MOST_RESTARTS[self.device], max(LEAST_RESTARTS, fitting))

    def _slice(self, state: TernarySgdState) -> int:
        """Steps in one slice, in whole checks."""
        return CHECK * max(1, SLICE_ENTRIES[self.device] // (CHECK * state.latent.size))

    def _renewed(self, state: TernarySgdState) -> TernarySgdState:
        """The state with a new batch of starts."""
        count, rank, _ = state.exact.shape
        rng = np.random.default_rng([state.seed, state.batches])
        latent = np.zeros_like(state.latent)
        latent[..., :rank] = self._recipe().begin((len(latent), count, rank), rng)
        for member in range(int(self.seeded * count) if len(state.starts) else 0):
            given = state.starts[member % len(state.starts)]
            latent[:, member, :rank] = given + self.jitter * rng.standard_normal(given.shape, dtype=np.float32)
        return replace(
            state,
            age=0,
            batches=state.batches + 1,
            latent=latent,
            first=np.zeros_like(latent),
            second=np.zeros_like(latent),
            exact=np.zeros_like(state.exact),
            solved=np.zeros_like(state.solved),
            errors=np.full_like(state.errors, np.inf),
        )

    def _batch(self, state: TernarySgdState) -> Batch:
        """The state's arrays on the device: shared memory on the CPU, copies on a GPU."""
        device = torch.device(self.device)
        objective = Objective(state.problem.target, state.latent.shape[1], state.latent.shape[2], device)
        latent, first, second = (
            torch.from_numpy(array).to(device) for array in (state.latent, state.first, state.second)
        )
        seed = int(np.random.SeedSequence([state.seed, state.steps]).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator(device).manual_seed(seed)
        return Batch(objective, state.exact.shape[1], latent, first, second, generator)

    def _check(self, ternary: Tensor, objective: Objective, state: TernarySgdState) -> None:
        """Keep the members whose ternary factors are exact, first in floats and then in integers."""
        errors = objective.squared_error(ternary).cpu().numpy()
        np.minimum(state.errors, errors, out=state.errors)
        state.best = min(state.best, float(errors.min()))
        for member in np.flatnonzero((errors < 0.5) & ~state.solved):
            factors = ternary[:, member, : state.exact.shape[1]].T.to("cpu", torch.int8).numpy()
            if _is_exact(state.problem.target, factors.astype(np.int64)):
                state.exact[member], state.solved[member] = factors, True
                state.found += 1


@contextmanager
def _one_thread() -> Iterator[None]:
    """The sums of a batch depend on the number of threads; with one, they are the same everywhere and cost least."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_exact(target: Target, factors: NDArray[np.int64]) -> bool:
    """Whether `factors`, shape (rank, left + right + out), make the target; int64 cannot overflow on ternary ones."""
    u, v, w = np.split(factors, np.cumsum(target.shape)[:2], axis=1)
    for i in range(target.shape[0]):
        slab = (u[:, i, None] * v).T @ w
        at = target.indices[:, 0] == i
        slab[target.indices[at, 1], target.indices[at, 2]] -= target.values[at]
        if slab.any():
            return False
    return True


def _stacked(starts: Sequence[Scheme | Approximation], rank: int, sides: int) -> FloatArray:
    """The starts' factors, shape (starts, left + right + out, rank).

    Raises:
        ProblemError: If one has another rank.
    """
    stack = np.zeros((len(starts), sides, rank), np.float32)
    for index, given in enumerate(starts):
        joined = np.concatenate([np.asarray(factor, np.float32) for factor in given.factors], axis=1)
        if len(joined) != rank:
            raise ProblemError(f"start of rank {len(joined)}: ternary-sgd needs the rank searched for, {rank}")
        stack[index] = joined.T
    return stack


def _copied(state: TernarySgdState) -> TernarySgdState:
    """A state whose arrays may be changed."""
    names = ("latent", "first", "second", "exact", "solved", "errors")
    return replace(state, **{name: getattr(state, name).copy() for name in names})


def _store(batch: Batch, state: TernarySgdState) -> None:
    """Bring the tensors back where the device has its own memory."""
    if batch.latent.device.type != "cpu":
        state.latent, state.first, state.second = (
            tensor.cpu().numpy() for tensor in (batch.latent, batch.first, batch.second)
        )

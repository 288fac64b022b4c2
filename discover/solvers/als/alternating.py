"""The solver: cycles of sweeps and fits over a batch of members, then kicks, restarts and discretisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.rings import INT64_SAFE, Ring, magnitude
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.discretize import discretize
from bilinear.discover.discretize.descent import EXACT, Batch, step
from bilinear.discover.discretize.equations import Equations
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.solvers.als.bounding import Bounding, cut
from bilinear.discover.solvers.als.starts import stacked
from bilinear.discover.solvers.als.state import AlsState, Floats, require_sizes
from bilinear.discover.solvers.als.sweeps import swept
from bilinear.discover.solvers.threads import one_thread

DEVICES = ("cpu", "cuda")
BATCH_UNKNOWNS = {"cpu": 1 << 14, "cuda": 1 << 21}
MEMBERS = {"cpu": (8, 64), "cuda": (64, 4096)}  # at least and at most in a batch
SWEEP_WORK = {"cpu": 2e8, "cuda": 2e11}  # members * unknowns * rank of a slice of about a second
FIT_WORK = {"cpu": 4e10, "cuda": 1e13}  # members * unknowns^3 of a slice
DISCRETE_WORK = {"cpu": 5e8, "cuda": 5e10}  # solutions * unknowns^3 of a slice: each takes about 100 steps
FIT_BYTES = {"cpu": 1 << 28, "cuda": 1 << 34}  # normal matrices held at once
SWEEPS = (60, 400)  # a cycle at least and at most, by default
FIRST_DAMPING = 1e-2
NEARLY_EXACT, NEARLY_SAME = 1e-16, 1e-6  # squared errors of one point on two machines differ by rounding
PATIENCE = 0.3  # squared error by which a kick may make a member worse


@dataclass(frozen=True)
class AlternatingLeastSquares:
    """Search real or complex factors by least squares from many starts at once, and make the solutions exact.

    A cycle: sweeps of alternating ridge regressions under a falling ridge; members that come near the target are
    fitted by Levenberg-Marquardt steps, which converge quadratically. Solutions are discretised. The other members are
    kicked and go on from there, unless the kick made them much worse, and after some kicks start anew.

    Attributes:
        restarts: Members of the batch; by default 8 to 64, fewer for larger problems (more on a GPU).
        device: `cpu` or `cuda`.
        sweeps: Sweeps of a cycle; by default as many as a scheme has unknowns, 60 to 400.
        ridge: Ridge of the first sweep: too high, and products die; too low, and norms diverge.
        ridge_end: Ridge of the last sweep.
        spread: Standard deviation of random starts.
        promising: Squared error up to which a member is fitted; 1 is one tensor entry missed.
        fit_steps: Levenberg-Marquardt steps of a cycle.
        kicks: Kicks of a member before it starts anew.
        kick: Standard deviation of the noise of a kick, drawn between half of it and one and a half.
        tries: Tries to discretise a solution.
        seeded: Part of the members that begin at the given starts, if there are any.
        jitter: Standard deviation of the noise added to them.
        approximate: Whether to search the nearest approximations instead: all members are fitted, none is discretised.
        bound: With `approximate`, the largest norm of a row at equal scaling of its product's three rows.

    Source:
        A. V. Smirnov, "The bilinear complexity and practical algorithms for matrix multiplication", 2013, for
        least squares with a pull to discrete values; P. Tichavsky, A. H. Phan, A. Cichocki, "Numerical CP
        decomposition of some difficult tensors", 2017, for Levenberg-Marquardt with bounded factors. Kicks, the order
        of rounding and the bound by a ridge for each product are ours.
    """

    restarts: int | None = None
    device: str = "cpu"
    sweeps: int | None = None
    ridge: float = 2e-2
    ridge_end: float = 1e-3
    spread: float = 0.7
    promising: float = 0.5
    fit_steps: int = 40
    kicks: int = 20
    kick: float = 0.3
    tries: int = 2
    seeded: float = 0.5
    jitter: float = 0.2
    approximate: bool = False
    bound: float | None = None
    state_type: ClassVar[type[AlsState]] = AlsState

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ValueError(f"device {self.device!r}; one of {', '.join(DEVICES)} is needed")
        for name, least in (("restarts", 1), ("sweeps", 1), ("fit_steps", 1), ("kicks", 0), ("tries", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} {value}; at least {least} is needed")
        if not 0 < self.ridge_end <= self.ridge:
            raise ValueError(f"ridge {self.ridge} to {self.ridge_end}; it must fall and stay positive")
        if self.bound is not None and not (self.approximate and self.bound > 0):
            raise ValueError(f"bound {self.bound}; a positive number together with approximate=true is needed")

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> AlsState:
        """A batch of starts, not yet swept.

        Args:
            problem: Target, rank and ring; over `qi` the factors are complex.
            rng: Gives the seed.
            starts: Schemes or approximations of any rank that seed part of the members.

        Raises:
            ProblemError: If this method cannot take the problem, or a start is over `f2` or `f3`.
            TooLargeError: If the batch would not fit into memory.
        """
        rank = self._possible_rank(problem)
        unknowns = rank * sum(problem.target.shape)
        members = self.restarts or self._members(unknowns)
        memory.require(16 * members * (8 * unknowns + 3 * rank * (rank + len(problem.target.values))), "a batch")
        self._equations(problem).members_within(FIT_BYTES[self.device])
        kind = np.complex128 if problem.ring is Ring.QI else np.float64
        given = stacked(starts, problem, rng)
        state = AlsState(
            problem=problem,
            seed=int(rng.integers(1 << 62)),
            starts=given,
            steps=0,
            x=np.zeros((members, unknowns), kind),
            errors=np.full(members, np.inf),
            damping=np.full(members, FIRST_DAMPING),
            base=np.zeros((members, unknowns), kind),
            base_errors=np.full(members, np.inf),
            kicks=np.zeros(members, np.int64),
            fitting=np.zeros(members, np.bool_),
            progress=0,
            solutions=np.zeros((0, unknowns), kind),
            numerators=np.zeros((0, 2, unknowns), np.int64),
            denominators=np.zeros((0, rank), np.int64),
            nearest=np.zeros(unknowns, kind),
            best=float("inf"),
            improved=False,
            restarts=0,
            solved=0,
            discretised=0,
            found=0,
        )
        self._restart(state, np.ones(members, np.bool_), np.random.default_rng([state.seed, 0]))
        return state

    def advance(self, state: AlsState) -> AlsState:
        """One slice: solutions are discretised, or the batch is swept, or fitted."""
        state = replace(state, improved=False, numerators=state.numerators[:0], denominators=state.denominators[:0])
        with one_thread():
            if len(state.solutions):
                self._discretise(state)
            elif state.fitting.any():
                self._fit(state)
            else:
                self._sweep(state)
        return state

    def candidates(self, state: AlsState) -> Iterator[Scheme | Approximation]:
        """The schemes found in the last slice; with `approximate`, the nearest factors if that slice found them."""
        target, ring = state.problem.target, state.problem.ring
        ends = np.cumsum([state.denominators.shape[1] * side for side in target.shape])[:2]
        for numerators, denominators in zip(state.numerators, state.denominators, strict=True):
            (u, v, w), imag = (_rows(part, ends, target.shape) for part in numerators)
            yield Scheme(target, ring, u, v, w, denominators, imag if ring is Ring.QI else None)
        if self.approximate and state.improved:
            yield Approximation(target, *_rows(state.nearest, ends, target.shape))

    def check(self, state: AlsState) -> None:
        """See `Checking`; solutions are solutions, and the least error is that of the nearest factors."""
        rank = self._possible_rank(state.problem)
        unknowns = rank * sum(state.problem.target.shape)
        members = self.restarts or self._members(unknowns)
        require_sizes(state, members, unknowns, rank)
        whole = self.fit_steps if state.fitting.any() else self._sweeps(unknowns)
        sound(0 <= state.progress < whole, "it has gone further than its cycle")
        equations = self._equations(state.problem)
        errors = equations.error(self._tensor(np.concatenate([state.solutions, state.nearest[None]]))).cpu().numpy()
        sound(not (errors[:-1] > NEARLY_EXACT).any(), "a solution of it is none")
        told = state.best == np.inf or np.isclose(errors[-1], state.best, rtol=NEARLY_SAME, atol=NEARLY_EXACT)
        sound(told, "its least error is not that of its nearest factors")

    def _sweeps(self, unknowns: int) -> int:
        """Of a cycle."""
        return self.sweeps or min(SWEEPS[1], max(SWEEPS[0], unknowns))

    def _possible_rank(self, problem: Problem) -> int:
        """The rank, if this method can take the problem.

        Raises:
            ProblemError: If it cannot, or there is no GPU for `device="cuda"`.
        """
        if problem.ring.characteristic:
            raise ProblemError(f"als searches zt, z, q and qi, not {problem.ring}; search over z and reduce")
        if problem.rank is None:
            raise ProblemError(f"als needs a rank: give --rank for {problem.target.short}")
        if self.approximate and problem.ring is Ring.QI:
            raise ProblemError("approximations are real; choose --ring q with approximate=true")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ProblemError("device cuda: this machine has no GPU that PyTorch can use; choose --device cpu")
        return problem.rank

    def _members(self, unknowns: int) -> int:
        least, most = MEMBERS[self.device]
        return min(most, max(least, BATCH_UNKNOWNS[self.device] // unknowns))

    def _equations(self, problem: Problem) -> Equations:
        assert problem.rank is not None
        dtype = torch.complex128 if problem.ring is Ring.QI else torch.float64
        return Equations(problem.target, problem.rank, dtype, self.device)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _sweep(self, state: AlsState) -> None:
        """Sweeps of the whole batch; after the last of a cycle, members that came near are to be fitted."""
        equations = self._equations(state.problem)
        whole = self._sweeps(equations.unknowns)
        slice_ = max(1, int(SWEEP_WORK[self.device] / (state.x.size * equations.rank)))
        numbers = np.arange(state.progress, min(whole, state.progress + slice_))
        ridges = self.ridge * (self.ridge_end / self.ridge) ** (numbers / whole)
        x = swept(equations, self._tensor(state.x), ridges.tolist())
        state.x = x.cpu().numpy()
        state.steps += len(numbers)
        state.progress += len(numbers)
        if state.progress < whole:
            return
        state.errors = equations.error(x).cpu().numpy()
        state.progress = 0
        if not self.approximate:
            _accept(state, PATIENCE)
        state.fitting = (state.errors < self.promising) | self.approximate
        state.damping = np.full(len(state.x), FIRST_DAMPING)
        if not state.fitting.any():
            self._end_cycle(state, equations)

    def _fit(self, state: AlsState) -> None:
        """Levenberg-Marquardt steps of the members that came near and have not arrived."""
        equations = self._equations(state.problem)
        moving = np.flatnonzero(state.fitting & (state.errors > EXACT))
        number = max(1, int(FIT_WORK[self.device] / (max(1, len(moving)) * equations.unknowns**3)))
        number = self.fit_steps if self.bound else min(number, self.fit_steps - state.progress)
        state.x, state.errors, state.damping = state.x.copy(), state.errors.copy(), state.damping.copy()
        size = equations.members_within(FIT_BYTES[self.device])
        for at in range(0, len(moving), size):
            self._fit_members(state, equations, moving[at : at + size], number)
        state.steps += number
        state.progress += number
        arrived = not self.approximate and bool((state.errors[moving] <= EXACT).all())
        if state.progress >= self.fit_steps or arrived:
            self._end_cycle(state, equations)

    def _fit_members(self, state: AlsState, equations: Equations, members: NDArray[np.int64], number: int) -> None:
        """So many steps of a few members."""
        batch = Batch(self._tensor(state.x[members]), self._tensor(state.damping[members]))
        bounding = Bounding(equations, len(members), self.bound) if self.bound else None
        for _ in range(number):
            errors = step(equations, batch) if bounding is None else bounding.step(batch)
            if not self.approximate and bool((errors <= EXACT).all()):
                break
        if self.bound:
            batch.x = cut(equations, batch.x, self.bound)
            errors = equations.error(batch.x)
        state.x[members], state.errors[members] = batch.x.cpu().numpy(), errors.cpu().numpy()
        state.damping[members] = batch.damping.cpu().numpy()

    def _end_cycle(self, state: AlsState, equations: Equations) -> None:
        """Keep solutions, kick what may go on, start the rest anew."""
        state.fitting, state.progress = np.zeros(len(state.x), np.bool_), 0
        least = int(state.errors.argmin())
        if state.errors[least] < state.best:
            state.best, state.nearest, state.improved = float(state.errors[least]), state.x[least].copy(), True
        exact = (state.errors <= EXACT) & (not self.approximate)
        state.solutions = state.x[exact]
        state.solved += int(exact.sum())
        if self.approximate:
            _accept(state, 0.0)
        rng = np.random.default_rng([state.seed, state.steps])
        sizes = self.kick * rng.uniform(0.5, 1.5, (len(state.x), 1))
        state.x = state.base + sizes * _normal(rng, state.x)
        state.kicks = state.kicks + 1
        self._restart(state, exact | (state.kicks > self.kicks), rng)

    def _restart(self, state: AlsState, done: NDArray[np.bool_], rng: np.random.Generator) -> None:
        """Begin anew where a member is done."""
        where = np.flatnonzero(done)
        fresh = self.spread * _normal(rng, state.x[where])
        for place in np.flatnonzero(rng.random(len(where)) < self.seeded) if len(state.starts) else ():
            given = state.starts[rng.integers(len(state.starts))]
            fresh[place] = given + self.jitter * _normal(rng, given)
        state.x[where] = fresh
        state.kicks[where], state.base_errors[where] = 0, np.inf
        state.restarts += len(where)

    def _discretise(self, state: AlsState) -> None:
        """Make solutions exact, as many as a slice takes."""
        unknowns, rank = state.x.shape[1], state.denominators.shape[1]
        number = max(1, int(DISCRETE_WORK[self.device] / unknowns**3))
        chosen, state.solutions = state.solutions[:number], state.solutions[number:]
        target, ring = state.problem.target, state.problem.ring
        ends = np.cumsum([rank * side for side in target.shape])[:2]
        solutions = [_rows(row, ends, target.shape) for row in chosen]
        seed = int(np.random.SeedSequence([state.seed, state.steps]).generate_state(1)[0])
        outcomes = discretize(solutions, target, ring, seed, self.tries, self.device)
        found = [outcome.scheme for outcome in outcomes if outcome.scheme is not None]
        schemes = [scheme for scheme in found if _fits_int64(scheme)]
        state.numerators = np.array([_numerators(scheme) for scheme in schemes], np.int64).reshape(-1, 2, unknowns)
        state.denominators = np.array([s.denominators for s in schemes], np.int64).reshape(-1, rank)
        state.steps += len(chosen)
        state.discretised += len(chosen)
        state.found += len(schemes)


def _accept(state: AlsState, patience: float) -> None:
    """Members that are hardly worse than what they were kicked from become what the next kick starts from.

    That is before a fit where solutions are searched: one that does not arrive drives norms towards infinity.
    """
    better = state.errors <= state.base_errors + patience
    state.base = np.where(better[:, None], state.x, state.base)
    state.base_errors = np.where(better, state.errors, state.base_errors)


def _normal(rng: np.random.Generator, like: Floats) -> Floats:
    """Normal numbers of mean square 1, complex where the given ones are."""
    real = rng.standard_normal(like.shape)
    return real if like.dtype.kind == "f" else (real + 1j * rng.standard_normal(like.shape)) / np.sqrt(2)


def _rows(joined: NDArray[Any], ends: NDArray[np.int64], shape: tuple[int, int, int]) -> Any:
    """U, V and W of unknowns that stand one after the other."""
    return tuple(part.reshape(-1, side) for part, side in zip(np.split(joined, ends), shape, strict=True))


def _fits_int64(scheme: Scheme) -> bool:
    numbers = [array for real, imag in scheme.parts for array in (real, imag) if array is not None]
    return all(magnitude(array) < INT64_SAFE for array in (*numbers, scheme.denominators))


def _numerators(scheme: Scheme) -> NDArray[np.int64]:
    """Real and imaginary numerators, shape (2, unknowns)."""
    real = np.concatenate([factor.ravel() for factor in scheme.factors])
    imag = np.zeros_like(real) if scheme.imag is None else np.concatenate([part.ravel() for part in scheme.imag])
    return np.array([real, imag], np.int64)

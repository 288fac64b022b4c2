"""The gradient solver: many trials, successive halving, a finish of the best, and again with other trials."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import FastTransform, diagonal, relative_error
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.engine.run import interruption
from bilinear.discover.transforms.gradient import checkpoint as checkpoints
from bilinear.discover.transforms.gradient.checkpoint import State, Tally
from bilinear.discover.transforms.gradient.export import exported
from bilinear.discover.transforms.gradient.structures import Structure
from bilinear.discover.transforms.gradient.trials import Trials, finished

GOAL = 1e-4
"""RMSE at which a trial has recovered its transform, as in the paper, the matrix scaled to the norm sqrt(N)."""

FINISH_STEPS = 2000
FINISH_GOAL = 1e-10
"""Loss at which a finish stops: an RMSE of 1e-5."""

KEPT = 4
"""One of so many trials goes on at a halving."""

SAVED_SECONDS = 30.0

TRIED = (("BP", False), ("BPP", False), ("BPP", True), ("BPBP", False))
"""What is tried without a choice: the papers' structures, each with whether it stands for the transpose."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What the best trial ended with.

    Attributes:
        transform: What was asked for.
        structure: The best structure.
        fast: Its factors; for a real transform the real part of their product counts.
        rmse: Root mean square error of an entry, the matrix scaled to the norm sqrt(N).
        error: Relative Frobenius error.
        successes: Finished trials with an RMSE of at most 1e-4, of this structure.
        finished: Trials that were finished, of this structure.
        trials: Trials that were started, of this structure.
        seconds: Wall time over all structures and resumptions.
        interrupted: Whether the user stopped it.
    """

    transform: Transform
    structure: Structure
    fast: FastTransform
    rmse: float
    error: float
    successes: int
    finished: int
    trials: int
    seconds: float
    interrupted: bool = False

    @property
    def recovered(self) -> bool:
        """Whether the RMSE is at most 1e-4."""
        return self.rmse <= GOAL


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

    def solve(
        self,
        transform: Transform,
        seed: int,
        seconds: float,
        say: Callable[[str], None] = lambda text: None,
        checkpoint: Path | None = None,
        resume: bool = False,
    ) -> Trained:
        """The best factorisation found; Ctrl-C ends the search early.

        Args:
            transform: Its size is a power of two.
            seed: Of parameters and learning rates.
            seconds: Wall time of this run.
            say: Hears how the search stands.
            checkpoint: File for the state: written every 30 s and at the end, removed once the transform is recovered.
            resume: Go on from that file.

        Raises:
            TransformError: If the size is no power of two, or the matrix is complex and the structure real.
            TooLargeError: If the trials would not fit into memory.
            CheckpointError: If the checkpoint cannot be read or written, or is of another search.
        """
        if transform.is_complex and not self.is_complex:
            raise TransformError(f"{transform.name}: a complex matrix; a real parameterisation cannot hold it")
        structures = self.prepared(transform.size)
        search = _Search(self, transform, structures, seed, say, checkpoint)
        if resume and checkpoint is not None:
            search.state = checkpoints.load(checkpoint, search.key(), structures)
        with interruption() as interrupted:
            search.loop(seconds, interrupted)
            return search.trained(interrupted())


BYTES = 500
"""Of memory for an entry of a trial's matrix in training: products, choices, and what their gradients need."""


@dataclass
class _Search:
    """A running search.

    Attributes:
        solver: Hyperparameters.
        transform: What is searched for.
        structures: Of its size.
        seed: Of all randomness.
        say: Hears how it stands.
        path: Of the checkpoint; None for none.
        state: Between two slices.
    """

    SLICE: ClassVar[int] = 25

    solver: Gradient
    transform: Transform
    structures: list[Structure]
    seed: int
    say: Callable[[str], None]
    path: Path | None
    state: State = field(init=False)

    def __post_init__(self) -> None:
        matrix = self.transform.matrix
        self.target = torch.from_numpy(matrix * (math.sqrt(len(matrix)) / np.linalg.norm(matrix)))
        self.target_key = hashlib.sha256(matrix.tobytes()).hexdigest()[:16]
        tallies = [Tally(None, math.inf, 0, 0, 0) for _ in self.structures]
        self.state = State(0, 0, 0, 0, tallies, None)

    def key(self) -> str:
        """What the search is, as its checkpoint names it."""
        return f"{self.transform.name}:{self.transform.size} ({self.target_key}), seed {self.seed}, {self.solver}"

    def loop(self, seconds: float, interrupted: Callable[[], bool]) -> None:
        """Slices until a trial is right, the rounds are over, the time is, or the user interrupts."""
        before, start = self.state.seconds, time.monotonic()
        saved = start

        def stop() -> bool:
            return interrupted() or time.monotonic() - start > seconds

        while self.state.round < self.solver.rounds and not self.done() and not stop():
            self.advance(stop)
            self.state.seconds = before + time.monotonic() - start
            if self.path is not None and time.monotonic() - saved > SAVED_SECONDS:
                checkpoints.save(self.path, self.key(), self.state)
                saved = time.monotonic()
        if all(tally.parameters is None for tally in self.state.tallies):
            self.finish(1, lambda: True)
        if self.path is not None and not self.done():
            checkpoints.save(self.path, self.key(), self.state)
        elif self.path is not None:
            self.path.unlink(missing_ok=True)

    def done(self) -> bool:
        """Whether a trial has the RMSE aimed at."""
        return min(tally.loss for tally in self.state.tallies) <= GOAL**2

    @property
    def structure(self) -> Structure:
        """The one whose turn it is."""
        return self.structures[self.state.place]

    def running(self) -> Trials:
        """The trials of this structure and round; started if there are none."""
        state = self.state
        if state.trials is None:
            seed = int(np.random.default_rng([self.seed, state.round, state.place]).integers(1 << 63))
            state.trials = Trials.start(self.structure, self.solver.trials, torch.Generator().manual_seed(seed))
            state.tallies[state.place].started += self.solver.trials
        return state.trials

    def advance(self, stop: Callable[[], bool]) -> None:
        """Some steps of Adam; at the end of a rung the finish, and on to the next rung, structure or round."""
        state, trials = self.state, self.running()
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
            tally.add(parameters, loss if math.isfinite(loss) else math.inf, GOAL)
            least = math.sqrt(min(each.loss for each in self.state.tallies))
            self.say(f"round {self.state.round + 1}, {self.structure}: {tally}; best RMSE {least:.1e}")
            if stop():
                break
        return order

    def trained(self, interrupted: bool) -> Trained:
        """The best of all structures."""
        place = min(range(len(self.structures)), key=lambda k: self.state.tallies[k].loss)
        transform, structure, tally = self.transform, self.structures[place], self.state.tallies[place]
        assert tally.parameters is not None
        scale = np.linalg.norm(transform.matrix) / math.sqrt(transform.size)
        factors = exported(structure, tally.parameters).factors
        fast = FastTransform((*factors, diagonal(np.full(transform.size, scale))))
        error = relative_error(transform.matrix, fast.dense() if transform.is_complex else fast.dense().real)
        counts = tally.successes, tally.finished, tally.started
        rmse = error / math.sqrt(transform.size)
        return Trained(transform, structure, fast, rmse, error, *counts, self.state.seconds, interrupted)

"""The gradient solver: many trials, successive halving, and a finish by L-BFGS."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from decompositions import memory
from decompositions.transforms.errors import TransformError
from decompositions.transforms.factors import FastTransform, diagonal, relative_error
from decompositions.transforms.transform import Transform
from discover.transforms.gradient.export import exported
from discover.transforms.gradient.structures import Structure
from discover.transforms.gradient.trials import Trials, finished

GOAL = 1e-4
"""RMSE at which a trial has recovered its transform, as in the paper, the matrix scaled to the norm sqrt(N)."""

FINISH_STEPS = 2000
FINISH_GOAL = 1e-11
"""Loss at which L-BFGS stops: an RMSE of 3e-6."""

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
        finished: Trials that were finished by L-BFGS, of this structure.
        trials: Trials that were started, of this structure.
        seconds: Wall time over all structures.
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

    @property
    def recovered(self) -> bool:
        """Whether the RMSE is at most 1e-4."""
        return self.rmse <= GOAL


@dataclass(frozen=True)
class Gradient:
    """Train trials with Adam, keep the better half, finish the best by L-BFGS, and so on until one is right.

    Halving is our own: it acts on trials that share one tensor, which Optuna's and Ray's schedulers, made for separate
    processes, cannot do.

    Attributes:
        structures: Names and whether they are transposed, tried in turn.
        blocks: `untied`, `tied` or `unitary`.
        is_complex: Whether entries of the factors are complex.
        trials: Started for each structure.
        first_steps: Steps before the first halving; each later one has twice as many.
        rungs: Halvings, at most.
        finishes: Best trials that are finished at each halving.
    """

    structures: Sequence[tuple[str, bool]] = TRIED
    blocks: str = "untied"
    is_complex: bool = True
    trials: int = 16
    first_steps: int = 300
    rungs: int = 4
    finishes: int = 4

    def solve(
        self, transform: Transform, seed: int, seconds: float, say: Callable[[str], None] = lambda text: None
    ) -> Trained:
        """The best factorisation found.

        Args:
            transform: Its size is a power of two.
            seed: Of parameters and learning rates.
            seconds: Wall time, shared by the structures.
            say: Hears how the search stands.

        Raises:
            TransformError: If the size is no power of two, or the matrix is complex and the structure real.
            TooLargeError: If the trials would not fit into memory.
        """
        if transform.is_complex and not self.is_complex:
            raise TransformError(f"{transform.name}: a complex matrix; a real parameterisation cannot hold it")
        size = transform.size
        levels = max(size.bit_length() * 8, 1)
        memory.require(16 * self.trials * size * size * levels, f"{self.trials} trials of size {size}")
        target = torch.from_numpy(transform.matrix * (math.sqrt(size) / np.linalg.norm(transform.matrix)))
        start, best = time.perf_counter(), None
        for k, (name, transposed) in enumerate(self.structures):
            structure = Structure(name, size, self.blocks, self.is_complex, transposed)
            end = start + seconds * (k + 1) / len(self.structures)
            found = self._train(transform, structure, target, seed, end, say)
            best = found if best is None or found.rmse < best.rmse else best
            if best.recovered:
                break
        assert best is not None
        return Trained(**{**vars(best), "seconds": time.perf_counter() - start})

    def _train(
        self,
        transform: Transform,
        structure: Structure,
        target: Tensor,
        seed: int,
        end: float,
        say: Callable[[str], None],
    ) -> Trained:
        """One structure, until a trial is right, the rungs are over, or the time is."""
        generator = torch.Generator().manual_seed(seed % (1 << 63))
        trials = Trials.start(structure, self.trials, generator)
        tried: list[tuple[float, Tensor]] = []
        for rung in range(self.rungs):
            losses = trials.train(target, self.first_steps << rung, lambda: time.perf_counter() > end)
            order = losses.nan_to_num(math.inf).argsort()
            for index in order[: self.finishes]:
                parameters, loss = finished(structure, trials.parameters[index], target, FINISH_STEPS, FINISH_GOAL)
                tried.append((loss if math.isfinite(loss) else math.inf, parameters))
                least = math.sqrt(min(tried, key=lambda pair: pair[0])[0])
                say(f"{structure.name}{' transposed' * structure.transposed}, best RMSE {least:.1e}")
                if time.perf_counter() > end:
                    break
            if least <= GOAL or time.perf_counter() > end:
                break
            trials.keep(order[: max(self.finishes, len(order) // 2)])
        return self._best(transform, structure, tried)

    def _best(self, transform: Transform, structure: Structure, tried: list[tuple[float, Tensor]]) -> Trained:
        _, parameters = min(tried, key=lambda pair: pair[0])
        scale = np.linalg.norm(transform.matrix) / math.sqrt(transform.size)
        factors = exported(structure, parameters).factors
        fast = FastTransform((*factors, diagonal(np.full(transform.size, scale))))
        error = relative_error(transform.matrix, fast.dense() if transform.is_complex else fast.dense().real)
        successes = sum(math.sqrt(loss) <= GOAL for loss, _ in tried)
        rmse = error / math.sqrt(transform.size)
        return Trained(transform, structure, fast, rmse, error, successes, len(tried), self.trials, 0.0)

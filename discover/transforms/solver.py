"""The protocol of the solvers that find fast transforms, and their registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bilinear.decompositions.registry import Registry
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.engine.budget import Budget
from bilinear.discover.transforms.found import Found

Say = Callable[[str], None]
"""Hears, in a few words, what is tried."""


TEN_MINUTES = Budget(seconds=600.0)


@dataclass(frozen=True)
class Task:
    """How a search for a fast transform is to go on.

    Attributes:
        seed: Of all randomness.
        budget: Wall time of this run.
        checkpoint: File for the state; None for none.
        resume: Go on from that file.
        jobs: Searches at once, with seeds seed, seed + 1, ...; the best of them counts.
        cluster: Whose workers run them; None for processes of this machine.
    """

    seed: int = 0
    budget: Budget = TEN_MINUTES
    checkpoint: Path | None = None
    resume: bool = False
    jobs: int = 1
    cluster: str | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it is one search, in this process."""
        return self.jobs == 1 and self.cluster is None


def silent(words: str) -> None:
    """Nobody hears."""


class TransformSolver(Protocol):
    """A way to factor a transform: a frozen dataclass of its hyperparameters."""

    def require(self, size: int) -> None:
        """Refuse a size before anything of it is built.

        Raises:
            TransformError: If the solver cannot take the size.
            TooLargeError: If the work would not fit into memory.
        """
        ...

    def checkpoint(self, transform: Transform, seed: int) -> Path | None:
        """Where the state is kept if the user names no file; None where none is."""
        ...

    def solve(self, transform: Transform, task: Task = ..., say: Say = ...) -> Found:
        """The fast algorithm of a transform, or its best approximation found; Ctrl-C leaves what is there.

        Raises:
            KeyboardInterrupt: If the user stops it before there is anything.
        """
        ...


TRANSFORM_SOLVERS = Registry(
    "transform solver",
    {
        "gradient": "bilinear.discover.transforms.gradient.halving:Gradient",
        "hierarchical": "bilinear.discover.transforms.hierarchical:Hierarchical",
    },
)

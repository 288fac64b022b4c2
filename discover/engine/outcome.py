"""What a search ended with. Not finding a scheme is an outcome, not an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bilinear.decompositions.scheme import Approximation, Scheme


class Status(Enum):
    """Why a search ended; the value is the sentence that the user reads."""

    FOUND = "found a scheme and verified it exactly"
    BUDGET = "stopped at the budget; raise --budget, or try another --seed"
    EXHAUSTED = "no move left; try another start or a higher rank"
    INTERRUPTED = "interrupted; run again with --resume to go on"


@dataclass(frozen=True)
class Found:
    """A verified scheme, with what it takes to find it again.

    Attributes:
        scheme: Exactly verified.
        seed: Seed of the search.
        steps: Steps after which the search held it.
        cpu_seconds: CPU time until then, over all resumptions.
    """

    scheme: Scheme
    seed: int
    steps: int
    cpu_seconds: float


@dataclass(frozen=True)
class Progress:
    """One report of a running search.

    Attributes:
        steps: Steps done.
        seconds: Wall time of this run.
        best_rank: Lowest rank verified so far; None if there is none.
        metrics: The solver's own figures.
        job: Number of the job, from 0.
        phase: What it is at since just now, within a slice; empty in the report of a slice that is done.
        memory: Bytes that its process holds; 0 where that is not known.
    """

    steps: int
    seconds: float
    best_rank: int | None
    metrics: dict[str, float | int | str]
    job: int = 0
    phase: str = ""
    memory: int = 0


@dataclass(frozen=True)
class Outcome:
    """The end of a search.

    Attributes:
        status: Why it ended.
        found: The best verified scheme; None if there is none.
        approximation: The nearest approximation, where the solver holds any.
        seed: Seed of the search.
        steps: Steps done in all.
        seconds: Wall time of this run.
        cpu_seconds: CPU time over all resumptions.
        rejected: Candidates that failed the exact check; any is a solver's bug.
        metrics: The solver's last figures.
        notes: What else the user should know, one sentence each.
    """

    status: Status
    found: Found | None
    approximation: Approximation | None
    seed: int
    steps: int
    seconds: float
    cpu_seconds: float
    rejected: int = 0
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def scheme(self) -> Scheme | None:
        """The best verified scheme."""
        return None if self.found is None else self.found.scheme

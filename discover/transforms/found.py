"""What a search for a fast transform ended with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bilinear.decompositions.transforms.factors import FastTransform, Operations
from bilinear.decompositions.transforms.plans import Plan
from bilinear.decompositions.transforms.transform import Transform

if TYPE_CHECKING:
    from bilinear.discover.transforms.gradient.structures import Structure

RECOVERED_ERROR = 1e-12
RECOVERED_RMSE = 1e-4
"""RMSE at which a trial has recovered its transform, as in the paper, the matrix scaled to the norm sqrt(N)."""
RECOVERED_RANK = 2
PARAMETER_FACTOR = 12.0
"""c of the bound c N log2 N on parameters; N is the size of the matrix that is factored."""


@dataclass(frozen=True)
class Training:
    """How the trials of the best structure went.

    Attributes:
        structure: Of the factors.
        successes: Finished trials with an RMSE of at most 1e-4.
        finished: Trials that were finished.
        trials: Trials that were started.
    """

    structure: Structure
    successes: int
    finished: int
    trials: int

    @property
    def success_rate(self) -> float:
        """Of the finished trials."""
        return self.successes / max(self.finished, 1)


@dataclass(frozen=True, eq=False)
class Found:
    """A fast transform and how near it is.

    Attributes:
        transform: What was asked for.
        fast: The product of factors; of a transform learned with complex factors its real part counts, if that is real.
        method: How it was found, in a few words.
        block_rank: The largest rank of a block.
        error: Relative Frobenius error.
        seconds: Wall time of the search, over all resumptions.
        plan: Whence the factors follow exactly; None for an approximation.
        note: What the user should know of the size.
        interrupted: Whether the user stopped the search, and this is the best until then.
        training: Of factors that were learned; None for those that follow from ranks.
        unsaved: Why the checkpoint could not be written; empty if it could, or there is none.
    """

    transform: Transform
    fast: FastTransform
    method: str
    block_rank: int
    error: float
    seconds: float
    plan: Plan | None = None
    note: str = ""
    interrupted: bool = False
    training: Training | None = None
    unsaved: str = ""

    @property
    def rmse(self) -> float:
        """Root mean square error of an entry once the matrix has the norm sqrt(N), as an orthogonal one has."""
        return self.error / math.sqrt(self.transform.size)

    @cached_property
    def operations(self) -> Operations:
        """Counted from the factors."""
        return self.fast.operations()

    @property
    def parameter_factor(self) -> float:
        """Parameters over N log2 N."""
        size = self.transform.size if self.plan is None else self.plan.working_size
        return self.operations.parameters / (size * math.log2(size))

    @property
    def recovered(self) -> bool:
        """Error at most 1e-12, block rank at most 2, at most 12 N log2 N parameters, cheaper than the dense product.

        Of learned factors: an RMSE of at most 1e-4.
        """
        if self.training is not None:
            return self.rmse <= RECOVERED_RMSE
        size = self.transform.size
        return (
            self.error <= RECOVERED_ERROR
            and self.block_rank <= RECOVERED_RANK
            and self.parameter_factor <= PARAMETER_FACTOR
            and self.operations.multiplications + self.operations.additions < 2 * size * size - size
        )

    @property
    def status(self) -> str:
        """One sentence."""
        if self.recovered:
            return f"recovered: {self.method}, block rank {self.block_rank}"
        dear = ", no cheaper than the dense product" if self.error <= RECOVERED_ERROR else ""
        return f"not recovered: best found is {self.method} of block rank {self.block_rank}{dear}"

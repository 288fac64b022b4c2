"""Linear combinations of blocks, one row after the other, as the additions of a scheme are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bilinear.layers.stl.basis import Floats

Ints = NDArray[np.int64]


class Source(IntEnum):
    """Where a block lies."""

    SOURCE = 0
    ASIDE = 1
    TARGET = 2


@dataclass(frozen=True, eq=False)
class Rows:
    """Linear combinations: in turn each target becomes, or gains, a sum of coefficients times blocks.

    Attributes:
        targets: Blocks written, shape (count,).
        aside: Whether such a block is one of the `temporaries`, shape (count,).
        gains: Whether the block keeps what it holds, shape (count,).
        starts: The terms of row t are `starts[t]` up to `starts[t + 1]`, shape (count + 1,).
        indices: Blocks read, shape (terms,).
        sources: Where they lie, a `Source`, shape (terms,); a target that is read was written by a row before.
        coefficients: Shape (terms,).
        temporaries: Blocks held aside.
    """

    targets: Ints
    aside: NDArray[np.bool_]
    gains: NDArray[np.bool_]
    starts: Ints
    indices: Ints
    sources: Ints
    coefficients: Floats
    temporaries: int = 0

    @property
    def additions(self) -> int:
        """Additions of two blocks."""
        return int(np.maximum(np.diff(self.starts) - 1 + self.gains, 0).sum())

    @cached_property
    def largest(self) -> float:
        """The largest absolute coefficient; 0 if there is none."""
        return float(np.abs(self.coefficients).max(initial=0.0))

    @classmethod
    def of(
        cls,
        written: Sequence[tuple[Source, int, bool]],
        sums: Sequence[Sequence[tuple[Source, int, float]]],
        temporaries: int,
    ) -> Rows:
        """Rows one by one: where each goes and whether it gains; and its terms."""
        terms = [term for row in sums for term in row]
        return cls(
            np.array([block for _, block, _ in written], np.int64),
            np.array([where is Source.ASIDE for where, _, _ in written], np.bool_),
            np.array([gain for _, _, gain in written], np.bool_),
            np.cumsum([0, *map(len, sums)]).astype(np.int64),
            np.array([block for _, block, _ in terms], np.int64),
            np.array([where for where, _, _ in terms], np.int64),
            np.array([coefficient for _, _, coefficient in terms], np.float64),
            temporaries,
        )

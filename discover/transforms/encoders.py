"""What the changes of basis of a scheme cost: dense, as programs with shared sums, and as sparse factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import Scheme
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.programs import GREEDY, shorten
from bilinear.decompositions.transforms.encoders import FactoredEncoder, dense, factored_scheme
from bilinear.decompositions.transforms.factors import relative_error

NAMES = ("u", "v", "decoder")

Counts = tuple[int, int]
"""Multiplications by numbers other than 1, -1, i, -i, and additions."""


@dataclass(frozen=True)
class EncoderCosts:
    """One change of basis.

    Attributes:
        name: `u`, `v` or `decoder`.
        shape: (outputs, inputs).
        dense: Of its nonzero entries.
        program: Of the greedy straight-line program with shared sums; None if there is none.
        reason: Why there is none.
        factored: Of its sparse factors, whose product is proved.
        parts: Number of these factors.
        relative_error: Of their product in floats, in Frobenius norm.
    """

    name: str
    shape: tuple[int, int]
    dense: Counts
    program: Counts | None
    reason: str
    factored: Counts
    parts: int
    relative_error: float

    @property
    def gain(self) -> float:
        """Operations of the cheaper of the dense matrix and the program, over those of the factors."""
        others = [sum(counts) for counts in (self.dense, self.program) if counts is not None]
        return min(others) / max(sum(self.factored), 1)


def encoder_costs(scheme: Scheme) -> list[EncoderCosts]:
    """Factor U, V and the decoder, exactly, and count; denominators are left to the products everywhere.

    Raises:
        TransformError: If the scheme is over a finite field, or a factor has more than 65536 entries.
    """
    imag = scheme.imag or (None,) * 3
    whole = [dense(matrix, other) for matrix, other in zip(scheme.factors, imag, strict=True)]
    before = (whole[0], whole[1], whole[2].transposed())
    matrices = (scheme.u, scheme.v, scheme.w.T)
    return [
        _costs(name, matrix, one, after, scheme.imag is None)
        for name, matrix, one, after in zip(NAMES, matrices, before, factored_scheme(scheme), strict=True)
    ]


def _costs(name: str, matrix: NDArray[Any], one: FactoredEncoder, after: FactoredEncoder, real: bool) -> EncoderCosts:
    program, reason = _program(matrix) if real else (None, "programs hold real numbers")
    product = after.parts[0].array()
    for part in after.parts[1:]:
        product = part.array() @ product
    error = relative_error(one.parts[0].array(), product)
    return EncoderCosts(name, after.shape, _counts(one), program, reason, _counts(after), len(after.parts), error)


def _counts(encoder: FactoredEncoder) -> Counts:
    return encoder.operations.multiplications, encoder.operations.additions


def _program(matrix: NDArray[Any]) -> tuple[Counts | None, str]:
    try:
        found = shorten(matrix.astype(object), 0, GREEDY)
    except BilinearError as error:
        return None, str(error)
    assert np.array_equal(found.matrix(), matrix)
    counts = found.operations
    return (counts.powers_of_two + counts.multiplications, counts.additions), ""

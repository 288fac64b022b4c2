"""Matrices of exact coefficients as codes that the compiled search can count with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from decompositions.programs.program import ProgramError

Matrix = NDArray[Any]
"""Exact numbers, Python integers or fractions (dtype object) or int64, shape (rows, columns); signed residues mod 3."""

MAX_RATIOS = 1 << 12


class Codes(NamedTuple):
    """A matrix of codes.

    Attributes:
        matrix: int16, 0 for the coefficient 0, shape (rows, columns).
        values: The coefficient of each code; of code 0 it is 0.
        ratio: int16, the number of the quotient of two codes, shape (codes, codes).
        quotients: The quotients by number.
    """

    matrix: NDArray[np.int16]
    values: tuple[Fraction, ...]
    ratio: NDArray[np.int16]
    quotients: tuple[Fraction, ...]


def coded(matrix: Matrix) -> Codes:
    """Number the coefficients of a matrix and their quotients.

    Raises:
        ProgramError: If there are more quotients than can be counted with.
    """
    rows = [[Fraction(x) for x in row] for row in matrix.tolist()]
    values = sorted({x for row in rows for x in row if x}, key=lambda x: (abs(x), -x))
    numbers = {x: k for k, x in enumerate(values, 1)}
    table = {(c, d): values[d] / values[c] for c in range(len(values)) for d in range(len(values))}
    quotients = sorted(set(table.values()), key=lambda x: (abs(x), -x))
    if len(quotients) > MAX_RATIOS:
        raise ProgramError(
            f"{len(values)} different coefficients have {len(quotients)} quotients; at most {MAX_RATIOS} can be shared"
        )
    places = {x: k for k, x in enumerate(quotients)}
    ratio = np.zeros((len(values) + 1, len(values) + 1), np.int16)
    for (c, d), quotient in table.items():
        ratio[c + 1, d + 1] = places[quotient]
    codes = np.array([[numbers.get(x, 0) for x in row] for row in rows], np.int16).reshape(matrix.shape)
    return Codes(codes, (Fraction(0), *values), ratio, tuple(quotients))

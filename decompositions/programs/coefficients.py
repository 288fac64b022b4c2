"""Matrices of exact coefficients as codes that the compiled search can count with."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.programs.program import ProgramError

Matrix = NDArray[Any]
"""Exact numbers, Python integers or fractions (dtype object) or int64, shape (rows, columns); signed residues mod 3."""

MOST = (1 << 15) - 1
"""Coefficients, and quotients, that int16 can number."""


class Codes(NamedTuple):
    """A matrix of codes.

    Attributes:
        matrix: int16, 0 for the coefficient 0, shape (rows, columns).
        values: The coefficient of each code; of code 0 it is 0.
        ratio: int16, the number of the quotient of two codes that stand in one row, shape (codes, codes).
        quotients: The quotients by number.
    """

    matrix: NDArray[np.int16]
    values: tuple[Fraction, ...]
    ratio: NDArray[np.int16]
    quotients: tuple[Fraction, ...]


def coded(matrix: Matrix) -> Codes:
    """Number the coefficients of a matrix, and their quotients: those within a row, since a sum is shared by rows.

    Raises:
        ProgramError: If there are more than 32767 coefficients or quotients.
        TooLargeError: If the table of quotients would not fit into memory.
    """
    rows = [[Fraction(x) for x in row] for row in matrix.tolist()]
    values = sorted({x for row in rows for x in row if x}, key=lambda x: (abs(x), -x))
    numbers = {x: k for k, x in enumerate(values, 1)}
    met = {pair for row in rows for pair in itertools.product({numbers[x] for x in row if x}, repeat=2)}
    table = {(c, d): values[d - 1] / values[c - 1] for c, d in met}
    quotients = sorted(set(table.values()), key=lambda x: (abs(x), -x))
    if max(len(values), len(quotients)) > MOST:
        raise ProgramError(
            f"{len(values)} different coefficients, {len(quotients)} quotients within rows; at most {MOST} are numbered"
        )
    memory.require(2 * (len(values) + 1) ** 2, f"the quotients of {len(values)} coefficients")
    places = {x: k for k, x in enumerate(quotients)}
    ratio = np.zeros((len(values) + 1, len(values) + 1), np.int16)
    for (c, d), quotient in table.items():
        ratio[c, d] = places[quotient]
    codes = np.array([[numbers.get(x, 0) for x in row] for row in rows], np.int16).reshape(matrix.shape)
    return Codes(codes, (Fraction(0), *values), ratio, tuple(quotients))

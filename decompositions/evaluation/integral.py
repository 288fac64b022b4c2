"""What takes the place of points over the integers, where interpolation may not divide."""

from __future__ import annotations

import numpy as np

from bilinear.decompositions.evaluation.fields import INTEGERS, RATIONALS
from bilinear.decompositions.evaluation.finite import solved
from bilinear.decompositions.evaluation.formula import Formula

COMAXIMAL: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((0, 1), (1, 1)),
    2: ((1, 1, 1),),
    3: ((1, 1, 2, 1), (1, 2, 3, 1)),
    4: ((-1, -1, -1, 1, 1), (-1, -1, 0, 2, 1)),
}
"""Monic polynomials by degree, ascending coefficients. Any two have resultant 1 or -1, so that residues modulo them are
interpolated without division; they were found by going through small coefficients. Infinity goes with them."""

SIX_TERMS = (
    (0, 1, 1, 0, 1, 1),
    (1, 1, 0, 1, 1, 0),
    (1, 0, -1, -1, 0, 1),
    (1, 0, -1, 0, 0, -1),
    (1, 0, 0, 1, 0, -1),
    (1, 1, 1, 0, 0, 0),
    (0, 0, 0, 1, 1, 1),
    (0, 0, 1, 1, 0, 0),
    (0, 1, 0, 0, -1, 0),
    (0, 1, 1, 0, 0, 0),
    (0, 0, 0, 1, 1, 0),
    (1, 1, 0, 0, 0, 0),
    (0, 0, 0, 0, 1, 1),
    (1, 0, 0, 0, 0, 0),
    (0, 1, 0, 0, 0, 0),
    (0, 0, 0, 0, 1, 0),
    (0, 0, 0, 0, 0, 1),
)
"""Forms of six coefficients; the product of two such polynomials is an integer combination of their squares."""


def six_terms() -> Formula:
    """The product of two polynomials with six coefficients in 17 products, without division.

    Source:
        P. L. Montgomery, "Five, six, and seven-term Karatsuba-like formulae", IEEE Transactions on Computers 54, 2005.
    """
    i, j = np.triu_indices(6)
    forms = np.array(SIX_TERMS)
    squares = forms[:, i] * forms[:, j]
    wanted = i + j == np.arange(11)[:, None]
    found = solved(RATIONALS.array(squares.T), RATIONALS.array(wanted.T.astype(np.int64)), RATIONALS)
    factors = INTEGERS.array(forms)
    return Formula(INTEGERS, factors, factors, INTEGERS.gathered(found.ravel().tolist()).reshape(found.shape))

"""Bilinear algorithms over any exact field, before they become schemes, and how they are put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from bilinear.decompositions import rings
from bilinear.decompositions.evaluation.fields import Elements, Field, GaloisField, Gaussian, prime_field
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target


@dataclass(frozen=True, eq=False)
class Formula:
    """`f(x, y) = w^T ((u x) * (v y))` over a field.

    Attributes:
        u: Shape (rank, left).
        v: Shape (rank, right).
        w: Shape (rank, out).
    """

    u: Elements
    v: Elements
    w: Elements

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    def around(self, left: Elements, right: Elements, out: Elements) -> Formula:
        """The formula of out f(left x, right y); three matrices."""
        return Formula(self.u @ left, self.v @ right, self.w @ out.T)

    def transposed(self) -> Formula:
        """The formula with its left and output side exchanged: the transpose for every fixed right factor.

        Source:
            Tellegen's principle; S. Winograd, "Arithmetic complexity of computations", SIAM 1980, chapter V.
        """
        return Formula(self.w, self.v, self.u)

    def mirrored(self) -> Formula:
        """The formula of f(y, x)."""
        return Formula(self.v, self.u, self.w)

    def shortened(self, out: int) -> Formula:
        """Only the first outputs; products that no longer count are dropped."""
        return Formula(self.u, self.v, self.w[:, :out]).alive()

    def alive(self) -> Formula:
        """Without products that have a zero factor."""
        kept = [q for q in range(self.rank) if all(any(map(bool, rows[q])) for rows in (self.u, self.v, self.w))]
        return Formula(self.u[kept], self.v[kept], self.w[kept])


def has_signs(formula: Formula) -> bool:
    """Whether all coefficients are -1, 0 or 1."""
    return all(abs(x) <= 1 for factor in (formula.u, formula.v, formula.w) for x in factor.ravel())


def together(parts: Sequence[Formula]) -> Formula:
    """The sum of formulas with the same sides."""
    u, v, w = (np.concatenate([getattr(part, name) for part in parts]) for name in ("u", "v", "w"))
    return Formula(u, v, w)


def tensor(outer: Formula, inner: Formula) -> Formula:
    """The tensor product; coordinate (i, j) of a side stands at i * inner side + j, and products likewise."""
    u, v, w = (_row_products(a, b) for a, b in ((outer.u, inner.u), (outer.v, inner.v), (outer.w, inner.w)))
    return Formula(u, v, w)


def _row_products(x: Elements, y: Elements) -> Elements:
    grid = x[:, None, :, None] * y[None, :, None, :]
    return grid.reshape(len(x) * len(y), x.shape[1] * y.shape[1])


def descended(formula: Formula, field: GaloisField, inner: Formula) -> Formula:
    """A formula over an extension field as one over its prime field.

    Args:
        formula: Over `field`; each of its coordinates becomes `field.degree` coordinates.
        inner: Multiplication of two elements of `field`, over the prime field.
    """

    def forms(factor: Elements, rows: Elements, transpose: bool) -> Elements:
        blocks = [[_matrix(field, x, transpose) for x in row] for row in factor]
        return np.concatenate([rows @ np.concatenate(row, axis=1) for row in blocks])

    return Formula(forms(formula.u, inner.u, False), forms(formula.v, inner.v, False), forms(formula.w, inner.w, True))


def _matrix(field: GaloisField, element: Any, transpose: bool) -> Elements:
    matrix = field.multiplication(element)
    return matrix.T if transpose else matrix


def coordinates(matrix: Elements, field: GaloisField) -> Elements:
    """A matrix over an extension field as one over its prime field, each row `degree` rows, for prime-field inputs."""
    digits = np.array([[field.digits[x.number] for x in row] for row in matrix], dtype=object)
    rows, columns, count = digits.shape
    return prime_field(field.prime).array(digits.transpose(0, 2, 1).reshape(rows * count, columns))


def to_scheme(formula: Formula, target: Target, field: Field) -> Scheme:
    """The formula as a scheme of the target over the field's coefficient set; denominators are gathered per product."""
    if isinstance(field, GaloisField):
        u, v, w = (_numbers(factor) for factor in (formula.u, formula.v, formula.w))
        return Scheme(target, field.ring, u, v, w)
    (u, ui, du), (v, vi, dv), (w, wi, dw) = (_integers(factor) for factor in (formula.u, formula.v, formula.w))
    imag = (ui, vi, wi) if field.ring is Ring.QI else None
    return Scheme(target, field.ring, u, v, w, du * dv * dw, imag)


def padded(matrix: Elements, columns: int, field: Field) -> Elements:
    """The matrix with its columns cut or filled up with zeros to a number of them."""
    missing = max(columns - matrix.shape[1], 0)
    return np.concatenate([matrix[:, :columns], field.zeros(len(matrix), missing)], axis=1)


def _numbers(factor: Elements) -> IntArray:
    return np.array([[x.number for x in row] for row in factor], dtype=np.int64).reshape(factor.shape)


def _integers(factor: Elements) -> tuple[IntArray, IntArray, IntArray]:
    """Real and imaginary parts over a common denominator a row, and these denominators."""
    real, imag = (rings.widen(np.zeros(factor.shape, np.int64)) for _ in range(2))
    scales = np.ones(len(factor), dtype=object)
    for q, row in enumerate(factor):
        pairs = [(x.real, x.imag) if isinstance(x, Gaussian) else (x, Fraction(0)) for x in row]
        scales[q] = math.lcm(*(part.denominator for pair in pairs for part in pair))
        real[q] = [int(a * scales[q]) for a, _ in pairs]
        imag[q] = [int(b * scales[q]) for _, b in pairs]
    return real, imag, scales

"""Bilinear algorithms over any exact field, before they become schemes, and how they are put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bilinear.decompositions import rings
from bilinear.decompositions.evaluation.fields import Elements, Field, Gaussian, Integers
from bilinear.decompositions.evaluation.finite import GaloisField
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target


@dataclass(frozen=True, eq=False)
class Formula:
    """`f(x, y) = w^T ((u x) * (v y))` over a field.

    Attributes:
        field: Of the elements.
        u: Shape (rank, left).
        v: Shape (rank, right).
        w: Shape (rank, out).
    """

    field: Field
    u: Elements
    v: Elements
    w: Elements

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    def around(self, left: Elements, right: Elements, out: Elements) -> Formula:
        """The formula of out f(left x, right y); three matrices."""
        times = self.field.matmul
        return Formula(self.field, times(self.u, left), times(self.v, right), times(self.w, out.T))

    def transposed(self) -> Formula:
        """The formula with its left and output side exchanged: the transpose for every fixed right factor.

        Source:
            Tellegen's principle; S. Winograd, "Arithmetic complexity of computations", SIAM 1980, chapter V.
        """
        return Formula(self.field, self.w, self.v, self.u)

    def mirrored(self) -> Formula:
        """The formula of f(y, x)."""
        return Formula(self.field, self.v, self.u, self.w)

    def shortened(self, out: int) -> Formula:
        """Only the first outputs; products that no longer count are dropped."""
        return Formula(self.field, self.u, self.v, self.w[:, :out]).alive()

    def alive(self) -> Formula:
        """Without products that have a zero factor."""
        kept = np.logical_and.reduce([factor.astype(bool).any(axis=1) for factor in (self.u, self.v, self.w)])
        return Formula(self.field, self.u[kept], self.v[kept], self.w[kept])


def has_signs(formula: Formula) -> bool:
    """Whether all coefficients are -1, 0 or 1."""
    return all((np.abs(factor) <= 1).all() for factor in (formula.u, formula.v, formula.w))


def together(parts: Sequence[Formula]) -> Formula:
    """The sum of formulas with the same sides."""
    u, v, w = (np.concatenate([getattr(part, name) for part in parts]) for name in ("u", "v", "w"))
    return Formula(parts[0].field, u, v, w)


def tensor(outer: Formula, inner: Formula) -> Formula:
    """The tensor product; coordinate (i, j) of a side stands at i * inner side + j, and products likewise."""
    field = outer.field
    pairs = ((outer.u, inner.u), (outer.v, inner.v), (outer.w, inner.w))
    return Formula(field, *(_row_products(a, b, field) for a, b in pairs))


def _row_products(x: Elements, y: Elements, field: Field) -> Elements:
    grid = field.times(x[:, None, :, None], y[None, :, None, :])
    return grid.reshape(len(x) * len(y), x.shape[1] * y.shape[1])


def descended(formula: Formula, field: GaloisField, inner: Formula) -> Formula:
    """A formula over an extension field as one over its prime field.

    Args:
        formula: Over `field`; each of its coordinates becomes `field.degree` coordinates.
        inner: Multiplication of two elements of `field`, over the prime field.
    """
    turned = field.multiplications.transpose(0, 2, 1)

    def forms(factor: Elements, rows: Elements, matrices: Elements) -> Elements:
        found: Elements = np.einsum("ri,qcij->qrcj", rows, matrices[factor]) % field.prime
        return found.reshape(len(factor) * len(rows), -1)

    u, v = (forms(a, b, field.multiplications) for a, b in ((formula.u, inner.u), (formula.v, inner.v)))
    return Formula(inner.field, u, v, forms(formula.w, inner.w, turned))


def coordinates(matrix: Elements, field: GaloisField) -> Elements:
    """A matrix over an extension field as one over its prime field, each row `degree` rows, for prime-field inputs."""
    rows, columns = matrix.shape
    return field.digits[matrix].transpose(0, 2, 1).reshape(rows * field.degree, columns)


def to_scheme(formula: Formula, target: Target, field: Field) -> Scheme:
    """The formula as a scheme of the target over the field's coefficient set; denominators are gathered per product."""
    if isinstance(field, GaloisField):
        return Scheme(target, field.ring, formula.u, formula.v, formula.w)
    if isinstance(field, Integers) and not any(_is_fraction(factor) for factor in (formula.u, formula.v, formula.w)):
        return Scheme(target, Ring.Z, formula.u, formula.v, formula.w)
    (u, ui, du), (v, vi, dv), (w, wi, dw) = (_integers(factor) for factor in (formula.u, formula.v, formula.w))
    imag = (ui, vi, wi) if field.ring is Ring.QI else None
    return Scheme(target, field.ring, u, v, w, du * dv * dw, imag)


def padded(matrix: Elements, columns: int, field: Field) -> Elements:
    """The matrix with its columns cut or filled up with zeros to a number of them."""
    missing = max(columns - matrix.shape[1], 0)
    return np.concatenate([matrix[:, :columns], field.zeros(len(matrix), missing)], axis=1)


def _is_fraction(factor: Elements) -> bool:
    return factor.dtype == object and any(isinstance(x, Fraction) for x in factor.ravel().tolist())


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

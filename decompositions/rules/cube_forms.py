"""What cubes by aggregation are made of: linear forms on the entries of A, B and C, and families of their products."""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]


class Closing(NamedTuple):
    """The forms at the closing row and column, each of shape (1, N^2).

    Attributes:
        a: Y0(D, D).
        b: Y1(D, D).
        c: Y2(D, D).
        d: Y3(D, D).
        upper: H0(D, D).
        lower: H3(D, D).
        gauge: g.
        plain: X0(D, D), before the gauge, if N is even; the mean of the four blocks' if it is odd.
    """

    a: Array
    b: Array
    c: Array
    d: Array
    upper: Array
    lower: Array
    gauge: Array
    plain: Array


ClosingForm = Callable[[Closing], Array]


@dataclass(frozen=True)
class Forms:
    """Linear forms on the entries of one of the three matrices, each as integers over one denominator.

    A matrix is read as four blocks, b = 2 (lower half) + (right half), each with a closing row and column D.

    Attributes:
        y: The blocks after the gauge, shape (4, D + 1, D + 1, N^2).
        gauge: What the gauge adds, g, shape (N^2,).
        plain: As `Closing` has it, shape (N^2,).
        defects: Weighted sums of the columns of blocks 0 and 2, and of 1 and 3, shape (2, D + 1, N^2); zero for even N.
        scale: The denominator.
        halves: H_b(i, j), half of the weighted sums along row j and along column i of blocks b = 0 and 3, shape
            (2, D + 1, D + 1, N^2).
    """

    y: Array
    gauge: Array
    plain: Array
    defects: Array
    scale: int
    halves: Array

    def upper(self, i: Array) -> Array:
        """Y1(i, i) + g, shape (indices, N^2)."""
        return self.y[1, i, i] + self.gauge

    def lower(self, i: Array) -> Array:
        """Y2(i, i) + g, shape (indices, N^2)."""
        return self.y[2, i, i] + self.gauge

    @property
    def closing(self) -> Closing:
        """The forms at the closing row and column."""
        corners = (*self.y[:, -1, -1], *self.halves[:, -1, -1], self.gauge, self.plain)
        return Closing(*(form[None] for form in corners))


Form = Callable[[Forms], Array]
"""Rows of coefficients, one for each product of a family, shape (products, N^2)."""


Triple = tuple[Form, Form, Form]
"""The factors x, y and z of a family's products."""


class Family(NamedTuple):
    """Products x(A) y(B) z(C), each times a fraction.

    Attributes:
        forms: x, y and z.
        numerators: Shape (products,), or one for all.
        denominator: One for all.
    """

    forms: Triple
    numerators: Array | int = 1
    denominator: int = 1


def rotated(forms: Triple, numerators: Array | int = 1, denominator: int = 1) -> Iterator[Family]:
    """x y z, y z x and z x y, each form evaluated in the matrix where it lands."""
    x, y, z = forms
    for forms in ((x, y, z), (y, z, x), (z, x, y)):
        yield Family(forms, numerators, denominator)


def at_closing(x: ClosingForm, y: ClosingForm, z: ClosingForm) -> Triple:
    """The factors of one product, from forms at the closing index."""
    return lambda f: x(f.closing), lambda f: y(f.closing), lambda f: z(f.closing)


def weights(last: int) -> Array:
    """1 for every index, and 2 - D for the closing index D."""
    return np.array([1] * last + [2 - last], np.int64)


def half_sums(y: Array) -> Array:
    """`Forms.halves` of the blocks."""
    t = weights(y.shape[1] - 1)
    rows, columns = (np.einsum(axes, y[::3], t) for axes in ("bjkx,k->bjx", "bkix,k->bix"))
    return divided(columns[:, :, None] + rows[:, None, :], 2)


def divided(values: Array, by: int) -> Array:
    """Integers divided by one that divides them: the scale of the forms is chosen so."""
    quotients, rests = np.divmod(values, by)
    assert not rests.any()
    return quotients

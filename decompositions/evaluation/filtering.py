"""Schemes of correlations as filters use them: B^T of the data, G of the taps, A^T of the outputs, and their points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.programs import Program, short_program
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Scheme

FAMILY = "correlation"
INFINITY = "inf"


@dataclass(frozen=True, eq=False)
class Filtering:
    """y = A^T ((G g) * (B^T d)): the outputs of a filter g on data d, one output for each place of the filter.

    Attributes:
        data: B^T, integers, shape (rank, outputs + taps - 1).
        taps: G, with the denominators of the products, as the filter is transformed once; shape (rank, taps).
        outputs: A^T, integers, shape (outputs, rank).

    Source:
        S. Winograd, "Arithmetic complexity of computations", 1980; the names of the matrices as in A. Lavin, S. Gray,
        "Fast algorithms for convolutional neural networks", 2016 (arXiv:1509.09308).
    """

    data: IntArray
    taps: tuple[tuple[Fraction, ...], ...]
    outputs: IntArray


def is_filter(scheme: Scheme) -> bool:
    """Whether it is a real one of `correlation:MxR`."""
    target, real = scheme.target, all(imag is None for _, imag in scheme.parts)
    return target.family == FAMILY and len(target.sizes) == 2 and real and not scheme.ring.characteristic


def require_correlation(scheme: Scheme) -> None:
    """Refuse a scheme that is no real one of a correlation.

    Raises:
        TargetError: If it is of another target, of several dimensions, complex, or modulo a prime.
    """
    target = scheme.target
    if target.family != FAMILY or len(target.sizes) != 2:
        raise TargetError(f"{target.short}: no filter; a scheme of correlation:MxR is needed")
    if not is_filter(scheme):
        raise TargetError(f"{target.short} over {scheme.ring}: filters are real; a scheme over zt, z or q is needed")


def filtering(scheme: Scheme) -> Filtering:
    """The three matrices of a scheme.

    Raises:
        TargetError: See `require_correlation`.
    """
    require_correlation(scheme)
    u, v, w = scheme.factors
    taps = tuple(tuple(Fraction(int(x), int(d)) for x in row) for row, d in zip(v, scheme.denominators, strict=True))
    return Filtering(u, taps, w.T)


def data_and_output_programs(scheme: Scheme) -> tuple[Program, Program]:
    """Short straight-line programs of B^T and A^T; neither divides, as G has the denominators.

    Raises:
        TargetError: See `require_correlation`.
    """
    require_correlation(scheme)
    program = short_program(replace(scheme, denominators=np.ones_like(scheme.denominators)))
    return program.u, program.w


def points_of(scheme: Scheme) -> tuple[str, ...] | None:
    """The points where a scheme evaluates the filter, a product each; None where one is no evaluation at a point.

    Raises:
        TargetError: See `require_correlation`.
    """
    found = [_point(row) for row in filtering(scheme).taps]
    return None if None in found else tuple(point for point in found if point)


def _point(row: tuple[Fraction, ...]) -> str | None:
    """a where the row is a multiple of (1, a, a^2, ...); infinity where only the last coefficient is not 0."""
    if len(row) < 2:
        return None
    if not row[0]:
        return INFINITY if row[-1] and not any(row[:-1]) else None
    a = row[1] / row[0]
    return str(a) if all(x == row[0] * a**k for k, x in enumerate(row)) else None

"""Growth factors of a scheme: numbers in error bounds, computed from its coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import FloatRangeError, RingError
from bilinear.decompositions.floats import float_factors
from bilinear.decompositions.scheme import Scheme

Floats = NDArray[np.float64]
Numbers = NDArray[np.float64] | NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Growth:
    """How rounding errors grow in one level of a scheme.

    Attributes:
        gamma: sum_q |U_q| |V_q| |W_q| in Frobenius norms; after k levels the error grows as gamma^k. Source:
            J.-G. Dumas, C. Pernet, A. Sedoglavic, "Strassen's algorithm is not optimally accurate", ISSAC 2024.
        emax: The largest over the outputs k of sum_q |W_qk| a_q b_q, with a_q and b_q the sums of the absolute values
            in U_q and V_q. Source: G. Ballard, A. R. Benson, A. Druinsky, B. Lipshitz, O. Schwartz, "Improving the
            numerical stability of fast matrix multiplication", 2016 (arXiv:1507.00687).
        qmax: The largest over the outputs of the number of its products plus the most coefficients that one of them
            combines, a bound on the length of a chain of additions. Source: as for emax.
        nonzeros: Coefficients that are not zero.
    """

    gamma: float
    emax: float
    qmax: int
    nonzeros: int


def growth(scheme: Scheme) -> Growth:
    """The growth factors of a scheme; infinite where floats do not hold them.

    Raises:
        RingError: If it is over a finite field, where nothing is rounded.
    """
    try:
        u, v, w = factors(scheme)
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = np.abs(w).T @ (np.abs(u).sum(axis=1) * np.abs(v).sum(axis=1))
            emax, whole = (_or_infinite(float(x)) for x in (outputs.max(), gamma(u, v, w)))
    except FloatRangeError:
        (u, v, w), emax, whole = _where_nonzero(scheme), math.inf, math.inf
    combined = np.count_nonzero(u, axis=1) + np.count_nonzero(v, axis=1)
    used = w.T != 0
    chains = used.sum(axis=1) + np.where(used, combined, 0).max(axis=1)
    nonzeros = sum(int(np.count_nonzero(factor)) for factor in (u, v, w))
    return Growth(whole, emax, int(chains.max()), nonzeros)


def _or_infinite(number: float) -> float:
    return math.inf if math.isnan(number) else number


def _where_nonzero(scheme: Scheme) -> list[Floats]:
    """1 where a coefficient is not 0, for u, v and w."""
    parts = [(real != 0) if imag is None else (real != 0) | (imag != 0) for real, imag in scheme.parts]
    return [part.astype(np.float64) for part in parts]


def gamma(u: Numbers, v: Numbers, w: Numbers) -> float:
    """The sum over products of the product of the norms of the three factors, shapes (rank, ...)."""
    norms = [np.linalg.norm(factor.reshape(len(factor), -1), axis=1) for factor in (u, v, w)]
    return float(np.prod(norms, axis=0).sum())


def factors(scheme: Scheme) -> tuple[Numbers, Numbers, Numbers]:
    """The factors as floats, complex over `qi`, denominators in the third.

    Raises:
        RingError: If the scheme is over a finite field.
    """
    if scheme.ring.characteristic:
        raise RingError(f"growth over {scheme.ring}: nothing is rounded there; a scheme of characteristic 0 is needed")
    return float_factors(scheme)

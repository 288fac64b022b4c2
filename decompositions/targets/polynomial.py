"""Products of polynomials and the four maps with the same tensor, its axes permuted: they all have the same ranks.

`polymul:MxN`        c[i+j] += a[i] b[j]: polynomials of M and N coefficients, by rising power
`correlation:MxR`    c[k] = sum_i a[k+i] b[i]: M outputs of a filter of R taps on M+R-1 data (Winograd's F(m, r))
`middle:N`           c[k] = sum_j a[N-1+k-j] b[j]: the middle N coefficients of 2N-1 times N
`toeplitz:N`         c[k] = sum_j M[k,j] b[j] with M[k,j] = a[N-1+k-j]: diagonals from the upper right to the lower left
`hankel:N`           c[k] = sum_j H[k,j] b[j] with H[k,j] = a[k+j]: antidiagonals from the upper left to the lower right

Sources:
    S. Winograd, "Arithmetic complexity of computations", 1980 (correlation); G. Hanrot, M. Quercia, P. Zimmermann, "The
    middle product algorithm I", 2004 (middle).
"""

from __future__ import annotations

import numpy as np

from bilinear.decompositions.targets.sized import Entries, Shape, Sized, ones
from bilinear.decompositions.targets.target import Family


def _polymul(m: int, n: int) -> Entries:
    i, j = np.indices((m, n), dtype=np.int64)
    return ones((i, j, i + j), _polymul_shape(m, n))


def _polymul_shape(m: int, n: int) -> Shape:
    return m, n, m + n - 1


def _correlation(m: int, r: int) -> Entries:
    k, i = np.indices((m, r), dtype=np.int64)
    return ones((k + i, i, k), _correlation_shape(m, r))


def _correlation_shape(m: int, r: int) -> Shape:
    return m + r - 1, r, m


def _middle(n: int) -> Entries:
    k, j = np.indices((n, n), dtype=np.int64)
    return ones((n - 1 + k - j, j, k), _matrix_shape(n))


def _hankel(n: int) -> Entries:
    k, j = np.indices((n, n), dtype=np.int64)
    return ones((k + j, j, k), _matrix_shape(n))


def _matrix_shape(n: int) -> Shape:
    return 2 * n - 1, n, n


def _family(sized: Sized, description: str) -> Family:
    return Family(sized.usage, description, sized.build)


POLYMUL = _family(
    Sized("polymul", "MxN", _polymul_shape, _polymul), "the product of polynomials of M and N coefficients"
)
CORRELATION = _family(
    Sized("correlation", "MxR", _correlation_shape, _correlation),
    "M outputs of a filter of R taps, y[k] = sum_i d[k+i] g[i] (Winograd's F(m, r))",
)
MIDDLE = _family(
    Sized("middle", "N", _matrix_shape, _middle), "the middle N coefficients of polynomials of 2N-1 and N coefficients"
)
TOEPLITZ = _family(
    Sized("toeplitz", "N", _matrix_shape, _middle), "an N x N Toeplitz matrix, by its 2N-1 diagonals, times a vector"
)
HANKEL = _family(
    Sized("hankel", "N", _matrix_shape, _hankel), "an N x N Hankel matrix, by its 2N-1 antidiagonals, times a vector"
)

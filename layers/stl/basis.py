"""The changes of basis of an STL layer, taken from a scheme or an approximation of matrix multiplication."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import Approximation, Ring, Scheme, content_hash
from bilinear.decompositions.floats import float_factors
from bilinear.layers.errors import LayerError

Floats = NDArray[np.float64]

LARGEST = 2.0**100
"""Beyond this a coefficient, or a product of two in float32, would no longer be held."""

EXACT = 1e-12
"""An approximation with a residual below it is a scheme, but for rounding."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Float factors of matmul:NxMxP with their origin; product q is `(u[q] . x) (v[q] . w)`, taken back by `w[q]`.

    Attributes:
        target: Name of the target, `matmul:2x2x2`.
        tile: (n, m, p): tokens, input features and output features of a tile.
        u: Encodes an activation tile, shape (rank, n m).
        v: Encodes a weight tile, shape (rank, m p).
        w: Decodes an output tile, the denominators of the scheme taken in, shape (rank, n p).
        scheme_hash: Of the scheme or approximation, SHA-256 in hexadecimal.
        entry_id: Its entry in a catalog, if it came from one.
        residual: Relative squared error of a product of random matrices, 0 for a scheme; NaN where nobody said.
        seed: Name of the seed that it is, if it is one.

    Raises:
        LayerError: If there is no product, or a coefficient is not finite or above `LARGEST`.
    """

    target: str
    tile: tuple[int, int, int]
    u: Floats
    v: Floats
    w: Floats
    scheme_hash: str
    entry_id: str | None = None
    residual: float = math.nan
    seed: str = ""

    def __post_init__(self) -> None:
        if len(self.u) == 0:
            raise LayerError(f"{self.target}: rank 0; a layer needs at least one product")
        n, m, p = self.tile
        for name, width in (("u", n * m), ("v", m * p), ("w", n * p)):
            factor = getattr(self, name)
            if factor.shape != (len(self.u), width):
                raise LayerError(f"{self.target}: {name} has shape {factor.shape}, must be {(len(self.u), width)}")
            if not (np.abs(factor) <= LARGEST).all():
                raise LayerError(f"{self.target}: {name} holds a coefficient that is not finite or above 2^100")

    @property
    def origin(self) -> str:
        """Which basis it is, as a report says it: `4x4x4-r32-approx-de8a3435, tile 4x4x4, 32 products, ...`."""
        name = self.entry_id or (f"seed {self.seed}" if self.seed else f"scheme {self.scheme_hash[:8]}")
        error = "exact" if self.residual < EXACT else f"relative squared error {self.residual:.3f} on random data"
        return f"{name}, tile {'x'.join(map(str, self.tile))}, {self.rank} products, {error}"

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    @classmethod
    def of(cls, source: Scheme | Approximation | Basis, entry_id: str | None = None) -> Basis:
        """The basis of a scheme over `zt`, `z` or `q`, or of an approximation; a basis stays as it is.

        Args:
            source: A scheme of n x m x p. It is not verified here: a false scheme makes a false layer.
            entry_id: Its entry in a catalog, kept with the layer.

        Raises:
            LayerError: If the target is no matrix multiplication, or the ring holds no real numbers.
        """
        if isinstance(source, Basis):
            return source if entry_id is None else replace(source, entry_id=entry_id)
        if source.target.family != "matmul":
            raise LayerError(f"{source.target.short}: no matrix multiplication; an STL layer needs a scheme of NxMxP")
        n, m, p = source.target.sizes
        u, v, w = source.factors if isinstance(source, Approximation) else _real_factors(source)
        residual = float(source.residual) if isinstance(source, Approximation) else 0.0
        return cls(source.target.name, (n, m, p), u, v, w, content_hash(source), entry_id, residual)


Source = Scheme | Approximation | Basis
"""What a layer can be made of."""


def _real_factors(scheme: Scheme) -> tuple[Floats, Floats, Floats]:
    """The factors as the nearest floats, each denominator divided into the output factor."""
    name = f"{scheme.target.short} over {scheme.ring}"
    if scheme.ring.characteristic:
        p = scheme.ring.characteristic
        raise LayerError(
            f"{name}: true modulo {p} only, and a layer computes with real numbers; lift it to z or q first"
        )
    if scheme.ring is Ring.QI:
        raise LayerError(
            f"{name}: its coefficients are complex, and a layer computes with real numbers; choose zt, z or q"
        )
    try:
        return float_factors(scheme)
    except OverflowError:
        raise LayerError(f"{name}: a coefficient is not finite or above 2^100 as a float") from None

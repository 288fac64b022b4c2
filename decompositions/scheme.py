"""Schemes (exact factors over a ring) and approximations (float factors with a certified residual)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions import memory, rings
from bilinear.decompositions.errors import RingError, SchemeError
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.targets import Target

FACTORS = ("u", "v", "w")


@dataclass(frozen=True, eq=False)
class Scheme:
    """A rank-r decomposition of a bilinear map, exact over its ring.

    `f(x, y) = W^T ((U x) * (V y))`, product q scaled by `1 / denominators[q]`. Equality carries no tolerance. The
    arrays are read-only: int64, or Python integers where a magnitude reaches 2^62.

    Attributes:
        target: The bilinear map this scheme claims to compute; `verify` decides whether it does.
        ring: The coefficient set the scheme is held to, as declared; every coefficient lies in it.
        u: Left factors, exact integers, shape (rank, target.left).
        v: Right factors, likewise, shape (rank, target.right).
        w: Output factors, likewise, shape (rank, target.out). For `matmul`, C is flattened row by row, not transposed.
        denominators: Positive integers, shape (rank,); ones if not given.
        imag: Imaginary parts of u, v and w over `qi`, of the same shapes; None elsewhere.

    Raises:
        SchemeError: If shapes disagree or a coefficient is outside the ring.
    """

    target: Target
    ring: Ring
    u: IntArray
    v: IntArray
    w: IntArray
    denominators: IntArray = None  # type: ignore[assignment]  # ones, once constructed
    imag: tuple[IntArray, IntArray, IntArray] | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "ring", rings.parse_ring(self.ring))
        for name in FACTORS:
            put(self, name, rings.exact(getattr(self, name), 2))
        given = np.ones(len(self.u), np.int64) if self.denominators is None else self.denominators
        put(self, "denominators", rings.exact(given, 1))
        if self.imag is not None:
            put(self, "imag", self._imaginary(self.imag))
        self._check_shapes()
        self._check_ring()

    def _imaginary(self, parts: tuple[ArrayLike, ...]) -> tuple[IntArray, ...] | None:
        """Exact imaginary parts over `qi`; None over other rings, where they must vanish."""
        if len(parts) != 3:
            raise SchemeError(f"{len(parts)} imaginary parts: one for each of u, v and w is needed")
        found = tuple(rings.exact(part, 2) for part in parts)
        if self.ring is Ring.QI:
            return found
        if any(rings.magnitude(part) for part in found):
            raise SchemeError(f"{self.target.short} over {self.ring}: imaginary coefficients; declare the ring qi")
        return None

    def _check_shapes(self) -> None:
        rank = len(self.u)
        if self.denominators.shape != (rank,):
            raise SchemeError(f"{self.target.short}: {len(self.denominators)} denominators for {rank} products")
        for axis, (name, factor) in enumerate(zip(FACTORS, self.factors, strict=True)):
            parts = [factor] if self.imag is None else [factor, self.imag[axis]]
            for part in parts:
                if part.shape != (rank, self.target.shape[axis]):
                    raise SchemeError(
                        f"{self.target.short}: {name} has shape {part.shape}, must be {(rank, self.target.shape[axis])}"
                    )

    def _check_ring(self) -> None:
        for name, factor in zip(FACTORS, self.factors, strict=True):
            bad = rings.outside(self.ring, factor)
            if bad is not None:
                value = str(factor[bad])[:40]
                raise SchemeError(
                    f"{self.target.short}: {name}[{bad[0]},{bad[1]}] is {value}, "
                    f"outside {self.ring} ({self.ring.description}); declare a larger ring"
                )
        if any(d < 1 for d in self.denominators.tolist()):
            raise SchemeError(f"{self.target.short}: a denominator is below 1; positive integers are needed")
        if self.ring not in (Ring.Q, Ring.QI) and any(d != 1 for d in self.denominators.tolist()):
            raise SchemeError(f"{self.target.short} over {self.ring}: a denominator above 1; declare the ring q")

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    @property
    def factors(self) -> tuple[IntArray, IntArray, IntArray]:
        """(u, v, w)."""
        return self.u, self.v, self.w

    @property
    def parts(self) -> tuple[tuple[IntArray, IntArray | None], ...]:
        """Real and imaginary part of u, v and w; the imaginary part is None but over `qi`."""
        imag = (None, None, None) if self.imag is None else self.imag
        return tuple(zip(self.factors, imag, strict=True))

    def to(self, ring: Ring | str) -> Scheme:
        """The same products read over another coefficient set: by inclusion, or by reduction modulo 2 or 3.

        Raises:
            RingError: If the set cannot hold them: a coefficient is outside, a denominator is divisible by the
                characteristic, or a scheme over `f2` or `f3` would have to be lifted.
        """
        ring = rings.parse_ring(ring)
        if ring == self.ring:
            return self
        if ring.characteristic:
            return self._modulo(ring)
        if self.ring.characteristic:
            raise RingError(f"{self.target.short} over {self.ring}: not a scheme over {ring}; lift it instead")
        least = rings.smallest(self.factors, self.denominators, self.imag)
        if not rings.holds(ring, least):
            raise RingError(
                f"{self.target.short}: its coefficients need {least}; {ring} ({ring.description}) is too small"
            )
        return Scheme(self.target, ring, *self.factors, self.denominators, self.imag)

    def _modulo(self, ring: Ring) -> Scheme:
        p = ring.characteristic
        if self.ring.characteristic:
            raise RingError(f"{self.target.short} over {self.ring}: cannot be read modulo {p}")
        if self.imag is not None and any(rings.magnitude(part) for part in self.imag):
            raise RingError(f"{self.target.short}: imaginary coefficients; {ring} holds none")
        if any(d % p == 0 for d in self.denominators.tolist()):
            raise RingError(f"{self.target.short}: a denominator is divisible by {p}; there is no reduction to {ring}")
        inverses = np.array([pow(d, -1, p) for d in self.denominators.tolist()], dtype=np.int64)
        u, v, w = ((f % p).astype(np.int64) for f in self.factors)
        return Scheme(self.target, ring, u, v, w * inverses[:, None] % p)

    def __repr__(self) -> str:
        return f"Scheme({self.target.name}, rank {self.rank}, {self.ring})"


def empty(target: Target, rank: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Writable zero factors for `rank` products, refused before allocation where they would not fit.

    Raises:
        TooLargeError: If they would not fit into memory.
    """
    memory.require(8 * rank * sum(target.shape), f"a scheme of {target.name} with {rank} products")
    u, v, w = (np.zeros((rank, side), np.int64) for side in target.shape)
    return u, v, w


@dataclass(frozen=True, eq=False)
class Approximation:
    """Float factors that come near a bilinear map; how near is certified, not estimated.

    Attributes:
        target: The bilinear map approximated.
        u: Left factors, float64, shape (rank, target.left).
        v: Right factors, float64, shape (rank, target.right).
        w: Output factors, float64, shape (rank, target.out).

    Raises:
        SchemeError: If shapes disagree or a number is not finite.
    """

    target: Target
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    w: NDArray[np.float64]

    def __post_init__(self) -> None:
        rank = None
        for axis, name in enumerate(FACTORS):
            given = rings.rectangular(getattr(self, name))
            if given.dtype.kind not in "fiu":
                raise SchemeError(f"{self.target.short}: {name} is of type {given.dtype}; real numbers are needed")
            factor = np.array(given, dtype=np.float64, order="C")
            rank = len(factor) if rank is None and factor.ndim else rank
            expected = (rank, self.target.shape[axis])
            if factor.shape != expected:
                raise SchemeError(f"{self.target.short}: {name} has shape {factor.shape}, must be {expected}")
            if not np.isfinite(factor).all():
                raise SchemeError(f"{self.target.short}: {name} holds a number that is not finite")
            factor.setflags(write=False)
            object.__setattr__(self, name, factor)

    @property
    def rank(self) -> int:
        """Number of products."""
        return len(self.u)

    @property
    def factors(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(u, v, w)."""
        return self.u, self.v, self.w

    @cached_property
    def residual(self) -> Fraction:
        """The relative squared error ||T - sum||_F^2 / ||T||_F^2 of these very floats, exactly.

        Floats are integers times powers of two, so the sum is expanded in Python integers:
        ||T||^2 - 2 <T, sum> + ||sum||^2, the last two through the tensor's nonzeros and the factors' Gram matrices.
        """
        (u, v, w), shifts = zip(*(_scaled(f) for f in self.factors), strict=True)
        shift = sum(shifts)
        i, j, k = self.target.indices.T
        norm = sum(x * x for x in self.target.values.tolist())
        inner = sum(
            value * int(np.dot(u[:, a] * v[:, b], w[:, c]))
            for a, b, c, value in zip(i, j, k, self.target.values.tolist(), strict=True)
        )
        own = int((u.dot(u.T) * v.dot(v.T) * w.dot(w.T)).sum())
        one = Fraction(1 << shift)
        return Fraction((norm - 2 * inner / one + own / (one * one)) / norm)

    def __repr__(self) -> str:
        return f"Approximation({self.target.name}, rank {self.rank}, residual {_scientific(self.residual)})"


def _scientific(value: Fraction) -> str:
    """Four digits and an exponent, which may lie outside the range of floats."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.3e}" if value else "0"


def _scaled(factor: NDArray[np.float64]) -> tuple[NDArray[Any], int]:
    """Python integers and a shift s with factor = integers / 2^s, exactly."""
    ratios = [x.as_integer_ratio() for x in factor.ravel().tolist()]
    shift = max((d.bit_length() - 1 for _, d in ratios), default=0)
    numbers = np.empty(len(ratios), dtype=object)
    numbers[:] = [n << (shift - d.bit_length() + 1) for n, d in ratios]
    return numbers.reshape(factor.shape), shift

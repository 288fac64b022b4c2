"""What a foreign file says, in our conventions; which ring it holds over is decided by proof."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from bilinear.decompositions import rings
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.formats.numbers import Factor, FormatError
from bilinear.decompositions.operations import with_outputs_transposed
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify import Verification, verify

MAX_SIZE = 128
"""Largest n, m and p that a foreign file may claim; the largest published schemes are of 32x32x32."""


@dataclass(frozen=True)
class Draft:
    """One scheme as a file states it.

    Attributes:
        target: The map it claims.
        u: Left factors, in our order of coordinates.
        v: Right factors.
        w: Output factors, C not transposed.
        characteristic: Declared by the file: 0, 2 or 3; None if the file does not say.
        record: Which scheme of the file, `2,2,2`; empty if it is the only one.
        originals: The record as it stood, by the ending that is appended to `original`.
        extra: What else the file said of it, as JSON values.
        claimed_rank: The rank that the name of the file claims; None if it claims none.
    """

    target: Target
    u: Factor
    v: Factor
    w: Factor
    originals: Mapping[str, bytes]
    characteristic: int | None = None
    record: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    claimed_rank: int | None = None

    def __post_init__(self) -> None:
        ranks = {self.u.rank, self.v.rank, self.w.rank}
        if len(ranks) != 1:
            raise FormatError(f"{self.u.rank}, {self.v.rank} and {self.w.rank} products; equal numbers are needed")
        widths = (self.u.width, self.v.width, self.w.width)
        if widths != self.target.shape:
            raise FormatError(f"{widths} coordinates; {self.target.short} has {self.target.shape}")


class Fault(NamedTuple):
    """One scheme of a file that cannot be read, while those after it can.

    Attributes:
        record: Which of them.
        reason: What is wrong, on one line.
    """

    record: str
    reason: str


class Settled(NamedTuple):
    """What became of a draft.

    Attributes:
        scheme: Over the smallest set it was proved over; over the declared or first set if it is wrong.
        verification: The proof, or what is wrong.
        note: What the user should know, such as a name that lies about the rank; empty if nothing.
    """

    scheme: Scheme
    verification: Verification
    note: str


def settle(draft: Draft) -> Settled:
    """Prove a draft over the smallest of zt, z, q, qi that holds it; failing that, modulo 2 or 3.

    A file that declares characteristic 0 is held to it. One that declares nothing is tried modulo 2 only if every
    coefficient is 0 or 1, and modulo 3 only if it is between -1 and 2: a residue is not written in other ways, and a
    wrong integer scheme may be right modulo 2 by chance.

    Raises:
        SchemeError: If a coefficient has more than 4,096 bits.
    """
    scheme = _assembled(draft)
    verification = verify(scheme)
    if verification.ok:
        return Settled(scheme, verification, _note(draft, scheme))
    for ring in _residues(draft, scheme):
        try:
            reduced = scheme.to(ring)
        except RingError:
            continue
        found = verify(reduced)
        if found.ok:
            return Settled(reduced, found, _note(draft, reduced))
        if draft.characteristic == ring.characteristic:
            scheme, verification = reduced, found
    return Settled(scheme, verification, "")


def _residues(draft: Draft, scheme: Scheme) -> Iterator[Ring]:
    """The sets modulo a prime that may hold the draft."""
    if draft.characteristic is not None:
        yield from (ring for ring in (Ring.F2, Ring.F3) if ring.characteristic == draft.characteristic)
        return
    if scheme.ring not in (Ring.ZT, Ring.Z):
        return
    low = min(int(factor.min(initial=0)) for factor in scheme.factors)
    high = max(int(factor.max(initial=0)) for factor in scheme.factors)
    if low == 0 and high <= 1:
        yield Ring.F2
    if low >= -1 and high <= 2:
        yield Ring.F3


def _note(draft: Draft, scheme: Scheme) -> str:
    words = []
    if draft.claimed_rank not in (None, scheme.rank):
        words.append(f"the file's name says rank {draft.claimed_rank}, {scheme.rank} products are in it")
    if draft.characteristic not in (None, scheme.ring.characteristic):
        words.append(f"declared modulo {draft.characteristic}, right over {scheme.ring} as well")
    if draft.characteristic is None and scheme.ring.characteristic:
        words.append(f"declares no ring; right over {scheme.ring}, not over the rationals")
    return "; ".join(words)


def _assembled(draft: Draft) -> Scheme:
    """The draft over the smallest set of characteristic 0, each product's denominator in lowest terms."""
    factors = (draft.u, draft.v, draft.w)
    real: tuple[IntArray, ...] = tuple(factor.real for factor in factors)
    imag: tuple[IntArray, ...] | None = None
    if any(factor.imag is not None for factor in factors):
        imag = tuple(np.zeros_like(f.real) if f.imag is None else f.imag for f in factors)
    denominators = np.ones(draft.u.rank, np.int64)
    if any((factor.denominators != 1).any() for factor in factors):
        real, imag, denominators = _lowest(factors, imag)
    ring = rings.smallest(real, denominators, imag)
    u, v, w = real
    return Scheme(draft.target, ring, u, v, w, denominators, None if imag is None else (imag[0], imag[1], imag[2]))


def _lowest(factors: tuple[Factor, ...], imag: tuple[IntArray, ...] | None) -> tuple[Any, Any, IntArray]:
    """Factors as Python integers over one denominator a product, common divisors cancelled."""
    real = [factor.real.astype(object) for factor in factors]
    other = None if imag is None else [part.astype(object) for part in imag]
    denominators = []
    for q in range(factors[0].rank):
        d = math.prod(int(factor.denominators[q]) for factor in factors)
        for axis in range(3):
            numbers = [*real[axis][q], *([] if other is None else other[axis][q])]
            shared = math.gcd(d, *numbers)
            if shared > 1:
                d //= shared
                real[axis][q] //= shared
                if other is not None:
                    other[axis][q] //= shared
        denominators.append(d)
    return tuple(real), None if other is None else tuple(other), np.array(denominators, dtype=object)


def transposed(factor: Factor, rows: int, columns: int) -> Factor:
    """The output factor of C, given that of the transposed C with `rows` x `columns` coordinates; and back."""
    return Factor(
        with_outputs_transposed(factor.real, rows, columns),
        None if factor.imag is None else with_outputs_transposed(factor.imag, rows, columns),
        factor.denominators,
    )


@lru_cache(maxsize=64)
def sized(n: int, m: int, p: int) -> Target:
    """Matrix multiplication of these sizes.

    Raises:
        FormatError: If a size is below 1 or above 128.
    """
    if min(n, m, p) < 1 or max(n, m, p) > MAX_SIZE:
        raise FormatError(f"sizes {n} x {m} x {p}: each must be from 1 to {MAX_SIZE}")
    return matmul(n, m, p)


def shaped(left: int, right: int, out: int) -> Target:
    """The map that has these numbers of coordinates: matrix multiplication, else a product of polynomials.

    Raises:
        FormatError: If there is none.
    """
    n, m, p = (_root(x, y, z) for x, y, z in ((left, out, right), (left, right, out), (right, out, left)))
    if n and m and p:
        return sized(n, m, p)
    if out == left + right - 1 and max(left, right) <= MAX_SIZE:
        return parse_target(f"polymul:{left}x{right}")
    raise FormatError(
        f"{left}, {right} and {out} coordinates: neither n m, m p and n p of a matrix product "
        "nor a, b and a + b - 1 of a polynomial product"
    )


def _root(x: int, y: int, z: int) -> int:
    """The square root of x y / z if it is whole, else 0."""
    square = x * y // z if z else 0
    root = math.isqrt(square)
    return root if z and root * root * z == x * y else 0

"""What a foreign file says, in our conventions; which ring it holds over is decided by proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from bilinear.decompositions import rings
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.formats.numbers import Factor, FormatError
from bilinear.decompositions.formats.probing import ROWS, refuted
from bilinear.decompositions.operations import with_outputs_transposed
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify import Verification, verify

MAX_SIZE = 128
"""Largest n, m and p that a foreign file may claim; the largest published schemes are of 32x32x32."""

MAX_MODULUS = 32
"""Largest degree of a modulus that is recognised."""

MAX_REMAINDER = 1000
"""Largest coefficient of such a modulus."""

MANY = 1000
"""Products up to which a scheme may have more than a map needs at most."""

LARGE = 1 << 36
LARGE_SLOW = 1 << 26
"""Multiplications, of machine integers and of Python's, from which on a scheme is evaluated at a random point first."""

MAX_ENTRIES = 1 << 26
"""Entries of a tensor from which on that is done whatever the number of products."""


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
        is_named: Whether the file or its name says which map it claims, not the shapes of its factors alone.
        others: What else the file may mean, tried in turn where this is not proved.
        note: What the user should know of the file; empty if nothing.
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
    is_named: bool = True
    others: Callable[[], Iterable[Draft]] = tuple
    note: str = ""

    def __post_init__(self) -> None:
        ranks = {self.u.rank, self.v.rank, self.w.rank}
        if len(ranks) != 1:
            raise FormatError(f"{self.u.rank}, {self.v.rank} and {self.w.rank} products; equal numbers are needed")
        left, right, _ = self.target.shape
        if self.u.rank > max(left * right, MANY):
            raise FormatError(f"{self.u.rank} products; {self.target.short} is had with {left * right} already")
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

    What else the file may mean is tried after that, in turn.

    Raises:
        SchemeError: If a coefficient has more than 4,096 bits.
        FormatError: If it is wrong, and nothing but its shape told the map.
    """
    first = _settled(draft)
    if first.verification.ok:
        return first
    for other in draft.others():
        found = _settled(other)
        if found.verification.ok:
            return found
    if not draft.is_named:
        fact = f"{draft.target.short}, which its shape suggests: {first.verification.detail}"
        raise FormatError(f"unknown map: no scheme of {fact}")
    return first


def _settled(draft: Draft) -> Settled:
    """What became of a draft as it stands."""
    scheme = _assembled(draft)
    refutation = _refuted(scheme, 0)
    verification = verify(scheme) if refutation is None else refutation
    if verification.ok:
        return Settled(scheme, verification, _note(draft, scheme))
    for ring in _residues(draft, scheme):
        refutation = _refuted(scheme, ring.characteristic)
        if refutation is not None and draft.characteristic is None:
            continue
        try:
            reduced = scheme.to(ring)
        except RingError:
            continue
        found = verify(reduced) if refutation is None else refutation
        if found.ok:
            return Settled(reduced, found, _note(draft, reduced))
        if draft.characteristic == ring.characteristic:
            scheme, verification = reduced, found
    return Settled(scheme, verification, draft.note)


def _refuted(scheme: Scheme, characteristic: int) -> Verification | None:
    """Where a large scheme is wrong at a random point, so that it need not be expanded."""
    entries = math.prod(scheme.target.shape)
    slow = any(factor.dtype == object for factor in scheme.factors)
    large = scheme.rank * entries > (LARGE_SLOW if slow else LARGE) or entries > MAX_ENTRIES
    return refuted(scheme, characteristic) if large and max(scheme.target.shape) <= ROWS else None


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
    words = [draft.note] if draft.note else []
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
    """Factors as integers over one denominator a product, common divisors cancelled."""
    real, other = [factor.real for factor in factors], None if imag is None else list(imag)
    own = [False, False, False]
    shared = [np.gcd.reduce(part, axis=1).tolist() for part in real]
    if other is not None:
        pairs = [
            zip(ours, np.gcd.reduce(part, axis=1).tolist(), strict=True)
            for ours, part in zip(shared, other, strict=True)
        ]
        shared = [[math.gcd(*pair) for pair in both] for both in pairs]
    denominators = []
    for q in range(factors[0].rank):
        d = math.prod(int(factor.denominators[q]) for factor in factors)
        for axis in range(3):
            common = math.gcd(d, shared[axis][q])
            if common > 1:
                d //= common
                if not own[axis]:
                    real[axis] = _wide(real[axis])
                    if other is not None:
                        other[axis] = _wide(other[axis])
                    own[axis] = True
                real[axis][q] //= common
                if other is not None:
                    other[axis][q] //= common
        denominators.append(d)
    return tuple(real), None if other is None else tuple(other), np.array(denominators, dtype=object)


def _wide(array: IntArray) -> IntArray:
    """A copy as int64, or as Python integers where it has them."""
    return array.astype(object if array.dtype == object else np.int64)


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


def likely(left: int, right: int, out: int) -> list[Target]:
    """The maps that have these numbers of coordinates, the likeliest first.

    Raises:
        FormatError: If there is none.
    """
    found = []
    with suppress(FormatError):
        found.append(shaped(left, right, out))
    if left == right == out and 2 <= out <= MAX_SIZE:
        found += [parse_target(f"{family}:{out}") for family in ("shortmul", "cyclic", "negacyclic")]
    n = (math.isqrt(8 * out + 1) - 1) // 2
    if n and n * (n + 1) == 2 * out and left == right and left % n == 0 and max(n, left // n) <= MAX_SIZE:
        found.append(parse_target(f"structured:gt-{n}x{left // n}x{n}"))
    if not found:
        raise FormatError(f"unknown map: none with {left}, {right} and {out} coordinates is known here")
    return found


def moduli(draft: Draft) -> Iterator[Draft]:
    """The same as a product of polynomials modulo the one that x^n leaves, over the rationals and modulo 2 and 3."""
    n = draft.target.shape[0]
    if n < 2 or n > MAX_MODULUS or draft.target.shape != (n, n, n):
        return
    remainder = [Fraction(0)] * n
    for q in range(draft.u.rank):
        product = _rational(draft.u, q, n - 1) * _rational(draft.v, q, 1)
        if product:
            remainder = [x + product * _rational(draft.w, q, k) for k, x in enumerate(remainder)]
    for p in (0, 2, 3) if draft.characteristic is None else (draft.characteristic,):
        if any(x.denominator % p == 0 if p else x.denominator != 1 for x in remainder):
            continue
        rest = [x.numerator * pow(x.denominator, -1, p) % p if p else x.numerator for x in remainder]
        if max(map(abs, rest)) <= MAX_REMAINDER:
            coefficients = [-x % p if p else -x for x in rest]
            yield replace(draft, target=parse_target(f"polymod:{','.join(map(str, [*coefficients, 1]))}"))


def _rational(factor: Factor, q: int, i: int) -> Fraction:
    return Fraction(int(factor.real[q, i]), int(factor.denominators[q]))

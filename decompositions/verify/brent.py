"""The Brent equations: sum_q u[q,i] v[q,j] w[q,k] / d[q] = T[i,j,k], for every i, j, k, in exact arithmetic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import dense, sparse
from bilinear.decompositions.verify.record import Verification, field_name
from bilinear.decompositions.verify.shared import shared
from bilinear.decompositions.verify.terms import Terms, terms_of

OnProgress = Callable[[int, int], None]
"""Called with how much of how much is done."""

QUICK = 0.3
"""Seconds up to which the sums are computed densely without further thought: loading the kernels takes as long."""
HOPELESS = 4
"""How many times as long products of nonzeros may take before shared forms are looked for, which takes a second."""
LONG = 30.0
"""Seconds of dense sums above which shared forms are always looked for."""


def verify_exact(scheme: Scheme, on_progress: OnProgress | None = None) -> Verification:
    """Decide every Brent equation over the scheme's own field; the tensor is compared block by block.

    Over the common denominator the equations are about integers, of which a bound is known (`Terms`). Where machine
    numbers hold the bound they are computed as they are; else modulo several numbers, coprime to each other, whose
    product exceeds it: what all of them divide is 0. So the answer is a proof in either case.

    Args:
        scheme: What is claimed.
        on_progress: Called after every block.

    Raises:
        TooLargeError: If one block would not fit into memory.
    """
    start = time.perf_counter()
    terms = terms_of(scheme)
    wrong = _Wrong(scheme)
    passes, blocks = _ways(terms)
    left = terms.shape[0]
    done = 0
    for i, differ in blocks:
        wrong.add(i, differ)
        done += len(differ)
        if on_progress is not None:
            on_progress(done, passes * left)
    count, entries = wrong.count(), scheme.target.entries
    detail = f"all {entries} tensor entries agree"
    if count:
        detail = f"{count} of {entries} tensor entries are wrong, first {_described(scheme, *wrong.first())}"
    return Verification(not count, "exact", field_name(scheme.ring), time.perf_counter() - start, detail)


def _ways(terms: Terms) -> tuple[int, Iterator[tuple[int, NDArray[np.bool_]]]]:
    """How often the tensor is gone through, and its differences, by the way that is estimated to be the faster."""
    estimate = dense.seconds(terms)
    if (
        estimate > QUICK
        and sparse.holds(terms)
        and (estimate > LONG or sparse.plain_seconds(terms) < HOPELESS * estimate)
    ):
        rows = shared(terms.factors)
        if sparse.seconds(terms, rows) < estimate:
            return len(sparse.moduli(terms)), sparse.differences(terms, rows)
    return len(dense.moduli(terms)), dense.differences(terms)


class _Wrong:
    """Which tensor entries are wrong: a bit each, once one is."""

    def __init__(self, scheme: Scheme) -> None:
        self.target = scheme.target
        self.bits: NDArray[np.uint8] | None = None

    def add(self, i: int, differ: NDArray[np.bool_]) -> None:
        """Take up a block that begins with left coordinate `i`, of shape (count, right, planes * out)."""
        if not differ.any():
            return
        left, right, out = self.target.shape
        if self.bits is None:
            memory.require(left * (right * out // 8 + 1), f"the wrong entries of {self.target.name}")
            self.bits = np.zeros((left, (right * out + 7) // 8), np.uint8)
        either = differ.reshape(len(differ), right, -1, out).any(axis=2)
        self.bits[i : i + len(differ)] |= np.packbits(either.reshape(len(differ), -1), axis=1)

    def count(self) -> int:
        """How many."""
        return 0 if self.bits is None else int(np.bitwise_count(self.bits).sum())

    def first(self) -> tuple[int, int, int]:
        """The first of them, in the order of i, j, k."""
        assert self.bits is not None
        i = int(np.flatnonzero(self.bits.any(axis=1))[0])
        place = int(np.flatnonzero(np.unpackbits(self.bits[i]))[0])
        return i, *divmod(place, self.target.shape[2])


def _described(scheme: Scheme, i: int, j: int, k: int) -> str:
    """What the entry is, and what it must be."""
    target, p = scheme.target, scheme.ring.characteristic
    here = (target.indices == (i, j, k)).all(axis=1)
    needed, real, imag = sum(target.values[here].tolist()), Fraction(0), Fraction(0)
    columns = [
        [[0] * scheme.rank if part is None else part[:, place].tolist() for part in parts]
        for parts, place in zip(scheme.parts, (i, j, k), strict=True)
    ]
    coefficients = zip(*(zip(*column, strict=True) for column in columns), strict=True)
    for d, ((a, b), (c, e), (f, g)) in zip(scheme.denominators.tolist(), coefficients, strict=True):
        x, y = a * c - b * e, a * e + b * c
        if x or y:
            real, imag = real + Fraction(x * f - y * g, d), imag + Fraction(x * g + y * f, d)
    if p:
        real, needed = real % p, needed % p
    text = _short(real) + (f" + {_short(imag)}i" if imag else "")
    return f"T[{i},{j},{k}] is {text}, must be {_short(Fraction(needed))}"


def _short(value: Fraction) -> str:
    text = str(value) if value.numerator.bit_length() + value.denominator.bit_length() < 200 else ""
    return text or f"a fraction of {value.numerator.bit_length()} by {value.denominator.bit_length()} bits"

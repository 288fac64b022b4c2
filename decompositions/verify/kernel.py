"""The compiled sums of sparse products, modulo 2^64 or modulo a prime below 2^31."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from numpy import uint64

from bilinear.decompositions import jit

TOP = uint64(1 << 63)
HALF = uint64(32)


def add_products(sums, rows, values, right, out, p):
    """Add value[n] v[q] w[q]^T to the sums, for every q = rows[n].

    Modulo a prime the products stay below 2^62 and the sums below 2^63, as 2^32 p > 2^62 is taken off above that.

    Args:
        sums: uint64, shape (right, out); reduced by the caller.
        rows: int64, products.
        values: uint64, their left coefficients.
        right: The rows v by `starts`, `places` and `values`, each below p.
        out: The rows w likewise.
        p: A prime between 2^30 and 2^31, or 0: then everything wraps around at 2^64.
    """
    v_starts, v_places, v_values = right
    w_starts, w_places, w_values = out
    excess = p << HALF
    for n in range(len(rows)):
        q = rows[n]
        first, last = w_starts[q], w_starts[q + 1]
        for at in range(v_starts[q], v_starts[q + 1]):
            row = v_places[at]
            factor = values[n] * v_values[at]
            if p == 0:
                for k in range(first, last):
                    sums[row, w_places[k]] += factor * w_values[k]
                continue
            factor %= p
            for k in range(first, last):
                total = sums[row, w_places[k]] + factor * w_values[k]
                sums[row, w_places[k]] = total - excess if total >= TOP else total


def add_multiple(sums, other, factor, p):
    """Add `factor` times a row of others, all below p, to a row of sums, likewise."""
    for k in range(len(sums)):
        total = sums[k] + factor * other[k]
        sums[k] = total % p if p else total


def unfold(sums, right, out, sides, p):
    """Put the shared forms behind the coordinates in terms of these, in place: first along v, then along w.

    Args:
        sums: uint64, below p, shape (sides[0] + forms of v, sides[1] + forms of w).
        right: The forms of v by `starts`, `places` and `values`.
        out: Those of w likewise.
        sides: The lengths of v and w.
        p: As above.
    """
    starts, places, values = right
    for form in range(len(starts) - 1):
        for at in range(starts[form], starts[form + 1]):
            add_multiple(sums[places[at]], sums[sides[0] + form], values[at], p)
    starts, places, values = out
    for j in range(sides[0]):
        for form in range(len(starts) - 1):
            factor = sums[j, sides[1] + form]
            if factor == 0:
                continue
            for at in range(starts[form], starts[form + 1]):
                total = sums[j, places[at]] + factor * values[at]
                sums[j, places[at]] = total % p if p else total


@cache
def kernels() -> SimpleNamespace:
    """The functions, compiled at their first use."""
    return jit.compiled(add_multiple, add_products, unfold)

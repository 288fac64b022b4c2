"""A scheme as one Python file that proves it, with the standard library alone: nobody has to trust this project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.target import plain


def checker_source(scheme: Scheme) -> str:
    """The source of a program that proves the scheme and exits 0, or names the first wrong entry and exits 1.

    It runs under `python3 -I`, needs no package, and holds the scheme and the tensor as literals.
    """
    arithmetic = _GAUSSIAN if scheme.ring is Ring.QI else _INTEGER
    return "".join(
        (
            _HEAD,
            f"TARGET = {plain(scheme.target.name)!r}\n",
            f"RING = {scheme.ring.value!r}\n",
            f"SHAPE = {scheme.target.shape!r}  # number of inputs x, of inputs y, of outputs\n",
            f"MODULUS = {scheme.ring.characteristic}  # 0: no reduction\n",
            f"ALLOWED = {_allowed(scheme.ring)!r}  # the coefficients of RING; None: every integer\n\n",
            _products(scheme),
            _tensor(scheme.target),
            arithmetic,
            _CHECK,
        )
    )


def _products(scheme: Scheme) -> str:
    """A literal list with one line for each product."""
    lines = []
    for q, denominator in enumerate(scheme.denominators.tolist()):
        factors = ", ".join(
            _row(real[q], None if imag is None else imag[q], scheme.ring) for real, imag in scheme.parts
        )
        lines.append(f"    ({denominator}, {factors}),\n")
    return f"# (d, u, v, w) for each product; u, v, w as {{index: coefficient}}\nPRODUCTS = [\n{''.join(lines)}]\n\n"


def _row(real: IntArray, imag: IntArray | None, ring: Ring) -> str:
    """`{index: coefficient}`, over `qi` with coefficients (real, imaginary)."""
    parts = [0] * len(real) if imag is None else imag.tolist()
    terms = [(i, a, b) for i, (a, b) in enumerate(zip(real.tolist(), parts, strict=True)) if a or b]
    return "{" + ", ".join(f"{i}: ({a}, {b})" if ring is Ring.QI else f"{i}: {a}" for i, a, b in terms) + "}"


def _tensor(target: Target) -> str:
    """The nonzero entries of the tensor: of matrix multiplication by its definition, else written out."""
    if target.family == "matmul":
        return _MATMUL.format(sizes=target.sizes)
    return f"# the nonzero entries (i, j, k): T[i,j,k]\nTENSOR = {{\n{''.join(_entries(target))}}}\n\n"


def _entries(target: Target) -> Iterable[str]:
    indices: Any = target.indices.tolist()
    for (i, j, k), value in zip(indices, target.values.tolist(), strict=True):
        yield f"    ({i}, {j}, {k}): {value},\n"


def _allowed(ring: Ring) -> tuple[int, ...] | None:
    """What a coefficient may be, where that is few enough to be listed."""
    if ring is Ring.ZT:
        return -1, 0, 1
    return tuple(range(ring.characteristic)) if 0 < ring.characteristic <= MOST_LISTED else None


MOST_LISTED = 100

_HEAD = '''#!/usr/bin/env python3
"""A proof of one bilinear algorithm. Run it: python3 -I THIS_FILE

A bilinear map takes x and y to f(x, y)[k] = sum over i, j of T[i,j,k] x[i] y[j]; T is its tensor. The algorithm below
computes it with len(PRODUCTS) products: product q is

    (sum_i u[i] x[i]) * (sum_j v[j] y[j]) / d ,   and it is added w[k] times to output k.

It is right for all x and y, also where the x and y are themselves matrices, if and only if the Brent equations hold:

    sum over the products of  u[i] v[j] w[k] / d  =  T[i,j,k]   for every i, j, k.

This program adds up the left side and compares it with T, entry by entry. Nothing is rounded: with L the least common
multiple of all d, both sides are multiplied by L, so that only Python's integers of any length are used (pairs of them
for Gaussian rationals; modulo MODULUS, where it is not 0, both sides are reduced at the end). It also checks that each
coefficient belongs to the set that is claimed: zt is {-1, 0, 1}, z the integers, q the rationals, qi the Gaussian
rationals, f2, f3, f5, ... the integers modulo a prime.

Exit status 0: proved. 1: wrong, with the first entry that differs.
"""

import math
import sys

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)  # a wrong entry may have more digits than Python prints by itself

'''

_MATMUL = '''
def matrix_multiplication(n, m, p):
    """T of C = A B: output C[a,c] is the sum of A[a,b] B[b,c] over b; A is n x m, B is m x p, all row by row."""
    return {{(a * m + b, b * p + c, a * p + c): 1 for a in range(n) for b in range(m) for c in range(p)}}


TENSOR = matrix_multiplication{sizes}

'''

_INTEGER = """
ZERO = 0


def integer(number):
    return number


def times(x, y):
    return x * y


def plus(x, y):
    return x + y


def reduced(x):
    return x % MODULUS if MODULUS else x


def text(x, scale):
    shared = math.gcd(x, scale)
    return f"{x // shared}/{scale // shared}" if scale != shared else str(x // shared)


def integers_of(coefficient):
    return (coefficient,)

"""

_GAUSSIAN = '''
ZERO = (0, 0)


def integer(number):
    return (number, 0)


def times(x, y):
    """(a + bi)(c + di)."""
    return (x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0])


def plus(x, y):
    return (x[0] + y[0], x[1] + y[1])


def reduced(x):
    return x


def text(x, scale):
    return f"({x[0]} + {x[1]}i)/{scale}"


def integers_of(coefficient):
    return coefficient

'''

_CHECK = '''
def fault_of_form():
    """What is wrong with the algorithm as it is written down, or None."""
    for q, (d, *factors) in enumerate(PRODUCTS):
        if type(d) is not int or d < 1 or (d != 1 and RING not in ("q", "qi")):
            return f"product {q} has denominator {d}, which {RING} does not allow"
        for name, factor, width in zip("uvw", factors, SHAPE):
            for index, coefficient in factor.items():
                if not 0 <= index < width:
                    return f"product {q}: {name}[{index}] does not exist"
                for number in integers_of(coefficient):
                    if type(number) is not int or (ALLOWED is not None and number not in ALLOWED):
                        return f"product {q}: {name}[{index}] is {number}, which is not in {RING}"
    return None


def scaled_sums(scale):
    """scale * sum over the products of u[i] v[j] w[k] / d, for every (i, j, k) where a product contributes."""
    sums = {}
    for d, u, v, w in PRODUCTS:
        weight = integer(scale // d)
        for i, a in u.items():
            for j, b in v.items():
                ab = times(weight, times(a, b))
                for k, c in w.items():
                    sums[i, j, k] = plus(sums.get((i, j, k), ZERO), times(ab, c))
    return sums


def main():
    fault = fault_of_form()
    if fault is None:
        scale = 1
        for d, *_ in PRODUCTS:
            scale = scale * d // math.gcd(scale, d)
        sums = scaled_sums(scale)
        for place in sorted(sums.keys() | TENSOR.keys()):
            found = reduced(sums.get(place, ZERO))
            needed = reduced(integer(scale * TENSOR.get(place, 0)))
            if found != needed:
                position = ",".join(map(str, place))
                fault = f"T[{position}] is {text(found, scale)}, must be {text(needed, scale)}"
                break
    if fault is not None:
        print(f"wrong: {TARGET}: {fault}")
        return 1
    entries = SHAPE[0] * SHAPE[1] * SHAPE[2]
    print(f"proved: {TARGET} with {len(PRODUCTS)} products over {RING}: all {entries} tensor entries agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

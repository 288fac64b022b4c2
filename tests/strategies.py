"""Hypothesis strategies for schemes and targets, ways to break or disguise a scheme, and schemes read from formulas."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bilinear.decompositions import (
    Ring,
    Scheme,
    Target,
    Verification,
    concatenate,
    kronecker,
    permute,
    project,
    sandwich,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.operations import ORDERS
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify.randomized import verify_random

PROOFS = ("exact", "symbolic", "random")
FIXED_PRIMES = (2**61 - 1, 2**31 - 1, 10**9 + 7)
LARGEST = 3

Rng = np.random.Generator
Move = Callable[[Any, Scheme], Scheme]


def generators() -> st.SearchStrategy[Rng]:
    """Seeded sources of numbers."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def formats(largest: int = LARGEST) -> st.SearchStrategy[Target]:
    """Matrix formats up to `largest` in every size."""
    return st.tuples(*[st.integers(1, largest)] * 3).map(lambda sizes: matmul(*sizes))


def verdict(scheme: Scheme, method: str) -> Verification:
    """The answer of one method, `random` with a fixed seed."""
    return verify_random(scheme, random.Random(7)) if method == "random" else verify(scheme, method)


def assert_valid(scheme: Scheme) -> None:
    """All three proofs accept."""
    for method in PROOFS:
        found = verdict(scheme, method)
        assert found.ok, (scheme, found)


def assert_wrong(scheme: Scheme) -> None:
    """All three proofs reject."""
    for method in PROOFS:
        found = verdict(scheme, method)
        assert not found.ok, (scheme, found)


# Schemes that are right by construction.


@st.composite
def verified_schemes(draw: st.DrawFn, rings: Sequence[Ring] = tuple(Ring), moves: int = 2) -> Scheme:
    """Right schemes of formats up to 3x3x3: known ones, changed by operations and disguised."""
    scheme = draw(_bases()).to(draw(st.sampled_from(rings)))
    for _ in range(draw(st.integers(0, moves))):
        scheme = draw(st.sampled_from(MOVES))(draw, scheme)
    return disguised(scheme, draw(generators()))


@st.composite
def file_targets(draw: st.DrawFn, largest: int = 4) -> Target:
    """Small integer tensors, named as if read from a file."""
    shape = draw(st.tuples(*[st.integers(1, largest)] * 3))
    rng = draw(generators())
    tensor = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.6)
    tensor[tuple(rng.integers(0, shape))] = draw(st.sampled_from([-3, -1, 1, 2]))
    return from_dense("file:drawn.npy", tensor)


@st.composite
def file_schemes(draw: st.DrawFn) -> Scheme:
    """Right schemes of tensors that are no matrix multiplication."""
    scheme = standard(draw(file_targets(3)))
    rings = [Ring.Z, Ring.Q, Ring.QI, Ring.F2, Ring.F3]
    return disguised(scheme.to(draw(st.sampled_from(rings))), draw(generators()))


def _bases() -> st.SearchStrategy[Scheme]:
    known = st.sampled_from([strassen(), winograd()])
    return st.one_of(known, formats().map(standard))


def _permuted(draw: st.DrawFn, scheme: Scheme) -> Scheme:
    return permute(scheme, draw(st.sampled_from(ORDERS)))


def _joined(draw: st.DrawFn, scheme: Scheme) -> Scheme:
    axis = draw(st.integers(0, 2))
    room = LARGEST - scheme.target.sizes[axis]
    if not room:
        return scheme
    sizes = [draw(st.integers(1, room)) if i == axis else size for i, size in enumerate(scheme.target.sizes)]
    pair = [scheme, standard(matmul(*sizes)).to(scheme.ring)]
    return concatenate(*draw(st.permutations(pair)), "nmp"[axis])


def _multiplied(draw: st.DrawFn, scheme: Scheme) -> Scheme:
    sizes = [draw(st.integers(1, LARGEST // size)) for size in scheme.target.sizes]
    pair = [scheme, standard(matmul(*sizes)).to(scheme.ring)]
    return kronecker(*draw(st.permutations(pair)))


def _projected(draw: st.DrawFn, scheme: Scheme) -> Scheme:
    axes = [i for i, size in enumerate(scheme.target.sizes) if size > 1]
    if not axes:
        return scheme
    axis = draw(st.sampled_from(axes))
    return project(scheme, "nmp"[axis], draw(st.integers(0, scheme.target.sizes[axis] - 1)))


def _sandwiched(draw: st.DrawFn, scheme: Scheme) -> Scheme:
    """Over `zt` only where the result stays there; over `qi` not offered."""
    if scheme.ring is Ring.QI:
        return scheme
    changed = sandwich(scheme, *draw(bases_of(scheme)))
    return changed.to(scheme.ring) if scheme.ring is not Ring.ZT or changed.ring is Ring.ZT else scheme


MOVES: tuple[Move, ...] = (_permuted, _joined, _multiplied, _projected, _sandwiched)


@st.composite
def bases_of(draw: st.DrawFn, scheme: Scheme) -> list[np.ndarray]:
    """Three invertible integer matrices for a change of basis; unimodular but over `q`."""
    rng = draw(generators())
    found = [_unimodular(size, rng) for size in scheme.target.sizes]
    if scheme.ring is Ring.Q:
        found = [matrix @ np.diag(rng.choice([-3, -1, 1, 2, 5], len(matrix))) for matrix in found]
    return found


def _unimodular(size: int, rng: Rng) -> np.ndarray:
    """A permuted product of a lower and an upper unitriangular matrix."""
    lower, upper = (np.eye(size, dtype=np.int64) + np.tril(rng.integers(-1, 2, (size, size)), -1) for _ in range(2))
    return (lower @ upper.T)[rng.permutation(size)]


# The same scheme, written differently.


def disguised(scheme: Scheme, rng: Rng) -> Scheme:
    """The same sum: products rescaled and shuffled, perhaps with more products that cancel."""
    if rng.random() < 0.5:
        scheme = with_cancelling_products(scheme, rng)
    return shuffled(rescaled(scheme, rng), rng)


def rebuilt(scheme: Scheme, parts: Sequence[tuple[Any, Any]], denominators: Any) -> Scheme:
    """A scheme of other numbers, given as real and imaginary parts of u, v and w."""
    imag = tuple(part for _, part in parts) if scheme.imag is not None else None
    return Scheme(scheme.target, scheme.ring, *(real for real, _ in parts), denominators, imag)


def shuffled(scheme: Scheme, rng: Rng) -> Scheme:
    """The same products in another order."""
    order = rng.permutation(scheme.rank)
    parts = [(real[order], None if imag is None else imag[order]) for real, imag in scheme.parts]
    return rebuilt(scheme, parts, scheme.denominators[order])


def rescaled(scheme: Scheme, rng: Rng) -> Scheme:
    """The same products, their factors multiplied by scalars whose product is 1."""
    parts = [_complex(real, imag) for real, imag in scheme.parts]
    denominators = scheme.denominators.astype(object)
    for q in range(scheme.rank):
        a, b, c, d = _scalars(scheme.ring, rng)
        for part, (x, y) in zip(parts, (a, b, c), strict=True):
            real, imag = part[0][q].copy(), part[1][q].copy()
            part[0][q], part[1][q] = x * real - y * imag, x * imag + y * real
        denominators[q] *= d
    p = scheme.ring.characteristic
    if p:
        parts = [(real % p, imag) for real, imag in parts]
    if scheme.ring is Ring.QI and scheme.imag is None:
        return Scheme(scheme.target, scheme.ring, *(r for r, _ in parts), denominators, tuple(i for _, i in parts))
    return rebuilt(scheme, parts, denominators)


def _complex(real: Any, imag: Any) -> tuple[Any, Any]:
    real = real.astype(object)
    return real, real * 0 if imag is None else imag.astype(object)


def _scalars(ring: Ring, rng: Rng) -> tuple[Any, Any, Any, int]:
    """Three Gaussian integers a, b, c and a denominator d with a b c = d."""
    if ring is Ring.QI:
        (a, b), (c, d) = (_gaussian(rng), _gaussian(rng))
        x, y = a * c - b * d, a * d + b * c
        return (a, b), (c, d), (x, -y), x * x + y * y
    if ring is Ring.Q:
        a, b, c = (int(rng.choice([-6, -5, -2, -1, 1, 2, 3, 4])) for _ in range(3))
        sign = 1 if a * b * c > 0 else -1
        return (a, 0), (b, 0), (sign * c, 0), abs(a * b * c)
    signs = [int(s) for s in rng.choice([-1, 1], 2)]
    return (signs[0], 0), (signs[1], 0), (signs[0] * signs[1], 0), 1


def _gaussian(rng: Rng) -> tuple[int, int]:
    choices = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (2, -1), (0, 3)]
    return choices[rng.integers(len(choices))]


def with_cancelling_products(scheme: Scheme, rng: Rng) -> Scheme:
    """Two more products that sum to zero."""
    low, high = {Ring.ZT: (-1, 2), Ring.F2: (0, 2), Ring.F3: (0, 3)}.get(scheme.ring, (-4, 5))
    parts = []
    for axis, (real, imag) in enumerate(scheme.parts):
        rows = [rng.integers(low, high, (1, real.shape[1])) for _ in range(2)]
        sign = -1 if axis == 2 else 1
        added = [
            np.concatenate([old, row, sign * row])
            for old, row in zip((real, imag), rows, strict=True)
            if old is not None
        ]
        if scheme.ring.characteristic:
            added = [part % scheme.ring.characteristic for part in added]
        parts.append((added[0], added[1] if len(added) > 1 else None))
    denominator = int(rng.integers(1, 8)) if scheme.ring in (Ring.Q, Ring.QI) else 1
    return rebuilt(scheme, parts, np.concatenate([scheme.denominators, [denominator, denominator]]))


# Breaking a scheme.


@st.composite
def positions(draw: st.DrawFn, scheme: Scheme) -> tuple[int, int, int]:
    """Factor, row and column of a coefficient whose change changes the sum: the other two factors are not zero."""
    alive = [
        (real != 0).any(axis=1) | (False if imag is None else (imag != 0).any(axis=1)) for real, imag in scheme.parts
    ]
    factor = draw(st.integers(0, 2))
    first, second = (alive[k] for k in range(3) if k != factor)
    row = draw(st.sampled_from(np.flatnonzero(first & second).tolist()))
    return factor, row, draw(st.integers(0, scheme.target.shape[factor] - 1))


def nudge(scheme: Scheme, factor: int, row: int, column: int, by: int = 1, imag: bool = False) -> Scheme:
    """The scheme with one coefficient changed by a nonzero step; inside its set over `zt`, `f2` and `f3`."""
    parts = [[real.astype(object), None if other is None else other.astype(object)] for real, other in scheme.parts]
    if imag:
        parts = [list(_complex(real, other)) for real, other in parts]
    array = parts[factor][1 if imag else 0]
    changed = array[row, column] + by
    if scheme.ring is Ring.ZT:
        changed = (changed + 1) % 3 - 1
    if scheme.ring.characteristic:
        changed %= scheme.ring.characteristic
    assert changed != array[row, column], "the step vanishes in this set"
    array[row, column] = changed
    others = None if parts[0][1] is None else tuple(other for _, other in parts)
    return Scheme(scheme.target, scheme.ring, *(real for real, _ in parts), scheme.denominators, others)


def steps(ring: Ring) -> st.SearchStrategy[int]:
    """Steps for `nudge` that change a coefficient of that set."""
    size = {Ring.ZT: 3, Ring.F2: 2, Ring.F3: 3}.get(ring)
    return st.integers(1, size - 1) if size else st.integers(-5, 5).filter(bool)


def with_products(scheme: Scheme, *products: tuple[int, int, int, int]) -> Scheme:
    """The scheme with more products a b c / d at the first coordinate of every factor."""
    parts = []
    for axis, (real, imag) in enumerate(scheme.parts):
        rows = np.zeros((len(products), real.shape[1]), dtype=object)
        rows[:, 0] = [product[axis] for product in products]
        parts.append((np.concatenate([real, rows]), None if imag is None else np.concatenate([imag, rows * 0])))
    return rebuilt(scheme, parts, [*scheme.denominators.tolist(), *(product[3] for product in products)])


# Schemes from formulas, as papers print them.


def read_formulas(target: Target, ring: Ring | str, products: Sequence[str], outputs: Sequence[str]) -> Scheme:
    """A scheme from lines such as `m1 = (a11 + 2 a12) * b11` and `c11 = m1 - 1/2 m2`."""
    left, right, out = target.names
    rank = len(products)
    u, v, w = (np.full((rank, side), None, dtype=object) for side in target.shape)
    for q, line in enumerate(products):
        name, _, product = line.partition(" = ")
        assert name == f"m{q + 1}"
        x, y = re.split(r" \* ", product)
        u[q], v[q] = _linear_form(x, left), _linear_form(y, right)
    for k, line in enumerate(outputs):
        name, _, form = line.partition(" = ")
        assert name == out[k]
        w[:, k] = _linear_form(form, tuple(f"m{q + 1}" for q in range(rank)))
    denominators = np.array(
        [np.lcm.reduce([x.denominator for pair in row for x in pair], initial=1) for row in w], object
    )
    scaled = [u, v, _times(w, denominators)]
    parts = [[np.vectorize(lambda z, k=k: int(z[k]), otypes=[object])(f) for k in range(2)] for f in scaled]
    imag = tuple(i for _, i in parts) if Ring(ring) is Ring.QI else None
    return Scheme(target, Ring(ring), *(r for r, _ in parts), denominators, imag)


def _times(rows: Any, scalars: Any) -> Any:
    result = np.empty_like(rows)
    for q, d in enumerate(scalars):
        for k, (a, b) in enumerate(rows[q]):
            result[q, k] = (a * int(d), b * int(d))
    return result


_TERM = re.compile(r"([+-]?) ?(?:\(([^()]*)\) |(\d+(?:/\d+)?)?(i?) ?)([a-z]\w*)")


def _linear_form(text: str, names: tuple[str, ...]) -> Any:
    """Coefficients (real, imaginary) of a linear form, in the order of `names`."""
    found = {name: (Fraction(0), Fraction(0)) for name in names}
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    rest = "" if text == "0" else text
    while rest:
        term = _TERM.match(rest)
        assert term, f"cannot read {rest!r}"
        sign = -1 if term[1] == "-" else 1
        if term[2] is not None:
            real, joint, unit = term[2].split(" ")
            value = Fraction(real), Fraction(unit.removesuffix("i") or 1) * (-1 if joint == "-" else 1)
        else:
            size = Fraction(term[3] or 1)
            value = (Fraction(0), size) if term[4] else (size, Fraction(0))
        assert found[term[5]] == (0, 0)
        found[term[5]] = sign * value[0], sign * value[1]
        rest = rest[term.end() :].lstrip()
    row = np.empty(len(names), dtype=object)
    row[:] = list(found.values())
    return row

"""Span reduction: what it takes away, that what is left is right, known answers, and what must be refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import formats, generators

from bilinear import load
from bilinear.decompositions import Ring, Scheme, Target, concatenate, sandwich, standard, strassen, verify
from bilinear.decompositions.cutting import cut
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.rules import cubes, span
from bilinear.decompositions.rules.dependence import balanced, dependence, product
from bilinear.decompositions.targets.matmul import matmul

RINGS = st.sampled_from([Ring.ZT, Ring.Z, Ring.Q, Ring.F2, Ring.F3])
FIELDS = st.sampled_from([Ring.Q, Ring.F2, Ring.F3])
PRIMES = st.sampled_from([2, 3, 4194301])


@given(st.integers(1, 90), st.integers(1, 150), st.integers(0, 90), PRIMES, generators())
def test_columns_are_combinations_of_those_of_the_basis(
    rows: int, columns: int, rank: int, p: int, rng: np.random.Generator
) -> None:
    left, right = rng.integers(0, p, (rows, rank)).astype(float), rng.integers(0, p, (rank, columns)).astype(float)
    matrix = product(balanced(left, p), balanced(right, p), p) if rank else np.zeros((rows, columns))
    basis, dependent, coefficients = dependence(matrix.copy(), p)
    assert len(basis) <= min(rows, columns, rank)
    assert sorted([*basis, *dependent]) == list(range(columns))
    assert not balanced(product(matrix[:, basis], coefficients, p) - matrix[:, dependent], p).any()
    assert all((basis[c != 0] < d).all() for d, c in zip(dependent, coefficients.T, strict=True))


def superfluous(scheme: Scheme, rng: np.random.Generator, count: int) -> Scheme:
    """The scheme with products added that repeat two factors of others and take a part of the third of theirs."""
    axis, rows = int(rng.integers(3)), rng.integers(scheme.rank, size=count)
    factors = [np.concatenate([f, f[rows]]) for f in scheme.factors]
    p = scheme.ring.characteristic
    factors[axis][scheme.rank :] = factors[axis][rows[::-1]]
    for place, row in enumerate(rows):
        factors[axis][row] = factors[axis][row] - factors[axis][scheme.rank + place]
    if p:
        factors[axis] %= p
    ring = scheme.ring if p or abs(factors[axis]).max() <= 1 else Ring.Z
    return Scheme(scheme.target, ring, *factors)


@settings(deadline=None)
@given(formats(), RINGS, st.integers(1, 5), generators())
def test_products_that_were_added_go(target: Target, ring: Ring, count: int, rng: np.random.Generator) -> None:
    scheme = standard(target).to(ring)
    larger = superfluous(scheme, rng, count)
    assert verify(larger).ok
    smaller = span.reduced(larger)
    assert verify(smaller).ok
    assert smaller.ring == larger.ring
    assert smaller.rank <= larger.rank
    if ring in (Ring.Q, Ring.F2, Ring.F3):
        assert smaller.rank == scheme.rank
        assert span.spare(smaller) == (0, 0, 0)


@settings(deadline=None, max_examples=20)
@given(FIELDS, st.integers(0, 2), generators())
def test_what_is_left_spans_what_it_has(ring: Ring, axis: int, rng: np.random.Generator) -> None:
    scheme = cut(strassen(matmul(4, 4, 4)).to(ring), axis, rng, 4.0).to(ring)
    smaller = span.reduced(scheme)
    assert verify(smaller).ok
    assert span.spare(smaller) == (0, 0, 0)
    assert smaller.rank <= scheme.rank - max(span.spare(scheme))


def test_a_change_of_basis_with_fractions_is_seen_through() -> None:
    twice = concatenate(strassen(), standard(matmul(2, 2, 1)), "p")
    first = Scheme(twice.target, Ring.Z, *(np.concatenate([f, f[:3]]) for f in twice.factors))
    last = first.w.copy()
    last[:3], last[11:] = last[:3] * 3, last[:3] * -2
    scheme = sandwich(Scheme(first.target, Ring.Q, first.u, first.v, last), [[3, 1], [2, 5]], np.eye(2, dtype=int) * 7,
                      [[1, 2, 0], [0, 1, 4], [5, 0, 1]])  # fmt: skip
    assert scheme.ring is Ring.Q
    assert span.spare(scheme) == (3, 3, 3)
    assert span.reduced(scheme).rank == 11
    assert verify(span.reduced(scheme)).ok


@pytest.mark.parametrize("name", ["2x2x2:7", "3x3x3:23", "4x5x5:76"])
def test_good_schemes_are_not_reducible(name: str) -> None:
    assert span.spare(load(name, "q")) == (0, 0, 0)


@pytest.mark.slow
def test_13x14x14_in_1551_products_is_proved() -> None:
    """Khoruzhii, Serafin, Gelss, Pokutta 2026: 1593 - 35 - 7."""
    larger = cut(cubes.build(14, 14, 14, Ring.Q), 0, np.random.default_rng(0))
    assert (larger.rank, span.spare(larger)) == (1558, (7, 0, 0))
    smaller = span.reduced(larger)
    assert (smaller.target.sizes, smaller.rank) == ((13, 14, 14), 1551)
    assert verify(smaller).ok


def test_gaussian_rationals_are_refused() -> None:
    with pytest.raises(RingError, match="2x2x2 over qi: span reduction is offered over zt, z, q, f2 and f3"):
        span.reduced(strassen().to(Ring.QI))

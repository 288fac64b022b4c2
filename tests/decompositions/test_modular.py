"""Arithmetic modulo a prime: against Python integers, and laws that hold over every field."""

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from strategies import generators

from bilinear.decompositions.modular import (
    LARGE_PRIME,
    echelon,
    inverses,
    kernel,
    narrowed,
    primes,
    product,
    rank,
    ranks,
    rational,
    reconstruct,
    solution,
    solutions,
    symmetric,
)

HUGE = 2**127 - 507
PRIMES = st.sampled_from([2, 3, LARGE_PRIME])


def sparse(shape: tuple[int, int], p: int, rng: np.random.Generator) -> np.ndarray:
    """Residues, some zero; Python integers where products of two do not fit into int64."""
    numbers = rng.integers(0, min(p, 2**62), shape) * rng.integers(0, 2, shape)
    return numbers.astype(object) * 3**30 % p if p > LARGE_PRIME else numbers


@given(PRIMES, st.tuples(*[st.integers(1, 5)] * 2), generators())
def test_ranks_of_many_matrices_at_once(p: int, shape: tuple[int, int], rng: np.random.Generator) -> None:
    stack = rng.integers(0, p, (6, *shape)) * rng.integers(0, 2, (6, *shape))
    assert ranks(stack, p).tolist() == [rank(matrix, p) for matrix in stack]


@given(PRIMES, st.tuples(*[st.integers(1, 5)] * 2), generators())
def test_a_kernel_is_all_that_vanishes(p: int, shape: tuple[int, int], rng: np.random.Generator) -> None:
    matrix = rng.integers(0, p, shape) * rng.integers(0, 2, shape)
    basis = kernel(matrix, p)
    assert len(basis) == shape[1] - rank(matrix, p)
    assert not product(matrix, basis.T, p).any()
    assert rank(basis, p) == len(basis)


@given(st.sampled_from([2, 3, LARGE_PRIME, HUGE]), st.tuples(*[st.integers(1, 6)] * 2), generators())
def test_an_echelon_form_is_reduced_with_one_kernel(p: int, shape: tuple[int, int], rng: np.random.Generator) -> None:
    matrix = sparse(shape, p, rng)
    before = matrix.copy()
    form, pivots = echelon(matrix, p)
    assert (matrix == before).all()
    assert pivots == sorted(pivots)
    assert not form[len(pivots) :].any()
    assert (form[: len(pivots), pivots] == np.eye(len(pivots), dtype=np.int64)).all()
    assert all(not row[:pivot].any() for row, pivot in zip(form, pivots, strict=False))
    assert not (matrix @ kernel(form, p).T % p if p == HUGE else product(matrix, kernel(form, p).T, p)).any()


def test_an_echelon_form_known_by_hand() -> None:
    form, pivots = echelon(np.array([[0, 2, 1], [1, 1, 1], [1, 0, 2]]), 3)
    assert form.tolist() == [[1, 0, 2], [0, 1, 2], [0, 0, 0]]
    assert pivots == [0, 1]


def test_pivots_are_taken_from_the_columns_asked_for() -> None:
    form, pivots = echelon(np.array([[1, 1, 1], [1, 1, 0]]), 2, columns=2)
    assert form.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert pivots == [0]


@given(st.sampled_from([2, 3, LARGE_PRIME, HUGE]), st.tuples(*[st.integers(1, 5)] * 3), generators())
def test_a_solution_leaves_free_unknowns_zero(p: int, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
    rows, unknowns, sides = sizes
    matrix, known = sparse((rows, unknowns), p, rng), sparse((unknowns, sides), p, rng)
    right = matrix.astype(object) @ known.astype(object) % p
    found = solution(matrix, right.astype(matrix.dtype), p)
    assert found is not None
    assert (matrix.astype(object) @ found.astype(object) % p == right).all()
    free = [column for column in range(unknowns) if column not in echelon(matrix, p)[1]]
    assert not found[free].any()


def test_equations_that_contradict_have_no_solution() -> None:
    assert solution(np.array([[1, 2], [2, 4]]), np.array([[1], [1]]), 5) is None


@given(PRIMES, generators())
def test_a_space_is_narrowed_to_where_equations_vanish(p: int, rng: np.random.Generator) -> None:
    space, equations = np.eye(5, dtype=np.int64), sparse((2, 5), p, rng)
    left = narrowed(space, equations, p)
    assert len(left) == 5 - rank(equations, p)
    assert not product(equations, left.T, p).any()
    assert len(narrowed(left[:0], equations, p)) == 0


@given(st.integers(0, 2**32 - 1))
def test_modular_products_are_those_of_python_integers(seed):
    prime = LARGE_PRIME
    rng = np.random.default_rng(seed)
    left, right = rng.integers(prime - 5, prime, (3, 4)), rng.integers(0, prime, (4, 2))
    expected = (left.astype(object) @ right.astype(object)) % prime
    assert (product(left, right, prime) == expected).all()


@given(st.integers(0, 2**32 - 1))
def test_solutions_solve(seed):
    prime = LARGE_PRIME
    rng = np.random.default_rng(seed)
    matrices, right = rng.integers(1, prime, (5, 3, 3)), rng.integers(0, prime, (5, 3, 2))
    for matrix, x, b in zip(matrices, solutions(matrices, right, prime), right, strict=True):
        assert (product(matrix, x, prime) == b).all()
    assert (inverses(matrices, prime) * matrices % prime == 1).all()


def test_a_zero_pivot_asks_for_another_prime():
    with pytest.raises(ZeroDivisionError, match="pivot is 0"):
        solutions(np.zeros((1, 1, 1), np.int64), np.ones((1, 1, 1), np.int64), 7)


@given(st.integers(-40, 40), st.integers(1, 40), st.sampled_from([2**12, 2**40, 3**8, 3**30]))
def test_a_fraction_is_found_again(numerator, denominator, modulus):
    p = 3 if modulus % 3 == 0 else 2
    while denominator % p == 0:
        denominator //= p
    divisor = math.gcd(numerator, denominator)
    residue = numerator * pow(denominator, -1, modulus) % modulus
    assert reconstruct(residue, modulus) == (numerator // divisor, denominator // divisor)


@pytest.mark.parametrize("modulus", [3, 4, 8, 9, 27, 128, 243])
def test_a_reconstruction_is_the_only_fraction_within_the_bound(modulus):
    bound, p = math.isqrt(modulus // 2), 3 if modulus % 3 == 0 else 2
    known = {}
    for n, d in itertools.product(range(-bound, bound + 1), range(1, bound + 1)):
        if d % p and math.gcd(n, d) == 1:
            known.setdefault(n * pow(d, -1, modulus) % modulus, []).append((n, d))
    assert all(len(fractions) == 1 for fractions in known.values())
    for residue in range(modulus):
        assert reconstruct(residue, modulus) == known.get(residue, [None])[0]


def test_rows_share_a_denominator_and_a_residue_without_a_fraction_ends_it():
    half, third = pow(2, -1, 3**8), pow(4, -1, 3**8)
    numerators, denominators = rational(np.array([[half, third, 3**8 - 1], [0, 5, 1]]), 3**8)
    assert numerators.tolist() == [[2, 1, -4], [0, 5, 1]]
    assert denominators.tolist() == [4, 1]
    assert rational(np.array([[2]]), 4) is None


@given(st.integers(-1000, 1000), st.integers(2, 100))
def test_symmetric_residues_are_the_smallest(x, modulus):
    found = int(symmetric(np.array([x]), modulus)[0])
    assert (found - x) % modulus == 0
    assert -modulus < 2 * found <= modulus


@pytest.mark.parametrize("limit", [2, 3, 4, 100, 1000, 1 << 19])
def test_primes_fall_from_the_limit(limit):
    assert list(primes(limit)) == list(sympy.primerange(limit))[::-1]


@pytest.mark.parametrize("limit", [1 << 22, 1 << 31])
def test_large_primes_are_those_next_to_the_limit(limit):
    found = list(itertools.islice(primes(limit), 20))
    assert found[0] == sympy.prevprime(limit)
    assert all(sympy.prevprime(p) == q for p, q in itertools.pairwise(found))

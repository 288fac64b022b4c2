"""Arithmetic of cyclotomic fields against what is known of them from outside."""

import cmath
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.transforms.cyclotomic import (
    SplittingField,
    is_prime,
    prime_factors,
    primes,
    roots_of_unity,
    units,
)

ORDERS = st.integers(1, 60)


@given(st.integers(1, 5000))
def test_prime_factors_multiply_to_the_number(number):
    factors = prime_factors(number)
    assert math.prod(factors) == number
    assert all(is_prime(factor) for factor in factors)
    assert factors == sorted(factors)


def test_primes_below_a_thousand_are_the_168_known():
    found = [n for n in range(1000) if is_prime(n)]
    assert len(found) == 168
    assert found[-1] == 997


@pytest.mark.parametrize("number", [2047, 3277, 1373653, 25326001])
def test_strong_pseudoprimes_are_composite(number):
    assert not is_prime(number)


@given(ORDERS)
def test_primes_split_the_field(order):
    for prime in itertools.islice(primes(order), 3):
        assert prime % order == 1 % order
        assert prime < 2**31
        assert is_prime(prime)


@given(ORDERS)
def test_roots_are_those_of_cmath(order):
    expected = [cmath.exp(2j * math.pi * k / order) for k in range(order)]
    assert np.abs(roots_of_unity(order) - expected).max() < 4e-15  # of which the rounded angles of cmath take most


def test_quarter_turns_are_exact():
    assert roots_of_unity(8)[::2].tolist() == [1, 1j, -1, -1j]


@given(ORDERS, st.data())
def test_embeddings_are_ring_homomorphisms(order, data):
    field = SplittingField(order, next(primes(order)))
    a, b = (data.draw(st.integers(0, order - 1)) for _ in range(2))
    product = field.powers[:, a] * field.powers[:, b] % field.prime
    assert (product == field.powers[:, (a + b) % order]).all()
    assert len({tuple(row) for row in field.powers.tolist()}) == len(units(order))


@given(ORDERS, st.integers(0, 2**32 - 1))
def test_interpolation_inverts_evaluation(order, seed):
    field = SplittingField(order, next(primes(order)))
    coefficients = np.random.default_rng(seed).integers(0, field.prime, (len(field.units), 3))
    assert (field.coefficients(field.evaluate(coefficients)) == coefficients).all()

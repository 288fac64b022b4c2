"""Finite fields, extensions and completions of spans, against laws and against what is proven."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.errors import RingError
from bilinear.decompositions.evaluation.completion import completed
from bilinear.decompositions.evaluation.extension import factor_over
from bilinear.decompositions.evaluation.fields import GAUSSIANS, RATIONALS, Gaussian
from bilinear.decompositions.evaluation.finite import galois, prime_field, solved
from bilinear.decompositions.evaluation.integral import COMAXIMAL, six_terms
from bilinear.decompositions.evaluation.plans import field_multiplication, local_plan, product, truncated
from bilinear.decompositions.evaluation.polynomials import (
    count_irreducibles,
    factored,
    irreducibles,
    multiplied,
    polynomial,
    power,
    remainder,
)

SIZES = [(2, 1), (2, 2), (2, 4), (3, 1), (3, 2), (3, 3)]


@pytest.mark.parametrize(("prime", "degree"), SIZES)
@given(data=st.data())
def test_finite_fields_keep_the_laws(prime: int, degree: int, data: st.DataObject) -> None:
    field = galois(prime, degree)
    x, y, z = (data.draw(st.sampled_from(field.members)) for _ in range(3))
    assert (x + y) * z == x * z + y * z
    assert (x - y) + y == x
    assert x + (-x) == field.zero
    assert not y or (x / y) * y == x
    assert sum(itertools.repeat(x, prime - 1), x) == field.zero


@pytest.mark.parametrize(("prime", "degree"), SIZES)
def test_the_multiplicative_group_is_cyclic_of_the_right_order(prime: int, degree: int) -> None:
    field = galois(prime, degree)
    orders = []
    for x in field.members[1:]:
        value, order = x, 1
        while value != field.one:
            value, order = value * x, order + 1
        orders.append(order)
    assert max(orders) == field.order - 1


@pytest.mark.parametrize(("prime", "degree", "wanted"), [(2, 1, 5), (2, 2, 3), (3, 1, 4), (3, 2, 2)])
def test_irreducible_polynomials_are_as_many_as_gauss_counts(prime: int, degree: int, wanted: int) -> None:
    field = galois(prime, degree)
    assert len(list(irreducibles(field, wanted))) == count_irreducibles(field.order, wanted)


@pytest.mark.parametrize(("prime", "d", "inner"), [(2, 6, 2), (2, 6, 3), (2, 6, 6), (2, 8, 4), (3, 4, 2)])
def test_the_factor_over_an_extension_divides(prime: int, d: int, inner: int) -> None:
    extension = galois(prime, inner)
    for f in itertools.islice(irreducibles(prime_field(prime), d), 3):
        g = factor_over(f, extension)
        assert len(g) == d // inner + 1
        assert not remainder(tuple(extension.element(c.number) for c in f), g)


def test_factors_multiply_to_the_polynomial_over_every_field() -> None:
    for field in (RATIONALS, GAUSSIANS, prime_field(2), prime_field(3)):
        f = polynomial(field, (-1, 0, 0, 0, 0, 0, 1))
        whole = polynomial(field, (1,))
        for g, e in factored(f, field):
            whole = multiplied(whole, power(g, e, field), field)
        assert whole == f


def test_gaussian_numbers_are_read_as_they_are_written() -> None:
    parts = ((1, 0), (0, 1), (2, -1), (0, -3))
    assert [str(Gaussian(Fraction(a), Fraction(b))) for a, b in parts] == ["1", "i", "2-i", "-3i"]


def test_systems_without_a_solution_are_refused() -> None:
    field = prime_field(2)
    with pytest.raises(RingError, match="no unique solution"):
        solved(field.array([[1, 1], [1, 1]]), field.identity(2), field)
    with pytest.raises(RingError, match="no solution"):
        solved(field.array([[1], [1]]), field.array([[1], [0]]), field)


@pytest.mark.parametrize(
    ("prime", "ranks"), [(2, {2: 3, 3: 6, 4: 9, 5: 13, 6: 15, 8: 24, 9: 30, 10: 33}), (3, {2: 3, 4: 9, 5: 11, 6: 15})]
)
def test_extension_fields_multiply_in_the_known_number_of_products(prime: int, ranks: dict[int, int]) -> None:
    """M. Cenk, F. Ozbudak, "On multiplication in finite fields", 2010, table 1."""
    field = prime_field(prime)
    assert {d: local_plan(field, d, 1, d, d).rank for d in ranks} == ranks


def test_a_plan_builds_what_it_promises() -> None:
    field = prime_field(2)
    plans = [product(field, 3, 5), truncated(field, 6), field_multiplication(field, 5)]
    assert [plan.build().rank for plan in plans] == [plan.rank for plan in plans]


def test_completion_finds_montgomerys_rank_and_none_below_a_proven_one() -> None:
    i, j, k = np.indices((5, 5, 9))
    tensor = (i + j == k).astype(np.int64)
    found = completed(2, tensor, 13)
    assert found is not None
    assert found.rank == 13
    assert completed(2, tensor, 12) is None
    assert completed(2, np.ones((9, 9, 1), np.int64), 9) is None  # too many products to go through


def test_comaximal_polynomials_have_resultant_1_or_minus_1() -> None:
    import sympy

    x = sympy.Symbol("x")
    every = [sympy.Poly(reversed(f), x) for group in COMAXIMAL.values() for f in group]
    assert {abs(sympy.resultant(f, g)) for f, g in itertools.combinations(every, 2)} == {1}


def test_montgomerys_six_terms_have_integer_coefficients() -> None:
    formula = six_terms()
    assert formula.rank == 17
    assert all(value.denominator == 1 for value in formula.w.ravel())

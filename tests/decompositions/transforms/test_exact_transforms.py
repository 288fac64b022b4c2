"""Exact factors and their proofs; a proof must fail where one coefficient is wrong."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.transforms import TransformError, exact_transform, parse_transform, verify_transform
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix
from bilinear.decompositions.transforms.exact import (
    ExactTransform,
    field_name,
    parse_field,
    read_number,
    write_number,
)
from bilinear.decompositions.transforms.interpolative import skeletons
from bilinear.decompositions.transforms.orders import FOLDED_STRIDED, HALVES, STRIDED, Ordering
from bilinear.decompositions.transforms.plans import ButterflyPlan, carried_out

ORDERS = {
    "dft": (STRIDED, STRIDED),
    "idft": (STRIDED, STRIDED),
    "hadamard": (HALVES, STRIDED),
    "hartley": (STRIDED, STRIDED),
    "dct-ii": (STRIDED, FOLDED_STRIDED),
    "dst-ii": (STRIDED, FOLDED_STRIDED),
    "dct-iii": (FOLDED_STRIDED, STRIDED),
}
NUMERATORS = st.lists(st.integers(-(10**20), 10**20), min_size=1, max_size=8)


def plan_of(name, size):
    transform = parse_transform(name, size)
    radices = (2,) * (size.bit_length() - 1)
    paths = [(first, *(first._replace(folded=False) for _ in radices[1:])) for first in ORDERS[name]]
    ordering = Ordering(radices, *paths)
    levels = skeletons(transform.matrix[np.ix_(ordering.row_order, ordering.column_order)], radices, 2)
    assert levels is not None
    return transform, ButterflyPlan(transform, ordering, levels)


@pytest.mark.parametrize("name", sorted(ORDERS))
@pytest.mark.parametrize("size", [2, 8, 16])
def test_exact_factors_are_proved_and_are_those_of_floats(name, size):
    transform, plan = plan_of(name, size)
    exact = exact_transform(plan, size)
    verification = verify_transform(exact, transform.exact)
    assert verification.ok
    assert verification.error_probability == 0
    assert exact.operations() == carried_out(plan).operations()[:2] + exact.operations()[2:]
    assert np.abs(dense(exact) - transform.matrix).max() < 1e-12


def dense(exact):
    """The product in complex floats, from the exact numbers."""
    zeta = np.exp(2j * np.pi / exact.order)
    product = np.eye(exact.size, dtype=complex)
    for factor in exact.factors:
        matrix = np.zeros(factor.shape, dtype=complex)
        values = [sum(n * zeta**k for k, n in enumerate(numbers)) / d for numbers, d in factor.values]
        matrix[factor.rows, factor.columns] = np.array(values)[factor.which]
        product = matrix @ product
    return product


@pytest.mark.parametrize("name", ["dft", "dct-ii"])
@given(data=st.data())
def test_one_changed_coefficient_is_caught(name, data):
    transform, plan = plan_of(name, 8)
    exact = exact_transform(plan, 8)
    k = data.draw(st.integers(0, len(exact.factors) - 1))
    factor = exact.factors[k]
    entry = data.draw(st.integers(0, len(factor.rows) - 1))
    power, by = data.draw(st.integers(0, exact.degree - 1)), data.draw(st.integers(1, 10**12))
    numbers, denominator = factor.values[factor.which[entry]]
    changed = [*numbers, *[0] * (exact.degree - len(numbers))]
    changed[power] += by
    which = factor.which.copy()
    which[entry] = len(factor.values)
    broken = replace(factor, which=which, values=(*factor.values, (tuple(changed), denominator)))
    factors = (*exact.factors[:k], broken, *exact.factors[k + 1 :])
    verification = verify_transform(replace(exact, factors=factors), transform.exact)
    assert not verification.ok
    assert "entries are wrong, first [" in verification.detail


def test_another_transform_is_not_proved():
    transform, plan = plan_of("dft", 8)
    exact = exact_transform(plan, 8)
    assert not verify_transform(exact, replace(transform.exact, denominator=2)).ok
    other = parse_transform("hartley", 8).exact
    assert not verify_transform(exact, other).ok
    with pytest.raises(TransformError, match="the transform has size 16"):
        verify_transform(exact, parse_transform("dft", 16).exact)
    with pytest.raises(TransformError, match="does not hold the entries; order 32 is needed"):
        verify_transform(exact, parse_transform("dct-ii", 8).exact)


def test_a_multiple_of_one_prime_is_no_zero():
    """An error that is 0 modulo the first prime must be found by the others."""
    first = 2**31 - 1
    identity = CyclotomicMatrix(2, 1, lambda i, j: [((i == j).astype(np.int64), 0)], real=True)
    transform, plan = plan_of("hadamard", 2)
    exact = exact_transform(plan, 2)
    factor = exact.factors[-1]
    shifted = replace(factor, values=tuple(((n[0] + first, *n[1:]), d) for n, d in factor.values))
    broken = replace(exact, factors=(*exact.factors[:-1], shifted))
    assert not verify_transform(broken, transform.exact).ok
    assert not verify_transform(exact, identity).ok


def test_floats_have_no_exact_factors():
    _, plan = plan_of("dft", 8)
    with pytest.raises(TransformError, match="no exact entries are known"):
        exact_transform(replace(plan, transform=replace(plan.transform, exact=None)), 8)


@given(NUMERATORS, st.integers(1, 10**10))
def test_numbers_are_read_as_written(numerators, denominator):
    if not any(numerators):
        return
    fractions = [Fraction(n, denominator) for n in numerators]
    common = np.lcm.reduce([f.denominator for f in fractions], dtype=object)
    numbers = [int(f * common) for f in fractions]
    while not numbers[-1]:
        numbers.pop()
    number = (tuple(numbers), int(common))
    assert read_number(write_number(number), 8) == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "z^8", "1+1", "2/4", "1/0", "z+1", "1*z^0", "+1", "1.5", "1+", "x", "z^", "__import__", "1" * 5000, "-0"],
)
def test_other_texts_are_no_numbers(text):
    with pytest.raises(TransformError, match="no number of the field"):
        read_number(text, 4)


def test_fields_by_name():
    assert [field_name(order) for order in (1, 2, 3, 64)] == ["q", "q", "zeta3", "zeta64"]
    assert [parse_field(name) for name in ("q", "zeta64")] == [1, 64]
    for name in ("zeta", "zeta0", "r", "zeta12345"):
        with pytest.raises(TransformError, match="q or zetaN is needed"):
            parse_field(name)


def test_orders_beyond_the_limit_are_refused():
    with pytest.raises(TransformError, match="order 10000 of the root of unity"):
        ExactTransform(2, 10000, ())

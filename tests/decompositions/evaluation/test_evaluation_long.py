"""Long products, fields, and primes beyond 3: against published ranks, against nesting, and each verified exactly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, parse_target, verify
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.evaluation.fields import INTEGERS, TERNARY, Field
from bilinear.decompositions.evaluation.finite import prime_field
from bilinear.decompositions.evaluation.plans import local_plan, product
from bilinear.decompositions.facts.polynomial import composed
from bilinear.decompositions.verify import second_method
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import run
from bilinear.discover.solvers.evaluation import begins, reaches

FIELDS = {
    2: (3, 6, 9, 13, 15, 22, 24, 30, 33, 39, 42, 48, 51, 54, 60, 67, 69),
    3: (3, 6, 9, 11, 15, 19, 21, 26, 27, 34, 36, 42, 45, 50, 54, 58, 62),
}
"""Fields of 2^n and 3^n elements, n from 2 to 18, as in S. Ballet, J. Chaumine, J. Pieltant, M. Rambaud,
H. Randriambololona, R. Rolland, "On the tensor rank of multiplication in finite extensions of finite fields and related
issues in algebraic geometry", 2019 (arXiv:1906.07456)."""
BEHIND = {2: {17}, 3: {9, 11, 13, 15, 17, 18}}
"""Where curves with more points than a line save one product more."""
SETS = (prime_field(2), prime_field(3), prime_field(5), INTEGERS, TERNARY)


@pytest.mark.parametrize("n", range(2, 65))
def test_products_are_no_longer_than_what_is_published_and_composed(n: int) -> None:
    """Montgomery to 7 coefficients, Fan and Hasan to 10, and what is split and nested of them to 64."""
    for field, ring in ((prime_field(2), Ring.F2), (prime_field(3), Ring.F3), (INTEGERS, Ring.Z), (TERNARY, Ring.ZT)):
        assert product(field, n, n).rank <= composed(n, n, ring)


@pytest.mark.parametrize("prime", FIELDS)
def test_fields_are_as_short_as_published_but_where_curves_are_needed(prime: int) -> None:
    for n, rank in enumerate(FIELDS[prime], 2):
        assert local_plan(prime_field(prime), n, 1, n, n).rank == rank + (n in BEHIND[prime])


@given(st.sampled_from(SETS), st.integers(4, 100), st.data())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_no_product_is_above_a_nesting_of_shorter_ones(field: Field, n: int, data: st.DataObject) -> None:
    """Over `zt` copies of the inner formula may add up; those whose blocks have even lengths do not."""
    size = data.draw(st.integers(2, n - 1))
    nested = product(field, -(-n // size), -(-n // size)).rank * product(field, size, size).rank
    assert product(field, n, n).rank <= nested or (field is TERNARY and size % 2)


@pytest.mark.parametrize(
    ("name", "ring", "rank"),
    [
        ("polymul:48x48", "f2", 224),
        ("polymul:64x64", "f2", 312),
        ("polymul:40x100", "f2", 348),
        ("polymul:33x33", "zt", 279),
        ("polymul:48x48", "zt", 486),
        ("polymul:64x64", "zt", 729),
        ("polymul:33x70", "zt", 606),
        ("polymul:33x33", "z", 210),
        ("polymul:40x40", "q", 117),
        ("cyclic:127", "f2", 397),
        ("shortmul:70", "f3", 288),
    ],
)
def test_any_length_is_built_at_once_and_right(name: str, ring: str, rank: int) -> None:
    scheme = evaluated(parse_target(name), Ring(ring))
    assert scheme.rank <= rank
    assert verify(scheme).ok


@pytest.mark.slow
def test_256_coefficients_over_f2() -> None:
    scheme = evaluated(parse_target("polymul:256x256"), Ring.F2)
    assert scheme.rank == 1488
    assert verify(scheme).ok


@pytest.mark.parametrize("n", [*range(2, 40), 57, 61])
def test_over_zt_every_plan_keeps_to_signs(n: int) -> None:
    formula = product(TERNARY, n, n).build()
    assert max(int(np.abs(factor).max()) for factor in (formula.u, formula.v, formula.w)) == 1


@pytest.mark.parametrize(
    ("name", "prime", "rank"),
    [
        ("polymul:3x3", 5, 5),
        ("polymul:4x4", 5, 8),
        ("polymul:4x4", 7, 7),
        ("cyclic:6", 7, 6),
        ("polymul:9x9", 5, 23),
        ("shortmul:4", 5, 7),
        ("polymul:8x8", 4194319, 15),
        ("polymul:4x4", 2**31 - 1, 7),
        ("toeplitz:3", 11, 5),
    ],
)
def test_over_larger_primes_there_are_points_enough_or_places(name: str, prime: int, rank: int) -> None:
    """With p + 1 points m + n - 1 products suffice; a prime with an n-th root of 1 needs n for a cyclic product."""
    scheme = evaluated(parse_target(name), Ring(f"f{prime}"))
    assert scheme.rank == rank
    assert all(verify(scheme, method).ok for method in ("exact", "symbolic", "random"))


@given(st.sampled_from([5, 7, 101, 65537, 4194301, 2**31 - 1]), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_modulo_any_prime_a_changed_coefficient_is_caught(prime: int, data: st.DataObject) -> None:
    scheme = evaluated(parse_target("polymul:3x4"), Ring(f"f{prime}"))
    factors = [factor.copy() for factor in scheme.factors]
    axis = data.draw(st.integers(0, 2))
    row = data.draw(st.integers(0, scheme.rank - 1))
    column = data.draw(st.integers(0, factors[axis].shape[1] - 1))
    factors[axis][row, column] = (factors[axis][row, column] + data.draw(st.integers(1, prime - 1))) % prime
    broken = type(scheme)(scheme.target, scheme.ring, *factors)
    checks = [verify(broken, method) for method in ("exact", "symbolic", "random")]
    assert [check.ok for check in checks] == [False] * 3
    assert checks[2].error_probability == 0.0
    assert math.log2(verify(scheme, "random").error_probability) <= -60


@pytest.mark.parametrize(("name", "method"), [("polymul:8x8", "symbolic"), ("polymul:64x64", "random")])
def test_symbols_are_left_where_they_have_millions_of_terms(name: str, method: str) -> None:
    scheme = evaluated(parse_target(name), Ring.F2)
    assert second_method(scheme) == method
    assert verify(scheme, second_method(scheme)).ok


def test_a_lower_rank_is_searched_from_what_is_constructed() -> None:
    """The field of AES: the standard algorithm has 64 products and more, evaluation 24."""
    problem = Problem(parse_target("gf:2^8"), 21, Ring.F2)
    assert begins(problem)
    assert not reaches(problem)
    assert reaches(Problem(problem.target, 24, Ring.F2))
    outcome = run(Order(problem, "evaluation", {"flips": 3.0}))
    assert (outcome.status, outcome.scheme) == (Status.EXHAUSTED, None)

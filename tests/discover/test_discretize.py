"""Float solutions become exact schemes; what is no solution does not."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import generators

from bilinear.decompositions import RingError, Scheme, SchemeError, parse_target, strassen, verify, winograd
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation
from bilinear.discover.discretize import discretize
from bilinear.discover.discretize.exact import PRIME, ROOT, assembled
from bilinear.discover.discretize.grids import grids, nearest


def hidden(scheme: Scheme, rng: np.random.Generator) -> Approximation:
    """A scheme of a matrix product in a random real basis, its products rescaled."""
    n, m, p = scheme.target.sizes
    bases = [np.linalg.qr(rng.standard_normal((size, size)))[0] * rng.uniform(0.7, 1.4) for size in (n, m, p)]
    a, b, c = (np.kron(x, y) for x, y in ((bases[0], bases[1]), (bases[1], bases[2]), (bases[0], bases[2])))
    scales = np.exp(rng.normal(0, 0.3, (2, scheme.rank, 1)))
    u, v, w = (factor.astype(float) for factor in scheme.factors)
    u, v, w = u @ a.T, v @ np.linalg.inv(b), w @ c.T
    left = Approximation(scheme.target, u, v, w)
    fitted = w if left.residual < 1e-20 else _solved(scheme, u, v)
    return Approximation(scheme.target, u * scales[0], v * scales[1], fitted / (scales[0] * scales[1]))


def _solved(scheme: Scheme, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The output factor that least squares gives to the two others."""
    pairs = (u[:, :, None] * v[:, None, :]).reshape(len(u), -1).T
    found: np.ndarray = np.linalg.lstsq(pairs, scheme.target.dense().reshape(len(pairs), -1), rcond=None)[0]
    return found


@settings(deadline=None, max_examples=8)
@given(scheme=st.sampled_from([strassen(), winograd()]), rng=generators())
def test_a_scheme_in_a_random_basis_comes_back_ternary(scheme: Scheme, rng: np.random.Generator) -> None:
    given_floats = hidden(scheme, rng)
    assert given_floats.residual < 1e-20
    (found,) = discretize([given_floats], scheme.target, "zt", seed=1, tries=3)
    assert found.scheme is not None, found.detail
    assert verify(found.scheme).ok
    assert found.scheme.ring is Ring.ZT
    assert found.scheme.rank == 7


def test_what_is_no_solution_is_told_so() -> None:
    scheme = strassen()
    rng = np.random.default_rng(0)
    noise = tuple(rng.standard_normal((3, side)) for side in scheme.target.shape)
    (found,) = discretize([noise], scheme.target)
    assert found.scheme is None
    assert found.detail.startswith("no solution of the equations: squared error")


def test_the_outcomes_stand_in_the_order_of_the_solutions() -> None:
    rng = np.random.default_rng(2)
    good = hidden(strassen(), rng)
    bad = tuple(0 * factor for factor in good.factors)
    found = discretize([good, bad, good], good.target)
    assert [outcome.scheme is not None for outcome in found] == [True, False, True]
    assert discretize([], good.target) == []


def test_the_same_seed_gives_the_same_scheme() -> None:
    given_floats = hidden(strassen(), np.random.default_rng(4))
    first, second = (discretize([given_floats], given_floats.target, seed=9)[0].scheme for _ in range(2))
    assert first is not None
    assert second is not None
    assert all(np.array_equal(x, y) for x, y in zip(first.factors, second.factors, strict=True))


def test_complex_multiplication_with_two_products_needs_gaussian_numbers() -> None:
    target = parse_target("complex")
    rows = np.array([[1, 1j], [1, -1j]])
    factors = (rows, rows, np.array([[0.5, -0.5j], [0.5, 0.5j]]))
    (found,) = discretize([factors], target, "qi")
    assert found.scheme is not None, found.detail
    assert found.scheme.ring is Ring.QI
    assert verify(found.scheme).ok
    with pytest.raises(RingError, match="complex factors cannot be rounded to q; ask for qi"):
        discretize([factors], target, "q")


@pytest.mark.parametrize("ring", ["f2", "f3"])
def test_finite_fields_are_refused(ring: str) -> None:
    with pytest.raises(RingError, match=f"floats cannot be rounded to {ring}"):
        discretize([], parse_target("2x2x2"), ring)


def test_factors_of_other_shapes_are_refused() -> None:
    factors = tuple(np.zeros((7, side)) for side in (4, 4, 5))
    with pytest.raises(SchemeError, match=r"2x2x2: factors of shapes .*7 rows of \(4, 4, 4\) are needed"):
        discretize([factors], parse_target("2x2x2"))


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=20), st.sampled_from([Ring.ZT, Ring.Z, Ring.Q]))
def test_nothing_of_the_grid_is_nearer(values: list[float], ring: Ring) -> None:
    for grid in grids(ring):
        numbers = np.array([float(number) for number in grid])
        found = nearest(torch.tensor(values, dtype=torch.float64), grid).numpy()
        assert np.allclose(np.abs(found - values), np.abs(numbers[:, None] - values).min(0))


def test_grids_are_symmetric() -> None:
    for ring in (Ring.ZT, Ring.Z, Ring.Q, Ring.QI):
        for grid in grids(ring):
            assert set(grid) == {-number for number in grid}
        assert Fraction(1, 2) in grids(Ring.Q)[1]
    assert grids(Ring.F2) == ()


def test_the_prime_has_a_root_of_minus_one() -> None:
    sympy = pytest.importorskip("sympy")
    assert sympy.isprime(PRIME)
    assert ROOT * ROOT % PRIME == PRIME - 1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_factor_left_over_is_solved_for_exactly(axis: int) -> None:
    scheme = strassen()
    factors = [factor.astype(float) for factor in scheme.factors]
    factors[(axis + 1) % 3] /= 2
    factors[axis] = np.full_like(factors[axis], np.pi)
    found = assembled(scheme.target, Ring.Q, factors)
    assert found is not None
    assert verify(found).ok


def test_factors_that_no_third_one_completes_are_refused() -> None:
    scheme = strassen()
    factors = [factor.astype(float) for factor in scheme.factors]
    factors[0][0] = 0
    assert assembled(scheme.target, Ring.Q, factors) is None
    factors[2] = np.full_like(factors[2], np.pi)
    assert assembled(scheme.target, Ring.Q, factors) is None
    factors[1] = factors[2]
    assert assembled(scheme.target, Ring.Q, factors) is None

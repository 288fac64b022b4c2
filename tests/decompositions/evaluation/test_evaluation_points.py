"""Points and moduli given by the user, points chosen, and values against NumPy's and Winograd's."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, TargetError, parse_target, verify
from bilinear.decompositions.apply import evaluate
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.evaluation import Choice, evaluated
from bilinear.decompositions.scheme import Scheme

WINOGRAD_4_3 = (
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    [[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]],
)
"""B^T, G and A of F(4, 3), from A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", 2016."""
WINOGRAD_2_3 = (
    [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    [[1, 0], [1, 1], [1, -1], [0, -1]],
)
"""B^T, G and A of F(2, 3), from the same paper."""


def products(u: object, v: object, w: object) -> set[tuple[float, ...]]:
    """Rank-one tensors, each as its rounded entries: the same whatever the scaling and order of products."""
    rows = zip(*(np.asarray(factor, dtype=float) for factor in (u, v, w)), strict=True)
    return {tuple(np.round(np.einsum("a,b,c->abc", *row), 9).ravel() + 0.0) for row in rows}


@pytest.mark.parametrize(
    ("name", "points", "published"),
    [("correlation:2x3", "0,1,-1,inf", WINOGRAD_2_3), ("correlation:4x3", "0,1,-1,2,-2,inf", WINOGRAD_4_3)],
)
def test_winograds_convolutions_as_published(name: str, points: str, published: tuple[object, ...]) -> None:
    scheme = evaluated(parse_target(name), Ring.Q, Choice(points=points))
    w = scheme.w / scheme.denominators[:, None].astype(float)
    assert products(scheme.u, scheme.v, w) == products(*published)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_products_are_numpys_convolution(m: int, n: int, seed: int) -> None:
    scheme = evaluated(parse_target(f"polymul:{m}x{n}"), Ring.Q)
    rng = np.random.default_rng(seed)
    x, y = rng.integers(-9, 10, m), rng.integers(-9, 10, n)
    assert evaluate(scheme, x, y).tolist() == np.convolve(x, y).tolist()


@pytest.mark.parametrize("family", ["correlation", "toeplitz"])
def test_transposes_are_numpys_valid_correlation(family: str) -> None:
    rng = np.random.default_rng(3)
    data, taps = rng.integers(-9, 10, 5), rng.integers(-9, 10, 3)
    name, order = ("correlation:3x3", 1) if family == "correlation" else ("toeplitz:3", -1)
    found = evaluate(evaluated(parse_target(name), Ring.Q), data, taps[::order])
    assert found.tolist() == np.correlate(data, taps, "valid").tolist()


def test_cyclic_convolution_is_numpys_transform() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(-9, 10, 6), rng.integers(-9, 10, 6)
    found = evaluate(evaluated(parse_target("cyclic:6"), Ring.Q), x, y)
    assert np.allclose(found, np.fft.ifft(np.fft.fft(x) * np.fft.fft(y)).real)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.fractions(-5, 5, max_denominator=4), min_size=4, max_size=4, unique=True))
def test_any_different_points_will_do(points: list[Fraction]) -> None:
    scheme = evaluated(parse_target("polymul:3x3"), Ring.Q, Choice(points=",".join(["inf", *map(str, points)])))
    assert scheme.rank == 5
    assert verify(scheme).ok


def test_complex_points_and_given_moduli() -> None:
    over_qi = evaluated(parse_target("polymul:3x3"), Ring.QI, Choice(points="0,1,i,-1/2+2i,inf"))
    karatsuba = evaluated(parse_target("polymul:3x3"), Ring.F2, Choice(moduli="0,1; 1,1; 1,1,1; inf"))
    real = evaluated(parse_target("correlation:2x2"), Ring.Q, Choice(moduli="-1,0,1;inf"))
    assert [scheme.rank for scheme in (over_qi, karatsuba, real)] == [5, 6, 3]
    assert all(verify(scheme).ok for scheme in (over_qi, karatsuba, real))


def test_each_modulus_gets_points_of_the_sign_that_suits_it() -> None:
    """x = -1 for x^2 + x + 1, where x = 1 would leave coefficients 2."""
    scheme = evaluated(parse_target("cyclic:6"), Ring.Q)
    assert np.abs(scheme.u).max() == np.abs(scheme.v).max() == 1


def growth(scheme: Scheme) -> float:
    """Sum over products of the norms of the three rows."""
    factors = [factor.astype(float) for factor in scheme.factors]
    factors[2] = factors[2] / scheme.denominators[:, None]
    return float(np.prod([np.linalg.norm(factor, axis=1) for factor in factors], axis=0).sum())


def test_points_are_chosen_by_additions_or_by_accuracy() -> None:
    target = parse_target("correlation:4x3")
    few, accurate = (evaluated(target, Ring.Q, Choice(prefer=word)) for word in ("additions", "accuracy"))
    common = evaluated(target, Ring.Q, Choice(points="0,1,2,3,4,5"))
    assert few.rank == accurate.rank == 6
    assert growth(accurate) <= growth(few) < growth(common)


@pytest.mark.parametrize(
    ("name", "ring", "choice", "reason"),
    [
        ("polymul:4x4", Ring.Q, Choice(points="0,1,-1,inf"), "polymul:4x4 over q needs 7 points; 4 given"),
        ("polymul:2x2", Ring.Q, Choice(points="0,1,-1,inf"), "needs 3 points; 4 given"),
        (
            "polymul:4x4",
            Ring.F2,
            Choice(points="0,1,inf"),
            "needs 7 points, f2 has 3 with infinity; leave the points out",
        ),
        ("polymul:2x2", Ring.Q, Choice(points="0,1,1"), "point 1 is given twice"),
        ("polymul:2x2", Ring.Q, Choice(points="0,inf,inf"), "inf is given twice"),
        ("polymul:2x2", Ring.F2, Choice(points="0,1,2"), "'2' is no element of f2, which has 2"),
        ("polymul:2x2", Ring.F3, Choice(points="0,1/2,inf"), "'1/2' is no element of f3"),
        ("polymul:2x2", Ring.Q, Choice(points="0,i,inf"), "'i' is no number of q; declare the ring qi"),
        ("polymul:2x2", Ring.Q, Choice(points="0,x,inf"), "'x' is no point; points are written"),
        ("polymul:2x2", Ring.Q, Choice(points="0,1/0,inf"), "divides by zero"),
        ("polymul:2x2", Ring.Q, Choice(points="0,,inf"), "'' is no point"),
        ("polymul:2x2", Ring.F2, Choice(moduli="0,1;1,0;inf"), "modulus 1,0 is not monic"),
        ("polymul:3x3", Ring.Q, Choice(moduli="0,1;inf"), "needs moduli of degree 5 together; those given have 2"),
        ("polymul:2x2", Ring.Q, Choice(moduli="-1,0,1;1,1"), "modulus 1,1 and point -1|not coprime"),
        ("polymul:2x2", Ring.Q, Choice("0,1,inf", "0,1"), "points and moduli are both given"),
        ("cyclic:4", Ring.Q, Choice(points="0,1"), "cyclic:4 is computed at the factors of its modulus"),
    ],
)
def test_wrong_points_and_moduli_are_refused(name: str, ring: Ring, choice: Choice, reason: str) -> None:
    with pytest.raises(TargetError, match=reason):
        evaluated(parse_target(name), ring, choice)


def test_a_set_too_small_for_the_points_is_refused() -> None:
    with pytest.raises(RingError, match=r"its coefficients need q; zt \(\{-1, 0, 1\}\) is too small"):
        evaluated(parse_target("polymul:3x3"), Ring.ZT, Choice(points="0,1,-1,2,inf"))

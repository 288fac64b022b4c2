"""Growth factors against published ones, and changes of basis that lower them without losing exactness."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import generators

from bilinear.decompositions import (
    Ring,
    RingError,
    SchemeError,
    kronecker,
    parse_target,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.equivalence import Verdict, equivalent
from bilinear.decompositions.stability import LARGEST, growth, lower_growth
from bilinear.decompositions.stability.orbit import _slopes


def test_growth_of_the_classical_schemes() -> None:
    """Dumas, Pernet, Sedoglavic (ISSAC 2024) for gamma; Ballard et al. (2016) for emax."""
    assert growth(strassen()).gamma == pytest.approx(12 + 2 * 2**0.5)
    assert growth(winograd()).gamma == pytest.approx(7 + 8 / 2**0.5 + 9 / 3**0.5)
    assert (growth(strassen()).emax, growth(winograd()).emax) == (12, 18)
    assert (growth(strassen()).qmax, growth(winograd()).qmax) == (8, 10)
    assert growth(strassen()).nonzeros == 36


def test_growth_of_the_standard_algorithm_is_its_inner_size() -> None:
    found = growth(standard(parse_target("3x4x5")))
    assert (found.gamma, found.emax, found.qmax) == (60, 4, 6)


def test_growth_multiplies_over_kronecker_products() -> None:
    one, two = growth(strassen()), growth(kronecker(strassen(), strassen()))
    assert two.gamma == pytest.approx(one.gamma**2)
    assert two.emax == one.emax**2


def test_denominators_count() -> None:
    scheme = strassen().to(Ring.Q)
    half = type(scheme)(scheme.target, Ring.Q, scheme.u * 2, scheme.v, scheme.w, scheme.denominators * 2)
    assert growth(half).gamma == pytest.approx(growth(scheme).gamma)


def test_the_known_minimum_of_two_by_two_is_reached_exactly() -> None:
    """12.0662 is the published value (Dumas, Pernet, Sedoglavic)."""
    for scheme in (strassen(), winograd()):
        found = lower_growth(scheme, starts=3, largest=1 << 20)
        assert found.infimum == pytest.approx(12.0660, abs=1e-4)
        assert found.gamma < 12.0664
        assert verify(found.scheme).ok
        assert growth(found.scheme).gamma == found.gamma
    assert equivalent(strassen(), found.scheme).verdict is Verdict.SAME


def test_coefficients_are_bounded_unless_more_is_asked_for() -> None:
    small, large = (lower_growth(strassen(), starts=3, largest=bound) for bound in (16, 1 << 20))
    assert max(int(abs(factor).max()) for factor in small.scheme.factors) <= 16
    assert large.gamma < small.gamma < growth(strassen()).gamma
    default = lower_growth(strassen(), starts=3).scheme
    assert max(int(abs(factor).max()) for factor in default.factors) <= LARGEST


def test_a_search_repeats_and_never_makes_worse() -> None:
    scheme = standard(parse_target("2x2x2"))
    one, two = (lower_growth(scheme, starts=2, seed=5) for _ in range(2))
    assert one.gamma == two.gamma <= 8
    assert verify(one.scheme).ok


@settings(deadline=None, max_examples=20)
@given(generators())
def test_slopes_are_the_derivatives(rng: np.random.Generator) -> None:
    n, m, p = 2, 3, 2
    whole = rng.standard_normal((5, n, m)), rng.standard_normal((5, m, p)), rng.standard_normal((5, n, p))
    changes = [np.eye(size) + 0.3 * rng.standard_normal((size, size)) for size in (n, m, p)]
    _, slopes = _slopes(whole, (changes[0], changes[1], changes[2]))
    step = 1e-6
    for place, slope in enumerate(slopes):
        direction = rng.standard_normal(slope.shape)
        values = []
        for sign in (1, -1):
            moved = list(changes)
            moved[place] = changes[place] + sign * step * direction
            values.append(_slopes(whole, (moved[0], moved[1], moved[2]))[0])
        numeric = (values[0] - values[1]) / (2 * step)
        assert numeric == pytest.approx(float((slope * direction).sum()), rel=1e-4, abs=1e-5)


def test_what_has_no_growth_is_refused() -> None:
    with pytest.raises(RingError, match="growth over f2: nothing is rounded there"):
        growth(strassen().to(Ring.F2))
    with pytest.raises(SchemeError, match="2x2x2 over f3: a matmul scheme over zt, z or q is needed"):
        lower_growth(strassen().to(Ring.F3))

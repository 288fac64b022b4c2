"""Whatever a format can hold comes back the same, over the same field, and its file is told from its content alone."""

from fractions import Fraction

import numpy as np
import pytest
from format_samples import CANNOT_HOLD, NAMES, drafts, settled, source, sources
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import verified_schemes

from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, permute, standard, strassen, winograd
from bilinear.decompositions.formats import detect, write
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.operations import sandwich

EXACT = ("linear-forms", "mathematica", "maple", "fast-matmul", "perminov-text", "mmc", "plinopt-sms", "plinopt-slp")
"""Formats that hold every fraction."""


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(scheme=verified_schemes())
def test_a_scheme_comes_back(name: str, scheme: Scheme) -> None:
    try:
        given_back = sources(scheme, name)
    except CANNOT_HOLD:
        assume(False)
    assert detect(given_back) == name
    found = settled(given_back)
    assert found.verification.ok
    if found.scheme.ring.characteristic == scheme.ring.characteristic:
        assert content_hash(found.scheme) == content_hash(scheme)
    else:
        assert content_hash(found.scheme.to(scheme.ring)) == content_hash(scheme)


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=10)
@given(scheme=verified_schemes(rings=(Ring.ZT, Ring.Z, Ring.Q)))
def test_every_fraction_can_be_held(name: str, scheme: Scheme) -> None:
    assert content_hash(settled(sources(scheme, name)).scheme) == content_hash(scheme)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", [strassen(), winograd(), permute(standard(parse_target("2x3x1")), (1, 2, 0))])
def test_integers_come_back_coefficient_by_coefficient(name: str, scheme: Scheme) -> None:
    found = settled(sources(scheme, name)).scheme
    assert found.target == scheme.target
    assert found.ring is Ring.ZT
    for old, new in zip(scheme.factors, found.factors, strict=True):
        np.testing.assert_array_equal(old, new)


@settings(max_examples=20)
@given(scheme=verified_schemes(rings=(Ring.ZT,)), seed=st.integers(0, 99))
def test_complex_binary_fractions_come_back_from_alphaevolve(scheme: Scheme, seed: int) -> None:
    """Each left factor times a Gaussian integer z, each output factor times conj(z) / |z|^2 with |z|^2 = 1 or 2."""
    rng = np.random.default_rng(seed)
    real, imag = np.array([[1, 0], [0, 1], [1, 1], [1, -1]])[rng.integers(0, 4, scheme.rank)].T[:, :, None]
    u, v, w = scheme.factors
    norms = (real * real + imag * imag).ravel()
    parts = (u * imag, np.zeros_like(v), -w * imag)
    complex_scheme = Scheme(scheme.target, "qi", u * real, v, w * real, norms, parts)
    found = settled(sources(complex_scheme, "alphaevolve"))
    assert found.verification.ok
    assert content_hash(found.scheme.to("qi")) == content_hash(scheme.to("qi")) == content_hash(complex_scheme)


@pytest.mark.parametrize("name", NAMES)
def test_the_ring_is_proved_over_f2(name: str) -> None:
    scheme = sandwich(strassen().to("f2"), [[1, 1], [0, 1]], [[1, 0], [1, 1]], [[0, 1], [1, 0]])
    found = settled(sources(scheme, name))
    assert found.verification.ok
    assert found.scheme.ring is Ring.F2
    assert "f2" in found.note or name in ("perminov-json", "perminov-reduced", "mmc", "lita")


def test_halves_stay_halves_in_alphatensor() -> None:
    scheme = sandwich(strassen(), [[1, 1], [-1, 1]], np.eye(2, dtype=int), np.eye(2, dtype=int))
    assert scheme.ring is Ring.Q
    (draft,) = drafts(sources(scheme, "alphatensor"))
    assert set(draft.w.denominators.tolist()) == {1, 2}
    assert content_hash(settled(sources(scheme, "alphatensor")).scheme) == content_hash(scheme)


@pytest.mark.parametrize("name", ["alphatensor", "alphaevolve"])
def test_thirds_are_no_floats(name: str) -> None:
    with pytest.raises(CANNOT_HOLD, match=f"{Fraction(1, 3)}|float"):
        write(sandwich(strassen(), [[1, 1], [-1, 2]], np.eye(2, dtype=int), np.eye(2, dtype=int)), name)


@pytest.mark.parametrize("name", NAMES)
def test_imaginary_parts_are_refused_where_they_cannot_be_held(name: str) -> None:
    i = np.array([[1]]), np.array([[0]])
    target = parse_target("1x1x1")
    scheme = Scheme(target, "qi", i[1], i[1], -i[0], imag=(i[0], i[0], i[1]))
    if name == "alphaevolve":
        assert settled(sources(scheme, name)).verification.ok
    else:
        with pytest.raises(FormatError, match="no imaginary coefficients"):
            write(scheme, name)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"plinopt-sms", "plinopt-slp"}))
def test_other_maps_are_refused(name: str) -> None:
    with pytest.raises(FormatError, match="matrix multiplication only"):
        write(standard(parse_target("polymul:2x2")), name)


@pytest.mark.parametrize("name", ["plinopt-sms", "plinopt-slp"])
def test_polynomial_products_come_back_from_plinopt(name: str) -> None:
    scheme = standard(parse_target("polymul:2x3"))
    given = {f"p{ending}": data for ending, data in write(scheme, name).items()}
    first = next(iter(given))
    found = settled(source(given[first], first, given))
    assert found.scheme.target == scheme.target
    assert found.verification.ok


@pytest.mark.parametrize("name", ["perminov-json", "perminov-reduced"])
def test_modulo_3_is_not_declared_by_perminov(name: str) -> None:
    with pytest.raises(CANNOT_HOLD, match="f3"):
        write(strassen().to("f3"), name)

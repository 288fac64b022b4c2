import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import assert_valid, file_schemes, read_formulas, verified_schemes

from bilinear.decompositions import Scheme, parse_target, standard, strassen
from bilinear.decompositions.formulas import additions, exponent, outputs, products


def test_strassen_as_in_the_textbook():
    assert products(strassen()) == [
        "m1 = (a11 + a22) * (b11 + b22)",
        "m2 = (a21 + a22) * b11",
        "m3 = a11 * (b12 - b22)",
        "m4 = a22 * (-b11 + b21)",
        "m5 = (a11 + a12) * b22",
        "m6 = (-a11 + a21) * (b11 + b12)",
        "m7 = (a12 - a22) * (b21 + b22)",
    ]
    assert outputs(strassen()) == [
        "c11 = m1 + m4 - m5 + m7",
        "c12 = m3 + m5",
        "c21 = m2 + m4",
        "c22 = m1 - m2 + m3 + m6",
    ]


@given(st.one_of(verified_schemes(), file_schemes()))
def test_formulas_say_what_the_scheme_is(scheme):
    read = read_formulas(scheme.target, scheme.ring, products(scheme), outputs(scheme))
    assert (read.rank, read.ring) == (scheme.rank, scheme.ring)
    assert_valid(read)


def test_coefficients_in_words():
    target = parse_target("1x2x1")
    imag = ([[0, -1]], [[3, 0]], [[0]])
    scheme = Scheme(target, "qi", [[-2, 1]], [[0, -1]], [[3]], [6], imag)
    assert products(scheme) == ["m1 = (-2 a11 + (1 - i) a12) * (3i b11 - b21)"]
    assert outputs(scheme) == ["c11 = 1/2 m1"]
    zero = Scheme(target, "z", [[0, 0]], [[-1, 0]], [[0]])
    assert products(zero) == ["m1 = 0 * (-b11)"]
    assert outputs(zero) == ["c11 = 0"]


def test_costs():
    assert additions(strassen()) == 18
    assert additions(standard(parse_target("2x2x2"))) == 4
    assert exponent(strassen()) == pytest.approx(2.8073549)
    assert exponent(standard(parse_target("2x3x4"))) == pytest.approx(3)
    assert exponent(standard(parse_target("1x1x1"))) is None
    target = parse_target("2x2x2")
    assert exponent(Scheme(target, "z", *([[]] * 0 or [strassen().u[:0]] * 3))) is None

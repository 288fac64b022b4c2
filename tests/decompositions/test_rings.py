from itertools import product

import numpy as np
import pytest

from bilinear.decompositions import Ring, RingError, Scheme, SchemeError, parse_target, strassen
from bilinear.decompositions.rings import (
    common_multiple,
    exact,
    holds,
    magnitude,
    outside,
    parse_ring,
    serves,
    smallest,
)

CHAIN = (Ring.ZT, Ring.Z, Ring.Q, Ring.QI)


def one_product(u, v=1, w=1, d=1, ring="z", imag=None):
    """A scheme of rank 1 of 1x1x1."""
    parts = None if imag is None else tuple([[i]] for i in imag)
    return Scheme(parse_target("1x1x1"), ring, [[u]], [[v]], [[w]], [d], parts)


@pytest.mark.parametrize("ring", Ring)
def test_names_are_read_back(ring):
    assert parse_ring(f" {ring.upper()} ") is ring
    assert ring.characteristic in (0, 2, 3)
    assert ring.field in (Ring.Q, Ring.QI, Ring.F2, Ring.F3)
    assert ring.description


def test_unknown_ring_lists_the_known_ones():
    with pytest.raises(RingError, match="unknown ring 'r': known rings: zt, z, q, qi, f2, f3"):
        parse_ring("r")


@pytest.mark.parametrize(("larger", "smaller"), list(product(Ring, Ring)))
def test_inclusion_is_the_chain_and_never_a_reduction(larger, smaller):
    expected = larger == smaller
    if larger in CHAIN and smaller in CHAIN:
        expected = CHAIN.index(smaller) <= CHAIN.index(larger)
    assert holds(larger, smaller) is expected


@pytest.mark.parametrize(
    ("ring", "inside", "beyond"),
    [("zt", [-1, 0, 1], [-2, 2]), ("f2", [0, 1], [-1, 2]), ("f3", [0, 1, 2], [-1, 3])],
)
def test_membership(ring, inside, beyond):
    assert outside(Ring(ring), np.array([inside])) is None
    for number in beyond:
        assert outside(Ring(ring), np.array([[0, 0], [0, number]])) == (1, 1)
        with pytest.raises(SchemeError, match=rf"1x1x1: u\[0,0\] is {number}, outside {ring}"):
            one_product(number, ring=ring)


@pytest.mark.parametrize("number", [2**62 - 1, 2**62, 2**63, -(2**63), 2**64, 10**30, -(2**4096) + 1])
def test_any_integer_is_held_exactly(number):
    array = exact([[number, -1]], 2)
    assert array.tolist() == [[number, -1]]
    assert array.dtype == (np.int64 if abs(number) < 2**62 else object)
    assert magnitude(array) == abs(number)
    assert not array.flags.writeable


def test_the_smallest_int64_has_a_magnitude():
    assert magnitude(np.array([-(2**63)])) == 2**63


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4", object])
def test_integers_of_any_width(dtype):
    assert exact(np.array([[1, 100]]).astype(dtype), 2).tolist() == [[1, 100]]


def test_the_input_is_copied():
    given = np.array([[1, 2]])
    held = exact(given, 2)
    given[0, 0] = 7
    assert held[0, 0] == 1


@pytest.mark.parametrize("value", [1.0, 1.5, float("nan"), "1", True, None, 1j, np.float64(2)])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(SchemeError, match=r"is no exact integer|exact integers are needed"):
        exact([[value]], 2)
    with pytest.raises(SchemeError, match="is no exact integer"):
        exact(np.array([[value, 2**70]], dtype=object), 2)


def test_coefficients_above_4096_bits_are_refused():
    exact([[2**4096 - 1]], 2)
    with pytest.raises(SchemeError, match="a coefficient of 4097 bits: at most 4096 are held"):
        exact([[2**4096]], 2)


def test_shapes_that_are_no_matrix_are_refused():
    with pytest.raises(SchemeError, match=r"factors of shape \(2,\): 2 axes are needed"):
        exact([1, 2], 2)
    with pytest.raises(SchemeError, match="rows differ in length"):
        exact([[1, 2], [3]], 2)


@pytest.mark.parametrize(
    ("scheme", "ring"),
    [
        (one_product(1, ring="qi", imag=(0, 0, 0)), "zt"),
        (one_product(-1, 1, -1, ring="q"), "zt"),
        (one_product(2, ring="qi"), "z"),
        (one_product(1, 1, 2, 2, ring="qi"), "q"),
        (one_product(1, ring="qi", imag=(0, 1, 0)), "qi"),
    ],
)
def test_smallest_set_and_inclusion(scheme, ring):
    least = smallest(scheme.factors, scheme.denominators, scheme.imag)
    assert least == ring
    for wanted in CHAIN:
        if holds(wanted, least):
            assert scheme.to(wanted).ring is wanted
        else:
            with pytest.raises(RingError, match=f"its coefficients need {least}; {wanted} .* is too small"):
                scheme.to(wanted)


def test_reduction_divides_by_the_denominator():
    half = one_product(1, 1, 5, 2, ring="q")
    assert half.to("f3").w.tolist() == [[5 * 2 % 3]]
    with pytest.raises(RingError, match="a denominator is divisible by 2; there is no reduction to f2"):
        half.to("f2")
    with pytest.raises(RingError, match="a denominator is divisible by 3; there is no reduction to f3"):
        one_product(1, 1, 1, 6, ring="q").to("f3")


def test_reduction_of_huge_and_negative_numbers():
    assert one_product(-(2**100), 3, 7).to("f3").u.tolist() == [[-(2**100) % 3]]


@pytest.mark.parametrize(("source", "wanted"), [("f2", "z"), ("f3", "q"), ("f2", "f3"), ("f3", "f2")])
def test_nothing_leads_back_from_a_finite_field(source, wanted):
    with pytest.raises(RingError, match=r"lift it instead|cannot be read modulo"):
        strassen().to(source).to(wanted)


def test_imaginary_coefficients_have_no_reduction():
    with pytest.raises(RingError, match="imaginary coefficients; f2 holds none"):
        one_product(0, ring="qi", imag=(1, 0, 0)).to("f2")
    assert one_product(1, ring="qi", imag=(0, 0, 0)).to("f2").imag is None


def test_common_multiple():
    assert common_multiple(np.array([], np.int64)) == 1
    assert common_multiple(np.array([4, 6, 2**70], object)) == 3 * 2**70


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        ("q", "zt", True),
        ("zt", "q", False),
        ("f2", "z", True),
        ("f3", "q", False),  # a denominator may be divisible by 3
        ("f7", "zt", True),
        ("f2", "f3", False),
        ("z", "f2", False),
    ],
)
def test_schemes_serve_larger_sets_and_residues_of_integers(wanted: str, held: str, expected: bool) -> None:
    assert serves(parse_ring(wanted), parse_ring(held)) is expected

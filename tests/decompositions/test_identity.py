import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import (
    assert_valid,
    assert_wrong,
    file_schemes,
    generators,
    nudge,
    positions,
    rescaled,
    shuffled,
    steps,
    verified_schemes,
)

from bilinear.decompositions import (
    Ring,
    Scheme,
    SchemeError,
    content_hash,
    identity,
    normal_form,
    parse_target,
    permute,
    strassen,
    winograd,
)
from bilinear.decompositions.operations import ORDERS

SCHEMES = st.one_of(verified_schemes(), file_schemes())


def numbers(scheme):
    parts = [[r.tolist(), None if i is None else i.tolist()] for r, i in scheme.parts]
    return [scheme.ring, scheme.denominators.tolist(), *parts]


@given(SCHEMES, generators())
def test_order_and_scaling_of_products_do_not_count(scheme, rng):
    same = shuffled(rescaled(scheme, rng), rng)
    assert content_hash(same) == content_hash(scheme)
    if scheme.ring is not Ring.QI:
        assert numbers(normal_form(same)) == numbers(normal_form(scheme))


@given(SCHEMES, st.data())
def test_every_changed_coefficient_counts(scheme, data):
    place, step = data.draw(positions(scheme)), data.draw(steps(scheme.ring))
    assert content_hash(nudge(scheme, *place, step)) != content_hash(scheme)
    if scheme.ring is Ring.QI:
        assert content_hash(nudge(scheme, *place, step, imag=True)) != content_hash(scheme)


@given(verified_schemes(rings=[Ring.Q, Ring.QI]), st.data())
def test_every_changed_denominator_counts(scheme, data):
    row = data.draw(positions(scheme))[1]
    assume(all(real[row].any() or (imag is not None and imag[row].any()) for real, imag in scheme.parts))
    denominators = scheme.denominators.astype(object)
    denominators[row] *= data.draw(st.sampled_from([2, 3, 2**61 - 1, 2**64]))
    changed = Scheme(scheme.target, scheme.ring, *scheme.factors, denominators, scheme.imag)
    assert content_hash(changed) != content_hash(scheme)
    assert_wrong(changed)


@given(SCHEMES)
def test_whole_arrays_and_single_products_give_the_same_normal_form(scheme):
    if not identity._is_narrow(scheme):
        return
    by_arrays, by_products = identity._by_arrays(scheme), identity._by_products(scheme)
    assert by_arrays.real == by_products.real
    assert by_arrays.denominators == by_products.denominators
    assert not any(any(map(any, rows)) for rows in by_products.imag)


@pytest.mark.parametrize("bits", [30, 31, 32, 61])
def test_numbers_up_to_the_bound_of_int64(bits):
    large = 2**bits
    scheme = Scheme(parse_target("1x1x2"), "q", [[large], [-2]], [[-large, 0], [0, 4]], [[1, 1], [0, 2]], [large, 3])
    assert identity._is_narrow(scheme) == (bits < 31 and 2 * large * large < 2**62)
    normal, slow = identity._normal(scheme), identity._by_products(scheme)
    assert (normal.real, normal.denominators) == (slow.real, slow.denominators)
    assert normal_form(scheme).w.tolist() == [[0, -16], [-large, -large]]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (strassen(), "1d3e92ec796b55855cc18a3d8ae70907f25c53363f2a7973f2bc71613c38c98d"),
        (strassen().to("f2"), "7c5d760f54736aa8f1eb8cfd59680d9d32931f3b357eca64461ddabfffbf176e"),
        (winograd(), "7c0bfb956ca6e1ddf8f6feb03f1804f8026458b59d179d03c1a255965388310e"),
    ],
)
def test_hashes_stay_what_they_are(scheme, expected):
    assert content_hash(scheme) == expected


@given(SCHEMES)
def test_the_normal_form_is_one(scheme):
    normal = normal_form(scheme)
    assert numbers(normal_form(normal)) == numbers(normal)
    assert (normal.ring, normal.rank, normal.target) == (scheme.ring, scheme.rank, scheme.target)
    assert content_hash(normal) == content_hash(scheme)
    assert_valid(normal)


@given(SCHEMES)
def test_the_declared_set_counts_by_its_characteristic(scheme):
    for ring in Ring:
        try:
            read = scheme.to(ring)
        except SchemeError:
            continue
        assert (content_hash(read) == content_hash(scheme)) == (ring.characteristic == scheme.ring.characteristic)


@given(SCHEMES)
def test_normal_rows_are_primitive_with_a_normal_first_coefficient(scheme):
    normal = normal_form(scheme)
    for factor, (real, imag) in zip("uv", normal.parts, strict=False):
        for q in range(normal.rank):
            row = list(zip(real[q].tolist(), [0] * real.shape[1] if imag is None else imag[q].tolist(), strict=True))
            lead = next(((a, b) for a, b in row if a or b), None)
            if lead is None:
                assert not any(part[q].any() for part, _ in normal.parts)
                continue
            assert lead[0] > 0, factor
            assert lead[1] >= 0, factor
            if not scheme.ring.characteristic:
                assert np.gcd.reduce([x for pair in row for x in pair]) == 1


def test_different_schemes_of_one_map():
    hashes = {content_hash(permute(scheme, order)) for scheme in (strassen(), winograd()) for order in ORDERS}
    assert len(hashes) > 2
    assert content_hash(strassen()) != content_hash(winograd())


def test_parts_of_complex_factors_are_not_mixed_up():
    target = parse_target("1x2x2")
    x, y = [[1, 2]], [[1, 3, 0, 0]]
    z = [[0, 0, 0, 0]]
    first = Scheme(parse_target("2x2x2"), "qi", y, [[1, 2, 0, 0]], [[1, 0, 0, 0]], None, ([[0, 5, 1, 0]], z, z))
    second = Scheme(parse_target("2x2x2"), "qi", y, [[0, 5, 1, 0]], [[1, 0, 0, 0]], None, (z, [[1, 2, 0, 0]], z))
    assert content_hash(first) != content_hash(second)
    assert target.shape[0] == len(x[0])


def test_real_and_imaginary_parts_of_neighbours_do_not_collide():
    # (u + i a) (x) b and u (x) (a + i b) list the same rows in the same order.
    target, zero = parse_target("2x2x2"), [[0, 0, 0, 0]]
    for u, a, b in itertools.permutations(([1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1])):
        first = Scheme(target, "qi", [u], [b], [[1, 0, 0, 0]], None, ([a], zero, zero))
        second = Scheme(target, "qi", [u], [a], [[1, 0, 0, 0]], None, (zero, [b], zero))
        assert content_hash(first) != content_hash(second)


@pytest.mark.parametrize("bits", [62, 63, 1000, 4000])
def test_huge_scalars(bits):
    target = parse_target("1x1x1")
    plain = Scheme(target, "q", [[1]], [[1]], [[1]])
    scaled = Scheme(target, "q", [[2**bits]], [[3]], [[1]], [3 * 2**bits])
    assert content_hash(scaled) == content_hash(plain)
    assert normal_form(scaled).denominators.tolist() == [1]


def test_scalars_that_no_normal_form_holds_still_have_a_hash():
    target = parse_target("1x1x1")
    big = Scheme(target, "z", [[2**3000]], [[2**3000]], [[1]])
    assert content_hash(big) == content_hash(Scheme(target, "z", [[2**2000]], [[2**2000]], [[2**2000]]))
    with pytest.raises(SchemeError, match="a coefficient of 6001 bits"):
        normal_form(big)


@given(verified_schemes(rings=[Ring.QI]), generators())
def test_units_of_the_gaussian_integers_do_not_count(scheme, rng):
    assume(scheme.imag is not None)
    (u, ui), (v, vi), w = scheme.parts
    turned = Scheme(scheme.target, "qi", -ui, vi, w[0], scheme.denominators, (u, -v, w[1]))
    assert content_hash(turned) == content_hash(scheme)
    assert content_hash(shuffled(turned, rng)) == content_hash(scheme)

import random
import time
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import (
    FIXED_PRIMES,
    PROOFS,
    assert_valid,
    assert_wrong,
    file_schemes,
    nudge,
    positions,
    read_formulas,
    steps,
    verdict,
    verified_schemes,
    with_products,
)

from bilinear.decompositions import (
    METHODS,
    Ring,
    Scheme,
    SchemeError,
    TargetError,
    TooLargeError,
    UnknownNameError,
    kronecker,
    memory,
    parse_target,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.verify import brent, dense, randomized, shared, sparse
from bilinear.decompositions.verify import terms as terms_module
from bilinear.decompositions.verify.numeric import verify_numeric
from bilinear.decompositions.verify.randomized import IRREDUCIBLE, extension_product, verify_random
from bilinear.decompositions.verify.symbolic import verify_symbolic
from bilinear.decompositions.verify.terms import Terms, terms_of

SCHEMES = st.one_of(verified_schemes(), file_schemes())
CHARACTERISTIC_0 = [Ring.Z, Ring.Q, Ring.QI]


# Right and wrong.


@given(SCHEMES)
def test_right_schemes_are_accepted(scheme):
    assert_valid(scheme)


@given(SCHEMES, st.data())
def test_one_changed_coefficient_is_caught(scheme, data):
    place, step = data.draw(positions(scheme)), data.draw(steps(scheme.ring))
    assert_wrong(nudge(scheme, *place, step, imag=scheme.ring is Ring.QI and data.draw(st.booleans())))


@given(verified_schemes(rings=CHARACTERISTIC_0), st.data(), st.sampled_from(FIXED_PRIMES), st.integers(-3, 3))
def test_a_change_by_a_multiple_of_a_known_prime_is_caught(scheme, data, prime, factor):
    assume(factor)
    assert_wrong(nudge(scheme, *data.draw(positions(scheme)), prime * factor))


@given(verified_schemes(), st.data())
@settings(max_examples=30)
def test_a_missing_product_is_caught(scheme, data):
    row = data.draw(positions(scheme))[1]
    keep = np.arange(scheme.rank) != row
    parts = [(real[keep], None if imag is None else imag[keep]) for real, imag in scheme.parts]
    zero = any(not real[row].any() and (imag is None or not imag[row].any()) for real, imag in scheme.parts)
    imag = None if scheme.imag is None else tuple(i for _, i in parts)
    left = Scheme(scheme.target, scheme.ring, *(r for r, _ in parts), scheme.denominators[keep], imag)
    (assert_valid if zero else assert_wrong)(left)


@given(verified_schemes(rings=[Ring.ZT, Ring.Z, Ring.Q, Ring.F2, Ring.F3]), st.data())
def test_the_numeric_check_agrees(scheme, data):
    assume(scheme.rank <= 30)
    assert verify_numeric(scheme, seed=1).ok
    broken = nudge(scheme, *data.draw(positions(scheme)), data.draw(steps(scheme.ring)))
    if not scheme.ring.characteristic:
        assert not verify_numeric(broken, seed=1).ok
    else:
        assert not all(verify_numeric(broken, seed=seed).ok for seed in range(40))


@pytest.mark.parametrize("method", PROOFS)
def test_zero_one_schemes_modulo_two(method):
    bits = strassen().to("f2")
    assert verdict(bits, method).ok
    for ring in ("zt", "z", "q", "qi", "f3"):
        assert not verdict(Scheme(bits.target, ring, *bits.factors), method).ok


@pytest.mark.parametrize("method", METHODS.names())
def test_the_negative_of_a_scheme_is_wrong(method):
    # Two levels of recursion multiply it with itself, and the signs cancel.
    s = strassen()
    assert not verify(Scheme(s.target, "zt", s.u, s.v, -s.w), method).ok
    assert not verify(Scheme(s.target, "f3", s.u % 3, s.v % 3, -s.w % 3), method if method != "numeric" else "exact").ok


@pytest.mark.parametrize("method", METHODS.names())
def test_the_transpose_of_c_is_wrong(method):
    s = strassen()
    assert not verify(Scheme(s.target, "zt", s.u, s.v, s.w[:, [0, 2, 1, 3]]), method).ok


@pytest.mark.parametrize("method", METHODS.names())
def test_no_products_are_wrong(method):
    assert not verify(Scheme(parse_target("2x2x2"), "z", *[strassen().u[:0]] * 3), method).ok


def test_no_products_are_right_where_the_map_vanishes():
    target = from_dense("file:even.npy", 2 * parse_target("2x2x2").dense())
    assert_valid(Scheme(target, "f2", *[strassen().u[:0]] * 3))
    assert_valid(standard(target).to("f3"))


# Arithmetic at the edges of machine numbers.

SPLITS = [
    (0, 0, 30),
    (15, 0, 15),
    (0, 0, 53),
    (20, 20, 13),
    (0, 62, 0),
    (32, 32, 0),
    (21, 22, 21),
    (64, 0, 0),
    (1000, 900, 100),
]


@pytest.mark.parametrize("ring", CHARACTERISTIC_0)
@pytest.mark.parametrize("bits", SPLITS, ids=str)
def test_huge_products_that_cancel(ring, bits):
    a, b, c = (1 << x for x in bits)
    scheme = strassen().to(ring)
    assert_valid(with_products(scheme, (a, b, c, 1), (-a, b, c, 1)))
    assert_valid(with_products(scheme, (a, b, c, 1), (a, b, c, 1), (-a, 2 * b, c, 1)))
    for off in (1, -1):
        assert_wrong(with_products(scheme, (a, b, c, 1), (-a, b, c, 1), (off, 1, 1, 1)))
        assert_wrong(with_products(scheme, (a, b, c, 1), (a, b, -c + off, 1)))
    assert_wrong(with_products(scheme, (a, b, c, 1)))


@pytest.mark.parametrize("ring", [Ring.Q, Ring.QI])
@pytest.mark.parametrize("bits", [31, 52, 53, 62, 64, 200, 2000])
def test_huge_denominators(ring, bits):
    scheme, d = strassen().to(ring), 1 << bits
    assert_valid(with_products(scheme, (1, 1, 1, d), (-1, 1, 1, d)))
    assert_valid(with_products(scheme, (d, 1, 1, d), (-1, 1, 1, 1)))
    assert_valid(with_products(scheme, (1, 1, 1, d), (1, 1, 1, 3 * d), (1, -4, 1, 3 * d)))
    assert_wrong(with_products(scheme, (1, 1, 1, d)))
    assert_wrong(with_products(scheme, (d + 1, 1, 1, d), (-1, 1, 1, 1)))
    assert_wrong(with_products(scheme, (1, 1, 1, d), (-1, 1, 1, d + 1)))


@pytest.mark.parametrize("bits", [30, 53, 61])
def test_huge_target_values(bits):
    tensor = np.array([[[1 << bits, -1]]])
    scheme = standard(from_dense("file:big.npy", tensor))
    assert_valid(scheme)
    assert_wrong(nudge(scheme, 2, 0, 0))
    assert_wrong(nudge(scheme, 2, 0, 0, -(2**64)))


@pytest.mark.parametrize(("bits", "passes"), [(1, 1), (25, 1), (26, 3), (30, 3), (40, 4)])
def test_the_bound_chooses_the_moduli(bits, passes):
    scheme = with_products(strassen().to("z"), (1 << bits, 1 << bits, 1, 1), (-1 << bits, 1 << bits, 1, 1))
    terms = terms_of(scheme)
    moduli = dense.moduli(terms)
    assert len(moduli) == passes
    assert moduli == [0] or np.prod(np.array(moduli, object)) > terms.bound
    assert sparse.moduli(terms)[0] == 1 << 64
    assert np.prod(np.array(sparse.moduli(terms), object)) > terms.bound
    assert_valid(scheme)


def test_the_bound_holds_every_sum_of_magnitudes():
    rng = np.random.default_rng(0)
    u, v, w = (rng.integers(-9, 10, (5, side)) for side in (4, 4, 4))
    denominators = rng.integers(1, 7, 5)
    target = parse_target("2x2x2")
    for ring, imag in (("q", None), ("qi", tuple(rng.integers(-9, 10, (5, 4)) for _ in range(3)))):
        terms = terms_of(Scheme(target, ring, u, v, w, denominators, imag))
        a, b, c = (np.abs(factor) for factor in terms.factors)
        largest = np.einsum("q,qi,qj,qk->ijk", terms.weights, a, b, c).max() + terms.scale
        assert terms.bound >= largest
        assert terms.planes == (2 if imag else 1)


def test_a_complex_product_is_four_real_ones():
    rng = np.random.default_rng(1)
    parts = [rng.integers(-9, 10, (2, 3, 4)) for _ in range(3)]
    scheme = Scheme(parse_target("2x2x2"), "qi", *(p[0] for p in parts), imag=tuple(p[1] for p in parts))
    x = np.einsum("qi,qj,qk->ijk", *terms_of(scheme).factors)
    y = np.einsum("qi,qj,qk->ijk", *(p[0] + 1j * p[1] for p in parts))
    assert (x[:, :, :4] == y.real).all()
    assert (x[:, :, 4:] == y.imag).all()


def test_a_common_denominator_is_bounded(monkeypatch):
    monkeypatch.setattr(terms_module, "MAX_BITS", 100)
    with pytest.raises(TooLargeError, match="a common denominator of 201 bits; at most 100 are held"):
        verify(with_products(strassen().to("q"), (1, 1, 1, 1 << 200), (-1, 1, 1, 1 << 200)))


WAYS = {
    "floats": (dense, "EXACT", 1 << 53),
    "floats modulo primes": (dense, "EXACT", 0),
    "words": (sparse, "WRAP", 1 << 64),
    "words modulo primes": (Terms, "bound", property(lambda terms: 1 << 150)),
}


@contextmanager
def forced(way):
    """The exact check by this way, whatever it is estimated to take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*WAYS[way])
        patch.setattr(brent, "QUICK", -1.0)
        patch.setattr(sparse, "seconds", lambda terms, rows: 0.0 if way.startswith("words") else 1e9)
        yield


@pytest.mark.parametrize("way", WAYS)
@given(scheme=st.one_of(verified_schemes(), file_schemes()), data=st.data())
@settings(max_examples=25)
def test_every_way_gives_the_same_answer(way, scheme, data):
    assume(terms_of(scheme).weights)
    broken = nudge(scheme, *data.draw(positions(scheme)), data.draw(steps(scheme.ring)))
    expected = [(found.ok, found.detail) for found in map(verify, (scheme, broken))]
    with forced(way):
        assert [(found.ok, found.detail) for found in map(verify, (scheme, broken))] == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", [2**64, 2**53, 2**31 - 1, 2**32, (2**31 - 1) * 2**64], ids=str)
def test_no_way_takes_a_multiple_of_its_modulus_for_zero(way, step):
    scheme = with_products(strassen().to("q"), (1, 1, 1, 3), (-1, 1, 1, 3))
    with forced(way):
        assert verify(scheme).ok
        found = verify(nudge(scheme, 2, 0, 0, step))
    assert not found.ok
    assert f"T[0,0,0] is {step + 1}, must be 1" in found.detail


# Rows that share sums.


def with_shared_sums(target, rng, noise=3):
    """The standard algorithm beside many dense products that cancel in pairs, with common forms in their rows."""
    base = standard(target).to("q")
    rows = []
    for side in target.shape:
        forms = rng.integers(-2, 3, (2, side))
        each = rng.integers(-3, 4, (12, 2)) @ forms
        for row in each:
            row[rng.integers(side, size=noise)] += rng.integers(1, 5, noise)
        rows.append(each)
    u, v, w = rows
    d = rng.integers(1, 9, 12)
    both = [np.concatenate([f, r, s]) for f, r, s in zip(base.factors, (u, v, w), (u, v, -w), strict=True)]
    return Scheme(target, "q", *both, np.concatenate([base.denominators, d, d]))


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=15)
def test_shared_forms_change_no_number(seed, data):
    scheme = with_shared_sums(parse_target("3x4x5"), np.random.default_rng(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "WORTH", 0)
        patch.setattr(shared, "_slab", lambda rows, axis: 0.0)
        rows = shared.shared(scheme.factors)
        for part, factor in zip(rows, scheme.factors, strict=True):
            assert (part.rest + part.parts @ part.forms == factor).all()
        assert sum(len(part.forms) for part in rows)
        broken = nudge(scheme, *data.draw(positions(scheme)), 1)
        expected = verify(broken)
        for way in ("words", "words modulo primes"):
            with forced(way):
                assert verify(scheme).ok
                assert verify(broken).detail == expected.detail


def test_shared_forms_make_dense_rows_sparse():
    rng = np.random.default_rng(0)
    form = rng.integers(1, 4, 400)
    rows = rng.integers(-5, 6, (100, 1)) * form
    rows[np.arange(100), rng.integers(400, size=100)] += 1
    factors = [rows, rows.copy(), rows.copy()]
    found = shared.shared(factors)
    assert shared.work(found) < 0.05 * shared.work([shared._plain(rows)] * 3)
    assert all((part.rest + part.parts @ part.forms == rows).all() for part in found)


def test_large_coefficients_share_nothing():
    rows = np.full((100, 400), 1 << 31)
    assert [len(part.forms) for part in shared.shared([rows] * 3)] == [0, 0, 0]


# Long checks.


@pytest.mark.parametrize("way", ["floats", "floats modulo primes", "words", "words modulo primes"])
def test_a_check_tells_how_far_it_is(way):
    heard = []
    with forced(way):
        assert verify(kronecker(strassen(), strassen()).to("q"), on_progress=lambda *done: heard.append(done)).ok
    assert heard == sorted(heard)
    assert len({total for _, total in heard}) == 1
    assert heard[-1][0] == heard[-1][1]


def test_calls_that_cannot_be_interrupted_are_short(monkeypatch):
    scheme = kronecker(strassen(), strassen()).to("q")
    with forced("words"):
        monkeypatch.setattr(sparse, "LONGEST", 10)
        assert verify(scheme).ok
    with forced("floats modulo primes"):
        monkeypatch.setattr(dense, "LONGEST", 10)
        assert verify(scheme).ok


# Each method.


def test_exact_names_the_first_wrong_entry():
    s = strassen()
    u = s.u.copy()
    u[2, 0] = 2
    found = verify(Scheme(s.target, "z", u, s.v, s.w))
    assert (found.ok, found.method, found.field) == (False, "exact", "Q")
    assert found.detail == "4 of 64 tensor entries are wrong, first T[0,1,1] is 2, must be 1"
    assert not bool(found)


@given(file_schemes(), st.data())
def test_exact_counts_what_a_dense_comparison_counts(scheme, data):
    assume(scheme.ring in (Ring.Z, Ring.F2, Ring.F3))
    broken = nudge(scheme, *data.draw(positions(scheme)), data.draw(steps(scheme.ring)))
    gap = np.einsum("qi,qj,qk->ijk", *broken.factors) - scheme.target.dense()
    wrong = np.argwhere(gap % scheme.ring.characteristic if scheme.ring.characteristic else gap)
    detail = verify(broken).detail
    assert detail.startswith(f"{len(wrong)} of {scheme.target.entries} tensor entries are wrong, first T[")
    assert f"T[{','.join(map(str, wrong[0]))}] is" in detail


@pytest.mark.parametrize("block", [1, 500, 2000, 1 << 18])
@given(scheme=verified_schemes(), data=st.data())
def test_blocks_of_any_size_find_the_same(block, scheme, data):
    broken = nudge(scheme, *data.draw(positions(scheme)), data.draw(steps(scheme.ring)))
    expected = [(found.ok, found.detail) for found in map(verify, (scheme, broken))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "BLOCK", block)
        assert [(found.ok, found.detail) for found in map(verify, (scheme, broken))] == expected


def test_exact_is_refused_where_a_slab_does_not_fit(monkeypatch):
    scheme = strassen()
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 100)
    with pytest.raises(TooLargeError, match="the Brent equations of matmul:2x2x2 needs about"):
        verify(scheme)


def test_symbolic_names_the_first_output_that_differs():
    s = strassen()
    w = s.w.copy()
    w[1, 2] = 0
    found = verify_symbolic(Scheme(s.target, "zt", s.u, s.v, w))
    assert not found.ok
    assert found.detail.startswith("c21 expands to ")
    assert "must be a21*b11 + a22*b21" in found.detail
    assert verify_symbolic(s).field == "Q"
    assert verify_symbolic(s.to("f2")).field == "GF(2)"


@pytest.mark.parametrize("ring", Ring)
def test_random_states_field_and_error_probability(ring):
    found = verify_random(strassen().to(ring), random.Random(0))
    assert found.ok
    assert 0 < found.error_probability < 2**-50
    if ring.characteristic:
        degree = IRREDUCIBLE[ring.characteristic][0]
        assert ring.characteristic**degree >= 2**61
        assert found.field == f"GF({ring.characteristic}^{degree})"
    else:
        prime = int(found.field.removeprefix("GF(").removesuffix(")").removesuffix("^2"))
        assert sympy.isprime(prime)
        assert prime.bit_length() == 61
        assert found.field.endswith("^2)") == (ring is Ring.QI)
        assert prime % 4 == 3 or ring is not Ring.QI


def test_random_primes_are_fresh():
    assert len({verify_random(strassen(), random.Random(seed)).field for seed in range(5)}) == 5
    assert verify(strassen(), "random").field != verify(strassen(), "random").field


def test_a_denominator_divisible_by_the_prime_is_avoided(monkeypatch):
    primes = []
    monkeypatch.setattr(randomized, "PRIME_BITS", 4)
    scheme = with_products(strassen().to("q"), (1, 1, 1, 11), (-1, 1, 1, 11))
    for seed in range(30):
        found = verify_random(scheme, random.Random(seed))
        assert found.ok
        primes.append(found.field)
    assert set(primes) == {"GF(13)"}


@pytest.mark.parametrize("p", [2, 3])
def test_the_extension_polynomials_are_irreducible(p):
    degree, tail = IRREDUCIBLE[p]
    t = sympy.Symbol("t")
    polynomial = sympy.Poly(t**degree + sum(c * t**e for e, c in tail.items()), t, modulus=p)
    assert polynomial.is_irreducible


@pytest.mark.parametrize("p", [2, 3])
def test_extension_products_agree_with_sympy(p):
    degree, tail = IRREDUCIBLE[p]
    t = sympy.Symbol("t")
    modulus = sympy.Poly(t**degree + sum(c * t**e for e, c in tail.items()), t, modulus=p)
    x, y = np.random.default_rng(p).integers(0, p, (2, 20, degree))
    x[0], y[0] = 1, 1
    x[1], y[1] = p - 1, p - 1
    for a, b, found in zip(x.tolist(), y.tolist(), extension_product(x, y, p).tolist(), strict=True):
        product = sympy.Poly(a[::-1], t, modulus=p) * sympy.Poly(b[::-1], t, modulus=p) % modulus
        expected = [c % p for c in product.all_coeffs()[::-1]]
        assert found == expected + [0] * (degree - len(expected))


def test_a_wrong_scheme_passes_small_fields_as_often_as_claimed(monkeypatch):
    # Modulo 5 or 7 the bound is 2/p, and the worst form, a single product, vanishes at 2/p - 1/p^2 of the points.
    monkeypatch.setattr(randomized, "PRIME_BITS", 3)
    wrong = with_products(standard(parse_target("1x1x1")), (1, 1, 1, 1))
    passed = [verify_random(wrong, random.Random(seed)).ok for seed in range(2000)]
    assert 0.2 < np.mean(passed) < 2 / 5


def test_numeric_needs_matrices_integers_and_a_level():
    with pytest.raises(SchemeError, match="2x2x2 over qi: the numeric check multiplies integers; use random"):
        verify(strassen().to("qi"), "numeric")
    with pytest.raises(TargetError, match="file:map.npy: the numeric check multiplies matrices".replace(".", "[.]")):
        verify(standard(from_dense("file:map.npy", np.ones((1, 1, 1), int))), "numeric")
    with pytest.raises(SchemeError, match="0 levels of recursion; the numeric check needs at least 1"):
        verify_numeric(strassen(), levels=0)


def test_numeric_multiplies_with_two_levels_where_matrices_stay_small():
    assert "4x4 times 4x4, levels 2" in verify_numeric(strassen(), seed=0).detail
    assert "6x6 times 6x6, levels 1" in verify_numeric(standard(parse_target("6x6x6")), seed=0).detail
    assert verify_numeric(strassen(), seed=0).error_probability == 2 / 1024
    assert verify_numeric(strassen().to("f2"), seed=0).error_probability == 3 / 4


def test_an_unknown_method_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"unknown method 'symbolc': did you mean 'symbolic'\?"):
        verify(strassen(), "symbolc")


def test_large_products_are_decided_fast_in_little_memory():
    square = kronecker(strassen(), winograd())
    scheme = kronecker(square, square)
    assert (scheme.target.name, scheme.rank) == ("matmul:16x16x16", 2401)
    tracemalloc.start()
    start = time.process_time()
    found = verify(scheme)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.ok
    assert seconds < 10
    assert peak < 64 << 20
    v = scheme.v.copy()
    v[2400, 255] += 1
    assert not verify(Scheme(scheme.target, "z", scheme.u, v, scheme.w)).ok


# Schemes of others.

LADERMAN = (
    [
        "m1 = (a11 + a12 + a13 - a21 - a22 - a32 - a33) * b22",
        "m2 = (a11 - a21) * (-b12 + b22)",
        "m3 = a22 * (-b11 + b12 + b21 - b22 - b23 - b31 + b33)",
        "m4 = (-a11 + a21 + a22) * (b11 - b12 + b22)",
        "m5 = (a21 + a22) * (-b11 + b12)",
        "m6 = a11 * b11",
        "m7 = (-a11 + a31 + a32) * (b11 - b13 + b23)",
        "m8 = (-a11 + a31) * (b13 - b23)",
        "m9 = (a31 + a32) * (-b11 + b13)",
        "m10 = (a11 + a12 + a13 - a22 - a23 - a31 - a32) * b23",
        "m11 = a32 * (-b11 + b13 + b21 - b22 - b23 - b31 + b32)",
        "m12 = (-a13 + a32 + a33) * (b22 + b31 - b32)",
        "m13 = (a13 - a33) * (b22 - b32)",
        "m14 = a13 * b31",
        "m15 = (a32 + a33) * (-b31 + b32)",
        "m16 = (-a13 + a22 + a23) * (b23 + b31 - b33)",
        "m17 = (a13 - a23) * (b23 - b33)",
        "m18 = (a22 + a23) * (-b31 + b33)",
        "m19 = a12 * b21",
        "m20 = a23 * b32",
        "m21 = a21 * b13",
        "m22 = a31 * b12",
        "m23 = a33 * b33",
    ],
    [
        "c11 = m6 + m14 + m19",
        "c12 = m1 + m4 + m5 + m6 + m12 + m14 + m15",
        "c13 = m6 + m7 + m9 + m10 + m14 + m16 + m18",
        "c21 = m2 + m3 + m4 + m6 + m14 + m16 + m17",
        "c22 = m2 + m4 + m5 + m6 + m20",
        "c23 = m14 + m16 + m17 + m18 + m21",
        "c31 = m6 + m7 + m8 + m11 + m12 + m13 + m14",
        "c32 = m12 + m13 + m14 + m15 + m22",
        "c33 = m6 + m7 + m8 + m9 + m23",
    ],
)


def test_laderman_1976():
    scheme = read_formulas(parse_target("3x3x3"), "zt", *LADERMAN)
    assert scheme.rank == 23
    assert_valid(scheme)
    assert verify_numeric(scheme, seed=0).ok
    assert verify(kronecker(scheme, scheme)).ok


def column_major(text):
    """Rows of a 2x2 matrix flattened column by column, flattened row by row instead."""
    return np.array([[int(x) for x in row.split(",")] for row in text.split(";")])[:, [0, 2, 1, 3]]


def test_the_poster_of_strassennets_2018():
    wa = "-1,-1,0,0;0,0,0,1;-1,-1,1,1;-1,0,1,0;-1,-1,1,0;0,0,1,0;0,-1,0,0"
    wb = "-1,-1,0,0;0,0,0,1;0,1,0,0;1,0,1,0;-1,-1,-1,0;1,1,1,1;0,0,-1,0"
    wc = [[1, 0, 0, -1, -1, 0, 1], [0, 0, 1, 1, 1, 0, -1], [-1, 0, 0, 0, 1, 1, -1], [0, 1, 0, 0, 0, 0, 1]]
    w = np.array(wc)[[0, 2, 1, 3]].T
    assert_valid(Scheme(parse_target("2x2x2"), "zt", column_major(wa), column_major(wb), w))


def convolution(n, m):
    tensor = np.zeros((n, m, n + m - 1), int)
    for i in range(n):
        tensor[i, np.arange(m), i + np.arange(m)] = 1
    return from_dense("file:polymul.npy", tensor)


def test_karatsuba_1962():
    products = ["m1 = x1 * y1", "m2 = x2 * y2", "m3 = (x1 + x2) * (y1 + y2)"]
    outputs = ["z1 = m1", "z2 = -m1 - m2 + m3", "z3 = m2"]
    assert_valid(read_formulas(convolution(2, 2), "zt", products, outputs))
    assert_wrong(read_formulas(convolution(2, 2), "zt", products, ["z1 = m1", "z2 = m1 - m2 + m3", "z3 = m2"]))


def test_toom_3_with_its_thirds():
    # Values at 0, 1, -1, 2 and infinity; Knuth, volume 2, section 4.3.3.
    products = [
        "m1 = x1 * y1",
        "m2 = (x1 + x2 + x3) * (y1 + y2 + y3)",
        "m3 = (x1 - x2 + x3) * (y1 - y2 + y3)",
        "m4 = (x1 + 2 x2 + 4 x3) * (y1 + 2 y2 + 4 y3)",
        "m5 = x3 * y3",
    ]
    outputs = [
        "z1 = m1",
        "z2 = -1/2 m1 + m2 - 1/3 m3 - 1/6 m4 + 2 m5",
        "z3 = -m1 + 1/2 m2 + 1/2 m3 - m5",
        "z4 = 1/2 m1 - 1/2 m2 - 1/6 m3 + 1/6 m4 - 2 m5",
        "z5 = m5",
    ]
    assert_valid(read_formulas(convolution(3, 3), "q", products, outputs))


COMPLEX = np.array([[[1, 0], [0, 1]], [[0, 1], [-1, 0]]])


def test_complex_multiplication():
    target = from_dense("file:complex.npy", COMPLEX)
    three = ["m1 = (x1 + x2) * y1", "m2 = x1 * (-y1 + y2)", "m3 = x2 * (y1 + y2)"]
    assert_valid(read_formulas(target, "zt", three, ["z1 = m1 - m3", "z2 = m1 + m2"]))
    two = ["m1 = (x1 + i x2) * (y1 + i y2)", "m2 = (x1 - i x2) * (y1 - i y2)"]
    assert_valid(read_formulas(target, "qi", two, ["z1 = 1/2 m1 + 1/2 m2", "z2 = -1/2i m1 + 1/2i m2"]))
    assert_wrong(read_formulas(target, "qi", two, ["z1 = 1/2 m1 + 1/2 m2", "z2 = 1/2i m1 - 1/2i m2"]))

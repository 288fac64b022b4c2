"""Small files that once took gigabytes or minutes: bounded before they are built, and read in linear time."""

import io
import json
import time
import tracemalloc
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from format_samples import archive, outcome, saved, settled, source, strassen_in
from hypothesis import given, settings
from strategies import verified_schemes

from bilinear.decompositions import Ring, Scheme, standard, strassen
from bilinear.decompositions.formats import draft, read
from bilinear.decompositions.formats.expressions import Laurent
from bilinear.decompositions.formats.numbers import FormatError, Gaussian, from_floats, from_numbers, from_sparse
from bilinear.decompositions.formats.probing import PRIME, refuted
from bilinear.decompositions.formats.source import Source
from bilinear.decompositions.targets import parse_target

SECONDS = 10
"""What the worst of these files may take on a machine that is busy; once it was 16 to 150."""


def boxed(*factors: np.ndarray) -> np.ndarray:
    found = np.empty(3, dtype=object)
    for axis, factor in enumerate(factors):
        found[axis] = factor
    return found


def of_zeros(count: int) -> bytes:
    """AlphaTensor's 2,2,2 with so many products of bytes."""
    return archive({"2,2,2": saved(boxed(*[np.zeros((4, count), np.int8)] * 3))})


def reduced(rank: int) -> bytes:
    empty = {f"{factor}_fresh": [] for factor in "uvw"}
    rows = {"u": [[]] * rank, "v": [[]] * rank, "w": [[]] * 128**2}
    return json.dumps({"n": [128, 128, 128], "m": rank, **empty, **rows}).encode()


SMALL = {
    "an archive of zeros": (of_zeros(6_000_000), "6000000 x 4 coefficients; at most 16777216 are held"),
    "an archive of too many products": (of_zeros(100_000), "100000 products; 2x2x2 is had with 16 already"),
    "empty programs": (reduced(5000), "5000 x 16384 coefficients; at most 16777216 are held"),
    "a declared rank": (
        json.dumps({"n": [128] * 3, "m": 10**6, "u_sparse": {}, "v_sparse": {}, "w_sparse": {}}).encode(),
        "1000000 x 16384 coefficients; at most 16777216 are held",
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_files_take_little_memory(name: str) -> None:
    data, reason = SMALL[name]
    tracemalloc.start()
    assert reason in outcome(source(data))
    assert tracemalloc.get_traced_memory()[1] < 300 * 10**6
    tracemalloc.stop()


LONG = {
    "a line of zeros": b"0" * 65_000 + b"!\n",
    "a line of numbers": b"0 " * 32_500 + b"!\n",
    "a product of polynomials": (b"(x+1+x2)*" * 4000)[:-1] + b" x\n#\n1 1\n#\n1 1\n",
    "many products of polynomials": (
        " ".join(f"(1+x+x2+x3+x4+x5)*(1+x+x2+x3+x4+x5)*{q}" for q in range(600)) + "\n#\n" + " 1" * 600
    ).encode()
    + b"\n#\n"
    + b" 1" * 600
    + b"\n",
    "wide fractions": (
        " ".join("+".join(f"{q}/3^{2500 - k}*x{k}" for k in range(20)) for q in range(40)) + "\n#\n" + " x" * 40
    ).encode()
    + b"\n#\n"
    + b" 1" * 40
    + b"\n",
    "a sum of powers": (
        b"Tensor:=TriadSet([Triad([Matrix(1,1,[[" + b"10^1200+" * 2000 + b"1]]),Matrix(1,1,[[1]]),Matrix(1,1,[[1]])])])"
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long_lines_take_seconds(name: str) -> None:
    start = time.perf_counter()
    assert outcome(source(LONG[name]))
    assert time.perf_counter() - start < SECONDS


def test_a_sum_of_too_many_terms_is_refused_before_it_is_begun() -> None:
    polynomial = "(" + "+".join(f"x{k}" for k in range(60)) + ")"
    block = "\n".join(" ".join([polynomial] * 4) for _ in range(4))
    assert "a sum of more than 4194304 terms" in outcome(source(f"{block}\n#\n{block}\n#\n{block}\n".encode()))


@pytest.mark.parametrize("text", ["0", "-1/1/1", "x", "\n", "#\n", "é", "999999999999 1 1 1\n"])
def test_a_reader_named_by_its_user_refuses_in_one_line(text: str) -> None:
    with pytest.raises(FormatError):
        list(read(source((text * 5000).encode()), "perminov-text"))


# A large scheme that is wrong is told from one point


@settings(max_examples=40)
@given(scheme=verified_schemes())
def test_a_right_scheme_is_never_refuted(scheme: Scheme) -> None:
    assert refuted(scheme, scheme.ring.characteristic) is None


@pytest.mark.parametrize("ring", list(Ring))
def test_a_wrong_scheme_is_refuted(ring: Ring) -> None:
    scheme = strassen().to(ring)
    for factor in range(3):
        factors = [f.copy() for f in scheme.factors]
        factors[factor][2, 1] = 1 - factors[factor][2, 1]
        assert refuted(Scheme(scheme.target, ring, *factors, imag=scheme.imag), ring.characteristic) is not None


def test_the_prime_has_a_root_of_minus_one() -> None:
    assert all(PRIME % k for k in range(2, 725))
    assert PRIME % 4 == 1
    one, i, zero = np.array([[1]]), np.array([[1]]), np.array([[0]])
    scheme = Scheme(parse_target("1x1x1"), "qi", zero, zero, -one, imag=(i, i, zero))
    assert refuted(scheme, 0) is None
    assert refuted(Scheme(scheme.target, "qi", zero, zero, one, imag=(i, i, zero)), 0) is not None


def test_large_drafts_are_refuted_and_small_ones_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    right = strassen_in("perminov-text").data
    wrong = right.replace(b"\n1 ", b"\n0 ", 1)
    assert "tensor entries are wrong" in settled(source(wrong)).verification.detail
    monkeypatch.setattr(draft, "LARGE", 1)
    found = settled(source(wrong))
    assert not found.verification.ok
    assert "differs at a random point of GF(524269)" in found.verification.detail
    assert settled(source(right)).verification.method == "exact"


# Factors of floats and of sparse rows are those of the numbers one by one


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_floats_are_read_as_they_are(kind: type) -> None:
    rng = np.random.default_rng(0)
    array = (rng.integers(-40, 40, (6, 5)) / 2.0 ** np.arange(6)[:, None]).astype(kind)
    if np.dtype(kind).kind == "c":
        array = array * kind(0.5 - 1.5j)
    expected, found = from_numbers([number_of(z) for z in array.ravel().tolist()], 6), from_floats(array)
    np.testing.assert_array_equal(found.real, expected.real)
    np.testing.assert_array_equal(found.denominators, expected.denominators)
    assert (found.imag is None) == (expected.imag is None)
    if found.imag is not None:
        np.testing.assert_array_equal(found.imag, expected.imag)


def number_of(value: complex) -> Gaussian:
    return Gaussian(Fraction(value.real), Fraction(value.imag))


def test_sparse_rows_are_the_dense_ones() -> None:
    rows = [{0: 1, 3: Fraction(1, 6)}, {}, {2: 10**30}, {1: Gaussian(Fraction(1, 2), Fraction(-1, 3))}]
    dense = from_numbers([row.get(i, 0) for row in rows for i in range(4)], 4)
    sparse = from_sparse(rows, 4)
    for name in ("real", "imag", "denominators"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(dense, name))
    with pytest.raises(FormatError, match="input 4 is out of range; 4 are there"):
        from_sparse([{4: 1}], 4)


def test_polynomials_keep_their_bounds() -> None:
    with pytest.raises(FormatError, match="a polynomial of 5000 terms"):
        Laurent(dict.fromkeys(range(5000), Fraction(1)))


def test_an_archive_that_states_less_than_it_holds() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("U.npy", saved(np.zeros((7, 4), int))[:-8])
        file.writestr("V.npy", saved(np.zeros((7, 4), int)))
        file.writestr("W.npy", saved(standard(parse_target("2x2x2")).w))
    assert "it is cut off" in outcome(Source("a.npz", buffer.getvalue()))

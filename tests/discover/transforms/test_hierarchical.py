"""The hierarchical solver: what it must recover, what it must not, and that names do not help it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.transforms import Transform, parse_transform, relative_error
from bilinear.discover.transforms.controls import CONTROLS, compare
from bilinear.discover.transforms.hierarchical import Hierarchical, is_rough
from bilinear.discover.transforms.proof import prove

RECOVERED = ["dft", "idft", "hadamard", "hartley", "dct-ii", "dct-iii", "dst-ii", "circulant"]
MIXED = [name for name in RECOVERED if name != "hadamard"]


def solved(name, size, seed=0):
    return Hierarchical().solve(parse_transform(name, size, seed))


@pytest.mark.parametrize("name", RECOVERED)
@pytest.mark.parametrize("size", [8, 32, 64])
def test_recovered_at_powers_of_two(name, size):
    found = solved(name, size)
    assert found.recovered, found.status
    assert relative_error(found.transform.matrix, found.fast.dense()) <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOVERED)
@pytest.mark.parametrize("size", [128, 256, 512, 1024])
def test_recovered_at_large_powers_of_two(name, size):
    assert solved(name, size).recovered


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("size", [12, 45, 60])
def test_recovered_at_other_sizes(name, size):
    assert solved(name, size).recovered


@pytest.mark.parametrize("name", ["dft-2d", "hartley-2d", "dct-ii-2d", "haar-2d", "hadamard-2d"])
def test_recovered_in_two_dimensions(name):
    assert solved(name, 64).recovered


@pytest.mark.parametrize("name", ["legendre", "hilbert", "randn", "vandermonde", "fastfood"])
def test_controls_are_not_recovered(name):
    found = solved(name, 32)
    assert not found.recovered
    assert 1e-6 < found.error < 1
    assert found.plan is None


def test_the_name_is_not_looked_at():
    matrix = parse_transform("dct-ii", 32).matrix
    assert Hierarchical().solve(Transform("unheard-of", matrix.copy())).recovered


@given(st.integers(0, 2**32 - 1))
def test_scaled_rows_and_columns_stay_recovered(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.uniform(0.5, 2, 16), rng.uniform(0.5, 2, 16)
    matrix = rows[:, None] * parse_transform("dct-ii", 16).matrix * columns
    assert Hierarchical().solve(Transform("scaled", matrix)).recovered


def test_rows_in_bit_reversed_order_stay_recovered():
    order = np.array([int(f"{k:05b}"[::-1], 2) for k in range(32)])
    for name in ("dft", "hadamard", "hartley"):
        assert Hierarchical().solve(Transform("turned", parse_transform(name, 32).matrix[order])).recovered


def test_noise_is_not_recovered():
    matrix = parse_transform("dft", 32).matrix + 1e-6 * np.random.default_rng(0).standard_normal((32, 32))
    found = Hierarchical().solve(Transform("noisy", matrix))
    assert not found.recovered
    assert found.error < 1e-5


def test_toeplitz_is_a_corner_of_a_circulant():
    found = solved("toeplitz", 48)
    assert found.recovered
    assert found.method == "corner of a circulant of size 128, product through dft"
    small = solved("toeplitz", 24)
    assert not small.recovered
    assert small.status.endswith("product through dft of block rank 1, no cheaper than the dense product")


def test_other_bases_diagonalise():
    hadamard = parse_transform("hadamard", 16).matrix
    dyadic = hadamard @ np.diag(np.random.default_rng(0).standard_normal(16)) @ hadamard
    found = Hierarchical(width=1).solve(Transform("dyadic", dyadic))
    assert found.recovered
    assert found.method == "product through hadamard"
    cosine = parse_transform("dct-ii", 16).matrix
    symmetric = np.linalg.solve(cosine, np.diag(np.random.default_rng(0).standard_normal(16)) @ cosine)
    assert Hierarchical().solve(Transform("symmetric", symmetric)).method == "product through dct-ii"


def test_a_prime_size_is_padded_and_said():
    found = solved("dft", 31)
    assert not found.recovered
    assert "size 31 is prime" in found.note
    assert "padded with zeros to 32" in found.note
    assert found.fast.dense().shape == (31, 31)
    assert is_rough(31)
    assert is_rough(74)
    assert is_rough(7)
    assert not is_rough(60)
    assert solved("circulant", 31).recovered


@pytest.mark.parametrize("size", [4, 7, 8, 12])
def test_small_random_matrices_gain_nothing(size):
    """Below size 16 a block rank of 2 excludes nothing; that it costs less than the dense product does."""
    assert not solved("randn", size).recovered


def test_progress_is_told():
    heard = []
    Hierarchical().solve(parse_transform("randn", 16), say=heard.append)
    assert heard[0] == "testing butterflies"
    assert heard[-1] == "approximating by truncated butterflies"


@pytest.mark.parametrize("name", ["dft", "dct-iii", "circulant:1,2,0,-3", "dft-2d", "dct-ii-2d", "haar-2d", "idft"])
def test_what_is_recovered_is_proved(name):
    found = solved(name, 16)
    assert found.recovered
    proved = prove(found).proved
    assert proved is not None
    assert proved.verification.ok


def test_a_circulant_is_proved_through_fourier():
    found = solved("circulant:1,2,0,-3,5,0,0,7", 32)
    assert found.method == "product through dft"
    proved = prove(found).proved
    assert proved is not None
    assert proved.verification.field == "Q(zeta32)"


def test_why_there_is_no_proof():
    assert prove(solved("randn", 16)).reason == "it is an approximation"
    assert prove(solved("circulant", 16)).reason == "circulant has no exact definition"
    assert prove(solved("dft", 16), wanted=False).reason == "no proof was asked for"


def test_controls_beside_low_rank_and_sparse():
    rows = [row for name in CONTROLS for row in compare(parse_transform(name, 32), widths=(1,))]
    by_name = {row.transform: row for row in rows}
    assert by_name["hilbert"].low_rank < 1e-3 < by_name["hilbert"].butterfly  # nearly of low rank
    assert all(row.parameters < 32 * 32 for row in rows)
    for row in rows:
        assert 0 < row.butterfly < 1
        matrix = parse_transform(row.transform, 32).matrix
        values = np.linalg.svd(matrix, compute_uv=False)
        rank = row.parameters // 64
        assert row.low_rank == pytest.approx(np.sqrt((values[rank:] ** 2).sum() / (values**2).sum()))

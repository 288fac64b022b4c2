"""Named transforms against NumPy, SciPy and their definitions; bad names, sizes and files."""

import numpy as np
import pytest
import scipy.fft
import scipy.linalg

from bilinear.decompositions import TooLargeError, UnknownNameError
from bilinear.decompositions.transforms import TRANSFORMS, TransformError, parse_transform

SIZES = [2, 3, 8, 12]


@pytest.mark.parametrize("size", SIZES)
def test_transforms_of_numpy_and_scipy(size):
    eye = np.eye(size)
    expected = {
        "dft": np.fft.fft(eye, axis=0),
        "idft": np.fft.ifft(eye, axis=0),
        "hartley": np.fft.fft(eye, axis=0).real - np.fft.fft(eye, axis=0).imag,
        "dct-II": scipy.fft.dct(eye, 2, axis=0) / 2,
        "dct-IV": scipy.fft.dct(eye, 4, axis=0) / 2,
        "dst-II": scipy.fft.dst(eye, 2, axis=0) / 2,
        "hilbert": scipy.linalg.hilbert(size),
    }
    for name, matrix in expected.items():
        assert np.abs(parse_transform(name, size).matrix - matrix).max() < 1e-13, name
    assert (parse_transform("dct-iii", size).matrix == parse_transform("dct-ii", size).matrix.T).all()


@pytest.mark.parametrize("size", [2, 4, 16])
def test_hadamard_and_haar(size):
    assert (parse_transform("hadamard", size).matrix == scipy.linalg.hadamard(size)).all()
    haar = parse_transform("haar", size).matrix
    gram = haar @ haar.T
    assert (gram == np.diag(np.diag(gram))).all()
    assert (haar[0] == 1).all()
    assert (haar[1:].sum(axis=1) == 0).all()


def test_a_filter_is_a_circular_convolution():
    matrix = parse_transform("circulant:1,2,0,-3").matrix
    assert (matrix == scipy.linalg.circulant([1, 2, 0, -3])).all()
    assert parse_transform("circulant:1,2", 5).matrix[:, 0].tolist() == [1, 2, 0, 0, 0]


def test_two_dimensions_are_rows_and_columns():
    image = np.arange(9.0).reshape(3, 3)
    transformed = parse_transform("dft-2d", 9).matrix @ image.ravel()
    assert np.abs(transformed.reshape(3, 3) - np.fft.fft2(image)).max() < 1e-13


@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - {"file"}))
def test_every_transform_builds_and_repeats(name):
    first, second = (parse_transform(name, 8, seed=3) for _ in range(2))
    assert first.size == 8
    assert (first.matrix == second.matrix).all()
    assert not first.matrix.flags.writeable


@pytest.mark.parametrize("name", ["randn", "toeplitz", "circulant", "vandermonde", "fastfood"])
def test_seeds_matter(name):
    assert (parse_transform(name, 8, seed=1).matrix != parse_transform(name, 8, seed=2).matrix).any()


def test_legendre_at_the_ends():
    matrix = parse_transform("legendre", 6).matrix
    assert np.allclose(matrix[:, -1], 1)
    assert np.allclose(matrix[:, 0], [1, -1, 1, -1, 1, -1])


@pytest.mark.parametrize(
    ("name", "size", "text"),
    [
        ("dft", None, "dft: the size is missing; give --size"),
        ("dft", 0, "dft: size 0; .* sizes from 2 on are needed"),
        ("dft", 1, "dft: size 1; .* sizes from 2 on are needed"),
        ("dft", -4, "dft: size -4"),
        ("dft", 1 << 20, "dft: size 1048576; at most 16384 is held"),
        ("dft:3", 8, "dft takes no parameters"),
        ("hadamard", 12, "hadamard: size 12 is no power of two"),
        ("haar", 12, "haar: size 12 is no power of two"),
        ("dft-2d", 12, "dft-2d: size 12 is no square"),
        ("circulant:1,2,3", 2, "a filter of 3 numbers for size 2; give --size 3"),
        ("circulant:1,x", 4, "'x' is no integer"),
        ("circulant:1,99999999999999999", 4, "coefficient 99999999999999999 is too large"),
        ("circulant:0,0", 4, "every entry is 0; there is nothing to factor"),
    ],
)
def test_bad_names_and_sizes(name, size, text):
    with pytest.raises(TransformError, match=text):
        parse_transform(name, size)


def test_an_unknown_name_has_a_suggestion():
    with pytest.raises(UnknownNameError, match="unknown transform 'dtf': did you mean 'dft'"):
        parse_transform("dtf", 8)


def test_a_file_is_read(tmp_path):
    matrix = np.arange(9.0).reshape(3, 3)
    np.save(tmp_path / "map.npy", matrix)
    found = parse_transform(f"file:{tmp_path / 'map.npy'}")
    assert found.name == "file:map.npy"
    assert (found.matrix == matrix).all()
    with pytest.raises(TransformError, match="a matrix of size 3, asked for is 4; leave --size out"):
        parse_transform(f"file:{tmp_path / 'map.npy'}", 4)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\); a square matrix is needed"),
        (np.ones(4), r"shape \(4,\); a square matrix is needed"),
        (np.array([[1.0, np.nan], [0, 1]]), r"entry \[0,1\] is not finite"),
        (np.zeros((2, 2)), "every entry is 0"),
        (np.array([["a", "b"], ["c", "d"]]), "real or complex numbers are needed"),
        (np.ones((1, 1)), "size 1"),
    ],
)
def test_bad_files(tmp_path, array, text):
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(TransformError, match=text):
        parse_transform(f"file:{tmp_path / 'bad.npy'}")


def test_files_that_are_none(tmp_path):
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY\x01")
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    for path in (tmp_path / "short.npy", tmp_path / "pickled.npy", tmp_path / "none.npy", tmp_path):
        with pytest.raises(TransformError, match=r"a square matrix as \.npy is needed"):
            parse_transform(f"file:{path}")


def test_memory_is_asked_for_first(monkeypatch):
    monkeypatch.setattr("bilinear.decompositions.memory.ALWAYS", 0)
    monkeypatch.setattr("bilinear.decompositions.memory.available", lambda: 1000)
    with pytest.raises(TooLargeError, match="the matrix of dft:64 needs about"):
        parse_transform("dft", 64)

import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given
from strategies import file_targets

from bilinear.decompositions import BilinearError, Ring, TargetError, TooLargeError, lower_bounds, memory, parse_target
from bilinear.decompositions.targets.file import from_dense

POLYNOMIALS = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 1]]])


@pytest.fixture
def write(tmp_path):
    """Save an array or arrays and parse the file as a target."""

    def save(*arrays, **entries):
        path = tmp_path / ("map.npz" if entries else "map.npy")
        np.savez(path, **entries) if entries else np.save(path, arrays[0], allow_pickle=True)
        return parse_target(f"file:{path}")

    return save


def entries(tensor=POLYNOMIALS, **changed):
    indices = np.argwhere(tensor)
    return {"indices": indices, "values": tensor[tuple(indices.T)], "shape": np.array(tensor.shape), **changed}


def test_dense_and_sparse_files_hold_the_same_map(write):
    dense, sparse = write(POLYNOMIALS), write(**entries())
    assert dense == sparse
    assert dense.name == "file:map.npy"
    assert dense.names[0] == ("x1", "x2")
    assert (dense.family, dense.sizes, dense.shape) == ("file", (), (2, 2, 3))
    assert dense.dense().tolist() == POLYNOMIALS.tolist()


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, ">i4", np.bool_])
def test_integers_of_any_type(write, dtype):
    assert write(POLYNOMIALS.astype(dtype)).dense().tolist() == POLYNOMIALS.tolist()
    assert write(np.asfortranarray(POLYNOMIALS)).dense().tolist() == POLYNOMIALS.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f8", np.longdouble])
def test_floats_that_are_integers(write, dtype):
    assert write(-POLYNOMIALS.astype(dtype)).dense().tolist() == (-POLYNOMIALS).tolist()
    assert write(**entries(-POLYNOMIALS.astype(dtype))).dense().tolist() == (-POLYNOMIALS).tolist()


def test_entries_in_any_order(write):
    shuffled = entries()
    order = [2, 0, 3, 1]
    shuffled["indices"], shuffled["values"] = shuffled["indices"][order], shuffled["values"][order]
    assert write(**shuffled) == write(POLYNOMIALS)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (POLYNOMIALS / 2, r"value 0.5 at \[0, 0, 0\]; integers below 2\^53 are needed, as schemes are exact"),
        (POLYNOMIALS * 2.0**53, r"value 9007199254740992.0 at \[0, 0, 0\]; integers below 2\^53 are needed"),
        (np.array([[[1.0, np.nan]]]), r"value nan at \[0, 0, 1\]; integers"),
        (np.array([[[1.0, -np.inf]]]), r"value -inf at \[0, 0, 1\]; integers"),
        (POLYNOMIALS.astype(complex), "values of type complex128"),
        (POLYNOMIALS.astype(str), "values of type <U"),
        (POLYNOMIALS[0], "a tensor with 2 axes; three are needed: left, right, output"),
        (np.array(3), "a tensor with 0 axes"),
        (POLYNOMIALS * 0, "the tensor needs nonzero entries only, and at least one"),
        (np.zeros((0, 2, 2), int), "every side needs at least one coordinate"),
        (POLYNOMIALS.astype(object), r"an array of Python objects, .* numbers are needed: save array.astype\(int\)"),
        (np.array([[[1 << 63]]], dtype=np.uint64), "a value beyond 2\\^62"),
        (np.array([[[-(1 << 63)]]]), "a value beyond 2\\^62"),
    ],
)
def test_bad_dense_files(write, tensor, text):
    with pytest.raises(TargetError, match=text):
        write(tensor)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"indices": np.zeros((2, 3), int), "values": np.ones(2, int)}, "each position given once"),
        ({"indices": entries()["indices"].astype(float)}, "indices of type float64; integers are needed"),
        ({"indices": np.array(3)}, r"entries need indices \(nonzeros, 3\)"),
        ({"indices": entries()["indices"].T}, r"entries need indices \(nonzeros, 3\)"),
        ({"values": np.ones(3, int)}, r"values \(nonzeros,\)"),
        ({"values": np.array([1, 1, 0, 1])}, "the tensor needs nonzero entries only"),
        ({"values": np.full(4, None)}, "map.npz: an array of Python objects, which are not read from files"),
        ({"shape": np.array([2, 2])}, "a shape of three"),
        ({"shape": np.array([2, 2, 1])}, "an index lies outside the shape"),
        ({"shape": np.array([2, 2, -3])}, "every side needs at least one coordinate"),
        ({"shape": np.array([2.0, 2.0, np.inf])}, "shape of type float64; three integers are needed"),
        ({"shape": np.array([2, 2, 2**40])}, "a side of 1099511627776 coordinates"),
        ({"indices": np.array([[-1, 0, 0]]), "values": np.array([1])}, "an index lies outside the shape"),
        ({"indices": np.array([[2**64 - 1, 0, 0]], np.uint64), "values": np.array([1])}, "an index lies outside"),
    ],
)
def test_bad_sparse_files(write, changed, text):
    with pytest.raises(TargetError, match=text):
        write(**entries(**changed))


@pytest.mark.parametrize("key", ["indices", "values", "shape"])
def test_a_missing_array_is_named(write, key):
    kept = {name: array for name, array in entries().items() if name != key}
    with pytest.raises(TargetError, match=f"no array '{key}'; .npz entries need indices, values and shape"):
        write(**kept)


@pytest.mark.parametrize("name", ["nowhere.npy", "nowhere.npz"])
def test_a_path_that_is_missing(tmp_path, name):
    with pytest.raises(TargetError, match="No such file or directory; a 3-way integer tensor is needed"):
        parse_target(f"file:{tmp_path / name}")


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(TargetError, match="Is a directory"):
        parse_target(f"file:{tmp_path}")
    with pytest.raises(TargetError, match="embedded null byte"):
        parse_target("file:a\0b")


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "map.npy"
    path.write_bytes(pickle.dumps(POLYNOMIALS))
    with pytest.raises(TargetError, match="This file contains pickled"):
        parse_target(f"file:{path}")


def test_an_archive_under_the_wrong_name(tmp_path):
    with (tmp_path / "map.npy").open("wb") as file:
        np.savez(file, **entries())
    with pytest.raises(
        TargetError, match="not a single array; a .npy file of one tensor is needed".replace(".", "[.]")
    ):
        parse_target(f"file:{tmp_path / 'map.npy'}")


@pytest.mark.parametrize("compressed", [False, True, None], ids=["npz", "compressed npz", "npy"])
def test_damaged_files_never_raise_anything_else(tmp_path, compressed):
    path = tmp_path / ("map.npy" if compressed is None else "map.npz")
    if compressed is None:
        np.save(path, POLYNOMIALS)
    else:
        (np.savez_compressed if compressed else np.savez)(path, **entries())
    data, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for round_ in range(200):
        damaged = bytearray(data[: rng.integers(len(data))] if round_ % 2 else data)
        for position in rng.integers(0, min(len(damaged), 140), 3) if len(damaged) else ():
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            parse_target(f"file:{path}")
        except BilinearError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_truncated_files(tmp_path, suffix):
    path = tmp_path / f"map.{suffix}"
    np.save(path, POLYNOMIALS) if suffix == "npy" else np.savez(path, **entries())
    data = path.read_bytes()
    for length in (0, 1, 5, 60, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(TargetError, match="a 3-way integer tensor is needed"):
            parse_target(f"file:{path}")


def test_files_larger_than_memory_are_refused(write, monkeypatch):
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 100)
    with pytest.raises(TooLargeError, match=r"the tensor of file:map\.npy needs about 576 bytes, 100 bytes are avail"):
        write(POLYNOMIALS)
    with pytest.raises(TooLargeError, match=r"the tensor of file:map\.npz needs about"):
        write(**entries())


# Bounds.


def flattenings(target):
    tensor = target.dense()
    return [np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1) for axis in range(3)]


@given(file_targets())
def test_flattening_ranks_agree_with_others(target):
    found = {ring: lower_bounds(target, ring)[0].rank for ring in Ring}
    matrices = flattenings(target)
    expected = max(np.linalg.matrix_rank(matrix.astype(float)) for matrix in matrices)
    assert {found[ring] for ring in (Ring.ZT, Ring.Z, Ring.Q, Ring.QI)} == {expected}
    for ring in (Ring.F2, Ring.F3):
        domain = sympy.GF(ring.characteristic)
        ranks = [
            sympy.polys.matrices.DomainMatrix(
                [[domain(x) for x in row] for row in matrix.tolist()], matrix.shape, domain
            ).rank()
            for matrix in matrices
        ]
        assert found[ring] == max(ranks)


def test_bounds_of_a_map_that_vanishes_modulo_two():
    target = from_dense("file:even.npy", 2 * POLYNOMIALS)
    assert lower_bounds(target, Ring.F2)[0].rank == 0
    assert lower_bounds(target, Ring.F3)[0].rank == 3
    assert lower_bounds(target, Ring.Q)[0].source == "largest flattening rank"

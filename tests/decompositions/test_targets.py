import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from strategies import file_targets, formats

from bilinear.decompositions import (
    TARGETS,
    BilinearError,
    Target,
    TargetError,
    TooLargeError,
    UnknownNameError,
    parse_target,
)
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.targets.parse import family_of


@pytest.mark.parametrize("name", ["2x3x4", "matmul:2x3x4", "MATMUL:2X3X4", " 2x3x4 ", "matmul: 2x3x4"])
def test_spellings_of_a_format(name):
    target = parse_target(name)
    assert (target.name, target.short, target.family) == ("matmul:2x3x4", "2x3x4", "matmul")
    assert (target.sizes, target.shape) == ((2, 3, 4), (6, 12, 8))


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("2x2", TargetError, "matmul:2x2: 2 sizes given, three are needed: matmul:NxMxP"),
        ("2x2x2x2", TargetError, "4 sizes given"),
        ("2xax2", TargetError, "matmul:2xax2: 'a' is not a whole number; sizes are written matmul:NxMxP"),
        ("2x2.0x2", TargetError, "'2.0' is not a whole number"),
        ("2xx2", TargetError, "'' is not a whole number"),
        ("2x²x2", TargetError, "'²' is not a whole number"),
        ("0x2x2", TargetError, "matmul:0x2x2: a size is below 1; every size must be at least 1"),
        ("-1x2x2", TargetError, "'-1' is not a whole number"),
        ("matmul:-1", TargetError, "1 sizes given"),
        ("-1", UnknownNameError, "unknown target '-1'"),
        ("", UnknownNameError, "unknown target ''"),
        ("matmul", TargetError, "target 'matmul' needs its parameters: matmul:NxMxP"),
        ("file", TargetError, "target 'file' needs its parameters: file:PATH"),
        ("file:", TargetError, "file: the path is missing"),
        (
            "matmull:2x2x2",
            UnknownNameError,
            "unknown target 'matmull': did you mean 'matmul'[?] known targets: circulant, .*, file, .*, matmul, ",
        ),
        (f"2x2x{'9' * 5000}", TargetError, "a size of 5000 digits"),
    ],
)
def test_bad_names(name, error, text):
    with pytest.raises(error, match=text) as caught:
        parse_target(name)
    assert isinstance(caught.value, BilinearError)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["100000x100000x100000", "999999999999x999999999999x999999999999", "1x1x99999999999"])
def test_huge_formats_are_refused_before_allocation(name):
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(TooLargeError, match=r"the tensor of matmul:\d+x\d+x\d+ needs about .*TB, .* are available"):
        parse_target(name)
    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.5
    assert peak < 1 << 20


def test_the_dense_tensor_is_refused_as_well():
    target = parse_target("100x100x100")
    with pytest.raises(TooLargeError, match="the dense tensor of matmul:100x100x100 needs about"):
        target.dense()


@given(formats(4))
def test_the_matmul_tensor_multiplies_matrices(target):
    n, m, p = target.sizes
    a, b = np.arange(n * m).reshape(n, m) - 3, 7 * np.arange(m * p).reshape(m, p) % 5
    product = np.einsum("ijk,i,j->k", target.dense(), a.ravel(), b.ravel())
    assert product.reshape(n, p).tolist() == (a @ b).tolist()
    assert len(target.values) == n * m * p
    assert target.entries == target.dense().size


@given(file_targets())
def test_a_tensor_is_its_sparse_form(target):
    again = from_dense("file:other.npy", target.dense())
    assert again == target
    assert hash(again) == hash(target)
    assert again.key == target.key
    changed = target.dense()
    changed[tuple(target.indices[0])] += 5
    assert from_dense("file:drawn.npy", changed) != target


def test_equality_is_that_of_the_map():
    assert from_dense("file:m.npy", parse_target("2x2x2").dense()) == parse_target("2x2x2")
    assert parse_target("2x2x3") != parse_target("3x2x2")
    assert parse_target("2x2x2") != "2x2x2"
    assert from_dense("file:a.npy", np.ones((2, 2, 1), int)) != from_dense("file:a.npy", np.ones((2, 1, 2), int))


def test_names_of_coordinates():
    target = parse_target("2x3x1")
    assert target.names == (("a11", "a12", "a13", "a21", "a22", "a23"), ("b11", "b21", "b31"), ("c11", "c21"))
    wide = parse_target("11x1x2").names
    assert wide[0][-1] == "a11_1"
    assert all(len(set(names)) == len(names) for names in wide)


@pytest.mark.parametrize(
    ("indices", "values", "shape", "text"),
    [
        ([[0, 0, 0]], [1, 2], (1, 1, 1), "indices of shape"),
        ([[0, 0, 2]], [1], (1, 1, 2), "an index lies outside the shape"),
        ([[0, 0, -1]], [1], (1, 1, 2), "an index lies outside the shape"),
        ([[0, 0, 0]], [0], (1, 1, 1), "the tensor needs nonzero entries only, and at least one"),
        ([[0, 0, 0], [0, 0, 0]], [1, 1], (1, 1, 1), "entries must be sorted and each position given once"),
        ([[0, 0, 1], [0, 0, 0]], [1, 1], (1, 1, 2), "entries must be sorted and each position given once"),
        ([[0, 0, 0]], [1], (1, 1, 0), "every side needs at least one coordinate"),
    ],
)
def test_a_target_that_is_none(indices, values, shape, text):
    names = tuple(tuple(f"{letter}{i}" for i in range(side)) for letter, side in zip("xyz", shape, strict=True))
    with pytest.raises(TargetError, match=text):
        Target("file:bad", (), shape, np.array(indices), np.array(values), names)


@pytest.mark.parametrize("name", TARGETS.names())
def test_every_family_describes_itself(name):
    family = family_of(name)
    assert family.usage == name or family.usage.startswith(f"{name}:")
    assert family.description

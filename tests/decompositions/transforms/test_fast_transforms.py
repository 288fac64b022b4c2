"""Factors, orders, interpolation and constructions: laws, and the matrices that they must give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.transforms import (
    FAST_CONSTRUCTIONS,
    ButterflyFactor,
    FastTransform,
    Selection,
    TransformError,
    construct,
    parse_transform,
    relative_error,
)
from bilinear.decompositions.transforms.cyclotomic import prime_factors
from bilinear.decompositions.transforms.interpolative import skeletons, truncated
from bilinear.decompositions.transforms.orders import (
    FOLDED_HALVES,
    FOLDED_STRIDED,
    HALVES,
    STRIDED,
    Ordering,
    fold,
    is_permutation,
    uniform,
)
from bilinear.decompositions.transforms.plans import ButterflyPlan, carried_out
from bilinear.decompositions.transforms.storage import read_fast, write_fast
from bilinear.decompositions.transforms.transform import Transform

SPLITS = st.sampled_from([HALVES, STRIDED, FOLDED_HALVES, FOLDED_STRIDED])
SHAPES = st.tuples(*[st.integers(1, 3)] * 6)


def matrix_of(sparse):
    dense = np.zeros(sparse.shape)
    dense[sparse.rows, sparse.columns] = sparse.values
    return dense


@given(SHAPES, st.integers(0, 2**32 - 1))
def test_a_factor_is_its_sparse_matrix(shape, seed):
    rng = np.random.default_rng(seed)
    factor = ButterflyFactor(rng.integers(-2, 3, shape).astype(float))
    x = rng.standard_normal((factor.shape[1], 2))
    assert np.allclose(factor.apply(x), matrix_of(factor.sparse()) @ x)


@given(st.integers(1, 6), st.data())
def test_a_selection_is_its_sparse_matrix(inputs, data):
    indices = np.array(data.draw(st.lists(st.integers(-1, inputs - 1), min_size=1, max_size=8)))
    selection = Selection(indices, inputs)
    x = np.arange(1.0, inputs + 1)[:, None]
    assert (selection.apply(x) == matrix_of(selection.sparse()) @ x).all()


def test_counts_of_a_known_factor():
    haar = ButterflyFactor(np.array([[1.0, 1.0], [1.0, -1.0]]).reshape(1, 2, 1, 1, 2, 1))
    scaled = ButterflyFactor(np.array([2.0, 1j]).reshape(2, 1, 1, 1, 1, 1))
    assert FastTransform((haar, scaled)).operations() == (1, 2, 6)


def test_sizes_that_disagree_are_refused():
    with pytest.raises(TransformError, match="cannot be multiplied"):
        FastTransform((Selection(np.arange(3), 3), Selection(np.arange(2), 2)))
    with pytest.raises(TransformError, match="lies outside 2 inputs"):
        Selection(np.array([2]), 2)
    with pytest.raises(TransformError, match="six are needed"):
        ButterflyFactor(np.ones(3))


def test_fold_is_evens_then_odds_reversed():
    assert fold(np.arange(7)).tolist() == [0, 2, 4, 6, 5, 3, 1]


@given(st.sampled_from([2, 4, 8, 12, 15, 30]), st.data())
def test_orders_are_permutations(size, data):
    radices = tuple(prime_factors(size))
    paths = [tuple(data.draw(SPLITS) for _ in radices) for _ in range(2)]
    ordering = Ordering(radices, *paths)
    assert is_permutation(ordering.row_order)
    assert is_permutation(ordering.column_order)


def test_strided_at_every_level_is_bit_reversal():
    assert uniform((2, 2, 2), STRIDED, STRIDED).row_order.tolist() == [0, 4, 2, 6, 1, 5, 3, 7]
    assert uniform((2, 2, 2), HALVES, HALVES).row_order.tolist() == list(range(8))


def random_butterfly(size, width, seed):
    """The matrix of random blocks in natural order, in the shape that truncation gives."""
    rng = np.random.default_rng(seed)
    radices = prime_factors(size)
    template = truncated(rng.standard_normal((size, size)), radices, width)
    factors = tuple(ButterflyFactor(rng.standard_normal(factor.blocks.shape)) for factor in template)
    return FastTransform(factors).dense(), radices


@pytest.mark.parametrize(("size", "width"), [(8, 1), (16, 1), (16, 2), (12, 1), (18, 2), (30, 1)])
def test_butterflies_are_found_again_both_ways(size, width):
    matrix, radices = random_butterfly(size, width, seed=size + width)
    levels = skeletons(matrix, radices, width)
    assert levels is not None
    plan = ButterflyPlan(Transform("given", matrix), uniform(radices, HALVES, HALVES), levels)
    assert relative_error(matrix, carried_out(plan).dense()) < 1e-10
    assert relative_error(matrix, FastTransform(truncated(matrix, radices, width)).dense()) < 1e-10


def test_a_higher_rank_is_refused_and_truncation_is_no_better_than_the_best_block():
    matrix = np.random.default_rng(0).standard_normal((16, 16))
    assert skeletons(matrix, [2, 2, 2, 2], 2) is None
    error = relative_error(matrix, FastTransform(truncated(matrix, [2, 2, 2, 2], 1)).dense())
    corner = np.linalg.svd(matrix[:4, :4], compute_uv=False)
    assert error * np.linalg.norm(matrix) >= np.linalg.norm(corner[1:])


def test_a_monarch_matrix_is_two_factors():
    dft = parse_transform("dft", 16)
    ordering = uniform((4, 4), STRIDED, STRIDED)
    levels = skeletons(dft.matrix[np.ix_(ordering.row_order, ordering.column_order)], (4, 4), 1)
    assert levels is not None
    monarch = carried_out(ButterflyPlan(dft, ordering, levels))
    assert [factor.blocks.shape for factor in monarch.butterflies[:2]] == [(1, 4, 4, 1, 4, 1), (4, 4, 1, 1, 4, 1)]
    assert relative_error(dft.matrix, monarch.dense()) < 1e-15


@pytest.mark.parametrize("name", sorted(FAST_CONSTRUCTIONS))
@pytest.mark.parametrize("size", [2, 7, 8, 12, 32])
def test_constructions_are_their_transforms(name, size):
    if name in ("hadamard", "haar") and size & (size - 1):
        with pytest.raises(TransformError, match="is no power of two"):
            construct(name, size)
        return
    assert relative_error(parse_transform(name, size).matrix, construct(name, size).dense()) < 1e-14


def test_cooley_tukey_takes_the_known_additions():
    assert construct("dft", 64).operations().additions == 64 * 6
    assert construct("hadamard", 64).operations() == (0, 64 * 6, 2 * 64 * 6)
    assert construct("haar", 64).operations().additions == 2 * 63


def test_files_keep_every_bit(tmp_path):
    fast = construct("dct-ii", 8)
    write_fast(tmp_path / "f.npz", fast, {"target": "dct-ii", "size": 8})
    again, about = read_fast(tmp_path / "f.npz")
    assert about == {"target": "dct-ii", "size": 8}
    assert (again.dense() == fast.dense()).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {"about": np.array("{}")},
        {"about": np.array("[]"), "blocks-0": np.ones((1,) * 6)},
        {"about": np.array("{"), "blocks-0": np.ones((1,) * 6)},
        {"about": np.array("{}"), "blocks-0": np.full((1,) * 6, np.inf)},
        {"about": np.array("{}"), "blocks-0": np.ones(3)},
        {"about": np.array("{}"), "blocks-x": np.ones((1,) * 6)},
        {"about": np.array("{}"), "selection-0": np.array([2, 5])},
        {"about": np.array("{}"), "blocks-0": np.array([[[[[[{}]]]]]], dtype=object)},
    ],
)
def test_damaged_files_are_one_line(tmp_path, arrays):
    np.savez(tmp_path / "bad.npz", allow_pickle=True, **arrays)
    with pytest.raises(TransformError):
        read_fast(tmp_path / "bad.npz")

"""Wrong input to `fast_matmul`: each message names the thing, the fact, the need and the act."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from layer_cases import truncated

from bilinear.decompositions import standard, strassen
from bilinear.decompositions.targets.file import from_dense
from bilinear.layers import LayerError, fast_matmul


def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.zeros(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (zeros(4), zeros(4, 4), r"shapes \(4,\) and \(4, 4\): both need at least two axes; add one with unsqueeze"),
        (zeros(4, 4), zeros(4), "both need at least two axes"),
        (zeros(4, 3), zeros(4, 4), r"shapes \(4, 3\) and \(4, 4\): the inner sizes 3 and 4 must agree"),
        (zeros(2, 4, 4), zeros(3, 4, 4), "the leading axes cannot be broadcast; make them equal or 1"),
        (zeros(4, 4), zeros(4, 4, dtype=torch.float64), "of torch.float32 and torch.float64; convert one"),
        (zeros(4, 4), zeros(4, 4).to("meta"), "tensors on cpu and meta; move one to the other's device"),
    ],
)
def test_operands_that_do_not_fit(a, b, text):
    with pytest.raises(LayerError, match=text):
        fast_matmul(a, b, strassen())


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_other_numbers(dtype):
    x = zeros(4, 4, dtype=dtype)
    with pytest.raises(LayerError, match=f"fast_matmul of {dtype}; float32, float64, bfloat16 or float16 is needed"):
        fast_matmul(x, x, strassen())


@pytest.mark.parametrize("levels", [-1, 1.0, True, "2"])
def test_levels(levels):
    with pytest.raises(LayerError, match="levels; a whole number of at least 0 is needed"):
        fast_matmul(zeros(4, 4), zeros(4, 4), strassen(), levels)


def test_too_many_products_are_refused_before_memory_is_taken():
    with pytest.raises(LayerError, match=r"2x2x2 of rank 7 at 40 levels: 7\^40 products are more than .* use fewer"):
        fast_matmul(zeros(4, 4), zeros(4, 4), strassen(), 40)


def test_schemes_that_multiply_no_real_matrices():
    x = zeros(4, 4)
    with pytest.raises(LayerError, match=r"2x2x2: an approximation; fast_matmul needs an exact scheme"):
        fast_matmul(x, x, truncated(7))
    with pytest.raises(LayerError, match="over f2: true modulo 2 only"):
        fast_matmul(x, x, strassen().to("f2"))
    with pytest.raises(LayerError, match=r"file:map.npy: no matrix multiplication"):
        fast_matmul(x, x, standard(from_dense("file:map.npy", np.ones((2, 2, 2), np.int64))))

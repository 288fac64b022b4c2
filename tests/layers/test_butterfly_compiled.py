"""The compiled butterfly against the layer it copies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions.transforms import parse_transform
from bilinear.discover.transforms.hierarchical import Hierarchical
from bilinear.layers import ButterflyLinear, LayerError
from bilinear.layers.butterfly.compiled import CompiledButterfly


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.integers(2, 3), st.booleans(), st.integers(0, 99))
def test_it_computes_what_the_layer_does(inputs, outputs, rank, radix, bias, seed):
    torch.manual_seed(seed)
    layer = ButterflyLinear(inputs, outputs, bias, rank=rank, radix=radix, dtype=torch.float64)
    x = torch.randn(inputs, dtype=torch.float64)
    compiled = CompiledButterfly(layer)
    for _ in range(2):
        assert np.allclose(compiled(x.numpy()), layer(x).detach().numpy(), rtol=1e-12, atol=1e-12)


def test_a_recovered_transform_with_orders_on_both_sides():
    target = parse_transform("dct-II", 64)
    layer = ButterflyLinear.from_transform(Hierarchical().solve(target).fast, dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=64)
    assert np.allclose(CompiledButterfly(layer)(x), target.matrix @ x, rtol=1e-12, atol=1e-12)


def test_results_and_numbers_are_copies():
    layer = ButterflyLinear(8, 8, bias=False)
    compiled, x = CompiledButterfly(layer), np.ones(8, np.float32)
    first = compiled(x)
    kept = first.copy()
    with torch.no_grad():
        layer.stages[0].blocks.zero_()
    compiled(2 * x)
    assert (first == kept).all()
    assert np.allclose(compiled(x), kept)


@pytest.mark.parametrize("x", [np.ones(7, np.float32), np.ones(8), np.ones((1, 8), np.float32)])
def test_other_inputs_are_refused(x):
    with pytest.raises(LayerError, match=r"float32 of \(8,\) is needed"):
        CompiledButterfly(ButterflyLinear(8, 8))(x)


def test_half_precision_is_refused():
    with pytest.raises(LayerError, match="float32 or float64 on cpu is needed"):
        CompiledButterfly(ButterflyLinear(8, 8, dtype=torch.bfloat16))

"""A convolution by an exact scheme is the convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import EXACT, normal, truncated
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bilinear.decompositions import Approximation, strassen
from bilinear.layers import LayerError, STLConv2d


def conv(*arguments, dtype: torch.dtype = torch.float64, **options) -> nn.Conv2d:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Conv2d(*arguments, dtype=dtype, **options)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=30)
@given(
    name=st.sampled_from(sorted(EXACT)),
    channels=pairs,
    kernel=pairs,
    stride=pairs,
    dilation=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    encoded=st.booleans(),
    sharing=st.sampled_from(["layer", "column"]),
)
def test_every_shape_is_torchs(name, channels, kernel, stride, dilation, padding, encoded, sharing):
    dense = conv(*channels, kernel, stride, padding, dilation)
    layer = STLConv2d.from_conv(dense, EXACT[name], encoded, sharing=sharing)
    x = normal(2, channels[0], 9, 8)
    torch.testing.assert_close(layer(x), dense(x), rtol=0, atol=1e-11)
    torch.testing.assert_close(layer.dense_weight(), dense.weight, rtol=0, atol=1e-12)


@pytest.mark.parametrize("encoded", [True, False])
def test_flops_are_those_that_torch_counts(encoded):
    dense = conv(3, 5, 3, 2, 1)
    layer, x = STLConv2d.from_conv(dense, EXACT["rectangular"], encoded), normal(2, 3, 9, 11)
    for module, flops in ((layer, layer.flops(2, 9, 11)), (dense, layer.dense_flops(2, 9, 11))):
        with FlopCounterMode(display=False) as counter:
            module(x)
        assert flops == counter.get_total_flops()


def test_no_tile_spans_two_rows_or_samples():
    leaky = Approximation(strassen().target, *(np.delete(factor, 3, axis=0) for factor in strassen().factors))
    layer = STLConv2d(2, 2, 1, leaky, dtype=torch.float64)
    x = normal(2, 2, 3, 3)
    changed = x.clone()
    changed[1, :, 0, 1] += 1
    touched = (layer(x) != layer(changed)).any(dim=1)
    assert touched.nonzero().tolist() == [[1, 0, 0], [1, 0, 1]]


def test_memory_holds_as_many_encoded_images_as_the_kernel_has_columns():
    """Of rank 7 and tile 2 an image takes 7/4 of its size; a full unfolding of a 5x5 kernel 25 times as much."""
    layer, x = STLConv2d(8, 8, 5, strassen(), padding=2), torch.zeros(1, 8, 32, 32)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.untyped_storage()) or t, lambda t: t):
        layer(x)
    held = sum(size for size in {s.data_ptr(): s.nbytes() for s in kept}.values()) / x.untyped_storage().nbytes()
    assert held < 5 * 7 / 4 * 2 + 5


def test_gradients():
    layer = STLConv2d(3, 2, 3, truncated(6), padding=1, encoded=False, learnable_basis=True, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def apply(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    inputs = [normal(1, 3, 3, 4), *(p.detach().clone() for p in layer.parameters())]
    assert torch.autograd.gradcheck(apply, [tensor.requires_grad_() for tensor in inputs])


def test_a_fresh_layer_has_the_variance_of_conv2d():
    torch.manual_seed(0)
    x = normal(4, 64, 16, 16, dtype=torch.float32)
    found = STLConv2d(64, 64, 3, truncated(5), padding=1, bias=False)(x).var().item()
    assert found == pytest.approx(nn.Conv2d(64, 64, 3, padding=1, bias=False)(x).var().item(), rel=0.1)


def test_calibration_beats_plain_encoding():
    dense, mixing = conv(4, 4, 3, padding=1), normal(4, 4, seed=5) * torch.tensor([1, 0.3, 0.1, 0.03])
    x, held_out = (torch.einsum("bchw,dc->bdhw", normal(8, 4, 12, 12, seed=s), mixing) for s in (1, 2))
    errors = [
        (STLConv2d.from_conv(dense, truncated(6), calibration=c)(held_out) - dense(held_out)).square().mean().item()
        for c in (None, x)
    ]
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize(
    ("dense", "text"),
    [
        (conv(4, 4, 3, groups=2), r"layer Conv2d\(4 -> 4, 3x3\): 2 groups; leave it dense"),
        (conv(4, 4, 3, padding_mode="reflect"), "padding mode 'reflect'; leave it dense"),
        (conv(4, 4, 3, padding="same"), "padding 'same' by name; leave it dense"),
    ],
)
def test_convolutions_that_stay_dense(dense, text):
    with pytest.raises(LayerError, match=text):
        STLConv2d.from_conv(dense, strassen())


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (torch.zeros(1, 3, 8, 8), r"input of shape \(1, 3, 8, 8\); \(batch, 4, height, width\) is needed"),
        (torch.zeros(4, 8, 8), "is needed"),
        (torch.zeros(1, 4, 2, 8), "an image of 2x8 is too small"),
        (torch.zeros(1, 4, 8, 8, dtype=torch.int32), "input of torch.int32, the layer is torch.float32"),
        (torch.zeros(1, 4, 8, 9), "7 output columns are not a multiple of the tile size 2; pass pad=True"),
    ],
)
def test_input_that_does_not_fit(x, text):
    with pytest.raises(LayerError, match=text):
        STLConv2d(4, 4, 3, strassen(), pad=False)(x)


def test_layers_that_cannot_be():
    for arguments in ((0, 4, 3), (4, 4, 0)):
        with pytest.raises(LayerError, match="a size is below 1"):
            STLConv2d(*arguments, strassen())
    with pytest.raises(LayerError, match="3 is not a multiple of the tile size 2; pass pad=True, or choose tile 3"):
        STLConv2d(3, 4, 3, strassen(), pad=False)


def test_empty_batches_and_other_memory():
    layer, x = STLConv2d(4, 4, 3, strassen()), normal(2, 8, 8, 4, dtype=torch.float32).permute(0, 3, 1, 2)
    assert layer(x[:0]).shape == (0, 4, 6, 6)
    torch.testing.assert_close(layer(x), layer(x.contiguous()))

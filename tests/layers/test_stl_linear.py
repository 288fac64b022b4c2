"""An STL layer of an exact scheme means what the dense layer means."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import EXACT, linear, normal, relative_rms, rounding, truncated
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bilinear.decompositions import strassen
from bilinear.layers import STLLinear

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", EXACT)
def test_exact_scheme_gives_the_outputs_of_linear(name, encoded):
    dense = linear(24, 36)
    layer = STLLinear.from_linear(dense, EXACT[name], encoded)
    x = normal(12, 24)
    assert relative_rms(layer(x), dense(x)) <= rounding(EXACT[name], 24, torch.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_every_dtype_is_as_exact_as_its_eps_allows(name, dtype):
    dense = linear(48, 48, dtype)
    layer = STLLinear.from_linear(dense, EXACT[name])
    x = normal(48, 48, dtype=dtype)
    exact = nn.functional.linear(x.double(), dense.weight.double(), dense.bias.double())
    y = layer(x)
    assert y.dtype == dtype
    assert relative_rms(y, exact) <= rounding(EXACT[name], 48, dtype)


def test_the_tolerance_rejects_a_wrong_coefficient():
    dense = linear(48, 48, torch.bfloat16)
    layer = STLLinear.from_linear(dense, EXACT["strassen2"])
    layer.decoder[0, 0] += 1
    x = normal(48, 48, dtype=torch.bfloat16)
    assert relative_rms(layer(x), dense(x)) > rounding(EXACT["strassen2"], 48, torch.bfloat16)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(EXACT)),
    tokens=st.integers(1, 9),
    sizes=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    encoded=st.booleans(),
    bias=st.booleans(),
)
def test_every_size_is_padded_and_cut(name, tokens, sizes, encoded, bias):
    dense = linear(*sizes, bias=bias)
    layer = STLLinear.from_linear(dense, EXACT[name], encoded)
    x = normal(tokens, sizes[0])
    assert layer(x).shape == (tokens, sizes[1])
    # No output can be expected to be small against its terms here, so we scale by these, and allow 8 deviations.
    terms = (x.abs() @ dense.weight.abs().mT).max().item() + (dense.bias.abs().max().item() if bias else 0)
    assert (layer(x) - dense(x)).abs().max().item() <= 8 * terms * rounding(EXACT[name], sizes[0], torch.float64)


@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 3, 8), (1, 2, 2, 8), (0, 8), (2, 0, 8)])
def test_any_leading_axes(shape):
    dense = linear(8, 6)
    layer = STLLinear.from_linear(dense, strassen())
    x = normal(*shape)
    y = layer(x)
    assert y.shape == dense(x).shape
    torch.testing.assert_close(y, dense(x), rtol=0, atol=1e-13)


def test_empty_input_has_zero_gradients():
    layer = STLLinear(8, 6, strassen())
    layer(torch.zeros(0, 8)).sum().backward()
    assert not layer.encoded_weight.grad.any()


def test_input_may_lie_in_memory_in_any_order():
    layer = STLLinear.from_linear(linear(8, 6), strassen())
    x = normal(8, 10).mT
    torch.testing.assert_close(layer(x), layer(x.contiguous()), rtol=0, atol=0)


@pytest.mark.parametrize("learnable_basis", [True, False])
@pytest.mark.parametrize("encoded", [True, False])
def test_gradients(encoded, learnable_basis):
    layer = STLLinear(5, 3, strassen(), encoded=encoded, learnable_basis=learnable_basis, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def apply(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    inputs = [normal(3, 5), *(p.detach().clone() for p in layer.parameters())]
    assert torch.autograd.gradcheck(apply, [tensor.requires_grad_() for tensor in inputs])


def test_gradients_reach_input_and_weight_as_in_linear():
    dense = linear(6, 4)
    layer = STLLinear.from_linear(dense, strassen(), encoded=False)
    x, target = normal(5, 6), normal(5, 4, seed=1)
    grads = []
    for module in (dense, layer):
        own = x.clone().requires_grad_()
        (module(own) - target).square().sum().backward()
        grads.append((own.grad, module.weight.grad, module.bias.grad))
    for found, expected in zip(*grads, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_fresh_layer_is_a_fresh_linear_layer():
    torch.manual_seed(3)
    layer = STLLinear(24, 16, EXACT["strassen2"], dtype=torch.float64)
    torch.manual_seed(3)
    dense = nn.Linear(24, 16, dtype=torch.float64)
    x = normal(7, 24)
    torch.testing.assert_close(layer(x), dense(x), rtol=0, atol=1e-13)


@pytest.mark.parametrize("encoded", [True, False])
def test_a_fresh_approximation_has_the_variance_of_linear(encoded):
    torch.manual_seed(0)
    layer = STLLinear(256, 256, truncated(5), bias=False, encoded=encoded)
    x = normal(256, 256, dtype=torch.float32)
    # 65,536 outputs of variance 1/3; 128 x 128 independent tiles leave about 1 %.
    assert layer(x).var().item() == pytest.approx(1 / 3, rel=0.05)


def test_the_basis_is_learned_only_on_request():
    frozen = STLLinear(8, 8, strassen())
    assert [name for name, _ in frozen.named_parameters()] == ["encoded_weight", "bias"]
    learned = STLLinear(8, 8, strassen(), learnable_basis=True)
    assert {name for name, _ in learned.named_parameters()} == {"encoder_x", "decoder", "encoded_weight", "bias"}
    dense = STLLinear(8, 8, strassen(), encoded=False, learnable_basis=True)
    assert "encoder_w" in dict(dense.named_parameters())


def test_training_moves_every_parameter():
    torch.manual_seed(0)
    layer = STLLinear(8, 8, truncated(6), encoded=False, learnable_basis=True)
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    (layer(normal(6, 8, dtype=torch.float32)) - 1).square().mean().backward()
    optimizer.step()
    assert all(not torch.equal(p, before[name]) for name, p in layer.named_parameters())


def test_from_linear_leaves_the_dense_layer_and_the_generator_alone():
    dense = linear(8, 6).eval()
    weight, state = dense.weight.detach().clone(), torch.get_rng_state()
    layer = STLLinear.from_linear(dense, strassen(), encoded=False)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
    assert torch.equal(dense.weight, weight)
    assert dense.bias.any()
    assert torch.equal(torch.get_rng_state(), state)
    assert not layer.training


def test_state_dict_and_deepcopy_keep_the_layer():
    layer = STLLinear(9, 7, EXACT["strassen2"])
    other = STLLinear(9, 7, EXACT["strassen2"])
    other.load_state_dict(layer.state_dict())
    x = normal(5, 9, dtype=torch.float32)
    assert torch.equal(other(x), layer(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))


def test_autocast_computes_in_the_lower_type():
    layer = STLLinear.from_linear(linear(16, 16, torch.float32), strassen())
    x = normal(8, 16, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert relative_rms(y, layer(x)) <= rounding(strassen(), 16, torch.bfloat16)


def test_meta_layer_allocates_nothing():
    layer = STLLinear(1 << 20, 1 << 20, strassen(), device="meta")
    assert layer(torch.empty(2, 1 << 20, device="meta")).shape == (2, 1 << 20)


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("sizes", [(8, 16, 24), (7, 5, 3)])
def test_flops_are_those_that_torch_counts(encoded, sizes):
    tokens, in_features, out_features = sizes
    layer = STLLinear(in_features, out_features, EXACT["strassen2"], encoded=encoded)
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(tokens, in_features))
    assert layer.flops(tokens) == counter.get_total_flops()


def test_flops_follow_the_formula_of_the_paper():
    n, rank, t = 4096, 49, 4
    layer = STLLinear(n, n, EXACT["strassen2"], device="meta")
    assert layer.flops(n) == pytest.approx(2 * n**3 * (rank / t**3) + 4 * n**2 * rank, rel=0)
    assert layer.dense_flops(n) == 2 * n**3
    assert layer.parameter_inflation() == 49 / 16
    factored = STLLinear(n, n, EXACT["strassen2"], encoded=False, device="meta")
    assert factored.parameter_inflation() == 1


def test_repr_names_tile_and_rank():
    text = repr(STLLinear(6, 4, EXACT["rectangular"], bias=False))
    assert text == "STLLinear(in_features=6, out_features=4, tile=2x3x4, rank=24, bias=False, encoded=True)"


def test_cuda_gives_the_outputs_of_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    layer = STLLinear.from_linear(linear(48, 36), EXACT["strassen2"])
    x = normal(10, 48)
    expected = layer(x)
    found = layer.cuda()(x.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13 * math.sqrt(48))

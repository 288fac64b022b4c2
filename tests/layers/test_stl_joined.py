"""Layers that share an encoding, and layers in a row, compute what the layers do one by one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from layer_cases import EXACT, linear, normal, truncated

from bilinear.decompositions import Approximation
from bilinear.layers import STLMLP, LayerError, STLLinear, STLLinearGroup
from bilinear.layers.kernels import ACTIVATIONS, dispatch

SCHEMES = [EXACT["strassen"], EXACT["standard3"], truncated(6)]
OPTIONS = [{}, {"encoded": False}, {"learnable_basis": True}, {"sharing": "column"}]


def group(scheme=SCHEMES[0], **options) -> STLLinearGroup:
    return STLLinearGroup.from_linears([linear(13, 11), linear(13, 7, bias=False)], scheme, **options)


def mlp(scheme=SCHEMES[0], activation="gelu", **options) -> STLMLP:
    up, down = (STLLinear.from_linear(linear(*sizes), scheme, **options) for sizes in ((13, 11), (11, 7)))
    return STLMLP(up, down, activation)


def gradients(outputs, tensors):
    return torch.autograd.grad(sum(y.square().sum() for y in outputs), tensors)


@pytest.mark.parametrize("least", [0, 1 << 40], ids=["kernels", "torch"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES, ids=["strassen", "standard3", "truncated"])
def test_a_group_is_its_layers(scheme, options, least, monkeypatch):
    monkeypatch.setattr(dispatch, "LEAST", least)
    module, x = group(scheme, **options), normal(3, 5, 13).requires_grad_()
    tensors = [x, *module.parameters()]
    found, expected = module(x), [layer(x) for layer in module.layers]
    for y, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(y, wanted)
    for own, theirs in zip(gradients(found, tensors), gradients(expected, tensors), strict=True):
        torch.testing.assert_close(own, theirs)


def test_a_group_encodes_once(monkeypatch):
    module, calls, own = group(), [], dispatch.plain.encode
    monkeypatch.setattr(dispatch.plain, "encode", lambda *given: calls.append(given) or own(*given))
    module(normal(4, 13))
    assert len(calls) == 1


def test_a_group_has_one_encoder_and_keeps_it_when_it_is_loaded():
    module, other = group(learnable_basis=True), group(learnable_basis=True)
    assert len([name for name, _ in module.named_parameters() if name.endswith("encoder_x")]) == 1
    with torch.no_grad():
        module.layers[0].encoder_x.add_(1)
    other.load_state_dict(copy.deepcopy(module.state_dict()))
    x = normal(4, 13)
    for y, wanted in zip(other.double()(x), module(x), strict=True):
        assert torch.equal(y, wanted)


def test_few_tokens_go_through_dense_weights():
    module, x = group(truncated(6), dense_below=8).eval(), normal(4, 13)
    for y, layer in zip(module(x), module.layers, strict=True):
        assert torch.equal(y, torch.nn.functional.linear(x, layer.weight, layer.bias))
    chain = mlp(truncated(6), dense_below=8).eval()
    assert torch.equal(chain(x), chain.down(ACTIVATIONS["gelu"](chain.up(x))))


@pytest.mark.parametrize("least", [0, 1 << 40], ids=["kernels", "torch"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_chain_is_its_layers(activation, options, least, monkeypatch):
    monkeypatch.setattr(dispatch, "LEAST", least)
    module, x = mlp(SCHEMES[2], activation, **options), normal(3, 5, 13).requires_grad_()
    tensors = [x, *module.parameters()]
    found, expected = module(x), module.down(ACTIVATIONS[activation](module.up(x)))
    torch.testing.assert_close(found, expected)
    for own, theirs in zip(gradients([found], tensors), gradients([expected], tensors), strict=True):
        torch.testing.assert_close(own, theirs)
    with torch.no_grad():
        torch.testing.assert_close(module(x), expected)


def test_a_chain_mixes_tokens_inside_tiles_only():
    exact = EXACT["strassen"]
    leaky = Approximation(exact.target, *(np.delete(factor, 3, axis=0) for factor in exact.factors))
    module, x = mlp(leaky), normal(6, 13)
    changed = x.clone()
    changed[2] += 1
    touched = (module(changed) != module(x)).any(dim=1).nonzero().flatten().tolist()
    assert touched == [2, 3]


def test_modules_are_compiled_and_saved():
    for module in (group(), mlp()):
        x = normal(4, 13)
        compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
        for y, wanted in zip(compiled(x), module(x), strict=True):
            torch.testing.assert_close(y, wanted)
        other = copy.deepcopy(module)
        other.load_state_dict(module.state_dict())


def test_layers_that_do_not_fit_each_other():
    strassen, standard = EXACT["strassen"], EXACT["standard3"]
    first = STLLinear.from_linear(linear(12, 12), strassen)
    with pytest.raises(LayerError, match="a group of no layers"):
        STLLinearGroup([])
    for other in (STLLinear(12, 12, standard, dtype=torch.float64), STLLinear(6, 12, strassen, dtype=torch.float64)):
        with pytest.raises(LayerError, match="differ in input features, tile or encoder of the input"):
            STLLinearGroup([first, other])
    with pytest.raises(LayerError, match="output tiles of 2x2x2 are no input tiles of 3x3x3"):
        STLMLP(first, STLLinear(12, 12, standard, dtype=torch.float64))
    with pytest.raises(LayerError, match="the hidden features differ"):
        STLMLP(first, STLLinear(6, 12, strassen, dtype=torch.float64))
    with pytest.raises(LayerError, match="activation 'tanh'; choose none, relu, gelu, silu"):
        STLMLP(first, first, "tanh")
    with pytest.raises(LayerError, match="the last axis must be 13"):
        group()(normal(4, 12))

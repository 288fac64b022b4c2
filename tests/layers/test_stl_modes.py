"""Layers made under `torch.inference_mode`, and layers exported with an open number of tokens."""

from __future__ import annotations

import pytest
import torch
from layer_cases import EXACT, linear, normal
from torch import nn
from torch.export import Dim

from bilinear.layers import STLConfig, STLConv2d, STLLinear, convert_, merge_, revert_

CONFIG = STLConfig(force=True, tile=2, rank=7, init="strassen")


@pytest.mark.parametrize("options", [{}, {"dense_below": 4}, {"encoded": False}], ids=str)
def test_layers_made_in_inference_mode_can_be_trained(options):
    dense, x = linear(6, 4), normal(8, 6)
    with torch.inference_mode():
        layer = STLLinear.from_linear(dense, EXACT["strassen"], **options)
        torch.testing.assert_close(layer(x), dense(x))
    layer.train()(x).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    torch.testing.assert_close(layer.eval()(x), dense(x))


def test_dense_layers_of_inference_mode_are_converted():
    with torch.inference_mode():
        dense, fresh = linear(6, 4), STLLinear(6, 4, EXACT["strassen"], dense_below=4)
        assert fresh.train().eval()(torch.ones(2, 6)).shape == (2, 4)
    with torch.no_grad():
        torch.testing.assert_close(STLLinear.from_linear(dense, EXACT["strassen"])(normal(8, 6)), dense(normal(8, 6)))


def test_models_are_converted_and_back_in_inference_mode():
    x = normal(2, 4, 6, 6)
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Flatten(2), nn.Linear(16, 6)).double()
    with torch.no_grad():
        expected = model(x)
    with torch.inference_mode():
        assert len(convert_(model, CONFIG, example=x, calibration=x).replaced) == 2
        torch.testing.assert_close(model(x), expected)
    model(x).sum().backward()
    with torch.inference_mode():
        assert len(revert_(model).replaced) == 2
        convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen", encoded=False))
        assert len(merge_(model).replaced) == 2
    assert isinstance(model[0], STLConv2d)
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("strict", [True, False])
def test_an_exported_layer_takes_any_batch_and_length(strict):
    """From more than one tile of tokens on, whether they fill the last tile or not."""
    layer = STLLinear.from_linear(linear(13, 11), EXACT["strassen"])
    sizes = {0: Dim("batch"), 1: Dim("length", min=layer.tile[0] + 1)}
    program = torch.export.export(layer, (normal(3, 5, 13),), dynamic_shapes=(sizes,), strict=strict)
    for batch, length in ((1, 5), (2, 3), (7, 9), (64, 4)):
        torch.testing.assert_close(program.module()(normal(batch, length, 13)), layer(normal(batch, length, 13)))


def test_an_exported_layer_needs_no_operators_of_ours():
    layer = STLLinear(1024, 1024, EXACT["strassen"])
    program = torch.export.export(layer, (torch.zeros(1024, 1024),))
    assert not [node for node in program.graph.nodes if "bilinear" in str(node.target)]

"""Calibration to outputs that are not the dense layer's own, and of layers behind others that are converted."""

from __future__ import annotations

import copy

import pytest
import torch
from layer_cases import linear, normal
from torch import nn

from bilinear.decompositions import strassen
from bilinear.layers import LayerError, STLConfig, STLConv2d, STLLinear, convert_


def conv(seed: int) -> nn.Conv2d:
    torch.manual_seed(seed)
    return nn.Conv2d(3, 5, 3, padding=1, stride=2).double()


@pytest.mark.parametrize("tokens", [(400,), (20, 21)])
def test_an_exact_scheme_learns_the_layer_whose_outputs_are_wanted(tokens):
    first, second = linear(5, 7), linear(5, 7)
    with torch.no_grad():
        second.weight.copy_(normal(7, 5, seed=8))
        second.bias.copy_(normal(7, seed=9))
    x, held_out = normal(*tokens, 5, seed=1), normal(9, 5, seed=2)
    layer = STLLinear.from_linear(first, strassen(), calibration=x, wanted=second(x), ridge=1e-12)
    errors = [(f(held_out) - second(held_out)).square().mean() for f in (layer, first)]
    assert errors[0] < 0.1 * errors[1]


def test_without_a_bias_an_exact_scheme_learns_the_layer_exactly():
    first, second = linear(5, 7, bias=False), linear(5, 7, bias=False)
    with torch.no_grad():
        second.weight.copy_(normal(7, 5, seed=8))
    x, held_out = normal(400, 5, seed=1), normal(9, 5, seed=2)
    layer = STLLinear.from_linear(first, strassen(), calibration=x, wanted=second(x), ridge=1e-12)
    torch.testing.assert_close(layer(held_out), second(held_out), rtol=0, atol=1e-6)


def test_a_convolution_learns_outputs_whose_rows_no_tiles_cover():
    first, second = conv(0), conv(1)
    with torch.no_grad():
        second.bias.copy_(first.bias)
    x, held_out = normal(40, 3, 9, 9, seed=1), normal(4, 3, 9, 9, seed=2)
    layer = STLConv2d.from_conv(first, strassen(), calibration=x, wanted=second(x), ridge=1e-12)
    errors = [(f(held_out) - second(held_out)).square().mean() for f in (layer, first)]
    assert errors[0] < 0.05 * errors[1]


@pytest.mark.parametrize("rank", [24, 32, 44])
def test_each_layer_makes_up_for_those_before_it(rank):
    torch.manual_seed(0)
    parts = [part for _ in range(3) for part in (nn.Linear(16, 16), nn.GELU())]
    model = nn.Sequential(*parts, nn.Linear(16, 8)).double()
    x, held_out = normal(4096, 16, seed=1), normal(512, 16, seed=2)
    plain, calibrated, alone = (copy.deepcopy(model) for _ in range(3))
    convert_(plain, STLConfig(force=True, rank=rank))
    convert_(calibrated, STLConfig(force=True, rank=rank), calibration=x)
    for k in range(0, 7, 2):
        alone[k] = STLLinear.from_linear(model[k], STLConfig(force=True, rank=rank).basis(), calibration=alone[:k](x))
    errors = [(f(held_out) - model(held_out)).square().mean().item() for f in (calibrated, alone, plain)]
    assert errors[0] < min(errors[1:])


def test_the_model_is_put_together_again_after_each_calibration():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)).double()
    report = convert_(model, STLConfig(force=True, tile=2, rank=6), calibration=normal(64, 4))
    assert report.replaced == ["0", "2", "4"]
    assert [type(part) for part in model[::2]] == [STLLinear] * 3


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (torch.zeros(4, 7), r"outputs of shape \(4, 7\) to calibrate to; \(4, 8\) are needed"),
        (torch.zeros(3, 8), r"outputs of shape \(3, 8\)"),
        (torch.zeros(8), r"outputs of shape \(8,\)"),
        (torch.full((4, 8), torch.nan), "calibration needs finite outputs"),
    ],
)
def test_outputs_that_do_not_fit(wanted, text):
    with pytest.raises(LayerError, match=text):
        STLLinear.from_linear(linear(8, 8), strassen(), calibration=torch.ones(4, 8).double(), wanted=wanted)

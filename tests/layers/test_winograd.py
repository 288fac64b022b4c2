"""Convolutions by evaluation: torch's own outputs, gradients and states, by every code that computes them."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from layer_cases import normal
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from bilinear.decompositions import Ring, TargetError, parse_target, strassen
from bilinear.decompositions.evaluation import evaluated
from bilinear.layers import LayerError, WinogradConv1d, WinogradConv2d
from bilinear.layers.winograd import plain, winograd_scheme
from bilinear.layers.winograd.schemes import axes_of, transformed

FOLDER = Path(__file__).parent


def near(found: Tensor, expected: Tensor, rounding: float) -> None:
    assert found.shape == expected.shape
    error = (found.double() - expected).norm() / expected.norm()
    assert float(error.detach()) <= rounding


@pytest.mark.parametrize(
    ("outputs", "kernel", "groups", "padding", "size"),
    [
        ((2, 2), (3, 3), 1, (1, 1), (9, 8)),
        ((4, 4), (3, 3), 2, (1, 0), (7, 13)),
        ((6, 6), (3, 3), 1, (2, 2), (12, 12)),
        ((2, 4), (5, 3), 3, (0, 2), (11, 6)),
        ((1, 3), (1, 4), 1, (0, 0), (3, 9)),
    ],
)
def test_torchs_operations_give_the_convolution(
    outputs: tuple[int, int], kernel: tuple[int, int], groups: int, padding: tuple[int, int], size: tuple[int, int]
) -> None:
    x, weight = normal(2, 6, *size, dtype=torch.float64), normal(12, 6 // groups, *kernel, dtype=torch.float64, seed=1)
    schemes = [winograd_scheme(m, r) for m, r in zip(outputs, kernel, strict=True)]
    axes = axes_of(kernel, schemes, "test")
    found = plain.convolve(x, transformed(weight, axes), axes, padding, groups)
    near(found, functional.conv2d(x, weight, padding=padding, groups=groups), 1e-13)


def test_a_compiled_layer_is_the_convolution_with_its_gradients() -> None:
    """Two groups, tiles and paddings that differ by axis, borders, both memory orders, and a weight that is changed."""
    conv = nn.Conv2d(64, 64, (3, 3), padding=(1, 2), groups=2)
    layer = WinogradConv2d.from_conv(conv, outputs=(2, 4))
    assert layer.weight is conv.weight
    assert layer.state_dict().keys() == conv.state_dict().keys()
    x = normal(3, 64, 9, 10, dtype=torch.float32)
    expected = conv(x)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        found = layer(given)
        near(found, expected.double(), 2e-6)
        assert found.is_contiguous() == given.is_contiguous()
    upstream = normal(*expected.shape, dtype=torch.float32, seed=3)
    own, dense = (torch.autograd.grad((y * upstream).sum(), (conv.weight, conv.bias)) for y in (layer(x), conv(x)))
    for mine, its in zip(own, dense, strict=True):
        near(mine, its.double(), 1e-5)
    same = copy.deepcopy(layer)
    with torch.no_grad():
        conv.weight.mul_(2)
        conv.bias.zero_()
    near(layer(x), conv(x).double(), 2e-6)
    near(same(x), expected.double(), 2e-6)
    assert layer(x[0]).shape == expected.shape[1:]


def test_a_layer_under_a_counter_a_compiler_or_in_half_precision() -> None:
    layer = WinogradConv2d(8, 8, 3, padding="same", padding_mode="circular", outputs=2, dtype=torch.bfloat16)
    x = normal(2, 8, 8, 8, dtype=torch.bfloat16)
    dense = functional.conv2d(
        functional.pad(x.double(), (1, 1, 1, 1), mode="circular"), layer.weight.double(), layer.bias.double()
    )
    near(layer(x), dense, 3e-2)
    line = WinogradConv1d(4, 6, 3, padding=1, dtype=torch.float64)
    signal = normal(2, 4, 10, dtype=torch.float64)
    program = torch.export.export(line, (signal,)).module()
    near(program(signal), functional.conv1d(signal, line.weight, line.bias, padding=1), 1e-13)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        line(signal)
    assert counter.get_total_flops() > 0
    assert WinogradConv2d(64, 64, 3).dense_flops(1, 58, 58) == 2 * 56 * 56 * 64 * 64 * 9
    assert WinogradConv2d(64, 64, 3).flops(1, 58, 58) > 2 * 14 * 14 * 36 * 64 * 64


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [2, 4, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_tile_is_compiled(outputs: int, dtype: torch.dtype) -> None:
    layer = WinogradConv2d(48, 35, 3, padding=1, outputs=outputs, dtype=dtype)
    x = normal(2, 48, 15, 20, dtype=dtype)
    rounding = {torch.float32: 5e-6, torch.float64: 1e-13}[dtype]
    exact = functional.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    near(layer(x), exact, rounding)
    line = WinogradConv1d(48, 35, 3, padding=1, outputs=outputs, dtype=dtype)
    exact = functional.conv1d(x[:, :, 0].double(), line.weight.double(), line.bias.double(), padding=1)
    near(line(x[:, :, 0]), exact, rounding)


TRITON = """
import torch
from torch.nn import functional
from bilinear.layers.winograd import winograd_scheme, triton_ops
from bilinear.layers.winograd.schemes import axes_of, transformed
torch.manual_seed(0)
for outputs, groups, dtype, rounding in (((2, 4), 2, torch.float32, 1e-6),):
    axes = axes_of((3, 3), [winograd_scheme(m, 3) for m in outputs], "test")
    x, weight, bias = (torch.randn(shape).to(dtype) for shape in ((1, 6, 3, 7), (4, 6 // groups, 3, 3), (4,)))
    found = triton_ops.convolve(x, transformed(weight, axes), bias, axes, (1, 0), groups)
    exact = functional.conv2d(x.double(), weight.double(), bias.double(), padding=(1, 0), groups=groups)
    assert found.shape == exact.shape and (found.double() - exact).norm() <= rounding * exact.norm(), outputs
print("same")
"""


@pytest.mark.slow
def test_tritons_kernels_are_the_convolution() -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    begin = f"import sys; sys.path[:0] = [{str(FOLDER.parents[1])!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + TRITON],
        capture_output=True,
        text=True,
        env={**os.environ, "TRITON_INTERPRET": "1"},
    )
    assert done.stdout == "same\n", done.stderr


def test_what_is_no_such_convolution_is_refused() -> None:
    with pytest.raises(LayerError, match="stride 2x2; it stays dense"):
        WinogradConv2d.from_conv(nn.Conv2d(8, 8, 3, stride=2))
    with pytest.raises(LayerError, match="dilation 3; it stays dense"):
        WinogradConv1d.from_conv(nn.Conv1d(8, 8, 3, dilation=3))
    with pytest.raises(LayerError, match="a scheme of 3 taps for a kernel of 5; take correlation:4x5"):
        WinogradConv1d(8, 8, 5, schemes=[winograd_scheme(4, 3)])
    with pytest.raises(LayerError, match="2 schemes for a kernel of 3"):
        WinogradConv1d(8, 8, 3, schemes=[winograd_scheme(4, 3)] * 2)
    with pytest.raises(TargetError, match=r"2x2x2: no filter; a scheme of correlation:MxR is needed"):
        WinogradConv1d(8, 8, 2, schemes=[strassen()])
    complex_one = evaluated(parse_target("correlation:2x3"), Ring.QI)
    if complex_one.imag is not None:
        with pytest.raises(TargetError, match="filters are real"):
            WinogradConv1d(8, 8, 3, schemes=[complex_one])
    with pytest.raises(LayerError, match="tiles of 2x2 outputs for a kernel of 3"):
        WinogradConv1d(8, 8, 3, outputs=(2, 2))
    layer = WinogradConv2d(8, 8, 3)
    with pytest.raises(LayerError, match=r"input of shape \(2, 7, 9, 9\); \(batch, 8, height, width\) is needed"):
        layer(torch.zeros(2, 7, 9, 9))
    with pytest.raises(LayerError, match="too small"):
        layer(torch.zeros(2, 8, 2, 9))


def test_points_are_chosen_or_given() -> None:
    """With small points F(6, 3) rounds less than with large ones."""
    x, weight = (normal(*shape, dtype=torch.float32, seed=1) for shape in ((1, 32, 24, 24), (16, 32, 3, 3)))
    exact = functional.conv2d(x.double(), weight.double())
    errors = []
    for points in ("", "0,1,-1,2,-2,3,-3,inf"):
        axes = axes_of((3, 3), [winograd_scheme(6, 3, points)] * 2, "test")
        found = plain.convolve(x, transformed(weight, axes), axes, (0, 0), 1)
        errors.append(float((found.double() - exact).norm() / exact.norm()))
    assert errors[0] < errors[1] < 1e-4

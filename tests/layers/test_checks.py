"""What is asked of sizes, dtypes and input: every layer refuses the same things in the same words."""

from __future__ import annotations

import pytest
import torch

from bilinear.decompositions import strassen
from bilinear.layers import ButterflyLinear, LayerError, MonarchLinear, STLConv2d, STLLinear, StrassenConv2d
from bilinear.layers import StrassenLinear as Ternary
from bilinear.layers.checks import FLOATS, dtype_name, require_float, require_sizes

LINEAR = {
    "stl": lambda **options: STLLinear(4, 6, strassen(), **options),
    "butterfly": lambda **options: ButterflyLinear(4, 6, **options),
    "monarch": lambda **options: MonarchLinear(4, 6, **options),
    "ternary": lambda **options: Ternary(4, 6, 3, **options),
}
IMAGES = {
    "stl": lambda: STLConv2d(4, 6, 3, strassen()),
    "ternary": lambda: StrassenConv2d(4, 6, 3, 5),
}


@pytest.mark.parametrize("build", LINEAR.values(), ids=LINEAR)
@pytest.mark.parametrize(
    ("x", "text"),
    [
        (torch.tensor(1.0), r"input of shape \(\); the last axis must be 4"),
        (torch.zeros(2, 5), r"input of shape \(2, 5\); the last axis must be 4"),
        (torch.zeros(2, 4, dtype=torch.float64), r"input of torch.float64, the layer is torch.float32; convert one"),
        (torch.zeros(2, 4, device="meta"), r"input on meta, the layer on cpu; move one"),
    ],
    ids=["scalar", "width", "dtype", "device"],
)
def test_input_of_linear_layers(build, x, text):
    with pytest.raises(LayerError, match=rf"layer \w+\(4 -> 6\): {text}"):
        build()(x)


@pytest.mark.parametrize("build", IMAGES.values(), ids=IMAGES)
def test_input_of_convolutions(build):
    for x, text in (
        (torch.zeros(1, 4, 5, 5).double(), "convert one"),
        (torch.zeros(1, 4, 5, 5).to("meta"), "move one"),
    ):
        with pytest.raises(LayerError, match=text):
            build()(x)


@pytest.mark.parametrize("build", LINEAR.values(), ids=LINEAR)
def test_autocast_converts_the_input(build):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert build()(torch.zeros(2, 4, dtype=torch.bfloat16)).shape == (2, 6)


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, torch.float8_e4m3fn, torch.bool])
def test_numbers_that_no_layer_computes_with(dtype):
    with pytest.raises(LayerError, match=rf"layer X: {dtype}; float32, float64, bfloat16 or float16 is needed"):
        require_float("layer X:", dtype)
    assert dtype not in FLOATS


def test_floats_and_sizes_that_will_do():
    for dtype in FLOATS:
        require_float("layer X:", dtype)
        assert getattr(torch, dtype_name(dtype)) is dtype
    require_sizes("X", 1, 2)
    with pytest.raises(LayerError, match="layer X: a size is below 1; every size must be at least 1"):
        require_sizes("X", 3, 0)

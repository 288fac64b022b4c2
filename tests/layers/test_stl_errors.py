"""Wrong input to a layer: each message names the thing, the fact, the need and the act."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from layer_cases import EXACT, linear
from torch import nn

from bilinear.decompositions import Approximation, Ring, Scheme, parse_target, standard, strassen
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.targets.file import from_dense
from bilinear.layers import Basis, LayerError, STLLinear


def gaussian() -> Scheme:
    zeros = tuple(np.zeros(factor.shape, np.int64) for factor in strassen().factors)
    return Scheme(strassen().target, Ring.QI, *strassen().factors, imag=zeros)


def test_modular_schemes_are_refused():
    with pytest.raises(LayerError, match=r"2x2x2 over f2: true modulo 2 only, .* lift it to z or q first"):
        STLLinear(4, 4, strassen().to("f2"))
    with pytest.raises(LayerError, match="over f3: true modulo 3 only"):
        STLLinear(4, 4, strassen().to("f3"))


def test_complex_schemes_are_refused():
    with pytest.raises(LayerError, match=r"2x2x2 over qi: its coefficients are complex, .* choose zt, z or q"):
        STLLinear(4, 4, gaussian())


def test_other_maps_are_refused():
    target = from_dense("file:map.npy", np.ones((2, 2, 2), np.int64))
    with pytest.raises(
        LayerError, match=r"file:map.npy: no matrix multiplication; an STL layer needs a scheme of NxMxP"
    ):
        STLLinear(4, 4, standard(target))


def test_rank_zero_is_refused():
    target = parse_target("2x2x2")
    with pytest.raises(LayerError, match="rank 0; a layer needs at least one product"):
        STLLinear(4, 4, Approximation(target, *(np.zeros((0, 4)) for _ in range(3))))


def test_coefficients_that_no_float_holds_are_refused():
    u, v, w = (factor.astype(object) for factor in strassen().factors)
    with pytest.raises(LayerError, match="w holds a coefficient that is not finite or above 2\\^100"):
        STLLinear(4, 4, Scheme(strassen().target, Ring.Z, u * 2**101, v, w))
    with pytest.raises(LayerError, match="2x2x2 over z: a coefficient is not finite or above 2\\^100 as a float"):
        STLLinear(4, 4, Scheme(strassen().target, Ring.Z, u * 2**2000, v, w))


def test_large_coefficients_that_cancel_are_taken():
    u, v, w = (factor.astype(object) for factor in strassen().factors)
    scaled = Scheme(strassen().target, Ring.Q, u * 2**2000, v, w, np.full(7, 2**2000, dtype=object))
    held, expected = Basis.of(scaled), Basis.of(normal_form(strassen()))
    assert all(np.array_equal(getattr(held, name), getattr(expected, name)) for name in "uvw")


def test_a_basis_of_another_shape_is_refused():
    basis = Basis.of(strassen())
    with pytest.raises(LayerError, match=r"v has shape \(7, 4\), must be \(7, 6\)"):
        Basis(basis.target, (2, 2, 3), basis.u, basis.v, basis.w, basis.scheme_hash)


def test_sizes_that_are_no_multiples_are_refused_without_padding():
    text = "770 is not a multiple of the tile size 4; pass pad=True, or choose tile 2 or 5"
    with pytest.raises(LayerError, match=rf"layer STLLinear\(770 -> 512\): {text}$"):
        STLLinear(770, 512, EXACT["strassen2"], pad=False, device="meta")
    with pytest.raises(LayerError, match=rf"layer STLLinear\(512 -> 770\): {text}$"):
        STLLinear.from_linear(linear(512, 770), EXACT["strassen2"], pad=False)
    with pytest.raises(LayerError, match=r"7 is not a multiple of the tile size 4; pass pad=True$"):
        STLLinear(7, 4, EXACT["strassen2"], pad=False)


def test_tokens_that_are_no_multiple_are_refused_without_padding():
    layer = STLLinear(4, 4, strassen(), pad=False)
    assert layer(torch.zeros(3, 2, 4)).shape == (3, 2, 4)
    with pytest.raises(LayerError, match="3 tokens are not a multiple of the tile size 2; pass pad=True, or"):
        layer(torch.zeros(3, 4))


@pytest.mark.parametrize("sizes", [(0, 4), (4, 0), (-1, 4)])
def test_sizes_below_one(sizes):
    with pytest.raises(LayerError, match="a size is below 1; every size must be at least 1"):
        STLLinear(*sizes, strassen())


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64])
def test_layers_hold_floats(dtype):
    with pytest.raises(LayerError, match="float32, float64, bfloat16 or float16 is needed"):
        STLLinear(4, 4, strassen(), dtype=dtype)


def test_input_of_another_width():
    with pytest.raises(LayerError, match=r"input of shape \(3, 5\); the last axis must be 4"):
        STLLinear(4, 4, strassen())(torch.zeros(3, 5))
    with pytest.raises(LayerError, match=r"input of shape \(\); the last axis must be 4"):
        STLLinear(4, 4, strassen())(torch.tensor(1.0))


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64, torch.float64])
def test_input_of_another_dtype(dtype):
    with pytest.raises(LayerError, match=f"input of {dtype}, the layer is torch.float32; convert one"):
        STLLinear(4, 4, strassen())(torch.zeros(3, 4, dtype=dtype))


def test_weights_that_are_not_finite():
    dense = nn.Linear(4, 4)
    with torch.no_grad():
        dense.weight[1, 2] = float("nan")
    with pytest.raises(LayerError, match=r"layer Linear\(4 -> 4\): a weight is not finite"):
        STLLinear.from_linear(dense, strassen())

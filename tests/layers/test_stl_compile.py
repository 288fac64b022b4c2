"""Compiled layers compute what eager ones do."""

from __future__ import annotations

import shutil

import pytest
import torch
from layer_cases import EXACT, normal, relative_rms, rounding
from torch import Tensor, nn

from bilinear.decompositions import strassen
from bilinear.layers import STLLinear

COMPILERS = ("c++", "g++", "clang++")


@pytest.mark.parametrize("encoded", [True, False])
def test_aot_eager_gives_the_same_outputs_and_gradients(encoded):
    layer = STLLinear(10, 7, EXACT["strassen2"], encoded=encoded)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for tokens in (6, 9):
        x = normal(tokens, 10, dtype=torch.float32)
        for found, expected in zip(outputs_and_gradients(compiled, x), outputs_and_gradients(layer, x), strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=0)


def outputs_and_gradients(module: nn.Module, x: Tensor) -> list[Tensor]:
    module.zero_grad()
    y = module(x)
    y.square().sum().backward()
    return [y.detach()] + [parameter.grad.clone() for parameter in module.parameters()]


@torch.no_grad()
def test_inductor_gives_the_same_outputs():
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip(f"no C++ compiler ({', '.join(COMPILERS)}), which torch's Inductor needs on a CPU")
    layer = STLLinear(10, 7, strassen())
    x = normal(6, 10, dtype=torch.float32)
    compiled = torch.compile(layer, fullgraph=True)
    assert relative_rms(compiled(x), layer(x)) <= rounding(strassen(), 10, torch.float32)

"""Which outputs depend on which tokens, and how much an approximation loses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from layer_cases import EXACT, normal, relative_rms, truncated

from bilinear.decompositions import Approximation, strassen
from bilinear.layers import STLLinear


def leaky(drop: int) -> Approximation:
    """Strassen without one product: no longer exact, and its errors mix rows."""
    factors = (np.delete(factor.astype(np.float64), drop, axis=0) for factor in strassen().factors)
    return Approximation(strassen().target, *factors)


def dependence(layer: STLLinear, tokens: int) -> torch.Tensor:
    """Whether output token i changes with input token j, shape (tokens, tokens).

    Weights and inputs are small integers, so that float64 computes without rounding and zero means zero.
    """
    generator = torch.Generator().manual_seed(0)
    dense = torch.randint(-4, 5, (layer.out_features, layer.in_features), generator=generator, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(dense)
    x = torch.randint(-4, 5, (tokens, layer.in_features), generator=generator, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layer, x)
    return (jacobian != 0).any(dim=3).any(dim=1)


def layer_of(scheme) -> STLLinear:
    return STLLinear(4, 4, scheme, bias=False, encoded=False, dtype=torch.float64)


@pytest.mark.parametrize("name", ["strassen", "strassen2", "rectangular"])
def test_exact_schemes_keep_tokens_apart(name):
    assert torch.equal(dependence(layer_of(EXACT[name]), 8), torch.eye(8, dtype=torch.bool))


def test_an_approximation_leaks_among_the_tokens_of_a_tile_and_no_further():
    found = dependence(layer_of(leaky(0)), 6)
    tiles = torch.block_diag(*[torch.ones(2, 2)] * 3).bool()
    assert torch.equal(found, tiles)


def test_a_tile_may_span_two_samples_of_a_batch():
    layer = layer_of(leaky(0))
    x = normal(2, 3, 4)
    changed = x.clone()
    changed[1, 0] += 1
    touched = (layer(x) != layer(changed)).any(dim=-1)
    assert touched.tolist() == [[False, False, True], [True, False, False]]


@pytest.mark.parametrize("source", [leaky(0), leaky(3), truncated(4), truncated(7)], ids=repr)
def test_the_relative_error_is_the_certified_residual(source):
    # Over 20 seeds the ratio of error to residual scatters by 0.5 to 2 % around 1 at this size.
    dense = torch.nn.Linear(256, 256, bias=False, dtype=torch.float64)
    with torch.no_grad():
        dense.weight.copy_(normal(256, 256, seed=1))
    layer = STLLinear.from_linear(dense, source)
    x = normal(256, 256, seed=2)
    assert relative_rms(layer(x), dense(x)) ** 2 == pytest.approx(float(source.residual), rel=0.08)

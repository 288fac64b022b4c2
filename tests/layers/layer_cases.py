"""Schemes, layers and tolerances that the tests of layers share."""

from __future__ import annotations

import math
import random
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bilinear.decompositions import Approximation, Scheme, kronecker, parse_target, sandwich, standard, strassen
from bilinear.layers import LayerError
from bilinear.layers.stl import Basis


def with_denominators() -> Scheme:
    """Strassen in another basis: a scheme over q."""
    scheme = sandwich(strassen(), [[1, 2], [3, 5]], [[2, 1], [1, 3]], [[1, 1], [1, 3]])
    assert max(scheme.denominators.tolist()) > 1
    return scheme


EXACT = {
    "strassen": strassen(),
    "strassen2": kronecker(strassen(), strassen()),
    "standard3": standard(parse_target("3x3x3")),
    "rectangular": standard(parse_target("2x3x4")),
    "denominators": with_denominators(),
}


def truncated(rank: int) -> Approximation:
    """The standard algorithm of 2x2x2 without its last products: residual 1 - rank / 8."""
    whole = standard(parse_target("2x2x2"))
    return Approximation(whole.target, *(factor[:rank].astype(np.float64) for factor in whole.factors))


def linear(in_features: int, out_features: int, dtype: torch.dtype = torch.float64, bias: bool = True) -> nn.Linear:
    """A dense layer with the same weights at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Linear(in_features, out_features, bias, dtype=dtype)


def normal(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def relative_rms(found: Tensor, expected: Tensor) -> float:
    return ((found.double() - expected.double()).square().mean() / expected.double().square().mean()).sqrt().item()


def rounding(scheme: Scheme, in_features: int, dtype: torch.dtype) -> float:
    """Tolerance on the root mean square error, relative to that of the outputs.

    Three values are rounded for each product (encoded input, encoded weight, their sum), each with a relative error of
    at most eps / 2 and a standard deviation of eps / sqrt(12), so that independent errors reach the output with
    sqrt(3 / 12) eps sqrt(A), A = sum_q |u_q|^2 |v_q|^2 |w_q|^2 / (n m p). We allow twice that, one eps for the output
    itself, and where sums are not kept in a wider type (float32, float64) the square root of their length.
    """
    basis = Basis.of(scheme)
    n, m, p = basis.tile
    amplification = sum(
        float(u @ u) * float(v @ v) * float(w @ w) for u, v, w in zip(basis.u, basis.v, basis.w, strict=True)
    ) / (n * m * p)
    length = 1 if dtype in (torch.bfloat16, torch.float16) else n * m + m * p + -(-in_features // m) + basis.rank
    return torch.finfo(dtype).eps * (1 + math.sqrt(amplification)) * math.sqrt(length)


def flipped_bits_that_load(folder: Path, load, count: int) -> list[tuple[str, int]]:
    """The bits of the files of a folder, of a sample of them, whose change is not found."""
    found, rng = [], random.Random(1)
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        bits = range(8 * len(data))
        for bit in rng.sample(bits, min(count, len(bits))):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            with suppress(LayerError):
                load(folder)
                found.append((path.name, bit))
        path.write_bytes(data)
    return found

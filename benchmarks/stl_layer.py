"""Forward pass of an STL layer beside `torch.matmul`, with the relative error beside every speed.

    python benchmarks/stl_layer.py --shapes 4096 8192 512x4096x11008 --threads 2 --json stl.json

In turn are run: torch's product, the layer, the layer by torch's own operations, its batched product alone and a copy.
The last two and torch's product give the rates of the roofline model, whose ratio stands beside the measured one.
Ratios are those of the best times; that of processor times is less disturbed by other programs, and meant for one
thread. Strassen applied once (rank 7) and twice (49) is exact; for other ranks products are left out: the speed depends
on the rank alone, and the printed error is that of this crude approximation, not of a good one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.products import DTYPES, best, layer_parser_of, report, size_of
from bilinear.decompositions import Approximation, Scheme, kronecker, strassen
from bilinear.layers import STLLinear
from bilinear.layers.kernels import plain
from bilinear.layers.stl.threshold import Machine, dense_seconds, stl_seconds

CHECKED = 256
"""Tokens whose outputs are compared with those in float64."""


def scheme_of_rank(rank: int) -> Scheme | Approximation:
    """Strassen for 7, Strassen twice for 49, and for other ranks its first products."""
    if rank == 7:
        return strassen()
    whole = kronecker(strassen(), strassen())
    if rank == 49:
        return whole
    return Approximation(whole.target, *(factor[:rank].astype(np.float64) for factor in whole.factors))


@torch.no_grad()
def measure(
    shape: tuple[int, int, int], rank: int, rounds: int, dtype: torch.dtype, device: str, with_plain: bool
) -> dict[str, Any]:
    """One row: M tokens of K features to N features, standard normal, the layer without bias."""
    M, K, N = shape
    torch.manual_seed(0)
    linear = nn.Linear(K, N, bias=False, device=device, dtype=dtype)
    layer = STLLinear.from_linear(linear, scheme_of_rank(rank))
    x, w = torch.randn(M, K, device=device, dtype=dtype), linear.weight.mT.contiguous()
    n, m, _ = layer.tile
    hat = torch.randn(rank, -(-M // n), -(-K // m), device=device, dtype=dtype)
    functions = [lambda: torch.matmul(x, w), lambda: layer(x), lambda: torch.bmm(hat, layer.encoded_weight), x.clone]
    if with_plain:
        functions.append(lambda: by_torch(layer, x))
    walls, processors = zip(*best(functions, rounds), strict=True)
    rates = [2.0 * M * K * N / walls[0], 2.0 * hat.numel() * layer.encoded_weight.shape[2] / walls[2]]
    copied = 2 * x.numel() * x.element_size() / walls[3]
    few = x[:CHECKED]
    exact = few.double() @ w.double()
    return {
        "shape": shape,
        "tile": n,
        "rank": rank,
        "matmul_s": walls[0],
        "stl_s": walls[1],
        "ratio": walls[0] / walls[1],
        "processor_ratio": processors[0] / processors[1],
        "plain_ratio": walls[0] / walls[4] if with_plain else None,
        "plain_processor_ratio": processors[0] / processors[4] if with_plain else None,
        "modelled_ratio": modelled(shape, layer, x.element_size(), rates, copied),
        "flop_ratio": layer.dense_flops(M) / layer.flops(M),
        "matmul_gflops": rates[0] / 1e9,
        "batched_gflops": rates[1] / 1e9,
        "copy_gbytes": copied / 1e9,
        "relative_error": relative(layer(few), exact),
        "matmul_relative_error": relative(few @ w, exact),
        "load_average": os.getloadavg()[0],
    }


def by_torch(layer: STLLinear, x: Tensor) -> Tensor:
    """What the layer computes, by torch's own operations; sizes that are multiples of the tile only."""
    n, m, p = layer.tile
    products = torch.bmm(plain.encode(x, layer.encoder_x, (n, m)), layer.encoded_weight)
    return plain.decode(products, layer.decoder, (n, p))


def modelled(
    shape: tuple[int, int, int], layer: STLLinear, itemsize: int, rates: list[float], bandwidth: float
) -> float:
    """The ratio that the roofline model gives at measured rates of a product, a batched product and a copy."""
    dense, batched = (Machine(rate, bandwidth) for rate in rates)
    return dense_seconds(shape, itemsize, dense) / stl_seconds(shape, layer.tile, layer.rank, itemsize, batched)


def relative(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


def line(row: dict[str, Any]) -> str:
    text = (
        "{size:16} {tile:4} {rank:4} {matmul_s:9.4f} {stl_s:9.4f} {ratio:6.2f} ({processor_ratio:9.2f}, "
        "{modelled_ratio:5.2f}, {flop_ratio:5.2f}) {relative_error:12.1e} ({matmul_relative_error:.1e}) "
        "{load_average:10.1f}"
    )
    if row["plain_ratio"] is not None:
        text += "\n{empty:26} by torch {plain_ratio:18.2f} ({plain_processor_ratio:9.2f})"
    return text.format(size=size_of(row), empty="", **row)


def main() -> None:
    parser = layer_parser_of(__doc__)
    parser.add_argument("--plain", action="store_true", help="also time the layer by torch's own operations")
    given = parser.parse_args()
    rows = (
        measure(shape, rank, given.rounds, DTYPES[given.dtype], given.device, given.plain)
        for shape in given.shapes
        for rank in given.ranks
    )
    head = (
        "shape            tile rank  matmul s     stl s  ratio (processor, model, flops)  rel. error (matmul's)  load"
    )
    report(given, head, rows, line)


if __name__ == "__main__":
    main()

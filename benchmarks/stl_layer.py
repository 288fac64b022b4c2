"""Forward pass of `STLLinear` beside `torch.nn.Linear`, on this machine, with the relative error beside every speed.

    python benchmarks/stl_layer.py --sizes 1024 2048 --threads 1 --json stl.json

Strassen applied once and twice is exact. For other ranks products are left out: the speed depends on the rank alone,
and the printed error is that of this crude approximation, not of a good one of that rank.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from decompositions import Approximation, Scheme, kronecker, strassen
from layers import STLLinear, compare_with_linear

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


def scheme_of_rank(rank: int) -> Scheme | Approximation:
    """Strassen for 7, Strassen twice for 49, and for other ranks its first products."""
    if rank == 7:
        return strassen()
    whole = kronecker(strassen(), strassen())
    if rank == 49:
        return whole
    return Approximation(whole.target, *(factor[:rank].astype(np.float64) for factor in whole.factors))


def seconds(functions: list[Callable[[], Tensor]], device: str, budget: float) -> list[float]:
    """Median time of each, run in turn until the budget is spent, at least three times."""
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times[0]) < 4:
        for record, function in zip(times, functions, strict=True):
            synchronize(device)
            start = time.perf_counter()
            function()
            synchronize(device)
            record.append(time.perf_counter() - start)
    return [statistics.median(record[1:]) for record in times]


def synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


@torch.inference_mode()
def measure(
    size: int, tokens: int, ranks: list[int], dtype: torch.dtype, device: str, budget: float
) -> list[dict[str, Any]]:
    """One row for each rank: square weight, `tokens` input vectors."""
    torch.manual_seed(0)
    linear = nn.Linear(size, size, device=device, dtype=dtype)
    layers = [STLLinear.from_linear(linear, scheme_of_rank(rank)) for rank in ranks]
    x = torch.randn(tokens, size, device=device, dtype=dtype)
    dense, *found = seconds([lambda m=module: m(x) for module in (linear, *layers)], device, budget)
    rows = []
    for layer, own in zip(layers, found, strict=True):
        error = compare_with_linear(layer, linear, min(tokens, 256)).max_relative_error
        rows.append(
            {
                "size": size,
                "tokens": tokens,
                "tile": layer.tile[0],
                "rank": layer.rank,
                "linear_ms": 1e3 * dense,
                "stl_ms": 1e3 * own,
                "ratio": dense / own,
                "flop_ratio": layer.dense_flops(tokens) / layer.flops(tokens),
                "linear_gflops": layer.dense_flops(tokens) / dense / 1e9,
                "max_relative_error": error,
            }
        )
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 1536], help="features in and out")
    parser.add_argument("--tokens", type=int, help="input vectors; as many as features if not given")
    parser.add_argument("--ranks", type=int, nargs="+", default=[7, 24, 32, 49], help="7 has tile 2, others tile 4")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=1.5, help="seconds for each size")
    parser.add_argument("--json", type=Path, help="also write the results there")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    gpu = torch.cuda.get_device_name() if given.device.startswith("cuda") else None
    results: dict[str, Any] = {"threads": given.threads, "dtype": given.dtype, "device": gpu or "cpu", "rows": []}
    print("  size tokens tile rank  linear ms     stl ms  ratio (flops)  max rel. error")
    for size in given.sizes:
        rows = measure(size, given.tokens or size, given.ranks, DTYPES[given.dtype], given.device, given.budget)
        for row in rows:
            print(
                "{size:6} {tokens:6} {tile:4} {rank:4} {linear_ms:10.2f} {stl_ms:10.2f} {ratio:6.2f} "
                "({flop_ratio:5.2f}) {max_relative_error:15.2e}".format(**row)
            )
        results["rows"] += rows
    write(given.json, results)


if __name__ == "__main__":
    main()

"""`fast_matmul` beside `torch.matmul`, on this machine, with the relative error beside every speed.

    python benchmarks/fast_matmul.py --sizes 4096 8192 --threads 2 --json fast_matmul.json

The two are run in turn. The ratio is that of the best times; the ratio of processor times is less disturbed by whatever
else the machine does, but counts waiting threads, so it is meant for one thread. The load average is recorded.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions import Scheme, kronecker, strassen, winograd
from bilinear.layers.fast_matmul import fast_matmul, measure_accuracy

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
SCHEMES: dict[str, Callable[[], Scheme]] = {
    "strassen": strassen,
    "winograd": winograd,
    "4x4x4:49": lambda: kronecker(strassen(), strassen()),
}
CASES = ("strassen:1", "strassen:2", "winograd:2", "4x4x4:49:1")


def clocks() -> tuple[float, float]:
    """Wall and processor seconds."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def best(functions: list[Callable[[], Tensor]], rounds: int) -> list[tuple[float, float]]:
    """Least wall and processor time of each, run in turn after one round that is not counted."""
    least = [(float("inf"), float("inf"))] * len(functions)
    for turn in range(rounds + 1):
        for position, function in enumerate(functions):
            start = clocks()
            function()
            wall, processor = (after - before for after, before in zip(clocks(), start, strict=True))
            if turn:
                least[position] = min(least[position][0], wall), min(least[position][1], processor)
    return least


@torch.inference_mode()
def measure(shape: tuple[int, int, int], case: str, rounds: int, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """One row: both multiplications of standard normal matrices of shape (M, K, N)."""
    name, levels = case.rsplit(":", 1)
    scheme = SCHEMES[name]()
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(rows, inner, generator=generator).to(device, dtype)
    b = torch.randn(inner, columns, generator=generator).to(device, dtype)
    (dense, dense_cpu), (fast, fast_cpu) = best(
        [lambda: torch.matmul(a, b), lambda: fast_matmul(a, b, scheme, int(levels))], rounds
    )
    accuracy = measure_accuracy(a[: min(rows, 1024)], b, scheme, int(levels))
    return {
        "shape": shape,
        "scheme": name,
        "levels": int(levels),
        "matmul_s": dense,
        "fast_s": fast,
        "ratio": dense / fast,
        "processor_ratio": dense_cpu / fast_cpu,
        "matmul_gflops": 2e-9 * rows * inner * columns / dense,
        "relative_error": accuracy.fast,
        "matmul_relative_error": accuracy.torch,
        "load_average": os.getloadavg()[0],
    }


def shape_of(text: str) -> tuple[int, int, int]:
    sizes = [int(size) for size in text.split("x")]
    rows, inner, columns = sizes * 3 if len(sizes) == 1 else sizes
    return rows, inner, columns


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=shape_of, nargs="+", default=["2048", "4096"], help="4096, or MxKxN")
    parser.add_argument("--cases", nargs="+", default=CASES, help=f"SCHEME:LEVELS, of {', '.join(SCHEMES)}")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each")
    parser.add_argument("--json", type=Path, help="also write the results there")
    given = parser.parse_args()
    given.sizes = [size if isinstance(size, tuple) else shape_of(size) for size in given.sizes]
    return given


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    gpu = torch.cuda.get_device_name() if given.device.startswith("cuda") else None
    results: dict[str, Any] = {"threads": given.threads, "dtype": given.dtype, "device": gpu or "cpu", "rows": []}
    print("shape            scheme     levels  matmul s    fast s  ratio (processor)  rel. error (matmul's)  load")
    for shape in given.sizes:
        for case in given.cases:
            row = measure(shape, case, given.rounds, DTYPES[given.dtype], given.device)
            print(
                "{size:16} {scheme:10} {levels:6} {matmul_s:9.3f} {fast_s:9.3f} {ratio:6.3f} ({processor_ratio:5.3f}) "
                "{relative_error:14.1e} ({matmul_relative_error:.1e}) {load_average:11.1f}".format(
                    size="x".join(map(str, shape)), **row
                ),
                flush=True,
            )
            results["rows"].append(row)
    write(given.json, results)


if __name__ == "__main__":
    main()

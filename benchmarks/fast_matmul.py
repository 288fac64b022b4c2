"""`fast_matmul` beside `torch.matmul`, on this machine, with the relative error beside every speed.

    python benchmarks/fast_matmul.py --sizes 4096 8192 --threads 2 --json fast_matmul.json

The two are run in turn. The ratio is that of the best times; the ratio of processor times is less disturbed by whatever
else the machine does, but counts waiting threads, so it is meant for one thread. The load average is recorded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.products import DTYPES, best, parser_of, report, shape_of, size_of
from bilinear.decompositions import Scheme, kronecker, strassen, winograd
from bilinear.layers.fast_matmul import Choice, choose, fast_matmul, measure_accuracy

SCHEMES: dict[str, Callable[[], Scheme]] = {
    "strassen": strassen,
    "winograd": winograd,
    "4x4x4:49": lambda: kronecker(strassen(), strassen()),
}
CASES = ("auto", "strassen:1", "winograd:1", "strassen:2", "winograd:2", "4x4x4:49:1")


@torch.inference_mode()
def measure(shape: tuple[int, int, int], case: str, rounds: int, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """One row: both multiplications of standard normal matrices of shape (M, K, N)."""
    rows, inner, columns = shape
    chosen = choose(shape, dtype, device) if case == "auto" else None
    name, levels = case.rsplit(":", 1) if chosen is None else (_name_of(chosen), chosen.levels)
    scheme = SCHEMES[name]() if chosen is None else chosen.scheme
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(rows, inner, generator=generator).to(device, dtype)
    b = torch.randn(inner, columns, generator=generator).to(device, dtype)
    (dense, dense_cpu), (fast, fast_cpu) = best(
        [lambda: torch.matmul(a, b), lambda: fast_matmul(a, b, scheme, int(levels))], rounds
    )
    accuracy = measure_accuracy(a[: min(rows, 1024)], b, scheme or strassen(), int(levels))
    return {
        "shape": shape,
        "scheme": name,
        "chosen": None if chosen is None else str(chosen),
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


def _name_of(chosen: Choice) -> str:
    """Of the scheme that the model took, as the cases name it."""
    return "torch" if chosen.scheme is None else f"auto {chosen.scheme.target.short}"


def line(row: dict[str, Any]) -> str:
    return (
        "{size:16} {scheme:12} {levels:4} {matmul_s:9.3f} {fast_s:9.3f} {ratio:6.3f} ({processor_ratio:5.3f}) "
        "{relative_error:14.1e} ({matmul_relative_error:.1e}) {load_average:11.1f}"
    ).format(size=size_of(row), **row)


def main() -> None:
    parser = parser_of(__doc__)
    sizes = [shape_of("2048"), shape_of("4096")]
    parser.add_argument("--sizes", type=shape_of, nargs="+", default=sizes, help="4096, or MxKxN")
    parser.add_argument("--cases", nargs="+", default=CASES, help=f"auto, or SCHEME:LEVELS, of {', '.join(SCHEMES)}")
    given = parser.parse_args()
    rows = (
        measure(shape, case, given.rounds, DTYPES[given.dtype], given.device)
        for shape in given.sizes
        for case in given.cases
    )
    head = "shape            scheme     levels  matmul s    fast s  ratio (processor)  rel. error (matmul's)  load"
    report(given, head, rows, line)


if __name__ == "__main__":
    main()

"""Butterfly layers beside the dense product, torch's and SciPy's fast transforms, on this machine.

    python benchmarks/butterfly.py --sizes 64 1024 8192 --tokens 1 256 --threads 1 --json butterfly.json

All are run in turn, so that whatever else the machine does disturbs them alike; times are the least processor times,
which count waiting threads, so take one thread. `dense` is torch.matmul (a GEMV for one token), `butterfly` the layer
as it is trained, `fused` the same with its levels multiplied once for all, `compiled` its levels by compiled loops (one
token only), `monarch` two block-diagonal factors.
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear
from bilinear.layers.butterfly.compiled import CompiledButterfly

SIZES = [64, 128, 256, 512, 1024, 2048, 4096, 8192]
FEWEST_ROUNDS = 5
SHORTEST = 2e-4
"""Seconds of one measurement; faster functions are repeated inside it."""


def functions(size: int, tokens: int, trained: bool) -> dict[str, Callable[[], Any]]:
    """What is compared, on the same standard normal input; with `trained`, forward and backward."""
    from scipy import fft

    torch.manual_seed(0)
    x = torch.randn(tokens, size)
    dense = torch.nn.Linear(size, size, bias=False)
    butterfly, monarch = ButterflyLinear(size, size, bias=False), MonarchLinear(size, size, bias=False)
    layers = {"dense": dense, "butterfly": butterfly, "fused": butterfly.fused(), "monarch": monarch}
    if trained:
        input_too = x.clone().requires_grad_()
        steps = {name: lambda m=module: m(input_too).sum().backward() for name, module in layers.items()}
        return {**steps, "torch.fft": lambda: torch.fft.rfft(input_too).abs().sum().backward()}
    array = x.numpy()
    compiled, token = CompiledButterfly(butterfly), array[0]
    return {
        **{name: lambda m=module: m(x) for name, module in layers.items()},
        **({"compiled": lambda: compiled(token)} if tokens == 1 else {}),
        "torch.fft": lambda: torch.fft.fft(x),
        "scipy.fft": lambda: fft.fft(array),
        "scipy.dct": lambda: fft.dct(array),
        "scipy.dst": lambda: fft.dst(array),
    }


def repeats(function: Callable[[], Any]) -> int:
    """How often a function is run in one measurement."""
    function()
    start = time.process_time()
    function()
    return max(1, int(SHORTEST / max(time.process_time() - start, 1e-6)))


def least(tried: dict[str, Callable[[], Any]], budget: float) -> dict[str, float]:
    """Least processor seconds of each, run in turn until the budget of wall seconds is spent."""
    counts = {name: repeats(function) for name, function in tried.items()}
    found = dict.fromkeys(tried, float("inf"))
    end, rounds = time.perf_counter() + budget, 0
    while time.perf_counter() < end or rounds < FEWEST_ROUNDS:
        rounds += 1
        for name, function in tried.items():
            start = time.process_time()
            for _ in range(counts[name]):
                function()
            found[name] = min(found[name], (time.process_time() - start) / counts[name])
    return found


def measure(size: int, tokens: int, trained: bool, budget: float) -> dict[str, Any]:
    """One row: microseconds of each, and how many times faster than dense."""
    with torch.inference_mode(not trained):
        seconds = least(functions(size, tokens, trained), budget)
    return {
        "size": size,
        "tokens": tokens,
        "pass": "forward and backward" if trained else "forward",
        "microseconds": {name: round(1e6 * value, 2) for name, value in seconds.items()},
        "speedup": {name: round(seconds["dense"] / max(value, 1e-9), 2) for name, value in seconds.items()},
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1], help="input vectors")
    parser.add_argument("--train", action="store_true", help="forward and backward instead of forward")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=1.0, help="wall seconds for each row")
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = []
    for tokens in asked.tokens:
        for size in asked.sizes:
            row = measure(size, tokens, asked.train, asked.budget)
            rows.append(row)
            times = "  ".join(f"{name} {row['speedup'][name]:.2f}" for name in row["speedup"] if name != "dense")
            print(
                f"size {size:5} tokens {tokens:4} dense {row['microseconds']['dense']:.1f} us; times faster: {times} "
                f"(load {row['load_average']:.1f})",
                flush=True,
            )
    write(asked.json, rows)


if __name__ == "__main__":
    main()

"""Which transforms the gradient solver recovers, by size: RMSE, success rate and seconds, beside the paper's RMSE.

    python benchmarks/gradient_transforms.py --sizes 8 16 32 64 --json gradient_transforms.json

By default every structure that the solver knows is tried on every transform, as `bilinear transform learn --solver
gradient` does. `finished` and `started` count the trials of the structure that was best.

Source of `paper`:
    T. Dao et al., "Learning fast algorithms for linear transforms using butterfly factorizations", ICML 2019, results
    in the repository of its code.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from benchmarks.transforms import TRANSFORMS
from bilinear.commands.words.transforms import found_as_dict
from bilinear.decompositions.transforms import parse_transform
from bilinear.discover.engine.budget import Budget
from bilinear.discover.transforms.gradient.halving import Gradient
from bilinear.discover.transforms.proof import Proof
from bilinear.discover.transforms.solver import Task

SIZES = [8, 16, 32, 64]
PAPER: dict[str, dict[int, float]] = {
    "dft": {8: 3.1e-6, 16: 4.6e-6, 32: 8.7e-6, 64: 1.0e-5},
    "dct-ii": {8: 4.4e-6, 16: 1.1e-5, 32: 8.6e-6, 64: 1.2e-5},
    "dst-ii": {8: 1.1e-6, 16: 7.5e-6, 32: 4.6e-5, 64: 5.1e-5},
    "circulant": {8: 4.0e-6, 16: 2.5e-5, 32: 6.4e-5, 64: 7.6e-5},
    "hadamard": {8: 8.8e-7, 16: 7.8e-6, 32: 1.3e-5, 64: 3.9e-5},
    "hartley": {8: 3.4e-6, 16: 9.0e-6, 32: 1.1e-5, 64: 1.3e-5},
}


def measure(name: str, size: int, seed: int, seconds: float) -> dict[str, Any]:
    """One row."""
    cpu = time.process_time()
    found = Gradient().solve(parse_transform(name, size), Task(seed, Budget(seconds=seconds)))
    return {
        **found_as_dict(found, Proof(), None),
        "seed": seed,
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "paper": PAPER.get(name, {}).get(size),
    }


def main() -> None:
    """Print a line for each; write them as JSON if asked, after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--transforms", nargs="+", default=TRANSFORMS)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--budget", type=float, default=600.0, help="wall seconds for each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = []
    for size in asked.sizes:
        for name in asked.transforms:
            for seed in asked.seeds:
                row = measure(name, size, seed, asked.budget)
                rows.append(row)
                print(
                    f"{name:10} {size:4} seed {seed} {'recovered' if row['recovered'] else 'not      '} "
                    f"{row['structure']}{' transposed' * row['transposed']:12} RMSE {row['rmse']:.1e}, "
                    f"{row['successes']} of {row['finished']} finished, {row['trials']} started, "
                    f"{row['seconds']:.0f} s, cpu {row['cpu_seconds']:.0f} s",
                    flush=True,
                )
                write(asked.json, rows)


if __name__ == "__main__":
    main()

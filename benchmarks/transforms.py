"""Which transforms the hierarchical solver recovers, by size: error, parameters, operations and seconds.

python benchmarks/transforms.py --json transforms.json
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions.transforms import parse_transform
from bilinear.discover.transforms.hierarchical import Hierarchical

TRANSFORMS = ["dft", "idft", "hadamard", "hartley", "dct-ii", "dct-iii", "dst-ii", "circulant"]
SIZES = [8, 16, 32, 64, 128, 256, 512, 1024]


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--transforms", nargs="+", default=TRANSFORMS)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    asked = parser.parse_args()
    results = []
    for name in asked.transforms:
        for size in asked.sizes:
            cpu = time.process_time()
            found = Hierarchical().solve(parse_transform(name, size))
            row = {
                "transform": name,
                "size": size,
                "recovered": found.recovered,
                "method": found.method,
                "block_rank": found.block_rank,
                "relative_error": found.error,
                "rmse": found.error / math.sqrt(size),
                "parameter_factor": round(found.parameter_factor, 3),
                **found.operations._asdict(),
                "seconds": round(found.seconds, 2),
                "cpu_seconds": round(time.process_time() - cpu, 2),
            }
            results.append(row)
            print(
                f"{name:10} {size:5} {'recovered' if found.recovered else 'not      '} error {found.error:.1e} "
                f"rank {found.block_rank} c {found.parameter_factor:.2f} {row['seconds']} s, cpu {row['cpu_seconds']} s"
            )
    write(asked.json, results)


if __name__ == "__main__":
    main()

"""What seeds of a tile product lead to, and what a search over the ranks finds: a line a rank.

python benchmarks/approximations.py 4x4x4 --ranks 16,20,24,28,32,36,40,44,48 --draws 4 --budget 300s --json results.json
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.commands.words.approximations import compared_as_lines, pool_as_dict, pool_as_lines
from bilinear.decompositions.targets import parse_target
from bilinear.discover.approximate import approximate
from bilinear.discover.approximate.comparison import compared
from bilinear.discover.engine.budget import parse_budget


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="a tile, 4x4x4")
    parser.add_argument("--ranks", required=True, help="numbers of products, 16,20,24")
    parser.add_argument("--draws", type=int, default=1, help="of each seed; the best counts")
    parser.add_argument("--budget", default="60s", help="of the search, time or descents")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    target, ranks = parse_target(given.target), [int(text) for text in given.ranks.split(",")]
    clock = time.process_time()
    rows = compared(target, ranks, given.draws, given.seed)
    seeds_seconds = time.process_time() - clock
    print(*compared_as_lines(rows, []), sep="\n", flush=True)
    clock = time.process_time()
    pool = approximate(target, ranks, parse_budget(given.budget), given.seed)
    print(*pool_as_lines(pool, []), sep="\n", flush=True)
    results = {
        "target": target.name,
        "draws": given.draws,
        "seed": given.seed,
        "load": os.getloadavg()[0],
        "seeds": [asdict(row) for row in rows],
        "seeds_cpu_seconds": round(seeds_seconds, 3),
        "search": pool_as_dict(pool, []),
        "search_cpu_seconds": round(time.process_time() - clock, 3),
    }
    write(given.json, results)


if __name__ == "__main__":
    main()

"""Flip graphs: flips a second by format and coefficient set, and the CPU seconds that solvers take to given ranks.

    python benchmarks/flip_graph.py speed --json speed.json
    python benchmarks/flip_graph.py reach flip-graph:4x4x4:49:zt symmetric:5x5x5:93:zt --seeds 5 --cap 120
    python benchmarks/flip_graph.py reach meta:4x5x5:76:zt --start 5x5x5:93 --cap 120

One thread. Compiling, which is done once on a machine, is not counted; lifting and exact checks are.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog
from bilinear.decompositions import Scheme, parse_target, standard
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.solvers.flip_graph.blocks import RINGS
from bilinear.discover.solvers.flip_graph.walking import counts, rank, start, walk

SIZES = (3, 4, 5, 6, 8, 9, 12, 16)
BURST = 200_000  # flips between two looks at the clock
MILLION = 1e6
REACHES = ("flip-graph:3x3x3:23:zt", "flip-graph:4x4x4:49:zt", "flip-pool:3x3x3:23:zt", "symmetric:5x5x5:93:zt")


def speed(ring: str, size: int, seconds: float) -> dict[str, Any]:
    """Millions of flips tried and made in a CPU second, from the standard algorithm, after a warm-up.

    Over `zt` a flip is refused where a coefficient would leave the set: it is tried, not made.
    """
    u, v, w = (factor.astype(np.int64) for factor in standard(parse_target(f"{size}x{size}x{size}")).factors)
    state = start((u, v, w), ring, 1)
    walk(state, 5 * BURST)
    before, began = counts(state), time.process_time()
    while (spent := time.process_time() - began) < seconds:
        walk(state, BURST)
    after = counts(state)
    made, tried = ((after[key] - before[key]) / spent / MILLION for key in ("made", "flips"))
    return {
        "format": f"{size}x{size}x{size}",
        "ring": ring,
        "rank": rank(state),
        "made": round(made, 1),
        "tried": round(tried, 1),
    }


def reach(
    solver: str, problem: Problem, options: dict[str, object], starts: list[Scheme], seed: int, cap: float
) -> dict[str, Any]:
    """One search: the rank it ended with, and the CPU seconds until its best scheme was found and verified."""
    began = time.process_time()
    hooks = Hooks(should_stop=lambda: time.process_time() - began > cap)
    outcome = run(Order(problem, solver, options, seed=seed, budget=Budget(), starts=starts), hooks)
    found = outcome.found
    return {
        "seed": seed,
        "rank": found.scheme.rank if found else None,
        "best_walked": outcome.metrics["best"],
        "ring": str(found.scheme.ring) if found else None,
        "flips": outcome.steps,
        "cpu_seconds": round(found.cpu_seconds if found else outcome.cpu_seconds, 3),
    }


def reaches(text: str, options: dict[str, object], begun: list[str], seeds: range, cap: float) -> dict[str, Any]:
    """A problem such as `symmetric:5x5x5:93:zt` over several seeds.

    `cpu_per_success` counts the failures in.
    """
    solver, shape, goal, ring = text.split(":")
    problem = Problem(parse_target(shape), int(goal), parse_ring(ring))
    starts = [Catalog().scheme(query).value for query in begun]
    runs = [reach(solver, problem, options, starts, seed, cap) for seed in seeds]
    times = [one["cpu_seconds"] for one in runs if one["rank"] is not None]
    return {
        "problem": text,
        "options": options,
        "starts": begun,
        "solved": len(times),
        "tried": len(runs),
        "median_s": round(statistics.median(times), 2) if times else None,
        "slowest_s": max(times, default=None),
        "cpu_per_success": round(sum(one["cpu_seconds"] for one in runs) / len(times), 2) if times else None,
        "runs": runs,
    }


def warm(solvers: set[str]) -> None:
    """Compile, or load from the cache, what the searches need."""
    for solver in solvers:
        for ring in (Ring.F2, Ring.F3) if solver == "meta" else (Ring.F2, Ring.F3, Ring.ZT):
            run(Order(Problem(parse_target("2x2x2"), 8, ring), solver, {"walk": str(ring)}, seed=0))


def measurements(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was asked for, row by row."""
    if given.what == "speed":
        for size in given.sizes:
            yield from (speed(ring, size, given.seconds) for ring in RINGS)
        return
    problems = given.problems or REACHES
    warm({problem.split(":")[0] for problem in problems})
    options = dict(pair.split("=", 1) for pair in given.set)
    for problem in problems:
        yield reaches(problem, options, given.start, range(given.seed, given.seed + given.seeds), given.cap)


def arguments() -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "reach"])
    parser.add_argument("problems", nargs="*", help="solver:format:rank:ring, for reach")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="n of the formats n x n x n, for speed")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of each measurement of speed")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--cap", type=float, default=60.0, help="CPU seconds of one search")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="option of the solvers")
    parser.add_argument("--start", action="append", default=[], metavar="ID", help="entry that the searches begin from")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def main() -> None:
    """Measure, print each row as it comes, write all."""
    given, rows = arguments(), []
    for row in measurements(given):
        rows.append(row)
        print("  ".join(f"{key} {value}" for key, value in row.items() if key not in ("runs", "options")), flush=True)
    write(given.json, {"what": given.what, "load": os.getloadavg()[0], "rows": rows})


if __name__ == "__main__":
    main()

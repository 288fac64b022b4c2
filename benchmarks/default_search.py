"""`search TARGET` with nothing else said: what comes, beside composition alone and the best published.

    python benchmarks/default_search.py --cpu 60 --json benchmarks/results/default_search.json
    python benchmarks/default_search.py 7x7x7 polymul:8x8 --cpu 10

One thread, an empty user's catalog beside the shipped one; the budget is processor time, so that a busy machine counts
as an idle one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog
from bilinear.catalog.records import collected
from bilinear.decompositions import parse_target
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks
from bilinear.discover.leaves import composed
from bilinear.discover.search import Begun, Result, begin, execute
from bilinear.discover.standing import Standing, standing

SQUARES = tuple(f"{n}x{n}x{n}" for n in range(2, 10))
OTHERS = ("2x5x6", "3x3x6", "3x4x6", "4x5x6", "5x6x7", "polymul:8x8", "cyclic:8", "quaternion", "structured:ug-4x4x4")
TARGETS = (*SQUARES, *OTHERS, "toeplitz:4")


def measured(target: str, cpu: float, folder: Path) -> dict[str, Any]:
    """One search of so many processor seconds."""
    catalog = Catalog(folder)
    order = Order(Problem(parse_target(target)), budget=Budget())
    parts, known = composed(order, catalog), standing(order.problem, catalog)
    clock = time.process_time()
    begun = begin(order, catalog, catalog)
    first = time.process_time() - clock
    result = _ended(begun, catalog, lambda: time.process_time() - clock >= cpu)
    return _row(target, begun, known, result) | {
        "composition": None if parts is None else parts.rank,
        "first_cpu_seconds": round(first, 2),
        "cpu_seconds": round(time.process_time() - clock, 2),
    }


def _ended(begun: Begun, catalog: Catalog, is_over: Callable[[], bool]) -> Result:
    if begun.order is None:
        assert begun.first is not None
        return begun.first
    return begun.joined(execute(begun.order, catalog, Hooks(should_stop=is_over)))


def _row(target: str, begun: Begun, known: Standing, result: Result) -> dict[str, Any]:
    ranks = [None if one is None or one.scheme is None else one.scheme.rank for one in (begun.first, result)]
    return {
        "target": target,
        "began": ranks[0],
        "found": ranks[1],
        "published": known.published,
        "bound": known.bound,
        "steps": result.outcome.steps,
    }


def main() -> None:
    """Measure, print each row as it comes, write all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    parser.add_argument("--cpu", type=float, default=60.0, help="processor seconds of each search")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given, rows = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as folder:
        for target in given.targets:
            rows.append(measured(target, given.cpu, Path(folder) / target.replace(":", "-")))
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
            write(given.json, {"cpu": given.cpu, "tables": collected(), "rows": rows})


if __name__ == "__main__":
    main()

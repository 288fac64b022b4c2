"""How often, and at what cost, alternating least squares finds float solutions and exact schemes: a line a problem.

python benchmarks/als.py 2x2x2:7:zt 3x3x3:23:zt --successes 20 --cpu 120 --json results.json
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import parse_target
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.solvers.als import AlsState


@dataclass(frozen=True)
class Row:
    """What the solver made of one problem.

    Attributes:
        restarts: Members started and ended: solved, or given up after their kicks. Those on their way are not counted.
        solved: Members that ended in a float solution, of squared error at most 1e-20.
        tried: Float solutions that discretisation was tried on.
        exact: Those that became exact schemes, each verified.
        schemes: Distinct ones among them, up to the order and scaling of products.
        float_rate: Solved, of the restarts.
        discrete_rate: Exact of those tried, times the float rate.
        cpu_seconds: Processor time of the search, verification left out.
        cpu_per_exact: Processor time for each exact scheme, failures counted in; None if there was none.
    """

    problem: str
    restarts: int
    solved: int
    tried: int
    exact: int
    schemes: int
    float_rate: float
    discrete_rate: float
    steps: int
    cpu_seconds: float
    cpu_per_exact: float | None


def measure(problem: str, options: dict[str, object], seed: int, successes: int, cpu: float) -> Row:
    """Search until so many schemes are found or the processor time is spent."""
    name, rank, ring = problem.rsplit(":", 2)
    solver = make_solver("als", options)
    clock = time.process_time()
    state = solver.start(Problem(parse_target(name), int(rank), ring), np.random.default_rng(seed))  # type: ignore[arg-type]
    spent = time.process_time() - clock
    distinct: set[str] = set()
    while spent < cpu and state.found < successes:
        clock = time.process_time()
        state = solver.advance(state)
        spent += time.process_time() - clock
        schemes = [candidate for candidate in solver.candidates(state) if isinstance(candidate, Scheme)]
        distinct.update(content_hash(checked(scheme)) for scheme in schemes)
    return row(problem, state, len(distinct), spent)


def row(problem: str, state: AlsState, schemes: int, spent: float) -> Row:
    """The counts of a search that has ended."""
    ended = state.restarts - len(state.x)
    float_rate = state.solved / max(1, ended)
    return Row(
        problem=problem,
        restarts=ended,
        solved=state.solved,
        tried=state.discretised,
        exact=state.found,
        schemes=schemes,
        float_rate=float_rate,
        discrete_rate=float_rate * state.found / max(1, state.discretised),
        steps=state.steps,
        cpu_seconds=round(spent, 3),
        cpu_per_exact=round(spent / state.found, 5) if state.found else None,
    )


def checked(scheme: Scheme) -> Scheme:
    """The scheme, verified exactly."""
    result = verify(scheme)
    if not result.ok:
        raise AssertionError(f"a candidate is wrong: {result}")
    return scheme


def line(found: Row) -> str:
    """A line of the table."""
    cost = f"{found.cpu_per_exact:.3f}" if found.cpu_per_exact else "-"
    return (
        f"{found.problem:20} {found.restarts:9} {100 * found.float_rate:7.1f} % {100 * found.discrete_rate:8.1f} % "
        f"{found.exact:6} {found.schemes:8} {found.cpu_seconds:10.1f} {cost:>12}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="+", help="target, rank and ring, 2x2x2:7:zt")
    parser.add_argument("--successes", type=int, default=20, help="stop after so many exact schemes")
    parser.add_argument("--cpu", type=float, default=60.0, help="processor seconds for each problem")
    parser.add_argument("--option", action="append", default=[], help="a hyperparameter, NAME=VALUE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    options: dict[str, object] = dict(text.split("=", 1) for text in given.option)
    print("problem               restarts     float   discrete  exact  schemes      CPU s  CPU s/exact", flush=True)
    rows = []
    for problem in given.problems:
        rows.append(measure(problem, options, given.seed, given.successes, given.cpu))
        print(line(rows[-1]), flush=True)
    results = {"seed": given.seed, "options": options, "load": os.getloadavg()[0], "rows": [asdict(r) for r in rows]}
    write(given.json, results)


if __name__ == "__main__":
    main()

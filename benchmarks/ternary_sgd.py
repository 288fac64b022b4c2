"""How often, and at what cost, gradient descent finds exact ternary schemes: one line per problem and recipe.

python benchmarks/ternary_sgd.py 2x2x2:7 3x3x3:23 --successes 5 --cpu 120 --json results.json
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import parse_target
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.ternary_sgd import TernarySgd, TernarySgdState


@dataclass(frozen=True)
class Row:
    """What one solver made of one problem.

    Attributes:
        restarts: Members started and ended: solved or given up. Those still on their way are not counted.
        solved: Members that ended in an exact scheme, each verified.
        schemes: Distinct ones among them, up to the order of the products and signs within a product.
        success_rate: Solved, of the restarts.
        best_squared_error: The closest approach; the number of wrong entries if each is off by one.
        cpu_seconds: Processor time of the search, start and checks included, verification left out.
        cpu_per_success: Processor time for each member solved, failures counted in; None if none was.
    """

    problem: str
    recipe: str
    members: int
    restarts: int
    solved: int
    schemes: int
    success_rate: float
    best_squared_error: float
    steps: int
    cpu_seconds: float
    cpu_per_success: float | None


def measure(problem: str, solver: TernarySgd, seed: int, successes: int, cpu: float) -> Row:
    """Search until so many members are solved or the processor time is spent."""
    shape, rank = problem.split(":")
    clock = time.process_time()
    state = solver.start(Problem(parse_target(f"matmul:{shape}"), int(rank)), np.random.default_rng(seed))
    spent = time.process_time() - clock
    distinct: set[str] = set()
    while spent < cpu and state.found < successes:
        clock = time.process_time()
        state = solver.advance(state)
        spent += time.process_time() - clock
        distinct.update(content_hash(checked(scheme)) for scheme in solver.candidates(state))
    return row(problem, solver.recipe, state, len(distinct), spent)


def row(problem: str, recipe: str, state: TernarySgdState, schemes: int, spent: float) -> Row:
    """The counts of a search that has ended."""
    ended = state.restarts - len(state.ages)
    return Row(
        problem=problem,
        recipe=recipe,
        members=len(state.ages),
        restarts=ended,
        solved=state.found,
        schemes=schemes,
        success_rate=state.found / max(1, ended),
        best_squared_error=state.best,
        steps=state.steps,
        cpu_seconds=round(spent, 3),
        cpu_per_success=round(spent / state.found, 5) if state.found else None,
    )


def checked(scheme: Scheme) -> Scheme:
    """The scheme, verified exactly."""
    result = verify(scheme)
    if not result.ok:
        raise AssertionError(f"a candidate is wrong: {result}")
    return scheme


def line(found: Row) -> str:
    """A line of the table."""
    cost = f"{found.cpu_per_success:.4f}" if found.cpu_per_success else "-"
    return (
        f"{found.problem:10} {found.recipe:9} {found.restarts:9} {found.solved:7} {found.schemes:8} "
        f"{100 * found.success_rate:8.2f} % {found.best_squared_error:6.0f} {found.cpu_seconds:10.1f} {cost:>12}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="+", help="format and rank of a matrix product, 2x2x2:7")
    parser.add_argument("--recipes", nargs="+", default=["annealed", "paper"])
    parser.add_argument("--successes", type=int, default=5, help="stop after so many members solved")
    parser.add_argument("--cpu", type=float, default=60.0, help="processor seconds for each problem and recipe")
    parser.add_argument("--restarts", type=int, help="members of a batch; the solver's own choice if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("problem    recipe     restarts  solved  schemes    success   best    CPU s  CPU s/success", flush=True)
    rows = []
    for problem in given.problems:
        for recipe in given.recipes:
            rows.append(measure(problem, TernarySgd(recipe, given.restarts), given.seed, given.successes, given.cpu))
            print(line(rows[-1]), flush=True)
    write(given.json, {"seed": given.seed, "load": os.getloadavg()[0], "rows": [asdict(found) for found in rows]})


if __name__ == "__main__":
    main()

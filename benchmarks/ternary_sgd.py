"""How often, and at what cost, gradient descent finds exact ternary schemes: one line per problem and recipe.

python benchmarks/ternary_sgd.py 2x2x2:7 3x3x3:23 --successes 5 --cpu 120 --json results.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.searches import Search, parser_of, report, search
from bilinear.decompositions.targets import parse_target
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.ternary_sgd import TernarySgd


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
    wanted = Problem(parse_target(f"matmul:{shape}"), int(rank))
    return row(problem, solver.recipe, search(solver, wanted, seed, successes, cpu))


def row(problem: str, recipe: str, found: Search) -> Row:
    """The counts of a search that has ended."""
    state = found.state
    ended = state.restarts - len(state.ages)
    return Row(
        problem=problem,
        recipe=recipe,
        members=len(state.ages),
        restarts=ended,
        solved=state.found,
        schemes=found.schemes,
        success_rate=state.found / max(1, ended),
        best_squared_error=state.best,
        steps=state.steps,
        cpu_seconds=round(found.spent, 3),
        cpu_per_success=round(found.spent / state.found, 5) if state.found else None,
    )


def line(found: Row) -> str:
    """A line of the table."""
    cost = f"{found.cpu_per_success:.4f}" if found.cpu_per_success else "-"
    return (
        f"{found.problem:10} {found.recipe:9} {found.restarts:9} {found.solved:7} {found.schemes:8} "
        f"{100 * found.success_rate:8.2f} % {found.best_squared_error:6.0f} {found.cpu_seconds:10.1f} {cost:>12}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = parser_of(__doc__, "format and rank of a matrix product, 2x2x2:7", successes=5)
    parser.add_argument("--recipes", nargs="+", default=["annealed", "paper"])
    parser.add_argument("--restarts", type=int, help="members of a batch; the solver's own choice if not given")
    given = parser.parse_args()
    import torch  # after the number of threads is set

    torch.set_num_threads(1)
    head = "problem    recipe     restarts  solved  schemes    success   best    CPU s  CPU s/success"
    rows = (
        measure(problem, TernarySgd(recipe, given.restarts), given.seed, given.successes, given.cpu)
        for problem in given.problems
        for recipe in given.recipes
    )
    report(given, head, rows, line)


if __name__ == "__main__":
    main()

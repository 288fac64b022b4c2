"""How often, and at what cost, alternating least squares finds float solutions and exact schemes: a line a problem.

python benchmarks/als.py 2x2x2:7:zt 3x3x3:23:zt --successes 20 --cpu 120 --json results.json
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.searches import Search, parser_of, report, search
from bilinear.decompositions.targets import parse_target
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import make_solver


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
    wanted = Problem(parse_target(name), int(rank), ring)  # type: ignore[arg-type]  # checked by the problem
    return row(problem, search(make_solver("als", options), wanted, seed, successes, cpu))


def row(problem: str, found: Search) -> Row:
    """The counts of a search that has ended."""
    state = found.state
    ended = state.restarts - len(state.x)
    float_rate = state.solved / max(1, ended)
    return Row(
        problem=problem,
        restarts=ended,
        solved=state.solved,
        tried=state.discretised,
        exact=state.found,
        schemes=found.schemes,
        float_rate=float_rate,
        discrete_rate=float_rate * state.found / max(1, state.discretised),
        steps=state.steps,
        cpu_seconds=round(found.spent, 3),
        cpu_per_exact=round(found.spent / state.found, 5) if state.found else None,
    )


def line(found: Row) -> str:
    """A line of the table."""
    cost = f"{found.cpu_per_exact:.3f}" if found.cpu_per_exact else "-"
    return (
        f"{found.problem:20} {found.restarts:9} {100 * found.float_rate:7.1f} % {100 * found.discrete_rate:8.1f} % "
        f"{found.exact:6} {found.schemes:8} {found.cpu_seconds:10.1f} {cost:>12}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = parser_of(__doc__, "target, rank and ring, 2x2x2:7:zt", successes=20)
    parser.add_argument("--option", action="append", default=[], help="a hyperparameter, NAME=VALUE")
    given = parser.parse_args()
    options: dict[str, object] = dict(text.split("=", 1) for text in given.option)
    head = "problem               restarts     float   discrete  exact  schemes      CPU s  CPU s/exact"
    rows = (measure(problem, options, given.seed, given.successes, given.cpu) for problem in given.problems)
    report(given, head, rows, line, options=options)


if __name__ == "__main__":
    main()

"""Searches: problems, solvers, and the one loop that runs them. Solvers load torch on first use."""

from discover.budget import Budget, parse_budget
from discover.outcome import Found, Outcome, Progress, Status
from discover.problem import Problem
from discover.run import Hooks, run
from discover.solver import SOLVERS, make_solver

__all__ = [
    "SOLVERS",
    "Budget",
    "Found",
    "Hooks",
    "Outcome",
    "Problem",
    "Progress",
    "Status",
    "make_solver",
    "parse_budget",
    "run",
]

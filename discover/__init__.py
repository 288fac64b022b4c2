"""Searches: problems, solvers, and the one loop that runs them. Solvers load torch on first use."""

from bilinear.discover.budget import Budget, parse_budget
from bilinear.discover.outcome import Found, Outcome, Progress, Status
from bilinear.discover.problem import Problem
from bilinear.discover.run import Hooks, run
from bilinear.discover.solver import SOLVERS, make_solver

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

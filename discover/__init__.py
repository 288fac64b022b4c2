"""Searches: problems, solvers, and the one loop that runs them. Solvers load torch on first use."""

from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Outcome, Progress, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import SOLVERS, make_solver

__all__ = [
    "SOLVERS",
    "Budget",
    "Found",
    "Hooks",
    "Order",
    "Outcome",
    "Problem",
    "Progress",
    "Status",
    "make_solver",
    "parse_budget",
    "run",
]

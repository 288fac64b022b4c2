"""Solvers are made from names and options; every registered one keeps the protocol."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from bilinear.decompositions import Ring, UnknownNameError, parse_target, verify
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.solver import SOLVERS, OptionError, make_solver, parameters


def test_an_unknown_solver_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown solver 'ternary-sdg': did you mean 'ternary-sgd'"):
        make_solver("ternary-sdg")


def test_options_are_read_as_the_types_of_the_hyperparameters() -> None:
    solver = make_solver("ternary-sgd", {"restarts": "64", "noise": "0.5", "recipe": "paper"})
    assert parameters(solver) == {"restarts": 64, "noise": 0.5, "recipe": "paper"}
    assert parameters(make_solver("ternary-sgd", {"restarts": "none"})) == {}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"lr": "1"}, "has no option 'lr'; known options: .*restarts"),
        ({"restarts": "many"}, "option restarts is 'many'; int or NoneType is needed"),
        ({"noise": True}, "option noise is 'True'; float is needed"),
        ({"recipe": "soup"}, "recipe 'soup'"),
        ({"restarts": "0"}, "restarts"),
        ({"device": "tpu"}, "device 'tpu'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        make_solver("ternary-sgd", options)


PROBLEMS = [
    Problem(parse_target(target), rank, Ring(ring))
    for target, rank, ring in (
        ("2x2x2", 8, "zt"), ("1x2x3", 6, "zt"), ("2x2x2", 7, "zt"), ("2x2x2", 7, "f2"), ("polymul:2x2", 3, "z"),
        ("cyclic:3", 4, "q"), ("cross", 5, "zt"), ("3x3x3", None, "f3"),
    )
]  # fmt: skip


def begun(name: str, problem: Problem) -> Any:
    """A solver and its first state; None where it refuses the problem."""
    solver = make_solver(name)
    try:
        return solver, solver.start(problem, np.random.default_rng(1))
    except ProblemError:
        return None


@pytest.mark.parametrize("name", SOLVERS.names())
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.short)
def test_every_solver_keeps_the_protocol_on_every_problem(name: str, problem: Problem) -> None:
    """It refuses the problem with a reason, or all that it holds after each slice is what it claims."""
    if (both := begun(name, problem)) is None:
        return
    solver, state = both
    assert dataclasses.is_dataclass(solver)
    assert isinstance(state, solver.state_type)
    assert (state.steps, state.problem) == (0, problem)
    for _ in range(2):
        before = state.steps
        state = solver.advance(state)
        assert state.steps > before
        found = list(solver.candidates(state))[:20]
        for candidate in found:
            assert not isinstance(candidate, Scheme) or verify(candidate).ok
        if found or state.exhausted:
            break
    assert isinstance(state.metrics(), dict)


@pytest.mark.parametrize("name", SOLVERS.names())
def test_every_solver_takes_some_of_the_problems(name: str) -> None:
    assert any(begun(name, problem) is not None for problem in PROBLEMS)

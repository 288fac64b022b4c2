"""Solvers are made from names and options; every registered one keeps the protocol."""

import dataclasses

import numpy as np
import pytest

from bilinear.decompositions import UnknownNameError, parse_target, verify
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


@pytest.mark.parametrize("name", SOLVERS.names())
@pytest.mark.parametrize(("target", "rank"), [("2x2x2", 8), ("1x2x3", 6), ("2x2x2", 7)])
def test_every_solver_keeps_the_protocol_on_every_problem(name: str, target: str, rank: int) -> None:
    problem = Problem(parse_target(target), rank)
    solver = make_solver(name, {"name": "strassen"} if name == "construction" and rank == 7 else {})
    assert dataclasses.is_dataclass(solver)
    if name == "symmetric" and target == "1x2x3":
        with pytest.raises(ProblemError, match="symmetric searches n x n x n, not 1x2x3"):
            solver.start(problem, np.random.default_rng(1))
        return
    if name == "composition" and rank == 7:
        with pytest.raises(ProblemError, match="the schemes given reach 8 products"):
            solver.start(problem, np.random.default_rng(1))
        return
    if name == "evaluation":
        with pytest.raises(ProblemError, match=r"evaluation builds complex, .*, not"):
            solver.start(problem, np.random.default_rng(1))
        return
    state = solver.start(problem, np.random.default_rng(1))
    assert isinstance(state, solver.state_type)
    assert state.steps == 0
    for _ in range(2):
        before = state.steps
        state = solver.advance(state)
        assert state.steps > before
        found = list(solver.candidates(state))[:20]
        for candidate in found:
            assert isinstance(candidate, Scheme)
            assert verify(candidate).ok
        if found or state.exhausted:
            break
    assert isinstance(state.metrics(), dict)

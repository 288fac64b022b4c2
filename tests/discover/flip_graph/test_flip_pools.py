"""Pools: distinct schemes, the same result however sliced, exact throughout."""

from __future__ import annotations

import numpy as np
import pytest
from flip_cases import RINGS, exact, rows

from bilinear.decompositions import parse_target, standard, strassen, verify
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.solvers.flip_graph.pool import PoolSettings, advance_pool, pool_rank, pool_schemes, start_pool

SMALL = PoolSettings(size=8, path=20_000, patience=40)


def test_a_pool_holds_distinct_schemes_and_is_deterministic() -> None:
    one, two = (start_pool([rows("2x2x2")], "f2", 5, SMALL) for _ in range(2))
    advance_pool(one, SMALL, 30)
    for _ in range(30):
        advance_pool(two, SMALL, 1)
    assert all(np.array_equal(x, y) for x, y in zip((*one.walk, *one[1:]), (*two.walk, *two[1:]), strict=True))
    assert pool_rank(one) == 7
    schemes = pool_schemes(one)
    terms = {tuple(sorted(map(tuple, np.hstack(factors).tolist()))) for factors in schemes}
    assert len(terms) == len(schemes) > 1


@pytest.mark.parametrize("name", ["2x2x2", "2x3x3", "3x3x3", "polymul 3x4"])
@pytest.mark.parametrize("ring", RINGS)
def test_every_scheme_of_a_pool_is_exact(ring: str, name: str) -> None:
    state = start_pool([rows(name)], ring, 3, SMALL)
    for _ in range(6):
        advance_pool(state, SMALL, 20)
        schemes = pool_schemes(state)
        assert 0 < len(schemes) <= SMALL.size
        assert all(len(factors[0]) == pool_rank(state) for factors in schemes)
        assert all(exact(factors, name, ring) for factors in schemes)
    assert pool_rank(state) < len(rows(name)[0])


def test_of_several_starts_those_of_lowest_rank_make_the_pool() -> None:
    u, v, w = (factor.astype(np.int64) for factor in strassen().factors)
    state = start_pool([rows("2x2x2"), (u, v, w)], "zt", 1, SMALL)
    assert pool_rank(state) == 7
    assert len(pool_schemes(state)) == 1


@pytest.mark.parametrize("ring", ["zt", "z", "q", "f2", "f3"])
def test_the_solver_reaches_known_ranks(ring: str) -> None:
    problem = Problem(parse_target("2x2x3"), 11, ring)  # type: ignore[arg-type]
    outcome = run(Order(problem, "flip-pool", {"size": 10, "path": 0.1}, budget=Budget(steps=1 << 27)))
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert verify(outcome.scheme).ok
    assert outcome.rejected == 0


def test_without_a_scheme_below_the_descent_begins_anew() -> None:
    options: dict[str, object] = {"path": 0.001, "patience": 2}
    outcome = run(Order(Problem(parse_target("3x3x3"), 19, "f3"), "flip-pool", options, budget=Budget(steps=1 << 20)))  # type: ignore[arg-type]
    assert outcome.status is Status.BUDGET
    assert int(outcome.metrics["round"]) > 1


def test_the_solver_begins_at_starts() -> None:
    solver = make_solver("flip-pool")
    problem = Problem(parse_target("2x2x2"))
    state = solver.start(problem, np.random.default_rng(1), [strassen(), standard(problem.target)])
    assert pool_rank(state.pool) == 7
    state = solver.advance(state)
    assert [scheme.rank for scheme in solver.candidates(state)] == [7]

"""The solvers take targets that are no matrix products, and reach their known ranks."""

import pytest

from bilinear.decompositions import Ring, parse_target, verify
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem, ProblemError, require_possible
from bilinear.discover.engine.run import run

CASES = [
    ("polymul:2x2", "zt", 3, "flip-graph"),
    ("polymul:2x2", "zt", 4, "construction"),
    ("octonion", "zt", 64, "construction"),
    ("polymul:3x3", "f2", 6, "flip-graph"),
    ("cyclic:4", "f2", 8, "flip-graph"),
    ("cyclic:3", "f3", 5, "flip-graph"),
    ("quaternion", "f3", 7, "flip-graph"),
    ("quaternion", "f2", 8, "flip-graph"),
    ("group:S3", "f2", 10, "flip-graph"),
    ("structured:gt-3x3x3", "f2", 17, "flip-graph"),
]


@pytest.mark.parametrize(("name", "ring", "rank", "solver"), CASES)
def test_known_ranks_are_reached(name, ring, rank, solver):
    problem = Problem(parse_target(name), rank, Ring(ring))
    require_possible(problem)
    outcome = run(Order(problem, solver, seed=0, budget=parse_budget("60s")))
    assert outcome.scheme is not None
    assert (outcome.scheme.rank, outcome.scheme.ring) == (rank, ring)
    assert verify(outcome.scheme, "symbolic").ok
    assert outcome.rejected == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rank", "solver"),
    [
        ("quaternion", 8, "flip-graph"),
        ("cross", 5, "ternary-sgd"),
        ("complex", 3, "ternary-sgd"),
        ("polymul:2x2", 3, "ternary-sgd"),
        ("cyclic:4", 9, "flip-graph"),
    ],
)
def test_ternary_ranks_that_the_families_name(name, rank, solver):
    outcome = run(Order(Problem(parse_target(name), rank), solver, seed=0, budget=parse_budget("120s")))
    assert outcome.scheme is not None
    assert verify(outcome.scheme).ok


@pytest.mark.parametrize(
    ("name", "ring", "rank", "reason"),
    [("polymul:3x3", "zt", 5, "at least 6 products are needed"), ("quaternion", "q", 7, "de Groote"),
     ("cyclic:4", "q", 4, "Winograd"), ("complex", "f3", 2, "Alder"), ("cross", "f2", 4, "Krishna")],
)  # fmt: skip
def test_impossible_ranks_are_refused_with_their_source(name, ring, rank, reason):
    with pytest.raises(ProblemError, match=reason):
        require_possible(Problem(parse_target(name), rank, Ring(ring)))

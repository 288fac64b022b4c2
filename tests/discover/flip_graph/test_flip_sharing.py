"""What flip solvers share is exact, and what they accept is put to use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flip_cases import exact, polynomial, rows

from bilinear.decompositions import content_hash, parse_target, standard, strassen, verify
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, Sharing, make_solver
from bilinear.discover.solvers.flip_graph.pool import PoolSettings, pool_rank, pool_schemes, receive, start_pool

SOLVERS: dict[str, dict[str, object]] = {
    "flip-graph": {},
    "flip-pool": {"size": 5, "path": 0.2},
    "symmetric": {"size": 5, "path": 0.2},
    "portfolio": {},
}


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a million flips."""
    for place in ("growing", "descent"):
        monkeypatch.setattr(f"bilinear.discover.solvers.flip_graph.{place}.SLICE", 1 << 20)


def moved(scheme: Scheme, seed: int) -> Scheme:
    """The scheme with its products in another order."""
    order = np.random.default_rng(seed).permutation(scheme.rank)
    return Scheme(scheme.target, scheme.ring, scheme.u[order], scheme.v[order], scheme.w[order])


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize("ring", [Ring.F2, Ring.ZT])
@pytest.mark.parametrize("name", SOLVERS)
def test_searches_that_exchange_stay_exact_and_do_the_same_again(name: str, ring: Ring) -> None:
    solver, problem = make_solver(name, SOLVERS[name]), Problem(parse_target("2x2x2"), None, ring)
    assert isinstance(solver, Sharing)

    def exchanged() -> list[str]:
        states = [solver.start(problem, np.random.default_rng(seed)) for seed in (1, 2)]
        hashes = []
        for turn in range(3):
            states = [solver.advance(state) for state in states]
            shared = [solver.share(state) for state in states]
            assert all(verify(scheme).ok for schemes in shared for scheme in schemes)
            rng = np.random.default_rng(turn)
            states = [solver.accept(state, shared[1 - job], rng) for job, state in enumerate(states)]
            held = [scheme for state in states for scheme in solver.candidates(state)]
            assert all(verify(scheme).ok for scheme in held)
            hashes += [content_hash(scheme) for scheme in held]
        return hashes

    first = exchanged()
    assert first
    assert exchanged() == first


def test_a_pool_receives_what_is_as_good_or_better() -> None:
    settings = PoolSettings(size=3, path=1000, patience=10)
    state = start_pool([rows("2x2x2")], "f2", 1, settings)
    seven = strassen().to("f2")
    receive(state, settings, [tuple(moved(seven, seed).factors) for seed in range(2)])  # type: ignore[misc]
    assert (pool_rank(state), len(pool_schemes(state))) == (7, 1)  # the order of the products makes no difference
    receive(state, settings, [rows("2x2x2")])
    assert pool_rank(state) == 7
    assert all(exact(factors, "2x2x2", "f2") for factors in pool_schemes(state))


def test_a_pool_goes_alone_in_even_rounds() -> None:
    solver, problem = make_solver("flip-pool", {"size": 5}), Problem(parse_target("2x2x2"), None, Ring.F2)
    for turn, expected in ((1, 7), (2, 8)):
        state = solver.start(problem, np.random.default_rng(1))
        state.round = turn
        first = strassen().to("f2")
        lower = Scheme(first.target, first.ring, first.u[:6], first.v[:6], first.w[:6])  # only its rank matters here
        given = [moved(first, 1)] if turn == 1 else [lower]
        assert pool_rank(solver.accept(state, given, np.random.default_rng(0)).pool) == expected  # type: ignore[attr-defined]


@pytest.mark.usefixtures("short_slices")
def test_growing_goes_on_from_better_schemes_of_others() -> None:
    solver = make_solver("flip-graph", {"grow": False, "patience": 0.01, "leg": 0.01})
    assert isinstance(solver, Sharing)
    state = solver.start(Problem(parse_target("4x4x4"), 48, Ring.F2), np.random.default_rng(1))
    assert len(state.prize.best) == 0
    state = solver.accept(state, [strassen(parse_target("4x4x4")).to("f2")], np.random.default_rng(0))
    state = solver.advance(state)
    assert state.round > 1
    assert len(state.prize.best) == 49


def test_symmetric_searches_take_in_schemes_with_their_symmetry() -> None:
    solver = make_solver("symmetric", {"size": 5})
    assert isinstance(solver, Sharing)
    state = solver.start(Problem(parse_target("2x2x2"), 7, Ring.F2), np.random.default_rng(1))
    assert state.metrics()["partition"] == "2"
    state = solver.accept(state, [standard(parse_target("2x2x2")).to("f2")], np.random.default_rng(0))
    assert state.products > 7
    state = solver.accept(state, [moved(strassen().to("f2"), 3)], np.random.default_rng(0))
    assert state.products == 7


def test_schemes_of_other_targets_and_rings_are_passed_over() -> None:
    for name, options in SOLVERS.items():
        solver = make_solver(name, options)
        assert isinstance(solver, Sharing)
        state = solver.start(Problem(parse_target("2x2x2"), 7, Ring.F2), np.random.default_rng(1))
        before = state.metrics()
        others = [strassen(), standard(polynomial(2, 2)).to("f2"), standard(parse_target("2x2x3")).to("f2")]
        assert solver.accept(state, others, np.random.default_rng(0)).metrics() == before


def test_without_a_rank_a_search_does_not_end_with_nothing() -> None:
    """The best schemes over f2 that this seed comes to do not lift, or the format is not reached yet."""
    for name, steps in (("3x3x4", 1 << 25), ("6x6x6", 1)):
        outcome = run(Order(Problem(parse_target(name)), "flip-graph", seed=2, budget=Budget(steps=steps)))
        assert outcome.scheme is not None
        assert verify(outcome.scheme).ok
        assert outcome.scheme.rank < standard(parse_target(name)).rank


def test_what_passes_on_the_way_down_is_tried_where_the_end_does_not_lift(monkeypatch: pytest.MonkeyPatch) -> None:
    from bilinear.discover.solvers.flip_graph import prize

    honest = prize.raised

    def stubborn(scheme: Scheme, *given: object) -> object:
        return None if scheme.rank < 25 else honest(scheme, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(prize, "raised", stubborn)
    monkeypatch.setattr("bilinear.discover.solvers.flip_graph.growing.raised", stubborn)
    outcome = run(
        Order(Problem(parse_target("3x3x3")), "flip-graph", {"grow": False}, seed=1, budget=Budget(steps=1 << 24))
    )
    assert outcome.metrics["best"] == 23
    assert outcome.scheme is not None
    assert 25 <= outcome.scheme.rank < 27
    assert verify(outcome.scheme).ok


@pytest.mark.usefixtures("short_slices")
def test_the_portfolio_knows_constructions_and_takes_turns() -> None:
    found = run(Order(Problem(parse_target("8x8x8"), 343), "portfolio", budget=Budget(steps=1))).found
    assert found is not None
    assert found.steps == 1
    solver = make_solver("portfolio", {"walk": "zt"})
    state = solver.start(Problem(parse_target("3x3x3")), np.random.default_rng(1))
    turns = []
    for _ in range(5):
        state = solver.advance(state)
        turns.append(state.metrics()["next"])
    assert turns == ["growing", "growing", "symmetric", "pool", "growing"]


def test_options_of_the_portfolio_are_checked() -> None:
    with pytest.raises(OptionError, match="walk 'f5'; one of f2, f3, zt is needed"):
        make_solver("portfolio", {"walk": "f5"})
    with pytest.raises(OptionError, match="must be above 0"):
        make_solver("portfolio", {"lifts": 0})


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize("name", ["2x3x3", "2x3x4"])
def test_a_portfolio_goes_on_from_its_checkpoint(name: str, tmp_path: Path) -> None:
    problem, path = Problem(parse_target(name), None, Ring.Z), tmp_path / "search.npz"
    whole = run(Order(problem, "portfolio", seed=4, budget=Budget(steps=6 << 20)))
    run(Order(problem, "portfolio", seed=4, budget=Budget(steps=2 << 20), checkpoint=path))
    parts = run(Order(problem, "portfolio", seed=4, budget=Budget(steps=6 << 20), checkpoint=path, resume=True))
    assert (parts.steps, parts.metrics) == (whole.steps, whole.metrics)
    assert parts.rejected == 0

"""The pool of formats: its map, its moves, what it keeps, and the searches on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, standard, strassen, verify
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rules.span import spare
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, make_solver
from bilinear.discover.solvers.flip_graph.formats import Move, around, made, moves

QUICK: dict[str, object] = {"patience": 0.2, "leg": 0.1}
SMALL = [(2, 2, 2), (2, 2, 3), (2, 3, 3), (3, 3, 3), (2, 2, 4), (2, 4, 4)]


def over(ring: Ring, *sizes: int) -> Scheme:
    return standard(matmul(*sizes)).to(ring)


def test_the_map_holds_what_is_inside_and_a_little_above() -> None:
    assert around((2, 2, 3), 0) == [(2, 2, 2), (2, 2, 3)]
    assert around((2, 2, 2), 1) == [(2, 2, 2), (2, 2, 3)]
    assert around((2, 3, 3), 1) == [(2, 2, 2), (2, 2, 3), (2, 3, 3), (3, 3, 3)]
    assert (5, 5, 5) in around((4, 4, 5), 2)
    assert (5, 5, 5) not in around((4, 4, 5), 1)
    assert all(list(sizes) == sorted(sizes) for sizes in around((3, 4, 5), 2))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([*SMALL, (3, 4, 4), (4, 4, 4)]), st.sampled_from([Ring.F2, Ring.F3]), st.integers(0, 2**32 - 1))
def test_every_move_gives_a_scheme_of_the_format(sizes: Sizes, ring: Ring, seed: int) -> None:
    known = {*SMALL, (4, 4, 5), sizes}
    every = list(moves(sizes, known))
    assert every[0].kind == "stay"
    for move in every:
        scheme = made(move, sizes, [over(ring, *source) for source in move.sources], np.random.default_rng(seed))
        assert scheme.target == matmul(*sizes)
        assert verify(scheme).ok


def test_moves_of_every_kind_lead_to_a_format() -> None:
    kinds = [move.kind for move in moves((4, 4, 4), {(4, 4, 4), (4, 4, 5), (3, 4, 4), (2, 4, 4), (2, 2, 2)})]
    assert set(kinds) == {"stay", "cut", "extend", "merge", "product"}
    assert list(moves((4, 4, 4), {(2, 3, 3)})) == []


@pytest.mark.parametrize(("ring", "rank"), [("zt", 15), ("f2", 15), ("f3", 15), ("q", 15)])
def test_the_solver_reaches_known_ranks(ring: str, rank: int) -> None:
    problem = Problem(parse_target("2x3x3"), rank, ring)  # type: ignore[arg-type]
    outcome = run(Order(problem, "meta", QUICK, budget=Budget(steps=1 << 28)))
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert verify(outcome.scheme).ok
    assert outcome.rejected == 0


def test_the_same_seed_and_steps_give_the_same_result() -> None:
    problem = Problem(parse_target("2x3x4"), 19, Ring.F2)
    states = []
    for _ in range(2):
        solver = make_solver("meta", QUICK)
        state = solver.start(problem, np.random.default_rng(4))
        for _ in range(30):
            state = solver.advance(state)
        states.append(state)
    one, two = states
    assert np.array_equal(one.shelf.factors, two.shelf.factors)
    assert (one.steps, one.tries, len(one.prize.best)) == (two.steps, two.tries, len(two.prize.best))
    assert one.tries == 30


def test_a_larger_start_is_cut() -> None:
    solver = make_solver("meta", QUICK | {"above": 3})
    problem = Problem(parse_target("3x3x3"), 23, Ring.F2)
    state = solver.start(problem, np.random.default_rng(1), [strassen(parse_target("4x4x4"))])
    assert state.shelf.sizes.tolist() == [[4, 4, 4]]
    for _ in range(20):
        state = solver.advance(state)
    assert {tuple(sizes) for sizes in state.shelf.sizes.tolist()} >= {(3, 4, 4), (3, 3, 4), (3, 3, 3)}
    assert all(verify(scheme).ok for scheme in solver.share(state))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([Ring.F2, Ring.F3]), st.integers(0, 2**32 - 1))
def test_a_cut_with_span_reduction_has_no_product_that_the_others_span(ring: Ring, seed: int) -> None:
    move, source = Move("cut", ((4, 4, 4),)), [strassen(parse_target("4x4x4")).to(ring)]
    smaller = made(move, (3, 4, 4), source, np.random.default_rng(seed), span=True)
    assert verify(smaller).ok
    assert spare(smaller) == (0, 0, 0)
    assert smaller.rank <= made(move, (3, 4, 4), source, np.random.default_rng(seed)).rank


def test_a_search_with_span_reduction_repeats() -> None:
    problem = Problem(parse_target("3x3x3"), 24, Ring.F2)
    order = Order(problem, "meta", QUICK | {"above": 3, "span": True}, starts=(strassen(parse_target("4x4x4")),))
    one, two = (run(replace(order, budget=Budget(steps=1 << 26))) for _ in range(2))
    assert one.scheme is not None
    assert two.scheme is not None
    assert content_hash(one.scheme) == content_hash(two.scheme)
    assert make_solver("meta").span is False  # type: ignore[attr-defined]  # so that older searches repeat


def test_shared_schemes_of_another_pool_are_taken_in() -> None:
    solver = make_solver("meta", QUICK)
    problem = Problem(parse_target("2x2x3"), 10, Ring.F2)
    state = solver.start(problem, np.random.default_rng(1))
    state = solver.accept(state, [strassen().to(Ring.F2), over(Ring.F2, 2, 2, 3)], np.random.default_rng(0))  # type: ignore[attr-defined]
    assert {scheme.rank for scheme in solver.share(state)} == {7, 12}  # type: ignore[attr-defined]
    assert [scheme.rank for scheme in solver.candidates(state)] == [12]


def test_what_meta_cannot_take_is_refused() -> None:
    solver, rng = make_solver("meta"), np.random.default_rng(0)
    with pytest.raises(ProblemError, match="start of 4x4x4: no format around 2x2x3; raise the option above"):
        solver.start(Problem(parse_target("2x2x3"), 11, Ring.ZT), rng, [strassen(parse_target("4x4x4"))])
    with pytest.raises(ProblemError, match="meta cuts over f2 and f3, and lifts; leave out the option walk"):
        make_solver("meta", {"walk": "zt"}).start(Problem(parse_target("2x2x3"), 11, Ring.ZT), rng)
    with pytest.raises(OptionError, match="above, spread and sign_flips must be at least 0"):
        make_solver("meta", {"above": -1})

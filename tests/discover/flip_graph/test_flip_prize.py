"""What a search has won: the best scheme over the ring walked on, the best lifted one, and when lifting is worth it."""

from __future__ import annotations

import numpy as np
import pytest
from flip_cases import rows

from bilinear.catalog import Catalog
from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, standard, strassen, verify
from bilinear.decompositions.rings import holds
from bilinear.discover.engine.problem import Problem
from bilinear.discover.solvers.flip_graph.prize import Prize, is_dead, lift_walk, raised
from bilinear.discover.solvers.flip_graph.schemes import Held, joined, split, stacked, to_scheme
from bilinear.discover.solvers.flip_graph.walking import Settings, WalkState, best, best_rank, start, walk

SQUARE = parse_target("2x2x2")
SETTINGS = Settings(stop_rank=7)


def walked_down(ring: str) -> WalkState:
    """A walk at seven products."""
    state = start(rows("2x2x2"), ring, 1, SETTINGS)
    walk(state, 1_000_000)
    assert best_rank(state) == 7
    return state


@pytest.mark.parametrize("ring", [Ring.ZT, Ring.Q, Ring.F3])
def test_what_is_held_comes_back(ring: Ring) -> None:
    scheme = strassen().to(ring)
    if ring is Ring.Q:
        scheme = Scheme(SQUARE, ring, 2 * scheme.u, scheme.v, scheme.w, np.full(7, 2))
    held = Held.of(scheme)
    assert (held.rank, held.ring) == (7, str(ring))
    assert content_hash(held.scheme(SQUARE)) == content_hash(scheme)
    assert Held.nothing(SQUARE).rank == 0


@pytest.mark.parametrize("ring", ["f2", "f3", "zt"])
def test_factors_and_rows_are_two_ways_to_write_a_scheme(ring: str) -> None:
    factors = best(walked_down(ring))
    assert all(np.array_equal(x, y) for x, y in zip(split(SQUARE, joined(factors)), factors, strict=True))
    scheme = to_scheme(SQUARE, Ring(ring), factors)
    assert verify(scheme).ok
    stack = stacked(SQUARE, [scheme, standard(SQUARE).to(ring)])
    assert stack.shape == (2, 8, 12)
    assert not stack[0, 7].any()
    assert np.array_equal(stack[0, :7], joined(scheme.factors))


def test_a_prize_over_the_ring_asked_for_needs_no_lifting() -> None:
    problem, prize = Problem(SQUARE, None, Ring.F2), Prize.none_yet(SQUARE, Ring.F2)
    assert list(prize.schemes(problem)) == []
    assert prize.rank(problem) == 0
    assert prize.is_beaten_by(8)
    prize.best = joined(strassen().to("f2").factors)
    assert [prize.is_beaten_by(rank) for rank in (6, 7, 8)] == [True, False, False]
    assert not prize.is_worth_lifting(7, problem)
    assert prize.rank(problem) == 7
    assert [content_hash(scheme) for scheme in prize.schemes(problem)] == [content_hash(strassen().to("f2"))]


def test_what_is_worth_lifting() -> None:
    """What has the rank asked for, or any without one, and fewer products than the best one lifted."""
    prize, free, asked = Prize.none_yet(SQUARE, Ring.F2), Problem(SQUARE), Problem(SQUARE, 7)
    assert [prize.is_worth_lifting(rank, asked) for rank in (7, 8)] == [True, False]
    assert [prize.is_worth_lifting(rank, free) for rank in (7, 8)] == [True, True]
    prize.lifted = Held.of(standard(SQUARE))
    assert [prize.is_worth_lifting(rank, free) for rank in (7, 8)] == [True, False]


@pytest.mark.parametrize("ring", [Ring.ZT, Ring.Z, Ring.Q])
def test_a_walk_is_lifted_to_the_ring_asked_for(ring: Ring) -> None:
    problem, prize, state = Problem(SQUARE, 7, ring), Prize.none_yet(SQUARE, Ring.F2), walked_down("f2")
    prize.best = joined(best(state))
    assert prize.lift(state, SETTINGS, problem, 10, seed=1) == 0
    assert prize.lifts == 1
    (scheme,) = prize.schemes(problem)
    assert verify(scheme).ok
    assert scheme.rank == prize.rank(problem) == 7
    assert holds(ring, scheme.ring)


def test_a_walk_that_does_not_lift_is_tried_as_often_as_asked_and_leaves_the_prize(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bilinear.discover.solvers.flip_graph import prize as module

    prize, state, problem = Prize.none_yet(SQUARE, Ring.F2), walked_down("f2"), Problem(SQUARE)
    prize.lifted = Held.of(standard(SQUARE))
    monkeypatch.setattr(module, "raised", lambda *given: None)
    flips = prize.lift(state, SETTINGS, problem, 3, seed=1)
    assert flips == 2 * module.STRIDE
    assert prize.lifts == 3
    assert prize.rank(problem) == 8
    assert lift_walk(state, SETTINGS, problem, 1, 0) == (None, 1, 0)


def test_a_dead_scheme_is_known_by_the_first_step() -> None:
    """47 products of 4x4x4 are known over f2 alone; what is of characteristic 0 needs no lifting."""
    assert is_dead(Catalog().scheme("4x4x4:47", "f2").value)
    assert not is_dead(strassen().to("f2"))
    assert not is_dead(strassen())


def test_a_ternary_scheme_is_lifted_as_it_is() -> None:
    held = raised(strassen(), Ring.Z, 2, 0)
    assert held is not None
    assert held.ring == "zt"
    assert content_hash(held.scheme(SQUARE)) == content_hash(strassen())

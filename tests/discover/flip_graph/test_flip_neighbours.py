"""Every single move of the kernel is one that the oracle lists, and the kernel makes every move that it lists."""

from __future__ import annotations

import random

import pytest
from flip_cases import RINGS, climb, distinct, flip, rows, to_factors, to_terms, unreduced
from flip_oracle import Scheme, flips, merged_fully, pluses, splits

from bilinear.discover.solvers.flip_graph.walking import Factors, best, current, rank, start, walk


def wander(factors: Factors, ring: str, steps: int, seed: int) -> Scheme:
    """Return a scheme some oracle flips away."""
    scheme, choice = to_terms(factors, ring), random.Random(seed)
    for _ in range(steps):
        near = flips(scheme, ring)
        if near:
            scheme = choice.choice(sorted(near, key=sorted))
    return scheme


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("name", ["2x2x2", "2x2x3", "polymul 2x2"])
def test_the_flips_of_the_kernel_are_those_of_the_oracle(name: str, ring: str, steps: int) -> None:
    scheme = wander(rows(name), ring, steps, seed=steps)
    expected = flips(scheme, ring)
    reached = set()
    for seed in range(30 * len(expected) + 30):
        state = unreduced(to_factors(scheme), ring, seed)
        before = rank(state)
        flip(state)
        if rank(state) == before and distinct(current(state)):
            reached.add(to_terms(current(state), ring))
    assert reached - {scheme} == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ring", RINGS)
def test_a_flip_is_followed_by_all_merges_it_allows(ring: str, seed: int) -> None:
    state = start(rows("2x2x2"), ring, seed)
    after = to_terms(current(state), ring)
    for step in range(20_000):
        before = after
        walk(state, 1)
        after = to_terms(current(state), ring)
        if len(after) < len(before):
            assert after in {end for near in flips(before, ring) for end in merged_fully(near, ring)}
            return
        if step % 100 == 0:
            assert after in flips(before, ring) | {before}
    pytest.fail("no reduction seen")


@pytest.mark.parametrize("ring", RINGS)
def test_a_start_is_merged_as_the_oracle_merges(ring: str) -> None:
    for seed in range(10):
        scheme = wander(rows("2x2x2"), ring, 8, seed)
        scheme = random.Random(seed).choice(sorted(splits(scheme, ring), key=sorted))
        state = start(to_factors(scheme), ring, seed)
        assert rank(state) < len(scheme)
        assert to_terms(best(state), ring) in merged_fully(scheme, ring)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("name", ["2x2x2", "polymul 2x2"])
def test_transitions_are_those_of_the_oracle(name: str, ring: str, split: bool) -> None:
    for steps in (0, 9):
        scheme = wander(rows(name), ring, steps, seed=steps)
        expected = (splits if split else pluses)(scheme, ring)
        reached = set()
        for seed in range(8 * len(expected) + 20):
            state = unreduced(to_factors(scheme), ring, seed)
            made = climb(state, split)
            assert made == bool(expected) or split or not distinct(current(state))
            if made and rank(state) == len(scheme) + 1 and distinct(current(state)):
                reached.add(to_terms(current(state), ring))
        assert reached <= expected
        assert len(reached) > 0.9 * len(expected)

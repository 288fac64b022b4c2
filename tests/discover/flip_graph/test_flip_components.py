"""Whole components of small targets, enumerated by the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from flip_cases import RINGS, distinct, flip, rows, to_terms, unreduced
from flip_oracle import Scheme, component, component_2x2x2_f2, flips

from bilinear.discover.solvers.flip_graph.walking import Settings, WalkState, best, current, start, walk


@pytest.mark.slow
def test_the_component_of_the_standard_2x2x2_over_f2() -> None:
    """278,289 sets of eight distinct terms by flips alone, through reducible ones too; 2,268 are reducible."""
    scheme = to_terms(rows("2x2x2"), "f2")
    bits = frozenset(
        sum(x << (4 * side + place) for side, factor in enumerate(term) for place, x in enumerate(factor))
        for term in scheme
    )
    assert component_2x2x2_f2(bits) == (278_289, 2268)


@pytest.mark.parametrize("ring", RINGS)
def test_strassen_has_no_flip(ring: str) -> None:
    state = start(rows("2x2x2"), ring, 3, Settings(stop_rank=7))
    walk(state, 3_000_000)
    assert flips(to_terms(best(state), ring), ring) == set()


@pytest.mark.parametrize("ring", RINGS)
def test_the_kernel_stays_in_the_component_of_polymul_2x2(ring: str) -> None:
    whole = set(component(to_terms(rows("polymul 2x2"), ring), ring, 10_000))
    still = Settings(plus_min=10**6, plus_max=10**6, plus_diff=0, hold=0)
    state = unreduced(rows("polymul 2x2"), ring, 1, still)
    visited: dict[bytes, Scheme | None] = {}
    for _ in range(20_000):
        flip(state)
        key = np.concatenate(current(state), axis=1).tobytes()
        if key not in visited:
            visited[key] = terms_or_none(state, ring)
    seen = set(visited.values()) - {None}
    assert seen <= whole
    if ring == "f2":
        # over f3 and zt the oracle also flips pairs that share two factors; the kernel leaves those to merging
        assert seen == whole


def terms_or_none(state: WalkState, ring: str) -> Scheme | None:
    """The terms of a walk, None when two of them coincide."""
    return to_terms(current(state), ring) if distinct(current(state)) else None

"""Whole walks: exactness, the same result however sliced, checkpoints, wide factors."""

from __future__ import annotations

import io

import numpy as np
import pytest
from flip_cases import RINGS, exact, rows

from bilinear.decompositions import parse_target
from bilinear.decompositions.targets.file import from_dense
from bilinear.discover.solvers.flip_graph.packing import residues
from bilinear.discover.solvers.flip_graph.walking import (
    Factors,
    Settings,
    WalkState,
    best,
    best_rank,
    configure,
    counts,
    current,
    rank,
    restart,
    start,
    walk,
)

RESTLESS = Settings(plus_min=10, plus_max=200, plus_diff=3, hold=20)


def agree(one: Factors, two: Factors, ring: str) -> bool:
    """Whether two schemes give the same values at random integer points (their tensors may be too large to hold)."""
    rng = np.random.default_rng(1)
    x, y = (rng.integers(-9, 10, (one[side].shape[1], 64)) for side in (0, 1))
    values = [w.T @ ((u @ x) * (v @ y)) for u, v, w in (one, two)]
    return not residues(values[0] - values[1], ring).any() if ring != "zt" else np.array_equal(*values)


@pytest.mark.parametrize("walks", [200, pytest.param(5000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("ring", RINGS)
def test_every_scheme_of_many_walks_is_exact(ring: str, walks: int) -> None:
    names = ["2x2x2", "2x2x3", "2x3x2", "3x3x3", "polymul 3x4"]
    for seed in range(walks):
        name = names[seed % len(names)]
        state = start(rows(name), ring, seed, RESTLESS)
        for flips in (1, 17, 1000, 3000):
            walk(state, flips)
            assert exact(current(state), name, ring)
        assert exact(best(state), name, ring)
        assert len(best(state)[0]) == best_rank(state) <= len(rows(name)[0])


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("name", ["4x4x4", "5x5x5", "3x9x9", "9x9x9", "12x12x12", "16x16x16"])
def test_walks_of_all_widths_are_exact(ring: str, name: str) -> None:
    factors = rows(parse_target(name))
    state = start(factors, ring, 7, RESTLESS)
    walk(state, 200_000)
    assert counts(state)["pluses"] > 0
    assert agree(current(state), factors, ring)
    assert agree(best(state), factors, ring)


@pytest.mark.parametrize("ring", RINGS)
def test_random_targets_and_repeated_rows(ring: str) -> None:
    rng = np.random.default_rng(5)
    for seed in range(100):
        rank = int(rng.integers(2, 30))
        a, b, c = (rng.integers(-1, 2, (rank, int(rng.integers(3, 70)))) for _ in range(3))
        state = start((a, b, c), ring, seed, RESTLESS)
        walk(state, 2000)
        assert exact(current(state), from_dense("file:random", np.einsum("qi,qj,qk->ijk", a, b, c)), ring)


@pytest.mark.parametrize("ring", RINGS)
def test_slices_do_not_matter(ring: str) -> None:
    rng = np.random.default_rng(3)
    for seed in range(10):
        whole, parts = (start(rows("3x3x3"), ring, seed, RESTLESS) for _ in range(2))
        walk(whole, 30_000)
        left = 30_000
        while left:
            slice_ = min(left, int(rng.integers(1, 3000)))
            walk(parts, slice_)
            left -= slice_
        assert all(np.array_equal(x, y) for x, y in zip(whole, parts, strict=True))


def test_a_checkpoint_goes_on_as_if_nothing_had_been() -> None:
    state = start(rows("3x3x3"), "zt", 11, RESTLESS)
    walk(state, 5000)
    file = io.BytesIO()
    np.savez(file, **state._asdict())
    file.seek(0)
    saved = np.load(file)
    again = WalkState(saved["ints"], saved["words"])
    walk(state, 5000)
    walk(again, 5000)
    assert all(np.array_equal(x, y) for x, y in zip(state, again, strict=True))


@pytest.mark.parametrize("ring", RINGS)
def test_where_no_plus_is_possible_a_product_is_split(ring: str) -> None:
    """All products share a factor; the rank rises nevertheless, and falls again."""
    factors = (np.ones((3, 2), np.int64), np.eye(3, dtype=np.int64), np.eye(3, dtype=np.int64))
    state, ranks = start(factors, ring, 1, Settings(plus_min=5, plus_max=5)), set()
    target = from_dense("file:shared", np.einsum("qi,qj,qk->ijk", *factors))
    for _ in range(500):
        walk(state, 1)
        ranks.add(rank(state))
        assert exact(current(state), target, ring)
    assert counts(state)["pluses"] > 0
    assert {3, 4} <= ranks


@pytest.mark.parametrize("ring", RINGS)
def test_known_ranks_are_reached(ring: str) -> None:
    for name, known in (("2x2x2", 7), ("2x2x3", 11), ("polymul 2x2", 3)):
        state = start(rows(name), ring, 2, Settings(stop_rank=known))
        walk(state, 3_000_000)
        assert best_rank(state) == known


def test_restart_and_configure() -> None:
    state = start(rows("2x2x2"), "f2", 1, Settings(stop_rank=7))
    walk(state, 100_000)
    strassen = best(state)
    restart(state, rows("2x2x2"))
    assert best_rank(state) == rank(state) == 8
    restart(state, strassen)
    configure(state, Settings())
    walk(state, 10_000)
    assert best_rank(state) == 7


def test_a_walk_that_cannot_move_ends() -> None:
    one = (np.ones((1, 3), np.int64), np.ones((1, 3), np.int64), np.ones((1, 3), np.int64))
    state = start(one, "f2", 1)
    walk(state, 1000)
    assert rank(state) == 1
    assert counts(state)["flips"] == 1000


def test_wrong_schemes_are_refused() -> None:
    two = np.full((1, 2), 2)
    with pytest.raises(ValueError, match="outside"):
        start((two, two, two), "zt", 1)
    with pytest.raises(ValueError, match="at most 256"):
        start((np.ones((1, 257), np.int64),) * 3, "f2", 1)
    state = start(rows("2x2x2"), "f2", 1)
    with pytest.raises(ValueError, match="room"):
        restart(state, rows("3x3x3"))

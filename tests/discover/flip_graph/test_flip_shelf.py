"""Shelves: a few of the best schemes of each format, none twice, and all come back as they went in."""

from __future__ import annotations

import itertools

import numpy as np
from flip_cases import polynomial
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import Ring, Scheme, parse_target, sandwich, standard, strassen, verify
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.solvers.flip_graph.schemes import joined
from bilinear.discover.solvers.flip_graph.shelf import Shelf, sizes_of

SQUARE, OBLONG, LARGE = matmul(2, 2, 2), matmul(2, 2, 3), matmul(3, 3, 3)


def put(shelf: Shelf, scheme: Scheme, rng: np.random.Generator | None = None) -> None:
    shelf.add(scheme.target, joined(scheme.factors), rng)


def fast(number: int) -> Scheme:
    """Strassen's scheme over f2 after a change of basis, another one for each number below 3."""
    change = ([[1, 0], [0, 1]], [[1, 1], [0, 1]], [[1, 0], [1, 1]])[number]
    return sandwich(strassen().to(Ring.F2), change, np.eye(2, dtype=int), np.eye(2, dtype=int))


def turned(scheme: Scheme, seed: int) -> Scheme:
    """The scheme with its products in another order."""
    order = np.random.default_rng(seed).permutation(scheme.rank)
    return Scheme(scheme.target, scheme.ring, scheme.u[order], scheme.v[order], scheme.w[order])


def test_a_few_of_the_best_are_kept_and_no_scheme_twice() -> None:
    rng, shelf = np.random.default_rng(0), Shelf(keep=3, spread=1)
    for scheme in (standard(SQUARE), strassen(), strassen(), standard(OBLONG)):
        put(shelf, scheme.to(Ring.F2), rng)
    assert sorted(zip(map(tuple, shelf.sizes.tolist()), shelf.ranks.tolist(), strict=True)) == [
        ((2, 2, 2), 7),
        ((2, 2, 2), 8),
        ((2, 2, 3), 12),
    ]
    assert shelf.formats == {(2, 2, 2), (2, 2, 3)}
    assert shelf.best_rank((2, 2, 2)) == 7
    assert verify(shelf.drawn(OBLONG, Ring.F2, rng)).ok
    assert shelf.first(SQUARE, Ring.F2).rank == 7
    assert not shelf.wants((2, 2, 2), 9)
    assert shelf.wants((3, 3, 3), 27)


def test_a_full_shelf_gives_up_one_of_the_worst() -> None:
    rng, shelf = np.random.default_rng(0), Shelf(keep=2, spread=1)
    put(shelf, standard(SQUARE).to(Ring.F2), rng)
    for number in range(3):
        put(shelf, fast(number), rng)
    assert shelf.ranks.tolist() == [7, 7]
    assert not shelf.wants((2, 2, 2), 8)
    last = joined(fast(2).factors)
    assert any(np.array_equal(joined(shelf.drawn(SQUARE, Ring.F2, rng).factors), last) for _ in range(20))


def test_without_a_draw_those_stay_that_came_first() -> None:
    shelf = Shelf(keep=2, spread=0)
    for scheme in (standard(SQUARE).to(Ring.F2), standard(OBLONG).to(Ring.F2), *(fast(number) for number in range(3))):
        put(shelf, scheme)
    assert sorted(shelf.ranks.tolist()) == [7, 7, 12]
    rng = np.random.default_rng(0)
    there = {joined(shelf.drawn(SQUARE, Ring.F2, rng).factors).tobytes() for _ in range(50)}
    assert there == {joined(fast(number).factors).tobytes() for number in range(2)}


def test_a_better_scheme_makes_all_others_of_its_format_superfluous() -> None:
    shelf = Shelf(keep=4, spread=0)
    for seed in range(9):
        put(shelf, turned(standard(SQUARE), seed))
    assert shelf.ranks.tolist() == [8] * 4
    for seed in range(9):
        put(shelf, turned(strassen(), seed))
    assert shelf.ranks.tolist() == [7] * 4
    rng = np.random.default_rng(1)
    rows = {joined(shelf.drawn(SQUARE, Ring.ZT, rng).factors).tobytes() for _ in range(50)}
    assert rows == {joined(turned(strassen(), seed).factors).tobytes() for seed in range(4)}


def test_a_target_that_is_no_matrix_product_has_its_place() -> None:
    shelf, target = Shelf(keep=4, spread=0), polynomial(2, 3)
    put(shelf, standard(LARGE))
    put(shelf, standard(target))
    put(shelf, standard(SQUARE))
    assert sizes_of(target) == (0, 0, 0)
    assert shelf.formats == {(0, 0, 0), (2, 2, 2), (3, 3, 3)}
    for one in (target, LARGE, SQUARE):
        assert np.array_equal(joined(shelf.first(one, Ring.ZT).factors), joined(standard(one).factors))


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(["2x2x2", "2x2x3", "1x2x2"]), st.integers(0, 5), st.integers(0, 3)),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
)
def test_whatever_comes_the_rule_holds(
    given_ones: list[tuple[str, int, int]], keep: int, spread: int, drawn: bool
) -> None:
    """At most `keep` of a format, none worse than the best by more than `spread`, the best never lost, none twice."""
    shelf, best = Shelf(keep=keep, spread=spread), {}
    rng = np.random.default_rng(0) if drawn else None
    for name, seed, more in given_ones:
        target = parse_target(name)
        rows = joined(turned(standard(target), seed).factors)
        rows = np.concatenate([rows, rows[:more]])
        shelf.add(target, rows, rng)
        best[sizes_of(target)] = min(len(rows), best.get(sizes_of(target), len(rows)))
    assert shelf.formats == set(best)
    assert len(shelf.factors) == int(shelf.shapes.prod(axis=1).sum())
    for sizes, least in best.items():
        ranks = shelf.ranks[(shelf.sizes == sizes).all(axis=1)]
        assert shelf.best_rank(sizes) == least == ranks.min()
        assert len(ranks) <= keep
        assert ranks.max() <= least + spread
    ends = np.cumsum(shelf.shapes.prod(axis=1))
    pieces = [piece.tobytes() for piece in np.split(shelf.factors, ends[:-1])]
    kinds = list(zip(map(tuple, shelf.sizes.tolist()), pieces, strict=True))
    assert all(one != two for one, two in itertools.combinations(kinds, 2))

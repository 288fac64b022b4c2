"""Symmetric walks: exact, symmetric, and with the ranks that cubes and orbits allow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from flip_cases import RINGS, exact, scheme_of

from bilinear.decompositions import parse_target, strassen, verify
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import OptionError, make_solver
from bilinear.discover.solvers.flip_graph.orbits import expanded, folded, mirrored, orbit_rows, partitions, reflected
from bilinear.discover.solvers.flip_graph.schemes import to_scheme
from bilinear.discover.solvers.flip_graph.walking import Settings, best, counts, current, start, walk

RESTLESS = Settings(plus_min=50, plus_max=500, plus_diff=2)


def test_partitions_are_those_of_the_number() -> None:
    assert [tuple(len(group) for group in groups) for groups in partitions(4)] == [
        (4,),
        (2, 2),
        (3, 1),
        (2, 1, 1),
        (1, 1, 1, 1),
    ]
    for n, known in ((1, 1), (5, 7), (8, 22)):  # OEIS A000041
        every = list(partitions(n))
        assert len(set(every)) == known
        assert all([i for group in groups for i in group] == list(range(n)) for groups in every)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_cubes_and_orbits_are_the_standard_algorithm(n: int) -> None:
    for groups in partitions(n):
        orbits = orbit_rows(n, groups)
        assert len(orbits[0]) == (n**3 - n) // 3 + sum((len(group) ** 3 - len(group)) // 3 for group in groups)
        assert exact(expanded(orbits, n, groups), matmul(n, n, n), "zt")


@pytest.mark.parametrize("ring", RINGS)
def test_symmetric_walks_stay_exact_and_symmetric(ring: str) -> None:
    for n, groups in ((2, ((0, 1),)), (3, ((0,), (1, 2))), (3, ((0, 1, 2),)), (4, ((0, 1), (2,), (3,)))):
        for seed, flips in itertools.product(range(6), (1, 300, 3000)):
            state = start(orbit_rows(n, groups), ring, seed, RESTLESS, 3)
            walk(state, flips)
            for orbits in (current(state), best(state)):
                whole = expanded(orbits, n, groups)
                assert exact(whole, matmul(n, n, n), ring)
                assert products(rotated(whole, n), ring) == products(whole, ring)


def rotated(factors: tuple[np.ndarray, ...], n: int) -> tuple[np.ndarray, ...]:
    """The scheme after one rotation of its factors, C transposed for it and back."""
    u, v, w = factors
    return v, transposed(w, n), transposed(u, n)


def transposed(factor: np.ndarray, n: int) -> np.ndarray:
    return factor.reshape(-1, n, n).transpose(0, 2, 1).reshape(len(factor), n * n)


def products(factors: tuple[np.ndarray, ...], ring: str) -> list[bytes]:
    """The rank-one tensors, in order: signs within a product do not show."""
    tensors = [np.einsum("i,j,k->ijk", *product) for product in zip(*factors, strict=True)]
    p = {"f2": 2, "f3": 3}.get(ring)
    return sorted((tensor % p if p else tensor).tobytes() for tensor in tensors)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ring", ["zt", "z", "q", "f2", "f3"])
@pytest.mark.parametrize(("name", "known"), [("1x1x1", 1), ("2x2x2", 7), ("3x3x3", 23)])
def test_the_solver_reaches_known_ranks(name: str, known: int, ring: str, seed: int) -> None:
    problem = Problem(parse_target(name), known, ring)  # type: ignore[arg-type]
    outcome = run(Order(problem, "symmetric", seed=seed, budget=Budget(steps=1 << 25)))
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert outcome.scheme.rank == known
    assert verify(outcome.scheme).ok
    assert outcome.rejected == 0


@pytest.mark.parametrize("ring", ["f3", "zt"])
def test_walks_over_other_sets_are_lifted_or_kept(ring: str) -> None:
    outcome = run(Order(Problem(parse_target("3x3x3"), 23), "symmetric", {"walk": ring}, budget=Budget(steps=1 << 25)))
    assert outcome.scheme is not None
    assert str(outcome.scheme.ring) == "zt"


def test_without_a_rank_every_partition_is_tried() -> None:
    solver = make_solver("symmetric", {"patience": 1, "path": 0.001})
    state = solver.start(Problem(parse_target("3x3x3"), None, "f2"), np.random.default_rng(1))  # type: ignore[arg-type]
    seen = set()
    for _ in range(30):
        seen.add(state.metrics()["partition"])
        state = solver.advance(state)
        assert all(verify(scheme).ok for scheme in solver.candidates(state))
    assert seen == {"3", "2+1", "1+1+1"}


@pytest.mark.parametrize(("rank", "expected"), [(93, {"2+2+1"}), (97, {"5", "2+1+1+1"})])
def test_only_even_partitions_that_reach_the_rank_are_drawn(rank: int, expected: set[str]) -> None:
    solver = make_solver("symmetric", {"patience": 1, "path": 0.001})
    state = solver.start(Problem(parse_target("5x5x5"), rank), np.random.default_rng(1))
    seen = set()
    for _ in range(30):
        seen.add(state.metrics()["partition"])
        state = solver.advance(state)
    assert seen == expected


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"partition": "2+x"}, "partition '2.x'; sizes of groups such as 2.2.1 are needed"),
        ({"partition": "2+0"}, "sizes of groups such as"),
        ({"group": "z5"}, "group 'z5'; one of z3, z3xz2 is needed"),
        ({"patience": 0}, "patience and lifts must be above 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        make_solver("symmetric", options)


def test_a_partition_of_another_number_is_refused() -> None:
    with pytest.raises(ProblemError, match=r"partition 2\+2 is not one of 3, as 3x3x3 needs"):
        run(Order(Problem(parse_target("3x3x3"), 23), "symmetric", {"partition": "2+2"}))


def test_a_partition_without_a_reflection_is_refused() -> None:
    options: dict[str, object] = {"group": "z3xz2", "partition": "3+1"}
    with pytest.raises(ProblemError, match=r"partition 3\+1 is left alone by no reflection; choose group=z3"):
        run(Order(Problem(parse_target("4x4x4"), 49), "symmetric", options))


@pytest.mark.parametrize("name", ["2x2x3", "1x2x2"])
def test_only_square_products_are_taken(name: str) -> None:
    with pytest.raises(ProblemError, match=f"symmetric searches n x n x n, not {name}; choose flip-graph"):
        run(Order(Problem(parse_target(name)), "symmetric"))


def test_starts_are_refused() -> None:
    with pytest.raises(ProblemError, match="symmetric begins at its own orbits, not at starts"):
        run(Order(Problem(parse_target("2x2x2"), 7), "symmetric", starts=(strassen(),)))


@pytest.mark.parametrize(
    ("target", "rank", "options", "near"),
    [
        ("3x3x3", 23, {"group": "z3xz2"}, "have 21 and 25; choose one of these ranks, or group=z3"),
        ("4x4x4", 48, {"group": "z3xz2"}, "have 46 and 49"),
        ("3x3x3", 23, {"partition": "3"}, "have 22 and 25; choose one of these ranks, or flip-graph"),
        ("3x3x3", 26, {"partition": "3"}, "have 25; choose"),
    ],
)
def test_a_rank_without_a_scheme_of_the_symmetry_is_refused(
    target: str, rank: int, options: dict[str, object], near: str
) -> None:
    with pytest.raises(ProblemError, match=f"no such scheme of {target} has {rank} products, the nearest {near}"):
        run(Order(Problem(parse_target(target), rank), "symmetric", options))


def test_ranks_that_the_symmetry_has_are_taken() -> None:
    mirrored: dict[str, object] = {"group": "z3xz2"}
    for target, rank, options in (("3x3x3", 25, mirrored), ("3x3x3", 23, {}), ("2x2x2", 8, mirrored), ("2x2x2", 9, {})):
        solver = make_solver("symmetric", options)
        assert solver.start(Problem(parse_target(target), rank), np.random.default_rng(0)).products >= 7


def test_the_reflection_leaves_a_mirrored_partition_as_it_is() -> None:
    for n in range(1, 9):
        for groups in partitions(n):
            odd = [len(group) for group in groups if len(group) % 2]
            found = mirrored(groups)
            assert (found is None) == (sum(odd.count(size) % 2 for size in set(odd)) > 1)
            if found is not None:
                assert sorted(i for group in found for i in group) == list(range(n))
                assert [len(group) for group in found] == [len(group) for group in groups]
                assert {frozenset(n - 1 - i for i in group) for group in found} == {frozenset(g) for g in found}
    assert mirrored(((0, 1), (2, 3), (4, 5))) == ((0, 1), (2, 3), (4, 5))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_orbits_of_six_are_the_standard_algorithm_too(n: int) -> None:
    for groups in filter(None, map(mirrored, partitions(n))):
        orbits, all_rows = orbit_rows(n, groups, 6), orbit_rows(n, groups)
        assert 2 * len(orbits[0]) == len(all_rows[0])
        assert exact(expanded(orbits, n, groups, 6), matmul(n, n, n), "zt")


@pytest.mark.parametrize("ring", RINGS)
def test_walks_of_orbits_of_six_stay_exact_and_symmetric(ring: str) -> None:
    for n, groups in ((2, ((0, 1),)), (3, ((0, 2), (1,))), (4, ((0, 1), (2, 3))), (4, ((1, 2), (0,), (3,)))):
        for seed, flips in itertools.product(range(6), (1, 300, 3000)):
            state = start(orbit_rows(n, groups, 6), ring, seed, RESTLESS, 6)
            walk(state, flips)
            for orbits in (current(state), best(state)):
                u, v, w = whole = expanded(orbits, n, groups, 6)
                assert exact(whole, matmul(n, n, n), ring)
                assert products((reflected(u), reflected(v), reflected(w)), ring) == products(whole, ring)
                assert products(rotated(whole, n), ring) == products(whole, ring)


@pytest.mark.parametrize(("n", "ring"), [(8, "f2"), (8, "zt"), (9, "f2"), (9, "f3"), (12, "f2")])
def test_reflections_of_factors_in_one_word_and_several(n: int, ring: str) -> None:
    """64 coordinates fill a word, 81 take two, 144 three."""
    groups = mirrored((tuple(range(n)),))
    assert groups is not None
    state = start(orbit_rows(n, groups, 6), ring, 1, RESTLESS, 6)
    walk(state, 60_000)
    assert counts(state)["made"] > 10_000
    for orbits in (current(state), best(state)):
        scheme = to_scheme(matmul(n, n, n), Ring(ring), expanded(orbits, n, groups, 6))
        assert verify(scheme).ok


@pytest.mark.parametrize("ring", RINGS)
def test_rows_meet_the_reflections_of_others(ring: str) -> None:
    """A walk falls to Strassen's cube and one orbit, also where rows were exchanged for their reflections before."""
    state, other = (start(rows, ring, 1, RESTLESS, 6) for rows in _in_two_ways())
    for one in (state, other):
        walk(one, 100_000)
    assert len(best(state)[0]) == len(best(other)[0]) == 1


def _in_two_ways() -> Iterator[tuple[np.ndarray, ...]]:
    """The orbits of 2x2x2, and those with every other row exchanged for its reflection."""
    rows = orbit_rows(2, ((0, 1),), 6)
    yield rows
    turned = np.arange(len(rows[0]))[:, None] % 2 == 0
    yield tuple(np.where(turned, reflected(factor), factor) for factor in rows)


@pytest.mark.parametrize("orbit", [3, 6])
def test_what_is_expanded_can_be_folded_again(orbit: int) -> None:
    groups = ((0, 1),)
    rows = orbit_rows(2, groups, orbit)
    u, v, w = expanded(rows, 2, groups, orbit)
    order = np.random.default_rng(1).permutation(len(u))
    again = folded((-u[order], v[order], -w[order]), 2, groups, orbit)
    assert again is not None
    assert products(expanded(again, 2, groups, orbit), "zt") == products((u, v, w), "zt")
    assert folded((u, v, w), 2, ((0,), (1,)), orbit) is None
    assert folded((u[1:], v[1:], w[1:]), 2, groups, orbit) is None
    assert folded((u, v, np.roll(w, 1, axis=0)), 2, groups, orbit) is None


@pytest.mark.parametrize("ring", ["f2", "zt"])
@pytest.mark.parametrize(("name", "known"), [("2x2x2", 7), ("3x3x3", 25)])
def test_orbits_of_six_reach_the_ranks_of_the_source(name: str, known: int, ring: str) -> None:
    problem = Problem(parse_target(name), known, ring)  # type: ignore[arg-type]
    outcome = run(Order(problem, "symmetric", {"group": "z3xz2"}, seed=1, budget=Budget(steps=1 << 26)))
    assert outcome.status is Status.FOUND
    assert outcome.rejected == 0


@pytest.mark.slow
def test_orbits_of_six_reach_49_products_of_4x4x4() -> None:
    options: dict[str, object] = {"group": "z3xz2"}
    outcome = run(Order(Problem(parse_target("4x4x4"), 49), "symmetric", options, seed=1, budget=Budget(steps=1 << 30)))
    assert outcome.status is Status.FOUND


@pytest.mark.slow
def test_5x5x5_at_99_products_lifts() -> None:
    outcome = run(Order(Problem(parse_target("5x5x5"), 99), "symmetric", seed=1, budget=Budget(steps=2_000_000_000)))
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert str(outcome.scheme.ring) == "zt"


def test_rotations_of_strassen_are_seen() -> None:
    """The checker of symmetry rejects what is not symmetric."""
    whole = tuple(factor.astype(np.int64) for factor in strassen().factors)
    assert products(rotated(whole, 2), "zt") == products(whole, "zt")
    moved = (whole[0], whole[1], np.roll(whole[2], 1, axis=0))
    assert products(rotated(moved, 2), "zt") != products(moved, "zt")
    assert not verify(scheme_of((moved[0], moved[1], moved[2]), matmul(2, 2, 2), "zt")).ok

"""Conflicts of signs, counted against plain linear algebra, and walks that end them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import assert_valid, verified_schemes

from bilinear.decompositions import (
    Ring,
    Scheme,
    TooLargeError,
    concatenate,
    kronecker,
    memory,
    parse_target,
    sandwich,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.lifting import lift
from bilinear.decompositions.lifting.reconcile import reconciled
from bilinear.decompositions.modular import rank as rank_modulo
from bilinear.decompositions.targets.file import from_dense

SQUARED = kronecker(strassen(), winograd()).to("f2")
WIDE = concatenate(strassen(), winograd(), "p").to("f2")


def conflicts(scheme):
    """Those of the scheme itself: a walk of no steps counts them."""
    return reconciled(scheme, 0, np.random.default_rng(0))[1]


def in_another_basis(scheme, seed):
    """The scheme in bases drawn from the seed, most of them dense."""
    rng = np.random.default_rng(seed)
    bases = []
    for size in scheme.target.sizes:
        lower, upper = (np.eye(size, dtype=int) + np.tril(rng.integers(0, 2, (size, size)), -1) for _ in range(2))
        bases.append(lower @ upper.T)
    return sandwich(scheme, *bases)


def below_the_rank():
    """One product for a map of rank 2 over `q`: modulo 4 no signs are right."""
    target = from_dense("file:made.npy", np.array([[[1], [1]], [[1], [-1]]]))
    return Scheme(target, "f2", np.array([[1, 1]]), np.array([[1, 1]]), np.array([[1]]))


def sign_equations(scheme):
    """The equations modulo 4, halved, as a matrix and a right side modulo 2: an unknown for each coefficient."""
    u, v, w = scheme.factors
    places = np.split(np.arange(sum(f.size for f in scheme.factors)), np.cumsum([u.size, v.size]))
    numbers = [place.reshape(f.shape) for place, f in zip(places, scheme.factors, strict=True)]
    wanted = np.zeros(scheme.target.shape, int)
    wanted[tuple(scheme.target.indices.T)] = scheme.target.values
    matrix = np.zeros((scheme.target.entries, sum(f.size for f in scheme.factors)), int)
    right = np.zeros(scheme.target.entries, int)
    for row, (i, j, k) in enumerate(itertools.product(*map(range, scheme.target.shape))):
        met = np.flatnonzero(u[:, i] & v[:, j] & w[:, k])
        for q in met:
            matrix[row, [numbers[0][q, i], numbers[1][q, j], numbers[2][q, k]]] ^= 1
        right[row] = (len(met) - wanted[i, j, k]) // 2 % 2
    return matrix, right


# Counting.


@given(verified_schemes((Ring.ZT,)))
def test_what_a_ternary_scheme_reduces_to_has_no_conflicts(scheme):
    assert conflicts(scheme.to("f2")) == 0


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_there_is_a_conflict_where_plain_linear_algebra_finds_no_signs(seed):
    scheme = in_another_basis(WIDE, seed)
    matrix, right = sign_equations(scheme)
    solvable = rank_modulo(matrix, 2) == rank_modulo(np.column_stack([matrix, right]), 2)
    assert (conflicts(scheme) == 0) == solvable


def test_a_scheme_with_conflicts_has_no_signs_though_it_may_lift():
    scheme = in_another_basis(SQUARED, 1)
    assert conflicts(scheme) > 0
    found = lift(scheme, "zt", choices=2, rebase=False)
    assert found.scheme is None
    assert found.steps > 0


def test_the_empty_scheme_of_an_even_tensor_has_no_entry_to_count():
    target = from_dense("file:made.npy", np.array([[[2]]]))
    assert conflicts(Scheme(target, "f2", *(np.zeros((0, 1), int) for _ in range(3)))) == 0


# Walking.


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_a_walk_keeps_target_and_rank_and_never_adds_conflicts(seed, steps):
    scheme = in_another_basis(SQUARED, seed)
    found, left, taken = reconciled(scheme, steps, np.random.default_rng(seed))
    assert (found.target, found.rank, found.ring) == (scheme.target, scheme.rank, scheme.ring)
    assert_valid(found)
    assert left == conflicts(found) <= conflicts(scheme)
    assert taken == steps or (taken < steps and left == 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_ends_all_conflicts_of_a_dense_basis(seed):
    found, left, taken = reconciled(in_another_basis(SQUARED, seed), 5000, np.random.default_rng(seed))
    assert left == 0
    assert taken < 5000
    assert lift(found, "zt", rebase=False).scheme is not None


def test_no_steps_change_nothing():
    scheme = in_another_basis(SQUARED, 0)
    found, left, taken = reconciled(scheme, 0, np.random.default_rng(0))
    assert all((a == b).all() for a, b in zip(found.factors, scheme.factors, strict=True))
    assert (left, taken) == (conflicts(scheme), 0)


def test_the_same_seed_walks_to_the_same_scheme():
    scheme = in_another_basis(SQUARED, 2)
    first, second = (reconciled(scheme, 8, np.random.default_rng(3))[0] for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.factors, second.factors, strict=True))


def test_a_walk_without_a_move_ends():
    scheme = below_the_rank()
    found, left, taken = reconciled(scheme, 100, np.random.default_rng(0))
    assert (left, taken) == (1, 1)
    assert verify(found).ok


def test_no_reduction_is_taken_for_a_flip():
    """Two equal products cancel modulo 2; flips of theirs would leave a factor 0."""
    scheme = standard(parse_target("2x2x2")).to("f2")
    twice = [np.concatenate([f, np.repeat(f[:1], 2, axis=0)]) for f in scheme.factors]
    found, _, _ = reconciled(Scheme(scheme.target, "f2", *twice), 200, np.random.default_rng(1))
    assert found.rank == 10
    assert_valid(found)


# Lifting with it.


@pytest.mark.parametrize("seed", range(4))
def test_flips_lift_what_one_choice_does_not(seed):
    scheme = in_another_basis(SQUARED, seed)
    assert lift(scheme, "zt", choices=1).scheme is None
    found = lift(scheme, "zt", choices=1, flips=5000)
    assert found.ring is Ring.ZT
    assert (found.scheme.target, found.scheme.rank) == (scheme.target, scheme.rank)
    assert found.detail == "lifted to zt after 1 step and 1 choice"
    assert_valid(found.scheme)


def test_flips_change_nothing_where_a_choice_was_enough():
    plain, walked = (lift(SQUARED, "zt", seed=4, flips=flips).scheme for flips in (0, 1000))
    assert all((a == b).all() for a, b in zip(plain.factors, walked.factors, strict=True))


@pytest.mark.parametrize(("ring", "rebase"), [("z", True), ("zt", False)])
def test_no_flips_are_made_for_another_set_or_where_the_scheme_is_to_stay(ring, rebase):
    scheme = in_another_basis(SQUARED, 1)
    plain, walked = (lift(scheme, ring, choices=1, rebase=rebase, flips=flips) for flips in (0, 1000))
    assert (plain.detail, plain.ring) == (walked.detail, walked.ring)


def test_flips_do_not_lift_what_has_no_lift():
    found = lift(below_the_rank(), flips=1000)
    assert found.scheme is None
    assert found.detail.startswith("does not lift: the first step has no solution")


def test_equations_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(TooLargeError, match="the signs of matmul:4x4x4"):
        conflicts(SQUARED)
    with pytest.raises(TooLargeError, match="a walk of 1000000 steps"):
        reconciled(SQUARED, 10**6, np.random.default_rng(0))

"""The linear algebra and the arithmetic under lifting, against plain versions of themselves."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import file_schemes, verified_schemes

from bilinear.decompositions import Ring, TooLargeError, memory, verify
from bilinear.decompositions.lifting.equations import gap, jacobian, joined, split
from bilinear.decompositions.lifting.packed import pack, reduce_in_place, scatter
from bilinear.decompositions.lifting.rebase import sparsified
from bilinear.decompositions.lifting.system import factorised
from bilinear.decompositions.modular import rank as rank_modulo

PRIMES = st.sampled_from([2, 3])
FINITE = (Ring.F2, Ring.F3)


@st.composite
def matrices(draw, most=150):
    """A prime and residues modulo it, of low rank in half of the cases, sparse or not."""
    p, rng = draw(PRIMES), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns, inner = (draw(st.integers(1, most)) for _ in range(3))
    matrix = rng.integers(0, p, (rows, columns)) * (rng.random((rows, columns)) < draw(st.sampled_from([0.05, 0.5, 1])))
    if draw(st.booleans()):
        matrix = rng.integers(0, p, (rows, inner % 20)) @ rng.integers(0, p, (inner % 20, columns)) % p
    return p, matrix


def entries_of(matrix):
    rows, columns = np.nonzero(matrix)
    return rows, columns, matrix[rows, columns]


# Packed matrices.


@given(matrices(), st.integers(0, 2**32 - 1))
def test_packing_keeps_the_residues_and_the_product(given_matrix, seed):
    p, matrix = given_matrix
    packed = pack(matrix, p)
    assert (scatter(matrix.shape, *entries_of(matrix), p).bits == packed.bits).all()
    some = np.random.default_rng(seed).permutation(matrix.shape[1])[:7]
    assert (packed.take(some) == matrix[:, some]).all()
    vector = np.random.default_rng(seed).integers(0, p, matrix.shape[1])
    assert (packed.times(vector) == matrix @ vector % p).all()


def test_the_tail_starts_at_a_whole_word():
    matrix = np.random.default_rng(0).integers(0, 3, (5, 200))
    tail = pack(matrix, 3).tail(128)
    assert tail.columns == 72
    assert (tail.take(np.arange(72)) == matrix[:, 128:]).all()


@given(matrices())
@example((2, np.zeros((3, 4), np.int64)))
@example((3, np.full((200, 1), 2)))
@example((2, np.tri(130, dtype=np.int64)))
def test_the_reduced_form_is_one_of_the_same_row_space(given_matrix):
    p, matrix = given_matrix
    packed = pack(matrix, p)
    pivots, origin = reduce_in_place(packed)
    reduced = packed.take(np.arange(matrix.shape[1])).astype(int)
    rank = rank_modulo(matrix, p)
    assert len(pivots) == len(origin) == rank
    assert (reduced[:rank][:, pivots] == np.eye(rank)).all()
    assert not reduced[rank:].any()
    assert (np.diff(pivots) > 0).all()
    assert all(not reduced[row, :pivot].any() for row, pivot in enumerate(pivots))
    assert (matrix[:, pivots] @ reduced[:rank] % p == matrix).all()
    assert rank_modulo(matrix[origin], p) == rank if rank else True


def test_a_matrix_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 1000)
    none = np.empty(0, np.int64)
    with pytest.raises(TooLargeError, match="1000 x 1000 residues modulo 2"):
        scatter((1000, 1000), none, none, none, 2)


# Linear systems.


@given(matrices(60), st.integers(0, 2**32 - 1))
def test_a_system_solves_what_can_be_solved_and_knows_its_kernel(given_matrix, seed):
    p, matrix = given_matrix
    rng = np.random.default_rng(seed)
    order = rng.permutation(matrix.shape[1])
    system = factorised(entries_of(matrix), p, order)
    assert sorted([*system.pivots, *system.free]) == list(range(matrix.shape[1]))
    right = matrix @ rng.integers(0, p, matrix.shape[1]) % p
    found = system.solve(right)
    assert (matrix @ found % p == right).all()
    assert not found[system.free].any()
    for index in range(len(system.free)):
        vector = system.kernel(index)
        assert not (matrix @ vector % p).any()
        assert (vector[system.free] == (np.arange(len(system.free)) == index)).all()


@given(matrices(40), st.integers(0, 2**32 - 1))
def test_unknowns_early_in_the_order_suffice_where_they_can(given_matrix, seed):
    p, matrix = given_matrix
    rng = np.random.default_rng(seed)
    order = rng.permutation(matrix.shape[1])
    early = order[: len(order) // 2]
    right = matrix[:, early] @ rng.integers(0, p, len(early)) % p
    found = factorised(entries_of(matrix), p, order).solve(right)
    assert not np.delete(found, early).any()


# The equations.


@given(st.one_of(verified_schemes(FINITE, moves=1), file_schemes()), st.sampled_from([2, 8, 81, 3**17, 2**40]))
def test_the_gap_is_that_of_python_integers(scheme, modulus):
    u, v, w = (factor.astype(object) + 5 for factor in scheme.factors)
    x = joined((u, v, w))
    assert all((a == b).all() for a, b in zip(split(x, scheme.target), (u, v, w), strict=True))
    full = scheme.target.dense() - np.einsum("qi,qj,qk->ijk", u, v, w)
    assert (gap(scheme.target, x, modulus) == full.ravel() % modulus).all()


@given(verified_schemes(FINITE, moves=1))
def test_the_jacobian_holds_the_differences_of_a_sum_linear_in_each_unknown(scheme):
    target, p, x = scheme.target, scheme.ring.characteristic, joined(scheme.factors)
    equations, variables, values = jacobian(target, x, p)
    assert len(set(zip(equations.tolist(), variables.tolist(), strict=True))) == len(equations)
    assert ((values > 0) & (values < p)).all()
    for unknown in range(0, len(x), 7):
        step = np.zeros_like(x)
        step[unknown] = 1
        difference = (gap(target, x, p) - gap(target, x + step, p)) % p
        column = np.zeros(target.entries, np.int64)
        column[equations[variables == unknown]] = values[variables == unknown]
        assert (column == difference).all()


# Sparse bases.


@given(verified_schemes(FINITE), st.integers(0, 2**32 - 1))
def test_a_sparse_basis_keeps_a_scheme_valid_and_no_denser(scheme, seed):
    sparse = sparsified(scheme, np.random.default_rng(seed))
    assert (sparse.rank, sparse.ring) == (scheme.rank, scheme.ring)
    assert verify(sparse).ok
    assert np.count_nonzero(joined(sparse.factors)) <= np.count_nonzero(joined(scheme.factors))

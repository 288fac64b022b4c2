"""Addition chains: never longer than what they begin with, right on symbols, and the shortest where that is claimed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import strassen, winograd
from bilinear.decompositions.programs import Program, ProgramError, plain, short_program, shorten, transposed
from bilinear.decompositions.programs.chain_kernel import compiled
from bilinear.decompositions.programs.chains import Chain, shortened
from bilinear.decompositions.programs.shortest import Exhaustion

NODES = 10_000


def matrices(characteristic: int, rows: int = 6, columns: int = 4) -> st.SearchStrategy[np.ndarray]:
    values = st.sampled_from((0, 1) if characteristic == 2 else (-1, 0, 1))
    return st.lists(st.lists(values, min_size=columns, max_size=columns), min_size=rows, max_size=rows).map(
        lambda rows: np.array(rows, dtype=object)
    )


def proof_of(program: Program, seed: int = 0) -> Exhaustion:
    search = Exhaustion(program, seed)
    while search.proof is None:
        search.advance(NODES)
    return search


def forms(program: Program) -> np.ndarray:
    found = program.matrix()
    return found % program.characteristic if program.characteristic else found


def fewest(matrix: np.ndarray, p: int) -> int:
    """By trying every program, for a few forms of three inputs."""

    def upright(vector: tuple[int, ...]) -> tuple[int, ...]:
        reduced = tuple(x % p for x in vector) if p else vector
        opposite = tuple(-x % p for x in vector) if p else tuple(-x for x in vector)
        return max(reduced, opposite)

    inputs = {upright(tuple(int(j == k) for j in range(matrix.shape[1]))) for k in range(matrix.shape[1])}
    wanted = {upright(tuple(row)) for row in matrix.tolist()} - inputs - {(0,) * matrix.shape[1]}

    def reach(known: frozenset[tuple[int, ...]], left: int) -> bool:
        missing = wanted - known
        if not missing or len(missing) > left:
            return not missing
        sums = {
            upright(tuple(a + s * b for a, b in zip(x, y, strict=True)))
            for x, y in itertools.combinations_with_replacement(sorted(known), 2)
            for s in (1, -1)
        } - known
        return any(reach(known | {one}, left - 1) for one in sums)

    return next(k for k in itertools.count() if reach(frozenset(inputs), k))


@pytest.mark.parametrize("characteristic", [0, 2, 3])
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_shortest_program_is_what_trying_all_programs_finds(characteristic: int, data: st.DataObject) -> None:
    matrix = data.draw(matrices(characteristic, rows=3, columns=3))
    assert proof_of(plain(matrix, characteristic)).program.operations.additions == fewest(matrix, characteristic)


@pytest.mark.parametrize("characteristic", [0, 2, 3])
@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 100))
def test_chains_compute_the_forms_and_never_grow(characteristic: int, data: st.DataObject, seed: int) -> None:
    matrix = data.draw(matrices(characteristic))
    program = shorten(matrix, characteristic)
    short = shortened(program, 20, seed)
    assert (forms(short) == forms(program)).all()
    assert short.operations.additions <= program.operations.additions
    search = proof_of(short)
    assert (forms(search.program) == forms(program)).all()
    assert search.program.operations.additions <= short.operations.additions
    assert search.proof == proof_of(program, seed).proof


@settings(max_examples=15, deadline=None)
@given(matrices(0, rows=3, columns=5))
def test_transposition_carries_proofs_over(matrix: np.ndarray) -> None:
    if not (matrix.any(axis=0).all() and matrix.any(axis=1).all()):
        with pytest.raises(ProgramError, match="a form is 0 or an input is unused"):
            Exhaustion(plain(matrix))
        return
    turned = proof_of(transposed(plain(matrix)))
    assert proof_of(plain(matrix)).program.operations.additions == turned.program.operations.additions + 5 - len(matrix)


def test_the_sides_of_winograds_scheme_take_four_four_and_seven() -> None:
    """Probert 1976: 15 additions are the fewest for 2x2x2 with 7 products."""
    proofs = [proof_of(part).proof for part in short_program(winograd()).programs]
    assert [proof.additions for proof in proofs if proof] == [4, 4, 7]
    proofs = [proof_of(part).proof for part in short_program(strassen()).programs]
    assert [proof.additions for proof in proofs if proof] == [5, 5, 8]


def test_a_hadamard_matrix_of_four_rows_takes_eight() -> None:
    matrix = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], dtype=object)
    proof = proof_of(plain(matrix)).proof
    assert proof is not None
    assert (proof.additions, proof.helpers) == (8, 4)


@pytest.mark.parametrize("slice_", [1, 7, NODES])
def test_slices_of_any_size_look_at_the_same_helpers(slice_: int) -> None:
    matrix = np.array([[1, 1, 0, 1], [0, 1, 1, -1], [1, 0, -1, 1], [1, -1, 1, 1]], dtype=object)
    search = Exhaustion(plain(matrix))
    while search.proof is None:
        search.advance(slice_)
    assert search.proof == proof_of(plain(matrix)).proof


def test_other_coefficients_have_no_chains() -> None:
    program = plain(np.array([[2, 1]], dtype=object))
    assert shortened(program, 5) is program
    with pytest.raises(ProgramError, match="-1, 0 and 1"):
        Exhaustion(program)
    with pytest.raises(ProgramError, match="-1, 0 and 1"):
        Chain(program, 0)
    with pytest.raises(ProgramError):
        Exhaustion(plain(np.ones((33, 33), dtype=object), 3))


def test_words_modulo_three_are_added_like_residues() -> None:
    kernel = compiled()
    code = {0: 0, 1: 1, 2: 1 << 32}
    for x, y in itertools.product(range(3), repeat=2):
        assert int(kernel.plus(np.uint64(code[x]), np.uint64(code[y]), 3)) == code[(x + y) % 3]
        assert int(kernel.negative(np.uint64(code[x]), 3)) == code[-x % 3]
